"""Codes keyed in a talk."""

from __future__ import annotations

import pytest

from ari_app.call.codes import FORGOTTEN_SECONDS, Keys
from crm.config import Talk

pytestmark = pytest.mark.unit


def pressed(keys: str, talk: Talk | None = None, pause: float = 0.2) -> list[str]:
    collected = Keys(talk or Talk())
    found = (collected.press(key, at * pause) for at, key in enumerate(keys, start=1))
    return [code for code in found if code]


@pytest.mark.parametrize(
    ("keys", "codes"),
    [("*1", ["*1"]), ("12345*2", ["*2"]), ("**4", ["*4"]), ("*3*3", ["*3", "*3"]), ("1234567890#", []), ("*9", [])],
)
def test_a_code_is_found_wherever_it_is_keyed(keys: str, codes: list[str]) -> None:
    assert pressed(keys) == codes


def test_keys_with_a_long_pause_between_them_are_no_code() -> None:
    assert pressed("*1", pause=FORGOTTEN_SECONDS + 0.1) == []


def test_a_code_can_be_switched_off_and_changed() -> None:
    assert pressed("*1*2", Talk(blind_transfer="", attended_transfer="#22")) == []
    assert pressed("#22", Talk(attended_transfer="#22")) == ["#22"]
