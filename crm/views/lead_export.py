"""Leads as rows for export, read in pages, so that a million of them take no more memory than a thousand."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, func, literal_column, select
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
            emails=(email,) if email else (),
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
    parts = _parts(reach)
    # Written out for each part, and without a function between: there are half a million rows for 100,000 leads.
    of = rows.get
    for id, number in _found(session, rows, parts.phones):
        if row := of(id):
            row.phones += (number,)
    for id, address in _found(session, rows, parts.emails):
        if (row := of(id)) and address not in [one.lower() for one in row.emails]:
            row.emails += (address,)
    office_link = session.scalar(select(Organization.listings_url).limit(1)) or ""
    for id, slug, link, unit, stage in _found(session, rows, parts.interests):
        if row := of(id):
            row.interests += (f"{slug}/{unit}={stage}" if unit else f"{slug}={stage}",)
            # The last one read is the latest.
            row.property, row.unit, row.stage, row.listing = slug, unit or "", stage, link or office_link
    # Sorted here, because a database that sorts would rather walk through all open tasks in their order.
    open_tasks = sorted(_found(session, rows, parts.tasks), key=lambda one: (one.due_at, one.id), reverse=True)
    for id, _, why, owner, due_at in open_tasks:
        if row := of(id):
            row.next_action, row.next_action_owner, row.next_action_due = why, owner, due_at
    for id, count in _found(session, rows, parts.tours):
        if row := of(id):
            row.tours = count
    for id, count in _found(session, rows, parts.calls):
        if row := of(id):
            row.calls = count
    for id, count in _found(session, rows, parts.messages):
        if row := of(id):
            row.messages = count
    for part in (parts.no_texts, parts.no_news):
        for id, what in sorted({(id, what) for id, what in _found(session, rows, part)}):
            if row := of(id):
                row.opted_out += (what,)


class _LeadPart:
    """What is read of the leads of a page, as a statement whose first column is a lead's id."""

    def __init__(self, query: Select[*tuple[Any, ...]], lead_id: Any) -> None:
        # A thousand ids take longer to send than their rows take to read.
        self.in_range = query.where(lead_id.between(bindparam("first"), bindparam("last")))
        self.by_id = query.where(lead_id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True)
class _LeadParts:
    phones: _LeadPart
    emails: _LeadPart
    interests: _LeadPart
    """The latest one last."""
    tasks: _LeadPart
    tours: _LeadPart
    calls: _LeadPart
    messages: _LeadPart
    no_texts: _LeadPart
    no_news: _LeadPart


@functools.lru_cache(maxsize=32)
def _parts(reach: Reach) -> _LeadParts:
    """The statements, which take as long to write as their rows take to read."""
    interests = (
        select(Interest.lead_id, Property.slug, Property.listings_url, Unit.name, Interest.stage)
        .join(Property, Property.id == Interest.property_id)
        .outerjoin(Unit, Unit.id == Interest.unit_id)
        .where(*reached.of_interests(reach))
        .order_by(Interest.updated_at, Interest.id)
    )
    owner = func.coalesce(Agent.slug, "team " + Subteam.slug)
    tasks = (
        select(Task.lead_id, Task.id, Task.why, owner, Task.due_at)
        .outerjoin(Agent, Agent.id == Task.owner_id)
        .outerjoin(Subteam, Subteam.id == Task.subteam_id)
        .where(Task.done_at.is_(None), *reached.of_tasks(reach))
    )
    tours = select(Tour.lead_id, func.count()).group_by(Tour.lead_id)
    calls = select(Call.lead_id, func.count()).group_by(Call.lead_id)
    messages = select(Message.lead_id, func.count()).where(*reached.of_messages(reach)).group_by(Message.lead_id)
    if not reach.is_whole:
        tours = tours.join(TourSlot, TourSlot.id == Tour.slot_id).where(*reached.of_tours(reach))
        calls = calls.outerjoin(Line, Line.id == Call.line_id).where(*reached.of_calls(reach))
    no_texts = select(LeadPhone.lead_id, LeadPhone.number).join(OptOut, OptOut.number == LeadPhone.number)
    # Word for word as in the index of addresses.
    is_theirs = and_(OptOut.address == LeadEmail.address, OptOut.address != literal_column("''"))
    no_news = select(LeadEmail.lead_id, LeadEmail.address).join(OptOut, is_theirs)
    is_in_force = OptOut.ended_at.is_(None)
    return _LeadParts(
        phones=_LeadPart(select(LeadPhone.lead_id, LeadPhone.number).order_by(LeadPhone.id), LeadPhone.lead_id),
        emails=_LeadPart(select(LeadEmail.lead_id, LeadEmail.address).order_by(LeadEmail.id), LeadEmail.lead_id),
        interests=_LeadPart(interests, Interest.lead_id),
        tasks=_LeadPart(tasks, Task.lead_id),
        tours=_LeadPart(tours, Tour.lead_id),
        calls=_LeadPart(calls, Call.lead_id),
        messages=_LeadPart(messages, Message.lead_id),
        no_texts=_LeadPart(no_texts.where(is_in_force), LeadPhone.lead_id),
        no_news=_LeadPart(no_news.where(is_in_force), LeadEmail.lead_id),
    )


def _found(session: Session, rows: dict[int, LeadRow], part: _LeadPart) -> Sequence[Row[*tuple[Any, ...]]]:
    """What there is of the leads of `rows`, and of others if their ids lie between."""
    first, last = min(rows), max(rows)
    if last - first < DENSE * len(rows):
        found = prepared.rows(session, part.in_range, {"first": first, "last": last})
    else:
        found = prepared.rows(session, part.by_id, {"ids": list(rows)})
    return found.all()
