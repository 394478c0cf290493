"""Checks of values for the fields of records. Each check returns the value as it is stored, or raises Invalid.

Many of them end up in Asterisk's configuration, in file names and on terminals, so the rules are narrow.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import groupby, pairwise
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crm.domain import written_times
from crm.domain.errors import Invalid

SLUG = re.compile(r"[a-z][a-z0-9-]{0,39}")
HOST_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
SIP_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@~-]{0,79}")
EMAIL = re.compile(
    r"[A-Za-z0-9._%+&'*/=?^~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,}"
)
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
DURATION = re.compile(r"(?=\d)(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?")

# An endpoint named `anonymous` would let anybody call without a password; the others name parts of our configuration.
RESERVED_DEVICES = {"anonymous", "general", "global", "system", "leaseline", "asterisk", "all"}
RESERVED_DEVICE_STARTS = ("trunk-", "transport-")

# A phone may place an emergency call as soon as these digits are keyed, so no extension begins with them.
EMERGENCY_STARTS = ("911", "9911", "933")
# The crisis lifeline, and emergency numbers of other countries, which mobile phones and visitors dial.
EMERGENCY = ("000", "112", "988", "999")


def slug(raw: str) -> str:
    """Checks a slug: 1 to 40 of a-z, 0-9 and -, beginning with a letter."""
    if not SLUG.fullmatch(raw):
        raise Invalid(
            f"{_shown(raw)} is not a short name: use 1 to 40 characters from a-z, 0-9 and -, beginning with a letter.",
            code="slug_invalid",
        )
    if raw == "none":
        raise Invalid("none stands for nothing: choose another short name.", code="slug_none")
    return raw


def device_slug(raw: str) -> str:
    """Checks the slug of a device. It names the SIP user and Asterisk's endpoint, so some are reserved."""
    if slug(raw) in RESERVED_DEVICES or raw.startswith(RESERVED_DEVICE_STARTS):
        raise Invalid(
            f"The name {raw} is reserved in Asterisk: choose another, such as alice-desk.",
            code="device_name_reserved",
            slug=raw,
        )
    return raw


def text(raw: str, what: str, longest: int, *, required: bool = False) -> str:
    """Checks one line of text for people, and strips it. `what` names it in the error: 'name', 'label'."""
    value = raw.strip()
    if required and not value:
        raise Invalid(f"The {what} is empty: write one.", code="text_empty", what=what)
    if len(value) > longest:
        raise Invalid(
            f"The {what} has {len(value)} characters: at most {longest} are kept, so shorten it.",
            code="text_too_long",
            what=what,
            length=len(value),
            longest=longest,
        )
    if not value.isprintable():
        raise Invalid(
            f"The {what} has line breaks or control characters: write it on one line without them.",
            code="text_unprintable",
            what=what,
        )
    return value


def email(raw: str) -> str:
    """Checks an email address; empty for none."""
    value = text(raw, "address", 200)
    if value and not (value.isascii() and EMAIL.fullmatch(value)):
        raise Invalid(
            f"{_shown(value)} is not an email address: write one like alice@example.com.", code="email_invalid"
        )
    return value


def url(raw: str, what: str) -> str:
    """Checks a web address that can be texted to people; empty for none."""
    value = text(raw, what, 500)
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username and parts.port != 0
    except ValueError:
        good = False
    if not good or any(character.isspace() or character in "<>\"'`{}|\\^" for character in value):
        raise Invalid(
            f"{_shown(value)} is not a web address: write one like https://example.com/homes.", code="url_invalid"
        )
    return value


def host(raw: str) -> str:
    """Checks a host name or IPv4 address."""
    value = raw.strip()
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError:
        labels = value.removesuffix(".").split(".")
    named = len(value) <= 200 and all(HOST_LABEL.fullmatch(label) for label in labels)
    # A last label made of digits means a mistyped address, such as 10.0.0.300.
    if not named or labels[-1].isdigit():
        raise Invalid(
            f"{_shown(raw)} is not a host: write a name like sip.example.com or an IPv4 address, without port.",
            code="host_invalid",
        )
    return value.removesuffix(".").lower()


def network(raw: str) -> str:
    """Checks an IPv4 address or network that a peer calls from."""
    try:
        found = ipaddress.IPv4Network(raw.strip(), strict=False)
    except ValueError:
        raise Invalid(
            f"{_shown(raw)} is not an IPv4 address or network: write one like 203.0.113.7 or 203.0.113.0/24.",
            code="network_invalid",
        ) from None
    if found.prefixlen < 8:
        raise Invalid(
            f"{_shown(raw)} lets in too much of the Internet: use the addresses the carrier names.",
            code="network_too_wide",
        )
    return str(found.network_address) if found.prefixlen == 32 else str(found)


WIDEST_PREFIX = 24
"""A carrier calls from a /24 at most; a larger network also has other hosts."""


def is_wide(raw: str) -> bool:
    """Whether a network is so large that somebody else may well have an address in it."""
    return ipaddress.IPv4Network(network(raw)).prefixlen < WIDEST_PREFIX


def is_address(host: str) -> bool:
    """Whether this is an IPv4 address, not a name."""
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def port(raw: int) -> int:
    if not 1 <= raw <= 65535:
        raise Invalid(f"Port {raw} does not exist: write one from 1 to 65535; SIP is mostly 5060.", code="port_invalid")
    return raw


def sip_user(raw: str) -> str:
    """Checks a digest user name of the kind that carriers assign."""
    if not SIP_USER.fullmatch(raw):
        raise Invalid(
            f"{_shown(raw)} is not a SIP user name: use up to 80 letters, digits and . _ + @ ~ -.",
            code="sip_user_invalid",
        )
    return raw


def is_emergency(digits: str) -> bool:
    """Whether they are an emergency number, or begin with one that phones dial as soon as it is keyed."""
    return digits.startswith(EMERGENCY_STARTS) or digits in EMERGENCY


def extension(raw: str) -> str:
    """Checks the number that colleagues dial to reach an agent."""
    if not (raw.isascii() and raw.isdigit() and 2 <= len(raw) <= 6):
        raise Invalid(f"{_shown(raw)} is not an extension: write 2 to 6 digits.", code="extension_invalid")
    if is_emergency(raw):
        raise Invalid(
            f"{raw} would get in the way of emergency calls: choose another extension.",
            code="extension_is_emergency",
            extension=raw,
        )
    return raw


WEEKDAYS = written_times.WEEKDAYS


def openings(raw: Iterable[str]) -> list[tuple[int, str, str]]:
    """Parses a week's opening hours from texts such as 'mon-fri 09:00-18:00' or 'Monday to Friday 9am - 6pm'; returns
    sorted (weekday, opens, closes), 0 is Monday.

    One text may list several days or spans: 'sat,sun 10:00-12:00 14:00-16:00'. Days left out are closed.
    """
    found: list[tuple[int, str, str]] = []
    for line in raw:
        days, *windows = written_times.joined(line).split() or [""]
        if not windows:
            raise Invalid(
                f"{_shown(line)} is not an opening: write days and times like 'mon-fri 09:00-18:00'.",
                code="opening_invalid",
            )
        for window in windows:
            opens, closes = span(window)
            found += [(day, opens, closes) for day in _days(days)]
    found.sort()
    for earlier, later in pairwise(found):
        if earlier[0] == later[0] and later[1] < earlier[2]:
            raise Invalid(
                f"Two openings on {WEEKDAYS[later[0]]} overlap: {'-'.join(earlier[1:])} and {'-'.join(later[1:])}.",
                code="openings_overlap",
                day=WEEKDAYS[later[0]],
            )
    return found


def as_texts(week: Iterable[tuple[int, str, str]]) -> list[str]:
    """Formats a week as texts that `openings` parses; consecutive days with the same hours share one."""
    windows: dict[int, list[str]] = {}
    for weekday, opens, closes in sorted(week):
        windows.setdefault(weekday, []).append(f"{opens}-{closes}")
    texts = []
    for alike, group in groupby(range(7), key=lambda weekday: windows.get(weekday)):
        if alike:
            days = list(group)
            span_ = WEEKDAYS[days[0]] if len(days) == 1 else f"{WEEKDAYS[days[0]]}-{WEEKDAYS[days[-1]]}"
            texts.append(f"{span_} {' '.join(alike)}")
    return texts


ALL_WEEK = "mon-sun 00:00-24:00"
"""Opening hours without end, for those who must differ from an office that closes."""


def span(raw: str) -> tuple[str, str]:
    """Parses a span within one day, such as '09:00-18:00', '9-18' or '9am-6pm', up to 24:00; returns its start and end
    as HH:MM."""
    if found := written_times.span(raw):
        return found
    opens, _, closes = raw.partition("-")
    if CLOCK.fullmatch(opens) and CLOCK.fullmatch(closes):
        raise Invalid(
            f"{raw} does not end after it begins: write a night as two, up to 24:00 and from 00:00.",
            code="span_reversed",
        )
    raise Invalid(f"{_shown(raw)} is not a time span: write one like 09:00-18:00 or 9am-6pm.", code="span_invalid")


AS_USUAL = "usual"


def special_open(raw: str) -> str:
    """Parses the hours of a special day: '10am-2pm' gives '10:00-14:00', 'usual' itself; "" or 'closed' gives ""."""
    value = raw.strip().lower()
    if value in ("", "closed"):
        return ""
    return value if value == AS_USUAL else "-".join(span(value))


def day(raw: str, today: date | None = None) -> date:
    """Parses a date such as 2026-03-01, 3/1/2026 (month first) or March 1 2026; with `today`, the year may be left
    out."""
    if found := written_times.day(raw, today):
        return found
    raise Invalid(f"{_shown(raw)} is not a date: write one like 2026-03-01 or 3/1/2026.", code="date_invalid")


def timezone(raw: str) -> str:
    """Checks an IANA time zone name."""
    try:
        return ZoneInfo(raw).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            f"{_shown(raw)} is not a time zone: write one like America/Chicago.", code="timezone_unknown"
        ) from None


def _days(raw: str) -> list[int]:
    days: list[int] = []
    for part in written_times.SEVERAL_DAYS.get(raw, raw).split(","):
        first, dash, last = part.partition("-")
        start, end = written_times.weekday(first), written_times.weekday(last) if dash else None
        if start is None or (dash and end is None):
            raise Invalid(
                f"{_shown(part)} is not a day: write {', '.join(WEEKDAYS)} or a span like mon-fri.",
                code="weekday_invalid",
            )
        length = 0 if end is None else (end - start) % 7
        days += [(start + offset) % 7 for offset in range(length + 1)]
    return sorted(set(days))


def duration(raw: str) -> timedelta:
    """Parses a length of time such as 30m, 2h, 1h30m or 3d."""
    found = DURATION.fullmatch(raw.strip().lower())
    if not found:
        raise Invalid(f"{_shown(raw)} is not a length of time: write one like 30m, 2h or 1d.", code="duration_invalid")
    days, hours, minutes = (int(part or 0) for part in found.groups())
    length = timedelta(days=days, hours=hours, minutes=minutes)
    if not length:
        raise Invalid("The length of time is 0: write one like 30m.", code="duration_zero")
    return length


def clock(raw: str) -> time:
    """Parses a time of day such as 17:00 or 5pm."""
    found = written_times.clock(raw)
    if found is None:
        raise Invalid(f"{_shown(raw)} is not a time of day: write one like 17:00 or 5pm.", code="clock_invalid")
    return found


def next_clock(raw: str, tz: tzinfo, now: datetime) -> datetime:
    """Returns the next time the office's clock shows a time such as 17:00 or 5pm, in UTC; tomorrow's if today's is
    over."""
    return following(clock(raw), now, tz)


def following(at: time, now: datetime, tz: tzinfo) -> datetime:
    """The next moment after now at which clocks in the time zone show `at`, in UTC. In the night in which clocks are
    put back that may be twice; where they are put forward past it, it is as long after midnight as on other days."""
    day = now.astimezone(tz).date()
    found = [
        datetime.combine(day + timedelta(days=days), at.replace(fold=fold), tz).astimezone(UTC)
        for days in range(3)
        for fold in (0, 1)
    ]
    shown = [moment for moment in found if moment.astimezone(tz).time() == at]
    return min(moment for moment in {*shown, *found[::2]} if moment > now)


def next_time(raw: str, tz: tzinfo, now: datetime) -> datetime:
    """Returns the next time that a time of day means, as `next_clock` does, or the time that `moment` reads, which has
    to be ahead. In UTC. Raises Invalid."""
    try:
        return next_clock(raw, tz, now)
    except Invalid:
        at = moment(raw, tz, now)
    if at <= now:
        raise Invalid(f"{_shown(raw)} is over: write a time that is ahead.", code="time_is_over")
    return at


def since(raw: str, tz: tzinfo, now: datetime) -> datetime:
    """Parses the start of a period: 2h or 3d before now, today, yesterday, the last Monday, or a date. Returns UTC."""
    value = raw.strip().lower()
    if DURATION.fullmatch(value):
        return now - duration(value)
    today = now.astimezone(tz).date()
    day = written_times.day(value) or written_times.day(value, today)
    if day and day > today and not written_times.day(value):
        day = written_times.day(value, today - timedelta(days=366))  # Without a year, it is the last one.
    if (weekday := written_times.weekday(value)) is not None:
        day = today - timedelta(days=(today.weekday() - weekday) % 7)
    try:
        if day:
            return datetime.combine(day, time(), tz).astimezone(UTC)
    except OverflowError:
        pass
    raise Invalid(
        f"{_shown(raw)} is not a start time: write 2h, 3d, yesterday, monday or a date like 2026-03-01.",
        code="since_invalid",
    )


def until(raw: str, tz: tzinfo, now: datetime) -> datetime:
    """Parses the end of a period: as `since`, but a day counts as a whole. Returns UTC; what is then is left out."""
    start = since(raw, tz, now)
    if DURATION.fullmatch(raw.strip().lower()):
        return start
    return datetime.combine(start.astimezone(tz).date() + timedelta(days=1), time(), tz).astimezone(UTC)


def moment(raw: str, tz: tzinfo, now: datetime) -> datetime:
    """Parses a time as people write it: 'now', '2026-03-03 10:00', '3/3/2026 10am', '2026-03-03', 'tomorrow 9am', or
    the next 'tue 10:00'. Returns UTC.

    `tz` is the time zone of what people write. Raises Invalid.
    """
    value = " ".join(raw.lower().split())
    if value == "now":
        return now
    try:
        if found := _day_and_clock(value, tz, now):
            return found
        parsed = datetime.fromisoformat(value.upper())
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=tz)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(
            f"{_shown(raw)} is not a time: write 'tue 10:00', 'tomorrow 5pm', '2026-03-03 10:00' or a date.",
            code="moment_invalid",
        ) from None


def _day_and_clock(value: str, tz: tzinfo, now: datetime) -> datetime | None:
    today = now.astimezone(tz).date()
    words = value.replace(" at ", " ").split()
    # The clock is at the end, in one word or two, as in 9:00 AM; without one, a date is its beginning.
    for count in (2, 1, 0):
        said, clock_words = " ".join(words[: len(words) - count]), " ".join(words[len(words) - count :])
        at_clock = written_times.clock(clock_words) if count else time()
        if at_clock is None or not said:
            continue
        if (weekday := written_times.weekday(said)) is not None and count:
            ahead = (weekday - today.weekday()) % 7
            found = datetime.combine(today + timedelta(days=ahead), at_clock, tz)
            if found <= now:
                found = datetime.combine(today + timedelta(days=ahead + 7), at_clock, tz)
            return found.astimezone(UTC)
        if day := written_times.day(said, today):
            return datetime.combine(day, at_clock, tz).astimezone(UTC)
    return None


def _shown(raw: str) -> str:
    """Shortens and escapes what was typed, for an error."""
    return ascii(raw if len(raw) <= 40 else raw[:40] + "...")
