"""Tours: booking, moving and canceling them, and their outcome. `times` finds the slots that are free.

Every booking goes through `book`, whether by keypad, by an agent or on the web. No slot is booked twice: booking
changes the slot's row, which only one transaction can do at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from sqlalchemy import select, update
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain import fields, texts, tours
from crm.domain.errors import Conflict, CrmError, Invalid, NotFound
from crm.domain.gate import Verdict
from crm.domain.leads import Happened
from crm.domain.texts import TextPurpose
from crm.domain.tours import EVENT_OF, STAGE_AFTER, TourKind, TourState
from crm.secrets import Secrets
from crm.services import audit
from crm.services.audit import By
from crm.services.office import properties
from crm.services.outbox import gatekeeper, wording
from crm.services.outbox.outgoing import NewText, queue, withdraw
from crm.services.people import intake, standing, timeline
from crm.services.phones.lines import line_for
from crm.services.tours import links, mails, times
from crm.store.models import (
    Agent,
    Call,
    Lead,
    Line,
    Message,
    Property,
    Tour,
    TourSlot,
)
from crm.store.models.living import ALL
from crm.store.queries import leads, lines

_TRIES = 10

# --- booking ---


@dataclass(frozen=True)
class Booked:
    tour: Tour
    is_new: bool
    """False if the same key had booked it before."""


def book(
    session: Session,
    config: Config,
    secrets: Secrets,
    by: By,
    *,
    person: str | int,
    property_slug: str,
    at: datetime,
    key: str,
    kind: TourKind | None = None,
    booked_by: str = "",
    call_id: str | None = None,
    remark: str = "",
    language: str = "",
) -> Booked:
    """Books the slot of a property that begins at `at`, texts a confirmation, and plans the reminders.

    `person` is as in `intake.lead_of`, which creates a lead for somebody new. The same `key` books only once. The texts
    and emails about the tour are in `language`; empty: the person's, or that of their line.

    Raises Conflict if somebody else was quicker, Invalid for a time that is not offered, NotFound.
    """
    found = properties.named(session, property_slug)
    lead = intake.lead_of(session, config, person, by.now)
    # Looked up once the lead is locked: the same booking may have been made while we waited for the lock.
    there = session.scalar(_whole.where(Tour.key == key))
    if there is not None:
        return Booked(there, is_new=False)
    slot = _take(session, config, found, at, kind, by.now)
    if call_id is not None and session.get(Call, call_id) is None:
        call_id = None  # It is not on record yet; the ledger enters it when it records the call's tour.
    tour = Tour(
        key=key,
        slot_id=slot.id,
        lead_id=lead.id,
        call_id=call_id,
        state=TourState.BOOKED,
        version=1,
        booked_by=(booked_by or by.who)[:80],
        booked_at=by.now,
        note=fields.text(remark, "note", 300),
    )
    session.add(tour)
    session.flush()
    tour.slot, tour.lead = slot, lead
    _follow(session, config, secrets, tour, found, "booked", by, language)
    return Booked(tour, is_new=True)


def _take(
    session: Session, config: Config, property: Property, at: datetime, kind: TourKind | None, now: datetime
) -> TourSlot:
    """Books a place in the first free slot that begins at `at`, and returns its row. Raises Invalid, Conflict."""
    possible = [slot for slot in times.offered(session, config, property, at, 0, kind) if slot.starts_at == at]
    if not possible or at < now + times.NOTICE:
        raise Invalid(f"{property.slug} has no tours at that time.", code="tour_time_unknown", property=property.slug)
    for slot in possible:
        row = session.scalar(select(TourSlot).where(TourSlot.key == times.key_of(property.id, slot)))
        if row is None:
            row = TourSlot(
                key=times.key_of(property.id, slot),
                property_id=property.id,
                agent_id=slot.agent_id,
                kind=slot.kind,
                starts_at=slot.starts_at,
                ends_at=slot.ends_at,
                capacity=slot.capacity,
                taken=0,
            )
            session.add(row)
            session.flush()
        if slot.agent_id is not None:
            # An agent shows one home at a time: of two overlapping slots, at any properties, only one can be taken. The
            # lock still lets others add rows that refer to the agent; without that, two bookings that each added one
            # would wait for each other.
            locked = select(Agent.id).where(Agent.id == slot.agent_id).with_for_update(key_share=True)
            session.execute(locked)
            shows = times.showings(session, {slot.agent_id}, slot.starts_at, slot.ends_at)
            if times.is_elsewhere(property.id, slot, shows):
                continue
        taken = session.execute(
            update(TourSlot)
            .where(TourSlot.id == row.id, TourSlot.taken < slot.capacity)
            .values(taken=TourSlot.taken + 1, capacity=slot.capacity)
            .returning(TourSlot.id)
            .execution_options(synchronize_session=False)
        )
        if taken.scalar() is not None:
            session.refresh(row)
            return row
    raise Conflict("That time is taken.", code="tour_time_taken", property=property.slug)


def _release(session: Session, slot_id: int) -> None:
    session.execute(
        update(TourSlot)
        .where(TourSlot.id == slot_id, TourSlot.taken > 0)
        .values(taken=TourSlot.taken - 1)
        .execution_options(synchronize_session=False)
    )


# --- afterwards ---


def move(
    session: Session,
    config: Config,
    secrets: Secrets,
    by: By,
    tour_id: int,
    at: datetime,
    *,
    version: int | None = None,
) -> Tour:
    """Moves a booked tour to another time, and frees the old one. `version`: only if the tour still has that one."""
    tour = _booked(session, tour_id, version)
    property = _property(session, tour)
    if tour.slot.starts_at == at:
        return tour
    slot = _take(session, config, property, at, TourKind(tour.slot.kind), by.now)
    if tour.slot.agent_id and tour.slot.agent_id != slot.agent_id:
        _take_from(session, config, tour, property, tour.slot.agent_id, by.now)
    _release(session, tour.slot_id)
    tour.slot_id, tour.slot, tour.version = slot.id, slot, tour.version + 1
    _follow(session, config, secrets, tour, property, "moved", by)
    return tour


def cancel(
    session: Session, config: Config, secrets: Secrets, by: By, tour_id: int, *, version: int | None = None
) -> Tour:
    """Cancels a booked tour and frees its time; the person is told."""
    tour = _booked(session, tour_id, version)
    _release(session, tour.slot_id)
    tour.state = TourState.CANCELLED
    _follow(session, config, secrets, tour, _property(session, tour), "cancelled", by)
    return tour


def close(session: Session, config: Config, secrets: Secrets, by: By, tour_id: int, state: TourState) -> Tour:
    """Records the outcome: done, or missed."""
    if state not in (TourState.DONE, TourState.MISSED):
        raise Invalid("A tour can only be closed as done or missed.", code="tour_result_invalid")
    tour = session.scalar(_whole.where(Tour.id == tour_id).with_for_update(of=Tour))
    if tour is None:
        raise _unknown(tour_id)
    if tour.state == TourState.CANCELLED:
        raise Conflict(f"Tour {tour_id} was canceled, so it cannot be closed.", code="tour_cancelled", tour=tour_id)
    if tour.slot.starts_at > by.now:
        raise Conflict(
            f"Tour {tour_id} has not started yet: cancel it, or wait until it is over.",
            code="tour_not_begun",
            tour=tour_id,
        )
    tour.state = state
    _follow(session, config, secrets, tour, _property(session, tour), str(state), by)
    return tour


@dataclass(frozen=True)
class HowTold:
    """In which ways a person would hear of a change to their tour."""

    by_text: bool
    by_mail: bool
    opted_out: bool = False
    """A text would go to them, but they want none."""


def how_told(session: Session, config: Config, lead_id: int, now: datetime) -> HowTold:
    lead = leads.by_id(session, lead_id)
    assert lead is not None
    by_mail = bool(config.mail.from_address and lead.email)
    if not lead.phones or _line(session, config, lead) is None:
        return HowTold(False, by_mail)
    forecast = gatekeeper.foresee(session, config, lead.phones[0].number, now, TextPurpose.TOUR)
    is_blocked = forecast.verdict is Verdict.BLOCK
    return HowTold(not is_blocked, by_mail, is_blocked)


def booked_as(session: Session, key: str) -> Tour | None:
    """The tour booked with this key, if it is still to take place."""
    return session.scalar(_whole.where(Tour.key == key, Tour.state == TourState.BOOKED))


def get(session: Session, tour_id: int) -> tuple[Tour, Property]:
    tour = session.scalar(_whole.where(Tour.id == tour_id))
    if tour is None:
        raise _unknown(tour_id)
    return tour, _property(session, tour)


_whole = select(Tour).options(selectinload(Tour.slot), selectinload(Tour.lead).selectinload(Lead.interests))


def _booked(session: Session, tour_id: int, version: int | None) -> Tour:
    tour = session.scalar(_whole.where(Tour.id == tour_id).with_for_update(of=Tour))
    if tour is None:
        raise _unknown(tour_id)
    if tour.state != TourState.BOOKED:
        raise Conflict(
            f"Tour {tour_id} is already {tour.state}: book a new one.", code="tour_over", tour=tour_id, state=tour.state
        )
    if version is not None and tour.version != version:
        raise Conflict(
            "This tour was changed since: use the link in the latest text.", code="tour_changed", tour=tour_id
        )
    return tour


def _unknown(tour_id: int) -> CrmError:
    return NotFound(f"There is no tour {tour_id}.", code="tour_unknown", tour=tour_id)


def _property(session: Session, tour: Tour) -> Property:
    found = select(Property).where(Property.id == tour.slot.property_id)
    return session.scalars(found.execution_options(**ALL)).one()


# --- what follows from it: stage, timeline, texts ---


def _follow(
    session: Session,
    config: Config,
    secrets: Secrets,
    tour: Tour,
    property: Property,
    what: str,
    by: By,
    language: str = "",
) -> None:
    state = TourState(tour.state)
    lead = tour.lead
    interest = intake.interest_in(lead, property.id, by.now)
    interest.stage, interest.stage_since = STAGE_AFTER[state], by.now
    standing.happened(lead, EVENT_OF[state], by.now)
    spoken = {
        "booked": "Booked a tour",
        "moved": "Moved a tour",
        "cancelled": "Canceled a tour",
        "done": "Took a tour",
        "missed": "Missed a tour",
    }[what]
    when = in_words(tour.slot.starts_at, times.zone(config, property), "en")
    told = f"{spoken} of {property.name} ({tour.slot.kind.replace('_', ' ')}): {when}."
    kind = Happened.SHOW if state is TourState.DONE else Happened.APPOINTMENT
    key = f"tour:{tour.id}:{tour.version}:{what}"
    timeline.enter(session, lead.id, kind, told, by.now, key=key, call_id=tour.call_id, about=property.id)
    done = "canceled" if what == "cancelled" else what
    audit.record(session, by, f"tour {tour.id} of {property.slug} {done}")
    _drop_reminders(session, tour)
    if what in ("booked", "moved", "cancelled"):
        _mail(session, config, secrets, tour, property, what, by.now, language)
        _text(session, config, secrets, tour, property, what, by.now, by.now, language)
    if state is TourState.BOOKED:
        for number, at in enumerate(tours.reminders(tour.slot.starts_at, by.now), start=1):
            _text(session, config, secrets, tour, property, "reminder", at, by.now, language, part=f"-{number}")


def _drop_reminders(session: Session, tour: Tour) -> None:
    """Withdraws reminders that have not been sent: the time in them no longer applies."""
    withdraw(
        session,
        Message,
        "The tour was moved or canceled, or is over.",
        Message.key.like(f"tour:{tour.id}:%"),
        Message.purpose == TextPurpose.TOUR_REMINDER,
    )


def _text(
    session: Session,
    config: Config,
    secrets: Secrets,
    tour: Tour,
    property: Property,
    what: str,
    at: datetime,
    now: datetime,
    language: str,
    part: str = "",
) -> None:
    lead = leads.by_id(session, tour.lead_id)
    assert lead is not None
    line = _line(session, config, lead)
    if not lead.phones or line is None:
        return
    language = language or lead.language or line.language
    when = in_words(tour.slot.starts_at, times.zone(config, property), language)
    link = links.url(config, secrets, tour.id, tour.version, tour.slot.starts_at, language)
    body = texts.tour(wording.words(session, language), what, property.name, when, link)
    new = NewText(
        key=f"tour:{tour.id}:{tour.version}:{what}{part}",
        purpose=TextPurpose.TOUR_REMINDER if what == "reminder" else TextPurpose.TOUR,
        to_number=lead.phones[0].number,
        from_number=line.number,
        body=body,
        language=language,
        lead_id=lead.id,
        about=property.id,
        not_before=at,
        expires_at=tour.slot.starts_at if what == "reminder" else None,
    )
    queue(session, config, new, now)


def _mail(
    session: Session,
    config: Config,
    secrets: Secrets,
    tour: Tour,
    property: Property,
    what: str,
    now: datetime,
    language: str,
) -> None:
    lead = leads.by_id(session, tour.lead_id)
    assert lead is not None
    line = _line(session, config, lead)
    language = language or lead.language or (line.language if line else "en")
    at, tz = tour.slot.starts_at, times.zone(config, property)
    mails.queue(
        session,
        config,
        tour,
        lead,
        property,
        what,
        (in_words(at, tz, language), in_words(at, tz, "en")),
        links.url(config, secrets, tour.id, tour.version, at, language),
        language,
        now,
    )


def _take_from(session: Session, config: Config, tour: Tour, property: Property, agent_id: int, now: datetime) -> None:
    """Tells the agent who was to show the tour that somebody else does. To be called before the tour is changed."""
    lead = leads.by_id(session, tour.lead_id)
    assert lead is not None
    when = in_words(tour.slot.starts_at, times.zone(config, property), "en")
    mails.taken_from(session, config, tour, lead, property, agent_id, when, now)


def _line(session: Session, config: Config, lead: Lead) -> Line | None:
    """The line that the person is texted from; None in an office without lines, which sends no texts."""
    try:
        return lines.by_number(session, line_for(session, config, lead, None))
    except CrmError:
        return None


def in_words(at: datetime, tz: ZoneInfo, language: str) -> str:
    """A time in words, in the person's language: "Tuesday, November 24, 10:00 AM CST"."""
    if language.startswith("es"):
        # The Spanish of the United States has names for the time zones.
        return format_datetime(at, "EEEE d 'de' MMMM, h:mm a zzz", tzinfo=tz, locale="es_US")
    return format_datetime(at, "EEEE, MMMM d, h:mm a zzz", tzinfo=tz, locale="en")
