"""What would become of two leads that are one person, before somebody decides it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.domain import leads as rules
from crm.domain import merging
from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.leads import LeadType
from crm.store.models import Activity, Agent, Lead, Task
from crm.views import leads
from crm.views import opt_outs as opt_outs_view
from crm.views.leads import InterestEntry, LeadCard

_LEAD = tuple(getattr(Lead, name) for name in merging.COLUMNS)


class MergePreview(msgspec.Struct, kw_only=True):
    """Two leads, and the one that they become."""

    survivor: LeadCard
    gone: LeadCard
    merged: LeadCard
    """The survivor with what the other knows and it does not."""
    opted_out: tuple[dict[str, str], dict[str, str], dict[str, str]]
    """What each of the three has opted out of: number or address, and the strictest scope in force."""
    entries: int
    """Of the other's timeline, which go over."""
    tasks: int
    """Open ones of the other, which go over."""


def of(session: Session, survivor_id: int, gone_id: int, now: datetime, reach: Reach = WHOLE_OFFICE) -> MergePreview:
    """Raises NotFound unless both are within reach."""
    survivor = leads.card(session, survivor_id, now, reach)
    gone = leads.card(session, gone_id, now, reach)
    known = merging.merged(_columns(session, survivor_id), _columns(session, gone_id))
    agent_id = known["assigned_agent_id"]
    agent = session.scalar(select(Agent.slug).where(Agent.id == agent_id)) if agent_id is not None else None
    first, *_ = addresses = [*leads.addresses(survivor), *leads.addresses(gone), ""]
    merged = msgspec.structs.replace(
        survivor,
        name=known["name"],
        phones=[*survivor.phones, *(one for one in gone.phones if one not in survivor.phones)],
        email=first,
        further_emails=[one for one in dict.fromkeys(addresses) if one and one != first.lower() and one != first],
        type=LeadType.HOT if known["is_hot"] else LeadType.COLD,
        status=known["status"],
        closed_because=known["closed_because"],
        source=survivor.source or gone.source,
        agent=agent,
        language=known["language"],
        bedrooms=known["bedrooms"],
        move_in_on=known["move_in_on"],
        budget=known["budget"],
        pets=known["pets"],
        created_at=known["created_at"],
        first_answer_at=known["first_answer_at"],
        last_contact_at=known["last_contact_at"],
        light=rules.light(known["status"], known["last_contact_at"], known["created_at"], now),
        opted_out=sorted({*survivor.opted_out, *gone.opted_out}),
        no_news=sorted({*survivor.no_news, *gone.no_news}),
        interests=_interests(survivor.interests, gone.interests),
    )
    entries = select(func.count(Activity.id)).where(Activity.lead_id == gone_id)
    tasks = select(func.count(Task.id)).where(Task.lead_id == gone_id, Task.done_at.is_(None))
    return MergePreview(
        survivor=survivor,
        gone=gone,
        merged=merged,
        opted_out=(_opted_out(session, survivor), _opted_out(session, gone), _opted_out(session, merged)),
        entries=session.scalar(entries) or 0,
        tasks=session.scalar(tasks) or 0,
    )


def _columns(session: Session, lead_id: int) -> dict[str, Any]:
    return dict(session.execute(select(*_LEAD).where(Lead.id == lead_id)).mappings().one())


def _opted_out(session: Session, card: LeadCard) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in opt_outs_view.of(session, card.phones, leads.addresses(card)):
        if one.ended_at is None and found.get(one.number or one.address) != "all":
            found[one.number or one.address] = one.scope
    return found


def _interests(ours: list[InterestEntry], theirs: list[InterestEntry]) -> list[InterestEntry]:
    """One for each property, with the stage that is further along."""
    found = {one.property: one for one in ours}
    for one in theirs:
        known = found.get(one.property)
        if known is None or merging.is_further((one.stage, one.updated_at), (known.stage, known.updated_at)):
            found[one.property] = one
    return list(found.values())
