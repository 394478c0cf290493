"""iCalendar files (RFC 5545) that a mail program enters into a calendar, changes and takes out again (RFC 5546)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

MIME = "text/calendar"
PRODUCT = "-//Leaseline//Tours//EN"


class Method(StrEnum):
    REQUEST = "REQUEST"
    """A new entry, or a changed one with a higher sequence."""
    CANCEL = "CANCEL"


@dataclass(frozen=True)
class CalendarEntry:
    """An appointment of somebody's."""

    key: str
    """What it is; the same for all its versions. It is hashed, so it may hold anything."""
    sequence: int
    """Grows with every change."""
    starts_at: datetime
    ends_at: datetime
    """Aware."""
    summary: str
    location: str
    description: str
    organizer: str
    attendee: str
    """Mail addresses."""


def file(entry: CalendarEntry, method: Method, now: datetime) -> str:
    """The text of the file. Times are in UTC, which every calendar shows on its owner's clock."""
    # Here and below: it takes a seventh of a second to load, and most commands book nothing.
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
    # Nobody is asked to answer: the mails come from a machine.
    attendee.params["RSVP"], attendee.params["PARTSTAT"] = "FALSE", "ACCEPTED"
    event.add("attendee", attendee)
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method.value)
    calendar.add_component(event)
    return str(calendar.to_ical().decode("utf-8"))


def method_of(text: str) -> str:
    """The method of such a file, which its mail has to name, too (RFC 6047, 2.4)."""
    from icalendar import Calendar

    return str(Calendar.from_ical(text)["METHOD"])
