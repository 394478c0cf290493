"""Details understood from what leads said, until a person accepts them into the guest card or dismisses them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.errors import Conflict, NotFound
from crm.domain.heard import CardField, NamedProperty, Understood
from crm.domain.leads import Happened
from crm.edge import numbers
from crm.services.audit import By
from crm.services.people import contact_details, intake, timeline, wishes
from crm.store.models import Lead, Property, Suggestion
from crm.store.queries import leads, names, properties

OPEN, TAKEN, DISMISSED = "open", "taken", "dismissed"


def known_properties(session: Session) -> list[NamedProperty]:
    """Properties, with the names that people use for them, those that they had before included."""
    rows = session.execute(select(Property.slug, Property.name).order_by(Property.slug)).all()
    now = {name.casefold() for _, name in rows}
    said: dict[str, list[str]] = defaultdict(list)
    for name, slug in names.said_of_properties(session).items():
        if name not in now:
            said[slug].append(name)
    return [NamedProperty(slug, (name, *said[slug])) for slug, name in rows]


def make(
    session: Session, config: Config, lead: Lead, call_id: str, found: Sequence[Understood], now: datetime
) -> list[Understood]:
    """Suggests details that the card lacks; once per field of a call. Returns those that were new."""
    news = []
    for one in found:
        if _is_known(session, config, lead, one):
            continue
        news.append(one)
        key = f"{call_id}:{one.field}"
        if session.scalar(select(Suggestion.id).where(Suggestion.key == key)) is None:
            session.add(
                Suggestion(
                    key=key,
                    lead_id=lead.id,
                    call_id=call_id,
                    field=one.field,
                    value=one.value[:200],
                    words=one.words[:300],
                    second=int(one.second),
                    state=OPEN,
                    created_at=now,
                )
            )
    session.flush()
    return news


def take(session: Session, config: Config, by: By, ids: Sequence[int]) -> list[Suggestion]:
    """Accepts suggestions into their leads' cards. Raises NotFound, and Conflict for one that was already decided or
    belongs to somebody else; then none is accepted."""
    taken = _open(session, ids)
    for one in taken:
        lead = leads.by_id(session, one.lead_id, for_update=True)
        assert lead is not None
        _write(session, config, by, lead, CardField(one.field), one.value)
        _decide(one, TAKEN, by)
        text = f'Taken over: {CardField(one.field).replace("_", "-")} {one.value}, from the words "{one.words}".'
        timeline.enter(session, lead.id, Happened.ENTERED, text, by.now, key=f"suggestion:{one.id}", by=by.who)
    session.flush()
    return taken


def dismiss(session: Session, by: By, ids: Sequence[int]) -> list[Suggestion]:
    """Dismisses suggestions. Raises NotFound, Conflict."""
    dismissed = _open(session, ids)
    for one in dismissed:
        _decide(one, DISMISSED, by)
    return dismissed


def of_lead(session: Session, lead_id: int) -> list[int]:
    """Ids of a lead's open suggestions."""
    found = select(Suggestion.id).where(Suggestion.lead_id == lead_id, Suggestion.state == OPEN)
    return list(session.scalars(found.order_by(Suggestion.id)))


def _open(session: Session, ids: Sequence[int]) -> list[Suggestion]:
    found = select(Suggestion).where(Suggestion.id.in_(ids)).order_by(Suggestion.id).with_for_update()
    rows = {one.id: one for one in session.scalars(found)}
    for id in ids:
        if id not in rows:
            raise NotFound(
                f"There is no suggestion {id}.",
                code="suggestion_unknown",
                suggestion=str(id),
            )
        if rows[id].state != OPEN:
            raise Conflict(
                f"Suggestion {id} was {rows[id].state} by {rows[id].decided_by}.",
                code="suggestion_decided",
                suggestion=str(id),
            )
    return list(rows.values())


def _decide(one: Suggestion, state: str, by: By) -> None:
    one.state, one.decided_by, one.decided_at = state, by.who[:80], by.now


def _is_known(session: Session, config: Config, lead: Lead, one: Understood) -> bool:
    match one.field:
        case CardField.NAME:
            return bool(lead.name) and (lead.name or "").lower() == one.value.lower()
        case CardField.NUMBER:
            number = numbers.parse(one.value, config.region)
            # A number that cannot be called is dropped, and so is one of ours.
            theirs = contact_details.own_number(session, number)
            return theirs is None or theirs in [phone.number for phone in lead.phones]
        case CardField.PROPERTY:
            slugs = select(Property.slug).where(Property.id.in_([one.property_id for one in lead.interests]))
            return one.value in session.scalars(slugs).all()
        case CardField.BEDROOMS:
            return lead.bedrooms == int(one.value)
        case CardField.MOVE_IN:
            return lead.move_in_on is not None and lead.move_in_on.isoformat() == one.value
        case CardField.BUDGET:
            return lead.budget == int(one.value)
        case CardField.PETS:
            return lead.pets == one.value


def _write(session: Session, config: Config, by: By, lead: Lead, field: CardField, value: str) -> None:
    match field:
        case CardField.NAME:
            lead.name = value
        case CardField.NUMBER:
            number = contact_details.read_number(session, config, value)
            other = leads.by_phone(session, number)
            if other is not None and other.id != lead.id:
                raise Conflict(
                    f"That is the number of lead {other.id}.",
                    code="lead_is_two",
                    lead=str(lead.id),
                    other=str(other.id),
                )
            if other is None:
                intake.add_number(lead, number)
        case CardField.PROPERTY:
            property = properties.by_slug(session, value)
            if property is None:
                raise NotFound(f"Property {value} no longer exists.", code="property_unknown", property=value)
            intake.interest_in(lead, property.id, by.now)
        case CardField.BEDROOMS:
            wishes.write(lead, wishes.read(bedrooms=value))
        case CardField.MOVE_IN:
            wishes.write(lead, wishes.read(move_in=value))
        case CardField.BUDGET:
            wishes.write(lead, wishes.read(budget=value))
        case CardField.PETS:
            wishes.write(lead, wishes.read(pets=value))
