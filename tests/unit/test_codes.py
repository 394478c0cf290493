"""Feature codes: what was dialled means one thing or nothing; codes that clash are refused when settings are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from crm.config import TAKES_EXTENSION, Codes, ConfigError, load
from crm.domain import codes
from crm.domain.codes import Action, Dialled

pytestmark = pytest.mark.unit

USUAL = msgspec.structs.asdict(Codes())
CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    ("dialled", "meant"),
    [
        ("*78", Dialled(Action.DND_ON)),
        ("*780", Dialled(Action.DND_ON_ALL)),
        ("*8", Dialled(Action.PICKUP)),
        ("*8101", Dialled(Action.PICKUP, "101")),
        ("*878", Dialled(Action.PICKUP, "78")),
        ("*97102", Dialled(Action.VOICEMAIL, "102")),
        ("*81", None),
        ("*81234567", None),
        ("*78101", None),
        ("*", None),
        ("", None),
        ("78", None),
        ("*8१२", None),
    ],
)
def test_what_was_dialled_means(dialled: str, meant: Dialled | None) -> None:
    found = codes.resolve(USUAL, dialled)
    assert found == meant


def test_every_code_of_the_settings_is_known_and_told(tmp_path: Path) -> None:
    assert {action.value for action in Action} <= USUAL.keys()
    assert {code.action: code.code for code in codes.listed(USUAL)} == {a.value: USUAL[a] for a in Action}
    assert {action.value for action in codes.WITH_EXTENSION} == set(TAKES_EXTENSION)


def test_each_usual_code_is_found_by_its_digits() -> None:
    for action in Action:
        assert codes.resolve(USUAL, USUAL[action]) == Dialled(action)


def test_a_code_that_is_switched_off_means_nothing_and_is_not_told() -> None:
    off = USUAL | {"pickup": "", "dnd_on": ""}
    assert codes.resolve(off, "*78") is None
    assert codes.resolve(off, "") is None
    assert codes.resolve(off, "101") is None
    assert "*8" not in [code.code for code in codes.listed(off)]


def home(folder: Path, text: str) -> Path:
    (folder / "leaseline.toml").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('dnd_on = "*79"', "codes.dnd_on and codes.dnd_off are the same"),
        ('pickup = "*7"', "cannot be told apart"),
        ('dnd_on = "78"', "is no code"),
        ('dnd_on = "*12345"', "is no code"),
        ('dnd_on = "*7#"', "is no code"),
        ('dnd_on = "*7\\n8"', "is no code"),
        ('dnd_on = "*٣"', "is no code"),
        ('dnd_on = "*911"', "looks like an emergency call"),
        ('dnd_on = 78', "Expected `str`"),
        ('dnd_onn = "*78"', "unknown field"),
    ],
)  # fmt: skip
def test_a_code_that_cannot_be_is_refused_with_its_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"leaseline\.toml") as refused:
        load(home(tmp_path, f"[codes]\n{text}\n"))
    assert said in str(refused.value)
    assert str(refused.value).isprintable()


def test_two_codes_that_are_switched_off_do_not_clash(tmp_path: Path) -> None:
    config = load(home(tmp_path, '[codes]\ndnd_on = ""\ndnd_off = ""\npickup = "*1"\n'))
    assert (config.codes.dnd_on, config.codes.pickup) == ("", "*1")


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (0.5, "5:30 p.m."),
        (7, "tomorrow at 12:00 a.m."),
        (19.5, "tomorrow at 12:30 p.m."),
        (48, "Wednesday at 5:00 p.m."),
    ],
)
def test_a_time_is_said_by_the_office_s_clock(hours: float, said: str) -> None:
    now = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)  # Monday, 17:00 in Chicago
    assert codes.when(now + timedelta(hours=hours), CHICAGO, now) == said
