"""iCalendar files (RFC 5545) with which a mail program adds, changes and removes calendar entries (RFC 5546)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

MIME = "text/calendar"
PRODUCT = "-//Leaseline//Tours//EN"
REFRESH = timedelta(minutes=15)
"""How often calendar programs are asked to look; many look less often."""


class Method(StrEnum):
    REQUEST = "REQUEST"
    """A new entry, or a change to one, with a higher sequence."""
    CANCEL = "CANCEL"


@dataclass(frozen=True)
class CalendarEntry:
    """An appointment in somebody's calendar."""

    key: str
    """Identifies the entry; the same for all its versions. It is hashed, so it may be any text."""
    sequence: int
    """Higher after every change."""
    starts_at: datetime
    ends_at: datetime
    """Aware, as is `starts_at`."""
    summary: str
    location: str
    description: str
    organizer: str
    attendee: str
    """Email addresses, `organizer` included."""


def file(entry: CalendarEntry, method: Method, now: datetime) -> str:
    """Returns the text of the file. Times are in UTC, which every calendar shows in its owner's time zone."""
    # Here and below: the import takes a seventh of a second, and most commands book nothing.
    from icalendar import Calendar, Event, vCalAddress, vText

    event = Event()
    event.add("uid", str(uuid.uuid5(uuid.NAMESPACE_OID, f"leaseline {entry.key}")))
    event.add("sequence", entry.sequence)
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", entry.starts_at.astimezone(UTC))
    event.add("dtend", entry.ends_at.astimezone(UTC))
    event.add("summary", vText(entry.summary))
    event.add("location", vText(entry.location))
    event.add("description", vText(entry.description))
    event.add("status", "CANCELLED" if method is Method.CANCEL else "CONFIRMED")
    event.add("organizer", vCalAddress(f"mailto:{entry.organizer}"))
    attendee = vCalAddress(f"mailto:{entry.attendee}")
    # No answer is asked for: the emails come from a machine.
    attendee.params["RSVP"], attendee.params["PARTSTAT"] = "FALSE", "ACCEPTED"
    event.add("attendee", attendee)
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method.value)
    calendar.add_component(event)
    return str(calendar.to_ical().decode("utf-8"))


@dataclass(frozen=True)
class FeedEvent:
    """An appointment in a calendar that somebody subscribes to."""

    key: str
    """As in CalendarEntry."""
    sequence: int
    made_at: datetime
    starts_at: datetime
    ends_at: datetime
    summary: str
    location: str
    url: str
    """Where more of it is; empty: nowhere."""


def feed(name: str, events: Sequence[FeedEvent]) -> str:
    """A calendar to subscribe to (RFC 5545, 3.6; RFC 7986). The same appointments give the same text."""
    from icalendar import Calendar, Event, vDuration, vText

    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", vText(name))
    calendar.add("x-wr-calname", vText(name))
    calendar.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    for one in events:
        event = Event()
        event.add("uid", str(uuid.uuid5(uuid.NAMESPACE_OID, f"leaseline {one.key}")))
        event.add("sequence", one.sequence)
        event.add("dtstamp", one.made_at.astimezone(UTC))
        event.add("dtstart", one.starts_at.astimezone(UTC))
        event.add("dtend", one.ends_at.astimezone(UTC))
        event.add("summary", vText(one.summary))
        event.add("location", vText(one.location))
        event.add("status", "CONFIRMED")
        # Programs that do not know this may share it with others.
        event.add("class", "PRIVATE")
        if one.url:
            event.add("url", one.url)
        calendar.add_component(event)
    return str(calendar.to_ical().decode("utf-8"))


def method_of(text: str) -> str:
    """Returns the method of such a file, which its email has to name as well (RFC 6047, 2.4)."""
    from icalendar import Calendar

    return str(Calendar.from_ical(text)["METHOD"])
