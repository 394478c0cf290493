"""Leads as rows, read page by page: a million of them take no more memory than a thousand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.domain.lead_rows import LeadRow
from crm.domain.leads import LeadFilter, LeadType
from crm.store.models import (
    Agent,
    Call,
    Interest,
    Lead,
    LeadEmail,
    LeadPhone,
    Message,
    OptOut,
    Organization,
    Property,
    Task,
    Tour,
    Unit,
)
from crm.views import leads

PAGE = 1_000
"""Leads of one page."""


def page(session: Session, now: datetime, wanted: LeadFilter, after: int) -> tuple[list[LeadRow], int | None]:
    """The next leads by id, and the id to go on after; None when there are no more."""
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
        Lead.created_at,
        Lead.first_answer_at,
        Lead.last_contact_at,
    ).outerjoin(Agent, Agent.id == Lead.assigned_agent_id)
    found = leads.filtered(cards, now, wanted).where(Lead.id > after).order_by(Lead.id).limit(PAGE)
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
        created,
        first,
        last,
    ) in session.execute(found):
        rows[id] = LeadRow(
            id=id,
            name=name or "",
            emails=[email] if email else [],
            kind=kind,
            type=LeadType.HOT if is_hot else LeadType.COLD,
            status=status,
            closed_because=because,
            source=source,
            agent=agent or "",
            language=language,
            created=created,
            first_answer=first,
            last_contact=last,
        )
    if rows:
        _complete(session, rows, now)
    return list(rows.values()), max(rows) if len(rows) == PAGE else None


def _complete(session: Session, rows: dict[int, LeadRow], now: datetime) -> None:
    """What there may be several of, read for all leads of the page at once."""
    ids = list(rows)
    for lead_id, number in session.execute(_of(LeadPhone, LeadPhone.number, ids).order_by(LeadPhone.id)):
        rows[lead_id].phones.append(number)
    for lead_id, address in session.execute(_of(LeadEmail, LeadEmail.address, ids).order_by(LeadEmail.id)):
        if address not in [one.lower() for one in rows[lead_id].emails]:
            rows[lead_id].emails.append(address)
    office_link = session.scalar(select(Organization.listings_url).limit(1)) or ""
    interests = (
        select(Interest.lead_id, Property.slug, Property.listings_url, Unit.name, Interest.stage)
        .join(Property, Property.id == Interest.property_id)
        .outerjoin(Unit, Unit.id == Interest.unit_id)
        .where(Interest.lead_id.in_(ids))
        .order_by(Interest.updated_at, Interest.id)
    )
    for lead_id, slug, link, unit, stage in session.execute(interests):
        row = rows[lead_id]
        row.interests.append(f"{slug}{f'/{unit}' if unit else ''}={stage}")
        # The latest of them is the last one read.
        row.property, row.unit, row.stage, row.listing = slug, unit or "", stage, link or office_link
    tasks = (
        select(Task.lead_id, Task.why, Agent.slug, Task.due_at)
        .join(Agent, Agent.id == Task.owner_id)
        .where(Task.lead_id.in_(ids), Task.done_at.is_(None))
        .order_by(Task.due_at.desc(), Task.id.desc())
    )
    for lead_id, why, owner, due_at in session.execute(tasks):
        row = rows[lead_id or 0]
        row.next_action, row.next_action_owner, row.next_action_due = why, owner, due_at
    for name, of in (("tours", Tour), ("calls", Call), ("messages", Message)):
        for lead_id, count in session.execute(
            select(of.lead_id, func.count()).where(of.lead_id.in_(ids)).group_by(of.lead_id)
        ):
            setattr(rows[lead_id or 0], name, count)
    numbers = {number: row for row in rows.values() for number in row.phones}
    out = select(OptOut.number).where(OptOut.ended_at.is_(None), OptOut.number.in_(list(numbers))).distinct()
    for number in session.scalars(out.order_by(OptOut.number)):
        numbers[number].opted_out.append(number)


def _of(table: Any, column: Any, ids: Sequence[int]) -> Any:
    return select(table.lead_id, column).where(table.lead_id.in_(ids))
