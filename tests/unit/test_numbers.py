"""Numbers from carriers and people: what is one, what is none, and that nothing gets through raw."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_conf.prompts import wording
from crm.edge import numbers

pytestmark = pytest.mark.unit

AUSTIN = "+15125550123"


@pytest.mark.parametrize(
    "written",
    [
        "5125550123",
        "15125550123",
        "+15125550123",
        "+1 (512) 555-0123",
        "(512) 555-0123",
        "512.555.0123",
        "011 1 512 555 0123",
        " 512-555-0123 ",
    ],
)
def test_every_way_of_writing_a_number_finds_the_same_person(written: str) -> None:
    assert numbers.parse(written, "US") == AUSTIN


def test_a_number_is_read_the_way_of_its_region() -> None:
    assert numbers.parse("020 7946 0018", "GB") == "+442079460018"
    assert numbers.parse("00 44 20 7946 0018", "DE") == "+442079460018"


@pytest.mark.parametrize(
    ("shown", "number"),
    [
        ("5125550123", AUSTIN),
        ("95125550123", AUSTIN),
        ("9011442079460018", "+442079460018"),
        ("00442079460018", "+442079460018"),
        ("442079460018", "+442079460018"),
        ("+442079460018", "+442079460018"),
        ("6001", None),
        ("+6001", None),
        ("919876543210", None),
        ("anonymous", None),
        ("5" * 300, None),
    ],
)
def test_a_callers_number_is_read_as_phone_systems_and_carriers_write_it(shown: str, number: str | None) -> None:
    assert numbers.caller(shown, "US", "9") == number


def test_digits_that_could_be_two_numbers_are_none_until_the_trunk_says_how_it_writes_them() -> None:
    """India's +91 98765 43210, or 9 for an outside line."""
    assert numbers.caller("919876543210", "US", "9", [("", True)]) == "+919876543210"
    assert numbers.caller("919876543210", "US", "9", [("9", False)]) == "+19876543210"
    assert numbers.caller("919876543210", "US", "") == "+919876543210"
    assert numbers.caller("85125550123", "US", "9", [("8", False)]) == AUSTIN
    assert numbers.caller("5125550123", "US", "9", [("8", False)]) == AUSTIN, "the country's rules hold, too"
    assert numbers.caller("4930123456", "DE", "", [("", True)]) == "+4930123456"
    assert numbers.caller("442079460018", "US", "9", [("8", False)]) is None, "the trunk has said how it writes them"


@pytest.mark.parametrize(
    ("shown", "digits"), [("6001", "6001"), ("+60 01", "+6001"), ("lobby", ""), ("1" * 20, ""), ("", ""), (None, "")]
)
def test_what_cannot_be_read_is_kept_as_digits(shown: str | None, digits: str) -> None:
    assert numbers.unread_digits(shown) == digits


@pytest.mark.parametrize("written", ["5550142", "555-0142", "95550142", "9 555 0142"])
def test_seven_digits_are_dialled_within_the_offices_area_code(written: str) -> None:
    assert numbers.dialled(written, "US", "9", "512") == "+15125550142"
    assert numbers.dialled(written, "US", "9") is None
    assert numbers.typed("+442079460000", "US", "512") == "+442079460000"
    assert numbers.typed("1234567", "US", "512") is None, "no exchange begins with 1"


def test_an_area_code_the_library_does_not_know_yet_is_a_number() -> None:
    assert numbers.parse("2235550123", "US") == "+12235550123"
    assert numbers.parse("9995550123", "US") == "+19995550123"


@pytest.mark.parametrize(
    "junk",
    [
        None,
        "",
        " ",
        "+",
        "anonymous",
        "Anonymous",
        "withheld",
        "Restricted",
        "unavailable",
        "unknown",
        "asterisk",
        "6001",
        "911",
        "0000000000",
        "1-800-FLOWERS",
        "5" * 300,
        '"Bob" <5125550123>',
        "${EXTEN}",
        "5125550123&SIP/evil",
        "5125550123\r\nX-Evil: 1",
        "5125550123\x00",
        "sip:5125550123@example.com",
        "٥١٢٥٥٥٠١٢٣",
        "５１２５５５０１２３",
        "5125550123;ext=12",
        "12",
        "+999999999999999",
    ],
)
def test_what_is_no_telephone_number_is_none(junk: str | None) -> None:
    assert numbers.parse(junk, "US") is None


@given(st.text(max_size=400) | st.text(alphabet="+0123456789-(). ", max_size=60))
def test_whatever_comes_in_only_e164_or_nothing_comes_out(raw: str) -> None:
    number = numbers.parse(raw, "US")
    assert number is None or re.fullmatch(r"\+[1-9][0-9]{6,14}", number)
    if number:
        assert numbers.parse(number, "US") == number


@given(st.text(max_size=400) | st.text(alphabet="+0123456789${}&\n", max_size=60))
def test_a_cleaned_did_is_safe_anywhere_and_cleaning_is_stable(raw: str) -> None:
    did = numbers.clean_did(raw, "US")
    assert re.fullmatch(r"|\+?[0-9]{1,40}", did)
    assert len(did) <= 40
    assert numbers.clean_did(did, "US") == did


@pytest.mark.parametrize(
    ("raw", "did"),
    [
        ("5125550123", AUSTIN),
        ("+1 512 555 0123", AUSTIN),
        ("6001", "6001"),
        ("+6001", "+6001"),
        ("ext. 6001", "6001"),
        ("${5125550123}", AUSTIN),
        ("s", ""),
        (None, ""),
        ("7" * 300, "7" * 40),
    ],
)
def test_a_did_is_e164_or_its_digits(raw: str | None, did: str) -> None:
    assert numbers.clean_did(raw, "US") == did


def test_numbers_for_eyes_and_ears() -> None:
    assert numbers.display(AUSTIN, "US") == "(512) 555-0123"
    assert numbers.display("+442079460018", "US") == "+44 20 7946 0018"
    assert numbers.display("6001", "US") == "6001"
    assert numbers.speak(AUSTIN, "US") == "5 1 2, 5 5 5, 0 1 2 3"
    assert numbers.speak("6001", "US") == "6 0 0 1"


@pytest.mark.parametrize(
    ("number", "zones", "state"),
    [
        ("+15125550123", ("America/Chicago",), "Texas"),
        ("+12065550123", ("America/Los_Angeles",), "Washington"),
        ("+12125550123", ("America/New_York",), "New York"),
        ("+442079460000", ("Europe/London",), ""),
        # A toll-free number is anywhere.
        ("+18005550123", (), ""),
        ("6001", (), ""),
        ("", (), ""),
    ],
)
def test_where_a_number_may_be(number: str, zones: tuple[str, ...], state: str) -> None:
    assert numbers.zones(number) == zones
    assert numbers.state(number) == state


def test_every_area_code_is_in_the_state_that_the_library_names() -> None:
    from phonenumbers import geocoder  # All places on earth, which takes a moment.

    for area_code in range(200, 1000):
        number = f"+1{area_code}5550123"
        # "Texas", "Washington State", "Austin, TX", or the country of a number of no place.
        place = geocoder.description_for_number(phonenumbers.parse(number), "en").removesuffix(" State")
        is_named = numbers.country(number) == "US" and place != "United States"
        state = wording.STATES.get(place.rpartition(", ")[2], place) if is_named else ""
        assert numbers.state(number) == state, area_code
