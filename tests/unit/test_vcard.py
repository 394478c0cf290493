"""One lead for address books."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Component

from crm.edge import vcard

pytestmark = pytest.mark.unit


def test_a_card_says_who_it_is_and_how_they_are_reached() -> None:
    found = vcard.file("Pat Q. Smith", ["+15125550188", "+15125550189"], ["pat@example.com"])
    assert found.split("\r\n") == [
        "BEGIN:VCARD",
        "VERSION:3.0",
        "N:Smith;Pat Q.;;;",
        "FN:Pat Q. Smith",
        "TEL;TYPE=VOICE:+15125550188",
        "TEL;TYPE=VOICE:+15125550189",
        "EMAIL;TYPE=INTERNET:pat@example.com",
        "END:VCARD",
        "",
    ]


@pytest.mark.parametrize(
    ("phones", "emails", "called"),
    [(["+15125550188"], [], "+15125550188"), ([], ["p@example.com"], "p@example.com"), ([], [], "unknown")],
)
def test_somebody_without_a_name_has_one_all_the_same(phones: list[str], emails: list[str], called: str) -> None:
    assert f"FN:{called}\r\n" in vcard.file("", phones, emails)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=200))
def test_whatever_a_name_is_it_adds_no_line_and_comes_back(name: str) -> None:
    text = vcard.file(name, ["+15125550188"], [])
    card = Component.from_ical(text)
    assert list(card) == ["VERSION", "N", "FN", "TEL"]
    if not set(name) & set(";,\\"):
        assert str(card["FN"]).split() == (name.split() or ["+15125550188"])


def test_a_name_cannot_add_lines() -> None:
    text = vcard.file("Pat\r\nTEL:+19005550100", [], [])
    assert not any(line.startswith("TEL") for line in text.split("\r\n"))
