"""`leaseline tour`."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click

from crm.commands import output
from crm.commands.command import (
    ID,
    CodeChoice,
    Group,
    System,
    cut,
    limit_option,
    many,
    one,
    since_option,
    with_system,
)
from crm.domain import fields
from crm.domain.tours import OFFERED_DAYS, TourKind, TourState
from crm.services.office import properties
from crm.services.tours import booking, times
from crm.views import tours
from crm.views.tours import BlackoutEntry, SlotEntry, TourEntry, TourHoursEntry
from crm.words.codes import in_words

KINDS = CodeChoice(TourKind)


@click.group(
    cls=Group,
    examples=(
        "tour hours set elm 'mon-fri 10:00-17:00' --minutes 30 --buffer 15",
        "tour slots elm",
        "tour book elm --lead 1 --at 'tue 10:00'",
    ),
)
def tour() -> None:
    """Tours: when they are offered, and who has booked one."""


@tour.group(cls=Group, examples=("tour hours set elm 'mon-fri 10:00-17:00' --minutes 30", "tour hours list"))
def hours() -> None:
    """When tours may begin, every week."""


@hours.command(
    "set",
    examples=(
        "tour hours set elm 'mon-fri 10:00-17:00' 'sat 10:00-14:00' --minutes 30 --buffer 15",
        "tour hours set elm 'mon-sun 09:00-18:00' --kind self_guided --minutes 45 --capacity 2",
        "tour hours set elm --kind remote --minutes 30",
    ),
)
@click.argument("property")
@click.argument("openings", nargs=-1)
@click.option("--kind", type=KINDS, default="accompanied", show_default=True)
@click.option("--minutes", type=int, default=30, show_default=True, help="How long a tour takes.")
@click.option("--buffer", "buffer_minutes", type=int, default=0, show_default=True, help="Minutes between two tours.")
@click.option("--capacity", type=int, default=1, show_default=True, help="People who may have the same time.")
@click.option("--agent", metavar="SLUG", help="Who gives the tours: one at a time, at any property.")
@with_system
def set_hours(
    system: System,
    property: str,
    openings: tuple[str, ...],
    kind: str,
    minutes: int,
    buffer_minutes: int,
    capacity: int,
    agent: str | None,
) -> None:
    """Replace the weekly hours of one kind of tour at PROPERTY; without OPENINGS, this kind of tour is no longer
    offered."""
    system.run(
        times.set_hours,
        system.by,
        property,
        openings,
        kind=TourKind(kind),
        minutes=minutes,
        buffer_minutes=buffer_minutes,
        capacity=capacity,
        agent=agent,
    )
    told = "; ".join(fields.as_texts(fields.openings(openings))) or "no longer offered"
    output.say(f"{kind.replace('_', '-').capitalize()} tours of {property}: {told}.")


@hours.command("list", json=many(TourHoursEntry), examples=("tour hours list", "tour hours list elm --json"))
@click.argument("property", required=False)
@with_system
def list_hours(system: System, property: str | None, as_json: bool) -> None:
    """List when tours may begin, at all properties or at PROPERTY."""
    with system.store.reading() as session:
        if property is not None:
            properties.named(session, property)
        entries = tours.hours(session, property)
    if as_json:
        output.print_json(entries)
        return
    # One line for all days that differ in nothing else.
    weeks: dict[tuple[object, ...], list[tuple[int, str, str]]] = {}
    for row in entries:
        alike = (in_words(TourKind, row.kind), row.minutes, row.buffer_minutes, row.capacity, row.agent)
        opening = (fields.WEEKDAYS.index(row.day), row.opens, row.closes)
        weeks.setdefault((row.property, *alike), []).append(opening)
    output.print_table(
        ("property", "may begin", "kind", "minutes", "pause", "people", "agent"),
        ((property, "; ".join(fields.as_texts(week)), *alike) for (property, *alike), week in weeks.items()),
        empty="No tours are offered: say when with `leaseline tour hours set`.",
    )


@tour.command("slots", json=many(SlotEntry), examples=("tour slots elm", "tour slots elm --days 3 --kind self_guided"))
@click.argument("property")
@click.option("--days", type=click.IntRange(0, 90), default=OFFERED_DAYS, show_default=True)
@click.option("--kind", type=KINDS, help="Only these.")
@limit_option(20)
@with_system
def slots(system: System, property: str, days: int, kind: str | None, limit: int, as_json: bool) -> None:
    """List the times at which a tour of PROPERTY can be booked."""
    found = system.read(
        times.free,
        system.config,
        property,
        system.now,
        days=days,
        kind=TourKind(kind) if kind else None,
        limit=limit + 1,
    )
    entries = [SlotEntry(property, one.starts_at, one.ends_at, one.kind.value) for one in cut(found, limit)]
    if as_json:
        output.print_json(entries)
        return
    tz = _zone(system, property)
    output.print_table(
        ("at", "until", "kind"),
        ((_clock(one.at, tz), f"{one.until.astimezone(tz):%H:%M}", in_words(TourKind, one.kind)) for one in entries),
        empty="No time is free: `leaseline tour hours list` shows when tours are offered.",
    )


@tour.command(
    json=one(TourEntry),
    examples=(
        "tour book elm --lead 1 --at 'tue 10:00'",
        "tour book elm --lead '(512) 555-0123' --at '2026-03-03 10:00' --kind self_guided",
    ),
)
@click.argument("property")
@click.option(
    "--lead", "person", required=True, metavar="LEAD", help="A lead's id, a phone number or an email address."
)
@click.option("--at", "at_text", required=True, metavar="WHEN", help="On the property's clock: 'tue 10:00' or a date.")
@click.option("--kind", type=KINDS, help="Which kind, if several are offered at that time.")
@click.option("--note", default="", help="A note for the agent who gives the tour.")
@with_system
def book(system: System, property: str, person: str, at_text: str, kind: str | None, note: str, as_json: bool) -> None:
    """Book a tour of PROPERTY; the person gets a text, and reminders before it."""
    tz = _zone(system, property)
    at = fields.moment(at_text, tz, system.now)
    booked = system.run(
        booking.book,
        system.config,
        system.secrets,
        system.by,
        person=person,
        property_slug=property,
        at=at,
        key=f"cli:{uuid.uuid4().hex}",
        kind=TourKind(kind) if kind else None,
        remark=note,
    )
    if as_json:
        output.print_json(system.read(tours.one, booked.tour.id)[0])
        return
    output.say(f"Booked tour {booked.tour.id} of {property}: {_clock(at, tz)}.")


@tour.command(examples=("tour move 7 --at 'wed 14:00'",))
@click.argument("id", type=ID)
@click.option("--at", "at_text", required=True, metavar="WHEN", help="On the property's clock: 'tue 10:00' or a date.")
@with_system
def move(system: System, id: int, at_text: str) -> None:
    """Move the tour ID to another time; the person gets a text."""
    _, timezone = system.read(tours.one, id)
    tz = _own_or_office(system, timezone)
    moved = system.run(
        booking.move, system.config, system.secrets, system.by, id, fields.moment(at_text, tz, system.now)
    )
    output.say(f"Tour {id} is now on {_clock(moved.slot.starts_at, tz)}.")


@tour.command(examples=("tour cancel 7",))
@click.argument("id", type=ID)
@with_system
def cancel(system: System, id: int) -> None:
    """Cancel the tour ID; the person gets a text, and the time is free again."""
    system.run(booking.cancel, system.config, system.secrets, system.by, id)
    output.say(f"Canceled tour {id}.")


@tour.command(examples=("tour close 7 --done", "tour close 7 --missed"))
@click.argument("id", type=ID)
@click.option("--done/--missed", "done", required=True, default=None, help="What came of it.")
@with_system
def close(system: System, id: int, done: bool) -> None:
    """Record what came of the tour ID."""
    state = TourState.DONE if done else TourState.MISSED
    system.run(booking.close, system.config, system.secrets, system.by, id, state)
    output.say(f"Tour {id} is {state}.")


@tour.command("list", json=many(TourEntry), examples=("tour list", "tour list --property elm --since 7d --json"))
@since_option
@click.option("--property", metavar="SLUG", help="Only this property's.")
@click.option("--state", type=CodeChoice(TourState), help="Only these.")
@limit_option()
@with_system
def list_(
    system: System, since: str | None, property: str | None, state: str | None, limit: int, as_json: bool
) -> None:
    """List upcoming tours by time; with --since, also those since then."""
    start = fields.since(since, system.config.tz, system.now) if since else system.now - timedelta(hours=12)
    with system.store.reading() as session:
        if property is not None:
            properties.named(session, property)
        found = tours.listed(session, since=start, property_slug=property, state=state, limit=limit + 1)
    entries = [(entry, _own_or_office(system, timezone)) for entry, timezone in cut(found, limit)]
    if as_json:
        output.print_json([entry for entry, _ in entries])
        return
    output.print_table(
        ("tour", "at", "property", "lead", "name", "kind", "state", "booked by"),
        (
            (
                one.id,
                _clock(one.at, tz),
                one.property,
                one.lead,
                one.name or "unknown",
                in_words(TourKind, one.kind),
                in_words(TourState, one.state),
                one.booked_by,
            )
            for one, tz in entries
        ),
        empty="No tours found.",
    )


@tour.command(
    examples=(
        "tour blackout --from '2026-12-24' --to '2026-12-27' --why Christmas",
        "tour blackout --property elm --from 'tue 09:00' --to 'tue 12:00' --why painting",
    )
)
@click.option("--from", "first", required=True, metavar="WHEN", help="A date, a date and time, or 'tue 09:00'.")
@click.option("--to", "last", required=True, metavar="WHEN", help="The same; a date alone means the start of that day.")
@click.option("--property", metavar="SLUG", help="Only this property's.")
@click.option("--agent", metavar="SLUG", help="Only this agent's tours.")
@click.option("--why", default="")
@with_system
def blackout(system: System, first: str, last: str, property: str | None, agent: str | None, why: str) -> None:
    """Offer no tours for a while; tours already booked stay booked."""
    tz = _zone(system, property) if property else system.config.tz
    starts_at, ends_at = fields.moment(first, tz, system.now), fields.moment(last, tz, system.now)
    system.run(times.black_out, system.by, starts_at, ends_at, property_slug=property, agent=agent, why=why)
    output.say(f"No tours from {_clock(starts_at, tz)} to {_clock(ends_at, tz)}.")


@tour.command(json=many(BlackoutEntry), examples=("tour blackouts",))
@with_system
def blackouts(system: System, as_json: bool) -> None:
    """List current and future blackouts."""
    entries = system.read(tours.blackouts, system.now)
    if as_json:
        output.print_json(entries)
        return
    tz = system.config.tz
    output.print_table(
        ("id", "from", "to", "property", "agent", "why"),
        (
            (one.id, output.local(one.at, tz), output.local(one.until, tz), one.property or "all", one.agent, one.why)
            for one in entries
        ),
        empty="There are no blackouts.",
    )


@tour.command("end-blackout", examples=("tour end-blackout 3",))
@click.argument("id", type=ID)
@with_system
def end_blackout(system: System, id: int) -> None:
    """Remove the blackout ID: tours are offered again."""
    system.run(times.end_blackout, system.by, id)
    output.say(f"Removed blackout {id}.")


def _zone(system: System, property_slug: str) -> ZoneInfo:
    return times.zone(system.config, system.read(properties.named, property_slug))


def _own_or_office(system: System, timezone: str) -> ZoneInfo:
    return ZoneInfo(timezone) if timezone else system.config.tz


def _clock(at: datetime, tz: ZoneInfo) -> str:
    return f"{at.astimezone(tz):%a %Y-%m-%d %H:%M %Z}"
