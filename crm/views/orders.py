"""Ordered calls: placed for an agent, whose phones ring first."""

from __future__ import annotations

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.store.models import Agent, Call, CallOrder


class OrderEntry(msgspec.Struct):
    """An ordered call, and how far it has come."""

    order: int
    agent: str
    """Slug."""
    to: str
    """E.164."""
    state: str
    """waiting, dialling (the agent's phones ring), done (the agent has answered), failed or cancelled."""
    call: str | None
    """The call's id, once the agent has answered."""
    step: str
    """How far the call has come: dialling or talk; empty before."""
    outcome: str | None
    """talked or not_reached; null while the call is up."""
    error: str
    """Why it failed."""


def one(session: Session, order_id: int) -> OrderEntry:
    """An order, which must exist."""
    found = (
        select(
            CallOrder.id.label("order"),
            Agent.slug.label("agent"),
            CallOrder.to_number.label("to"),
            CallOrder.state,
            Call.id.label("call"),
            func.coalesce(Call.step, "").label("step"),
            Call.outcome,
            CallOrder.error,
        )
        .join(Agent, Agent.id == CallOrder.agent_id)
        .outerjoin(Call, Call.id == CallOrder.call_id)
        .where(CallOrder.id == order_id)
    )
    return OrderEntry(**session.execute(found).one()._mapping)
