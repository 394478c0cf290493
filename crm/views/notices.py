"""What agents were told of."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.errors import NotFound
from crm.domain.notices import CHOSEN, DEFAULTS, in_order
from crm.store.models import Agent, Notice, NoticeSetting
from crm.store.queries.names import ids_of


class NoticeEntry(msgspec.Struct):
    """Something that an agent was told of, besides by text and email."""

    id: int
    at: datetime
    agent: str
    """Slug."""
    kind: str
    """missed-call, message, text, inquiry, application, lead, task or alarm."""
    subject: str
    text: str
    lead: int | None
    """Whom it is about."""
    read_at: datetime | None
    """Null: not yet."""


class NoticeWaysEntry(msgspec.Struct):
    """How an agent is told."""

    agent: str
    """Slug."""
    ways: dict[str, list[str]]
    """By kind: mail, text, feed, push."""
    quiet_from: str
    """HH:MM on the office's clock, from when on nothing is sent; empty: there is no quiet time."""
    quiet_until: str
    digest_at: str
    """HH:MM on the office's clock: the daily digest; empty: none."""


def ways(session: Session, agent: str) -> NoticeWaysEntry:
    """Raises NotFound."""
    agent_id = session.scalar(ids_of(Agent.slug, agent))
    if agent_id is None:
        raise NotFound(f"There is no agent {agent}.", code="agent_unknown", agent=agent)
    setting = session.get(NoticeSetting, agent_id)
    own = setting.ways if setting else {}
    by_kind = {kind.value: own.get(kind, in_order(DEFAULTS[kind])) for kind in CHOSEN}
    if setting is None:
        return NoticeWaysEntry(agent, by_kind, "", "", "")
    return NoticeWaysEntry(agent, by_kind, setting.quiet_from, setting.quiet_until, setting.digest_at)


def listed(
    session: Session, agent: str | None = None, *, unread: bool = False, limit: int = 50, before: int | None = None
) -> list[NoticeEntry]:
    """The newest first, of one agent or of all; `before` is the id of the last one on the page before."""
    found = select(Notice, Agent.slug).join(Agent, Agent.id == Notice.agent_id).where(Notice.is_listed)
    found = found.order_by(Notice.id.desc()).limit(limit)
    if agent is not None:
        # By the agent's id, so that their index gives the order.
        named = ids_of(Agent.slug, agent).where(Agent.retired_at.is_(None))
        found = found.where(Notice.agent_id == named.scalar_subquery())
    if unread:
        found = found.where(Notice.read_at.is_(None))
    if before is not None:
        found = found.where(Notice.id < before)
    return [
        NoticeEntry(one.id, one.made_at, slug, one.kind, one.subject, one.text, one.lead_id, one.read_at)
        for one, slug in session.execute(found)
    ]
