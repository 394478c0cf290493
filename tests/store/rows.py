"""Whole rows, for tests that look at more than anybody is shown."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session, selectinload

from crm.store.models import Activity, Call, Interest, Lead, Line, Message, Subteam, Task, Voicemail


def tasks(session: Session, *, open_only: bool = True) -> Sequence[Task]:
    """The most pressing first."""
    found = (
        select(Task)
        .options(selectinload(Task.owner), selectinload(Task.subteam).selectinload(Subteam.members))
        .order_by(Task.due_at, Task.id)
    )
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


def voicemail(session: Session, call_id: str) -> Voicemail:
    whole = (
        selectinload(Voicemail.call).selectinload(Call.lead),
        selectinload(Voicemail.call).selectinload(Call.agent),
        selectinload(Voicemail.call).selectinload(Call.line).selectinload(Line.property),
        selectinload(Voicemail.call).selectinload(Call.property),
        selectinload(Voicemail.call).selectinload(Call.contact),
        selectinload(Voicemail.taken_by),
    )
    return session.scalars(select(Voicemail).where(Voicemail.call_id == call_id).options(*whole)).one()


def touch_agents(session: Session) -> None:
    """Changes rows past the models, as another program would."""
    session.execute(text("UPDATE agent SET name = name || '!'"))
