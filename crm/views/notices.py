"""What agents were told of."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import Agent, Notice


class NoticeEntry(msgspec.Struct):
    """Something that an agent was told of, besides by text and email."""

    id: int
    at: datetime
    agent: str
    """Slug."""
    subject: str
    text: str
    lead: int | None
    """Whom it is about."""
    read_at: datetime | None
    """Null: not yet."""


def listed(
    session: Session, agent: str | None = None, *, unread: bool = False, limit: int = 50, before: int | None = None
) -> list[NoticeEntry]:
    """The newest first, of one agent or of all; `before` is the id of the last one on the page before."""
    found = select(Notice, Agent.slug).join(Agent, Agent.id == Notice.agent_id).order_by(Notice.id.desc()).limit(limit)
    if agent is not None:
        # By the agent's id, so that their index gives the order.
        named = select(Agent.id).where(Agent.slug == agent, Agent.retired_at.is_(None))
        found = found.where(Notice.agent_id == named.scalar_subquery())
    if unread:
        found = found.where(Notice.read_at.is_(None))
    if before is not None:
        found = found.where(Notice.id < before)
    return [
        NoticeEntry(one.id, one.made_at, slug, one.subject, one.text, one.lead_id, one.read_at)
        for one, slug in session.execute(found)
    ]
