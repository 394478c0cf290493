"""Times and dates as people in an office write them: 9, 9am, 9:00 AM, 17:00, 12/24/2026, Dec 24, yesterday. Pure.

What could mean two things is read only where the habit is clear: dates with slashes have the month first, and in "9-5"
the second is after the first.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY = re.compile(
    r"mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?"
)
_CLOCK = re.compile(r"(?P<hour>\d{1,2})(?::?(?P<minute>\d\d))?\s*(?P<half>[ap]\.?m?\.?)?", re.ASCII)
_PRECISE = re.compile(r"\d\d:\d\d", re.ASCII)
_NAMED = {"noon": time(12), "midnight": time(0)}

_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})", re.ASCII)
_SLASHES = re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})(?:/(?P<year>\d{4}|\d\d))?", re.ASCII)
_WORDS = (
    re.compile(rf"(?P<name>{_MONTH})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<year>\d{{4}}))?", re.ASCII),
    re.compile(rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<name>{_MONTH})\.?(?:,?\s+(?P<year>\d{{4}}))?", re.ASCII),
)


def clock(raw: str) -> time | None:
    """A time of day; None for anything else. An hour alone is on the 24-hour clock."""
    text = raw.strip().lower()
    if text in _NAMED:
        return _NAMED[text]
    found = _CLOCK.fullmatch(text)
    # Three digits together, as in 930, are as likely to be something else.
    if not found or (found["minute"] and ":" not in text and len(found["hour"]) == 1 and not found["half"]):
        return None
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if half := found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half[0] == "p" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def span(raw: str) -> tuple[str, str] | None:
    """A span within one day, as HH:MM; its end may be 24:00. None for anything else.

    The first time has the half of the day that the second names, if it is before it then: 1-5pm begins at 13:00, 9-5pm
    at 09:00. Without any, 9-5 ends at 17:00; but who writes 09:00-05:00 means the 24-hour clock, and has it reversed.
    """
    first, dash, last = (part.strip().lower() for part in re.sub(r"\s*(?:–|—|\bto\b)\s*", "-", raw).partition("-"))
    if not dash:
        return None
    ends_day = last in ("24", "24:00", "midnight", "12am", "12:00am", "12 am", "12:00 am")
    opens, closes = clock(first), time.max if ends_day else clock(last)
    if opens is None or closes is None:
        return None
    names_half = [bool(re.search(r"[ap]\.?m?\.?$", part)) for part in (first, last)]
    if not names_half[0] and not ends_day and names_half[1] and closes >= time(12) and opens < time(12):
        later = opens.replace(hour=opens.hour + 12)
        opens = later if opens.hour >= 1 and later < closes else opens
    elif _PRECISE.fullmatch(first) and _PRECISE.fullmatch(last):
        pass
    elif not names_half[1] and closes <= opens < time(13) and closes < time(12):
        closes = closes.replace(hour=closes.hour + 12)
    if opens >= closes:
        return None
    return f"{opens:%H:%M}", "24:00" if ends_day else f"{closes:%H:%M}"


SEVERAL_DAYS = {"daily": "mon-sun", "everyday": "mon-sun", "weekdays": "mon-fri", "weekends": "sat,sun"}


def joined(raw: str) -> str:
    """A line such as 'Monday to Friday 9 AM - 5 PM' with each list of days, and each span, as one word."""
    text = re.sub(r"\s*(?:[-–—]|\b(?:to|until|through)\b)\s*", "-", raw.lower())
    text = re.sub(r"(?<=\d)\s+(?=[ap]\.?m\b)", "", text).replace("every day", "daily")
    return re.sub(r"\s*(?:,|&|\band\b)\s*", ",", text)


def weekday(raw: str) -> int | None:
    """0 for Monday, by its name or the beginning of it."""
    text = raw.strip().lower().removesuffix(".")
    return WEEKDAYS.index(text[:3]) if _WEEKDAY.fullmatch(text) else None


def day(raw: str, today: date | None = None) -> date | None:
    """A date; None for anything else. With `today` also today, tomorrow, yesterday, and a date without a year, which is
    the next one."""
    text = " ".join(raw.lower().replace(",", ", ").split())
    if today:
        near = {"today": 0, "tomorrow": 1, "yesterday": -1}.get(text)
        if near is not None:
            return today + timedelta(days=near)
    found = next((match for form in (_ISO, _SLASHES, *_WORDS) if (match := form.fullmatch(text))), None)
    if not found:
        return None
    parts = found.groupdict()
    month = int(parts["month"]) if "month" in parts else _MONTHS.index(parts["name"][:3]) + 1
    if parts["year"]:
        year = int(parts["year"]) + (2000 if len(parts["year"]) == 2 else 0)
        return _date(year, month, int(parts["day"]))
    if today is None:
        return None
    this_year = _date(today.year, month, int(parts["day"]))
    return this_year if this_year and this_year >= today else _date(today.year + 1, month, int(parts["day"]))


def _date(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None
