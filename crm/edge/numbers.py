"""Telephone numbers: from whatever a carrier or a person wrote to E.164, and back to something readable."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

# Longer than any way of writing a number; nothing longer is even looked at.
_LONGEST = 40
_WRITTEN = re.compile(r"[0-9+()./\- ]+", re.ASCII)
_NORTH_AMERICAN = re.compile(r"[2-9]\d{2}[2-9]\d{6}", re.ASCII)


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


def _is_new_area_code(number: phonenumbers.PhoneNumber) -> bool:
    # New area codes open between two releases of the library. Such a caller must not count as withheld.
    return number.country_code == 1 and _NORTH_AMERICAN.fullmatch(str(number.national_number)) is not None
