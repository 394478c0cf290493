"""Whole rows, for tests that look at more than anybody is shown."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.store.models import Activity, Call, Interest, Lead, Message, Task


def tasks(session: Session, *, open_only: bool = True) -> Sequence[Task]:
    """The most pressing first."""
    found = select(Task).options(selectinload(Task.owner)).order_by(Task.due_at, Task.id)
    return session.scalars(found.where(Task.done_at.is_(None)) if open_only else found).all()


def texts(session: Session) -> Sequence[Message]:
    """As they were written."""
    return session.scalars(select(Message).order_by(Message.created_at, Message.id)).all()


def calls(session: Session) -> Sequence[Call]:
    return session.scalars(select(Call).options(selectinload(Call.agent)).order_by(Call.started_at, Call.id)).all()


def leads(session: Session) -> Sequence[Lead]:
    cards = (selectinload(Lead.phones), selectinload(Lead.interests).selectinload(Interest.property))
    return session.scalars(select(Lead).options(*cards).order_by(Lead.created_at, Lead.id)).all()


def timeline(session: Session, lead_id: int) -> Sequence[Activity]:
    """The oldest entry first."""
    return session.scalars(select(Activity).where(Activity.lead_id == lead_id).order_by(Activity.at, Activity.id)).all()
