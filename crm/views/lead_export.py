"""Leads as rows for export, read in pages, so that a million of them take no more memory than a thousand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.lead_rows import LeadRow
from crm.domain.leads import LeadFilter, LeadType
from crm.store import prepared
from crm.store.models import (
    Agent,
    Call,
    Interest,
    Lead,
    LeadEmail,
    LeadPhone,
    Line,
    Message,
    OptOut,
    Organization,
    Property,
    Subteam,
    Task,
    Tour,
    TourSlot,
    Unit,
)
from crm.store.queries import reach as reached
from crm.views import leads

PAGE = 1_000
"""Leads per page."""
DENSE = 3
"""A page's leads are looked up by the range of their ids if they are at least one in this many of that range."""


def page(
    session: Session,
    now: datetime,
    wanted: LeadFilter,
    after: int,
    *,
    limit: int = PAGE,
    reach: Reach = WHOLE_OFFICE,
) -> tuple[list[LeadRow], int | None]:
    """The next leads by id, with what is known of them within reach, and the id to continue after; None if there are no
    more."""
    cards = select(
        Lead.id,
        Lead.name,
        Lead.email,
        Lead.kind,
        Lead.is_hot,
        Lead.status,
        Lead.closed_because,
        Lead.source,
        Agent.slug,
        Lead.language,
        Lead.bedrooms,
        Lead.move_in_on,
        Lead.budget,
        Lead.pets,
        Lead.created_at,
        Lead.first_answer_at,
        Lead.last_contact_at,
    ).outerjoin(Agent, Agent.id == Lead.assigned_agent_id)
    found = leads.filtered(cards, now, wanted, reach).where(Lead.id > after).order_by(Lead.id).limit(limit)
    foreign = reached.foreign_sources(reach)
    hidden = frozenset() if foreign is None else frozenset(session.scalars(foreign))
    rows: dict[int, LeadRow] = {}
    for (
        id,
        name,
        email,
        kind,
        is_hot,
        status,
        because,
        source,
        agent,
        language,
        bedrooms,
        move_in,
        budget,
        pets,
        created,
        first,
        last,
    ) in prepared.rows(session, found, {}).all():
        rows[id] = LeadRow(
            id=id,
            name=name or "",
            emails=[email] if email else [],
            kind=kind,
            type=LeadType.HOT if is_hot else LeadType.COLD,
            status=status,
            closed_because=because,
            source="" if source in hidden else source,
            agent=agent or "",
            language=language,
            bedrooms=bedrooms,
            move_in=move_in,
            budget=budget,
            pets=pets,
            created=created,
            first_answer=first,
            last_contact=last,
        )
    if rows:
        _complete(session, rows, reach)
    return list(rows.values()), max(rows) if len(rows) == limit else None


def _complete(session: Session, rows: dict[int, LeadRow], reach: Reach) -> None:
    """Fills in what a lead may have several of, read for all leads of the page at once."""
    phones = select(LeadPhone.lead_id, LeadPhone.number).order_by(LeadPhone.id)
    for row, (_, number) in _of(session, rows, phones, LeadPhone.lead_id):
        row.phones.append(number)
    emails = select(LeadEmail.lead_id, LeadEmail.address).order_by(LeadEmail.id)
    for row, (_, address) in _of(session, rows, emails, LeadEmail.lead_id):
        if address not in [one.lower() for one in row.emails]:
            row.emails.append(address)
    office_link = session.scalar(select(Organization.listings_url).limit(1)) or ""
    interests = (
        select(Interest.lead_id, Property.slug, Property.listings_url, Unit.name, Interest.stage)
        .join(Property, Property.id == Interest.property_id)
        .outerjoin(Unit, Unit.id == Interest.unit_id)
        .where(*reached.of_interests(reach))
        .order_by(Interest.updated_at, Interest.id)
    )
    for row, (_, slug, link, unit, stage) in _of(session, rows, interests, Interest.lead_id):
        row.interests.append(f"{slug}{f'/{unit}' if unit else ''}={stage}")
        # The last one read is the latest.
        row.property, row.unit, row.stage, row.listing = slug, unit or "", stage, link or office_link
    tasks = (
        select(Task.lead_id, Task.why, func.coalesce(Agent.slug, "team " + Subteam.slug), Task.due_at)
        .outerjoin(Agent, Agent.id == Task.owner_id)
        .outerjoin(Subteam, Subteam.id == Task.subteam_id)
        .where(Task.done_at.is_(None), *reached.of_tasks(reach))
        .order_by(Task.due_at.desc(), Task.id.desc())
    )
    for row, (_, why, owner, due_at) in _of(session, rows, tasks, Task.lead_id):
        row.next_action, row.next_action_owner, row.next_action_due = why, owner, due_at
    tours = select(Tour.lead_id, func.count()).group_by(Tour.lead_id)
    calls = select(Call.lead_id, func.count()).group_by(Call.lead_id)
    messages = select(Message.lead_id, func.count()).where(*reached.of_messages(reach)).group_by(Message.lead_id)
    if not reach.is_whole:
        tours = tours.join(TourSlot, TourSlot.id == Tour.slot_id).where(*reached.of_tours(reach))
        calls = calls.outerjoin(Line, Line.id == Call.line_id).where(*reached.of_calls(reach))
    for name, of, counted in (("tours", Tour, tours), ("calls", Call, calls), ("messages", Message, messages)):
        for row, (_, count) in _of(session, rows, counted, of.lead_id):
            setattr(row, name, count)
    numbers = {number: row for row in rows.values() for number in row.phones}
    out = select(OptOut.number).where(OptOut.ended_at.is_(None), OptOut.number.in_(list(numbers))).distinct()
    for number in session.scalars(out.order_by(OptOut.number)):
        numbers[number].opted_out.append(number)
    no_news = (
        select(LeadEmail.lead_id, LeadEmail.address)
        .join(OptOut, OptOut.address == LeadEmail.address)
        .where(OptOut.ended_at.is_(None), OptOut.address != "")
        .order_by(LeadEmail.address)
    )
    for row, (_, address) in _of(session, rows, no_news, LeadEmail.lead_id):
        row.opted_out.append(address)


def _of(
    session: Session, rows: dict[int, LeadRow], query: Select[*tuple[Any, ...]], lead_id: Any
) -> Iterator[tuple[LeadRow, Row[*tuple[Any, ...]]]]:
    """What a query, whose first column is a lead's id, finds of the leads of `rows`."""
    first, last = min(rows), max(rows)
    # A thousand ids take longer to write into a statement than their rows take to read.
    is_dense = last - first < DENSE * len(rows)
    wanted = lead_id.between(first, last) if is_dense else lead_id.in_(list(rows))
    for found in prepared.rows(session, query.where(wanted), {}).all():
        if row := rows.get(found[0]):
            yield row, found
