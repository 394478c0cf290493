"""Calls that have been ordered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.store.models.base import Base, index_of_some

if TYPE_CHECKING:
    from crm.store.models.agents import Agent
    from crm.store.models.tasks import Task


class CallOrder(Base):
    """A call that the app is to place: it rings the agent, then dials the person."""

    __tablename__ = "call_order"
    __table_args__ = (index_of_some("ix_call_order_task", "task_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    to_number: Mapped[str] = mapped_column(String(20), comment="E.164")
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("lead.id", ondelete="SET NULL"), index=True)
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="SET NULL"))
    why: Mapped[str] = mapped_column(String(300), default="")
    not_before: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime] = mapped_column(comment="later than that it would surprise everybody")
    state: Mapped[str] = mapped_column(
        String(10), default="waiting", index=True, comment="waiting, dialling, done, failed or cancelled"
    )
    tries_left: Mapped[int] = mapped_column(default=1, comment="how often the agent may still be rung for it")
    claimed_until: Mapped[datetime | None] = mapped_column(
        comment="dialling: whoever does it has until then to come to an end, or is dead"
    )
    call_id: Mapped[str | None] = mapped_column(String(80), comment="of the latest try")
    node: Mapped[str] = mapped_column(
        String(16),
        default="",
        server_default="",
        comment="name of the node that carries it out, or tried last; empty: none has yet",
    )
    error: Mapped[str] = mapped_column(String(300), default="")
    since: Mapped[datetime | None] = mapped_column(
        comment="the person keeps the position of one who has waited since then, and is called when somebody is free"
    )
    agents: Mapped[list[str]] = mapped_column(
        JSON, default=list, server_default="[]", comment="slugs of those who may be rung for a queued callback"
    )
    created_at: Mapped[datetime]
    agent: Mapped[Agent] = relationship()
    task: Mapped[Task | None] = relationship()
