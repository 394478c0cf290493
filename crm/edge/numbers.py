"""Telephone numbers: from whatever a carrier or a person wrote to E.164, and back to something readable."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

# Longer than any way of writing a number; nothing longer is even looked at.
_LONGEST = 40
_WRITTEN = re.compile(r"[0-9+()./\- ]+", re.ASCII)
_NORTH_AMERICAN = re.compile(r"[2-9]\d{2}[2-9]\d{6}", re.ASCII)

_MOST_ZONES = 4
STATES = {
    "AL": "Alabama",
    "AK": "Alaska",
    "AZ": "Arizona",
    "AR": "Arkansas",
    "CA": "California",
    "CO": "Colorado",
    "CT": "Connecticut",
    "DE": "Delaware",
    "DC": "Washington D.C.",
    "FL": "Florida",
    "GA": "Georgia",
    "HI": "Hawaii",
    "ID": "Idaho",
    "IL": "Illinois",
    "IN": "Indiana",
    "IA": "Iowa",
    "KS": "Kansas",
    "KY": "Kentucky",
    "LA": "Louisiana",
    "ME": "Maine",
    "MD": "Maryland",
    "MA": "Massachusetts",
    "MI": "Michigan",
    "MN": "Minnesota",
    "MS": "Mississippi",
    "MO": "Missouri",
    "MT": "Montana",
    "NE": "Nebraska",
    "NV": "Nevada",
    "NH": "New Hampshire",
    "NJ": "New Jersey",
    "NM": "New Mexico",
    "NY": "New York",
    "NC": "North Carolina",
    "ND": "North Dakota",
    "OH": "Ohio",
    "OK": "Oklahoma",
    "OR": "Oregon",
    "PA": "Pennsylvania",
    "RI": "Rhode Island",
    "SC": "South Carolina",
    "SD": "South Dakota",
    "TN": "Tennessee",
    "TX": "Texas",
    "UT": "Utah",
    "VT": "Vermont",
    "VA": "Virginia",
    "WA": "Washington",
    "WV": "West Virginia",
    "WI": "Wisconsin",
    "WY": "Wyoming",
}
"""Postal abbreviations, and the names as phonenumbers writes them."""


def parse(raw: str | None, region: str) -> str | None:
    """E.164, or None for anything that is no telephone number: withheld, an extension, words, junk of any length.

    `region` is the country (ISO 3166) in whose way a number without +country is read.
    """
    written = (raw or "").strip()
    # Letters are refused before phonenumbers sees them: it would read them as the digits on their keys (1-800-FLOWERS),
    # and "anonymous" could become a number.
    if len(written) > _LONGEST or not _WRITTEN.fullmatch(written):
        return None
    try:
        number = phonenumbers.parse(written, region)
    except NumberParseException:
        return None
    if phonenumbers.is_valid_number(number) or _is_new_area_code(number):
        return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return None


_WITHHELD = {"", "anonymous", "unknown", "restricted", "private", "unavailable", "withheld"}


def is_withheld(raw: str | None) -> bool:
    """Whether a caller shows no number on purpose; an extension or something malformed is not that."""
    return (raw or "").strip().lower() in _WITHHELD


def dialled(raw: str | None, region: str, outside_prefix: str = "") -> str | None:
    """E.164 of what a person keyed: as they would anywhere, or after the digits that an office dials first, as in 9."""
    # As it stands first: 901 is a digit and two, and an area code.
    if number := parse(raw, region):
        return number
    digits = re.sub(r"[^0-9+]", "", raw or "")
    if outside_prefix and digits.startswith(outside_prefix):
        return parse(digits.removeprefix(outside_prefix), region)
    return None


def country(number: str) -> str:
    """ISO 3166 code of where a number (E.164) is at home; 001 for none, such as a satellite's, "" when nobody knows.

    +1 is 25 countries; their area codes tell them apart.
    """
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number, None)) or ""
    except NumberParseException:
        return ""


_COSTLY = {
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER,
    PhoneNumberType.UAN,
    PhoneNumberType.PAGER,
    PhoneNumberType.VOICEMAIL,
}


def is_costly(number: str) -> bool:
    """Whether the numbering plan has the number (E.164) as one that costs the caller extra, or may."""
    try:
        return phonenumbers.number_type(phonenumbers.parse(number, None)) in _COSTLY
    except NumberParseException:
        return True


def clean_did(raw: str | None, region: str) -> str:
    """The number dialled, as lines are stored: E.164, else its digits, after a + if it had one, at most 40 characters.

    So an extension of the office's own phone system (6001) works as a line; "" when there is no digit.
    """
    if number := parse(raw, region):
        return number
    written = raw or ""
    digits = re.sub(r"[^0-9]", "", written)
    if not digits:
        return ""
    cleaned = (("+" if written.lstrip().startswith("+") else "") + digits)[:_LONGEST]
    # What was no number with its decoration may be one without: cleaning again must change nothing.
    return parse(cleaned, region) or cleaned


def display(number: str, region: str) -> str:
    """A number for people's eyes: (512) 555-0100 within the region, +44 20 7946 0000 outside; others as they are."""
    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        return number
    at_home = parsed.country_code == phonenumbers.country_code_for_region(region)
    style = PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, style)


def speak(number: str, region: str) -> str:
    """A number as a voice should read it: digit by digit, a comma between the groups."""
    groups = re.findall(r"\d+", display(number, region))
    return ", ".join(" ".join(group) for group in groups)


def zones(number: str) -> tuple[str, ...]:
    """Time zones (IANA) the number may be in, from its prefix; none for one without place, as toll-free ones are."""
    from phonenumbers import timezone

    try:
        found = timezone.time_zones_for_number(phonenumbers.parse(number, None))
    except NumberParseException:
        return ()
    # A toll-free number is at home in all zones of its country, which says nothing; an area code lies in one or two.
    return () if len(found) > _MOST_ZONES else tuple(zone for zone in found if zone != "Etc/Unknown")


def load_places() -> None:
    """Loads the names of all places on earth, which takes half a second: in a thread, before `state` is needed."""
    from phonenumbers import geocoder  # noqa: F401


def state(number: str) -> str:
    """Name of the state of the United States whose area code this is; "" when it is not known."""
    # Here and not at the top: only who sends texts needs it, and it is slow (load_places).
    from phonenumbers import geocoder

    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        return ""
    if parsed.country_code != 1:
        return ""
    # "Texas", "Washington State", or a city in some: "Austin, TX".
    place = geocoder.description_for_number(parsed, "en").removesuffix(" State")
    return STATES.get(place.rpartition(", ")[2], "") or (place if place in STATES.values() else "")


def _is_new_area_code(number: phonenumbers.PhoneNumber) -> bool:
    # New area codes open between two releases of the library. Such a caller must not count as withheld.
    return number.country_code == 1 and _NORTH_AMERICAN.fullmatch(str(number.national_number)) is not None
