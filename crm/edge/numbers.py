"""Phone numbers: from whatever a carrier or a person wrote to E.164, and back to something readable."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

# Longer than any way of writing a number; anything longer is not parsed.
_LONGEST = 40
_MOST_DIGITS = 19
"""With the prefixes that phone systems add; E.164 has at most 15."""
_LEAST_WITH_COUNTRY = 9
_WRITTEN = re.compile(r"[0-9+()./\- ]+", re.ASCII)
_SEVEN_DIGITS = ("US", "CA")
_LOCAL = re.compile(r"[2-9][0-9]{2}[-. ]?[0-9]{4}", re.ASCII)
_NORTH_AMERICAN = re.compile(r"[2-9]\d{2}[2-9]\d{6}", re.ASCII)

_MOST_ZONES = 4
_AREA_CODES = {
    "Alabama": "205 251 256 334 659 938",
    "Alaska": "907",
    "Arizona": "480 520 602 623 928",
    "Arkansas": "327 479 501 870",
    "California": (
        "209 213 279 310 323 341 350 369 408 415 424 442 510 530 559 562 619 626 628 650 657 661 669 707 714 "
        "738 747 760 805 818 820 831 840 858 909 916 925 949 951"
    ),
    "Colorado": "303 719 720 748 970 983",
    "Connecticut": "203 475 860 959",
    "Delaware": "302",
    "Washington D.C.": "202 771",
    "Florida": "239 305 321 324 352 386 407 448 561 645 656 689 727 728 754 772 786 813 850 863 904 941 954",
    "Georgia": "229 404 470 478 678 706 762 770 912 943",
    "Hawaii": "808",
    "Idaho": "208 986",
    "Illinois": "217 224 309 312 331 447 464 618 630 708 730 773 779 815 847 872",
    "Indiana": "219 260 317 463 574 765 812 930",
    "Iowa": "319 515 563 641 712",
    "Kansas": "316 620 785 913",
    "Kentucky": "270 364 502 606 859",
    "Louisiana": "225 318 337 504 985",
    "Maine": "207",
    "Maryland": "227 240 301 410 443 667",
    "Massachusetts": "339 351 413 508 617 774 781 857 978",
    "Michigan": "231 248 269 313 517 586 616 734 810 906 947 989",
    "Minnesota": "218 320 507 612 651 763 952",
    "Mississippi": "228 601 662 769",
    "Missouri": "235 314 417 557 573 636 660 816 975",
    "Montana": "406",
    "Nebraska": "308 402 531",
    "Nevada": "702 725 775",
    "New Hampshire": "603",
    "New Jersey": "201 551 609 640 732 848 856 862 908 973",
    "New Mexico": "505 575",
    "New York": "212 315 329 332 347 363 516 518 585 607 631 646 680 716 718 838 845 914 917 929 934",
    "North Carolina": "252 336 472 704 743 828 910 919 980 984",
    "North Dakota": "701",
    "Ohio": "216 220 234 283 326 330 380 419 440 513 567 614 740 937",
    "Oklahoma": "405 539 572 580 918",
    "Oregon": "458 503 541 971",
    "Pennsylvania": "215 223 267 272 412 445 484 570 582 610 717 724 814 835 878",
    "Rhode Island": "401",
    "South Carolina": "803 821 839 843 854 864",
    "South Dakota": "605",
    "Tennessee": "423 615 629 731 865 901 931",
    "Texas": (
        "210 214 254 281 325 346 361 409 430 432 469 512 682 713 726 737 806 817 830 832 903 915 936 940 945 "
        "956 972 979"
    ),
    "Utah": "385 435 801",
    "Vermont": "802",
    "Virginia": "276 434 540 571 686 703 757 804 826 948",
    "Washington": "206 253 360 425 509 564",
    "West Virginia": "304 681",
    "Wisconsin": "262 274 353 414 534 608 715 920",
    "Wyoming": "307",
}
"""Area codes of the US states. phonenumbers has them as well, along with all places on earth: 100 MB."""
_STATES = {code: state for state, codes in _AREA_CODES.items() for code in codes.split()}


def parse(raw: str | None, region: str) -> str | None:
    """Returns E.164, or None for anything other than a phone number: withheld, an extension, words, junk of any length.

    `region` is the country (ISO 3166) whose rules apply to a number without a country code.
    """
    written = _plain(raw or "").strip()
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


def typed(raw: str | None, region: str, area_code: str) -> str | None:
    """Like `parse`, for what somebody in the office wrote: seven digits are a number of the office's `area_code`; where
    that is empty, they are none."""
    number = parse(raw, region)
    if number is None and area_code and _LOCAL.fullmatch(written := _plain(raw or "").strip()):
        return parse(f"{area_code}{written}", region)
    return number


def lacks_area_code(raw: str, region: str, area_code: str) -> bool:
    """Whether these are seven digits that would be a number if the office's `area_code` were known."""
    return not area_code and region in _SEVEN_DIGITS and bool(_LOCAL.fullmatch(_plain(raw).strip()))


def _plain(raw: str) -> str:
    """What was copied from a web page or a document, with ordinary spaces and hyphens, and without marks that cannot be
    seen."""
    if raw.isascii() or len(raw) > 2 * _LONGEST:
        return raw
    ordinary = {"Zs": " ", "Pd": "-", "Cf": ""}
    return "".join(ordinary.get(unicodedata.category(character), character) for character in raw)


_WITHHELD = {"", "anonymous", "unknown", "restricted", "private", "unavailable", "withheld"}


def is_withheld(raw: str | None) -> bool:
    """Whether a caller withholds the number; False for an extension or something malformed."""
    return (raw or "").strip().lower() in _WITHHELD


def dialled(raw: str | None, region: str, outside_prefix: str = "", area_code: str = "") -> str | None:
    """Returns E.164 of what a person dialed, with or without the prefix for an outside line (usually 9), and without
    the office's `area_code` or with it; else None."""
    # Without removing the prefix first: a number may begin with its digits, as area code 901 does.
    if number := typed(raw, region, area_code):
        return number
    digits = re.sub(r"[^0-9+]", "", raw or "")
    if outside_prefix and digits.startswith(outside_prefix):
        return typed(digits.removeprefix(outside_prefix), region, area_code)
    return None


def caller(
    raw: str | None, region: str, outside_prefix: str = "", forms: Iterable[tuple[str, bool]] = ()
) -> str | None:
    """Returns E.164 of a caller's number as a trunk gives it; None if it cannot be read, or could be two numbers.

    `forms` are those of the trunk's numbers, which count before the country's rules: the digits that come first, and
    whether the country code follows. Without any, a number that is
    none by these rules may have the outside prefix before it, as an office's phone system gives it to be dialed, or
    its country code without a +, with or without the 00 that most countries dial.
    """
    digits = _digits(raw)
    if digits is None or (raw or "").strip().startswith("+"):
        return parse(raw, region)
    own = list(forms)
    for form in own:
        if number := _in_form(digits, *form, region):
            return number
    if (number := parse(raw, region)) or own:
        return number
    usual = [("00", True), ("", True), *([(outside_prefix, False)] if outside_prefix else [])]
    readings = {number for form in usual if (number := _in_form(digits, *form, region))}
    return readings.pop() if len(readings) == 1 else None


def unread_digits(raw: str | None) -> str:
    """The digits of a number that cannot be read, such as an extension, with its + if it has one; "" for words, and
    for more digits than any number has."""
    digits = _digits(raw) or ""
    return ("+" if (raw or "").strip().startswith("+") else "") + digits if len(digits) <= _MOST_DIGITS else ""


def _digits(raw: str | None) -> str | None:
    """Those of something written as a number; None for anything else."""
    written = (raw or "").strip()
    digits = re.sub(r"[^0-9]", "", written)
    return digits if digits and len(written) <= _LONGEST and _WRITTEN.fullmatch(written) else None


def _in_form(digits: str, prefix: str, international: bool, region: str) -> str | None:
    rest = digits.removeprefix(prefix)
    if prefix and rest == digits:
        return None
    if not international:
        return parse(rest, region)
    # Anything shorter is more likely an extension.
    return parse(f"+{rest}", region) if len(rest) >= _LEAST_WITH_COUNTRY else None


def country(number: str) -> str:
    """Returns the ISO 3166 code of a number's country (E.164); 001 for numbers of none (satellite), "" if unknown.

    +1 is shared by 25 countries; area codes tell them apart.
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
_SERVICES = {
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.UAN,
}


def is_costly(number: str) -> bool:
    """Whether the numbering plan marks the number (E.164) as one that may cost the caller extra."""
    try:
        return phonenumbers.number_type(phonenumbers.parse(number, None)) in _COSTLY
    except NumberParseException:
        return True


def is_service(number: str) -> bool:
    """Whether the numbering plan says that a number (E.164) is a company's or a service's, such as a toll-free one, and
    never a person's."""
    try:
        return phonenumbers.number_type(phonenumbers.parse(number, None)) in _SERVICES
    except NumberParseException:
        return False


def is_landline(number: str) -> bool:
    """Whether the numbering plan says that no text reaches a number (E.164). In North America it never says so."""
    try:
        return phonenumbers.number_type(phonenumbers.parse(number, None)) == PhoneNumberType.FIXED_LINE
    except NumberParseException:
        return False


def clean_did(raw: str | None, region: str) -> str:
    """Returns a dialed number as lines are stored: E.164, or else its digits, with its + if it had one; at most 40
    characters.

    So an extension of the office's own phone system (6001) works as a line. Returns "" if there is no digit.
    """
    if number := parse(raw, region):
        return number
    written = raw or ""
    digits = re.sub(r"[^0-9]", "", written)
    if not digits:
        return ""
    cleaned = (("+" if written.lstrip().startswith("+") else "") + digits)[:_LONGEST]
    # What was no number with its punctuation may be one without it; cleaning the result again must not change it.
    return parse(cleaned, region) or cleaned


@lru_cache(500)
def display(number: str, region: str) -> str:
    """Formats a number for people: (512) 555-0100 within the region, +44 20 7946 0000 abroad; others as they are."""
    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        return number
    at_home = parsed.country_code == phonenumbers.country_code_for_region(region)
    style = PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, style)


def national(number: str) -> str:
    """The digits of a number (E.164) after its country's; empty if it is none."""
    try:
        return phonenumbers.national_significant_number(phonenumbers.parse(number, None))
    except NumberParseException:
        return ""


def speak(number: str, region: str) -> str:
    """Formats a number for text to speech: digit by digit, with a comma between the groups."""
    groups = re.findall(r"\d+", display(number, region))
    return ", ".join(" ".join(group) for group in groups)


def zones(number: str) -> tuple[str, ...]:
    """Returns the time zones (IANA) that a number may be in, by its prefix; none for toll-free and other non-geographic
    ones."""
    from phonenumbers import timezone

    try:
        found = timezone.time_zones_for_number(phonenumbers.parse(number, None))
    except NumberParseException:
        return ()
    # A toll-free number has all zones of its country, which says nothing; an area code has one or two.
    return () if len(found) > _MOST_ZONES else tuple(zone for zone in found if zone != "Etc/Unknown")


def state(number: str) -> str:
    """Returns the US state that an area code (number in E.164) belongs to; "" if unknown."""
    return _STATES.get(number[2:5], "") if number.startswith("+1") else ""


def _is_new_area_code(number: phonenumbers.PhoneNumber) -> bool:
    # New area codes open between two releases of the library. Such a caller must not count as withheld.
    return number.country_code == 1 and _NORTH_AMERICAN.fullmatch(str(number.national_number)) is not None
