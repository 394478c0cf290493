"""What is kept of a decision can be decided again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given

from crm.config import Config, ConfigError
from crm.domain.calls import Routed
from crm.domain.choosing import KeyedAnswer, PropertyChoice, Question
from crm.domain.hours import weekly
from crm.domain.routing import TEAM, OfficeFacts, OfficeState, People, RoutePlan, RoutingInputs, decide
from crm.services.routing import replays
from crm.services.routing.replays import Changes
from crm.store import decisions, facts
from crm.store.models import RoutingDecision
from tests.unit import routes_of_any_kind as any_kind

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 2, 16, tzinfo=UTC)
LIVE = RoutingInputs(
    now=NOW,
    line_known=True,
    answers=(KeyedAnswer(Question.MENU, TEAM),),
    choice=PropertyChoice("The line is Elm's.", "elm"),
    people=People(subteam=("alice",), everyone=("alice",), available=frozenset(("alice",)), owner="alice"),
)


@given(any_kind.inputs | any_kind.to_the_team)
def test_what_is_kept_of_any_decision_is_decided_again_alike(inputs: RoutingInputs) -> None:
    inputs = replace(inputs, people=replace(inputs.people, roster=tuple(sorted(inputs.people.available))))
    told = facts.decode(facts.encode(decisions.told("f", "c", NOW, inputs, decide(inputs))))
    kept = RoutingDecision(**decisions.values_of(told))
    rosters = {kept.roster: list(inputs.people.roster)} if kept.roster else {}
    again = replays.from_stored(decisions.inputs_of(kept, rosters))
    assert msgspec.convert(decisions.plan_of(kept, rosters), RoutePlan) == decide(inputs)
    assert again == inputs
    assert decide(again) == decide(inputs)
    assert replays.under(again, Changes(), {}) == inputs


def test_what_an_older_version_kept_is_read_with_defaults_and_what_a_newer_one_added_is_left_out() -> None:
    kept = msgspec.to_builtins(LIVE)
    del kept["waiting"], kept["rules"]["desk_seconds"]
    kept["mood"] = "hasty"
    assert replays.from_stored(kept) == LIVE
    assert replays.from_stored({}) is None
    assert replays.from_stored({**kept, "answers": [{"question": "shoe size", "keys": "1"}]}) is None


def test_changed_rules_replace_only_what_they_name() -> None:
    shorter = replays.under(LIVE, Changes({"subteam_seconds": 5.0}), {})
    assert decide(shorter).stages[0].seconds == 5
    assert shorter == replace(LIVE, rules=replace(LIVE.rules, subteam_seconds=5.0))


def test_changed_hours_close_the_office_but_leave_holidays_as_they_were() -> None:
    week = ((0, "12:00", "18:00"),)
    changes = Changes(hours={replays.OFFICE: week})
    schedules = {"": weekly(week, ZoneInfo("America/Chicago"))}
    closed = replays.under(LIVE, changes, schedules)
    assert (closed.office.state, closed.office.opens_at) == (OfficeState.CLOSED, datetime(2026, 3, 2, 18, tzinfo=UTC))
    later = replace(LIVE, now=datetime(2026, 3, 2, 19, tzinfo=UTC))
    assert replays.under(later, changes, schedules).office == OfficeFacts()
    holiday = replace(later, office=OfficeFacts(OfficeState.HOLIDAY, "New Year's Day"))
    assert replays.under(holiday, changes, schedules).office == holiday.office


def test_changed_due_times_are_counted_in_opening_hours() -> None:
    schedules = {"": weekly(((0, "12:00", "18:00"),), ZoneInfo("America/Chicago"))}
    due = replays.under(LIVE, Changes(due={"due_at": 30}), schedules)
    assert due.due_at == datetime(2026, 3, 2, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[ring]\nsubteam_minutes = 5\n", "subteam_minutes"),
        ("[ring]\nsubteam_seconds = 'five'\n", "ring.subteam_seconds"),
        ("[ring]\nsubteam_seconds = -1\n", "ring.subteam_seconds may not be negative"),
        ("[voicemail]\nkeep_days = 5\n", "voicemail.keep_days does not affect routing"),
        ("timezone = 'America/Denver'\n", "timezone does not affect routing"),
        ("ring = 5\n", "ring"),
        ("[hours]\noffice = 'mon-fri 09:00-18:00'\n", "hours.office is a list"),
        ("[hours]\noffice = ['someday']\n", "hours.office"),
        ("hours = 7\n", "[hours] is a table"),
        ("[ring\n", "not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_is_refused_with_the_key(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "new.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        replays.read(Config(tmp_path), file)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_names_the_rules_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "new.toml"
    file.write_text(
        "[ring]\nsubteam_seconds = 5\n[queue]\nenabled = false\n[menu]\nlanguages = ['es']\n[tasks]\ndue_minutes = 30\n"
        "[hours]\noffice = ['mon 09:00-10:00']\n"
    )
    assert replays.read(Config(tmp_path), file) == Changes(
        {"subteam_seconds": 5.0, "queue": False, "languages": ("es",)},
        {"due_at": 30},
        {"office": ((0, "09:00", "10:00"),)},
    )


def test_a_decision_of_an_older_version_is_read_in_todays_words() -> None:
    row = RoutingDecision(plan={"path": "message", "rule": "closed", "otherwise": ["queue", "message"]}, reasons=[])
    found = decisions.plan_of(row, {})
    assert (found["path"], found["otherwise"]) == ("voicemail", ["queue", "voicemail"])
    asked = RoutingDecision(inputs={"place": {"slug": "elm", "name": "Elm"}})
    assert decisions.inputs_of(asked, {}) == {"property": {"slug": "elm", "name": "Elm"}}
    told = Routed("r", "c", NOW, rule="closed", path="message", reasons=(), stages=(), inputs={}, plan={}, roster=())
    assert decisions.values_of(told)["path"] == "voicemail"
