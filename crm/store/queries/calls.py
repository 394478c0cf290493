"""Calls and what happened in them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, text, update
from sqlalchemy.orm import Session, aliased, selectinload

from crm.domain.calls import CallDirection, Outcome
from crm.domain.route_inputs import CallerKind
from crm.store.models import Agent, Call, CallEvent, Lead, Leg, Line, Message, RoutingDecision, Task, TaskCall
from crm.store.models.calls import UNCOVERED
from crm.store.queries.nodes import is_of_others, is_ours
from crm.words.codes import in_words

_ROW = (
    selectinload(Call.line).selectinload(Line.property),
    selectinload(Call.property),
    selectinload(Call.lead).selectinload(Lead.phones),
    selectinload(Call.voicemail),
    selectinload(Call.agent),
    selectinload(Call.contact),
)


def is_withheld(session: Session, number: str) -> bool:
    """Whether the owner of the number (E.164) has called with it withheld, and never shown it in a call or a text."""

    def any_of(query: Select[str] | Select[int]) -> bool:
        return session.scalar(query.limit(1)) is not None

    calls = select(Call.id).where(Call.caller == number, Call.direction == CallDirection.IN)
    return (
        any_of(calls.where(Call.withheld))
        and not any_of(calls.where(Call.withheld.is_(False)))
        and not any_of(select(Message.id).where(Message.from_number == number, Message.direction == "in"))
    )


def by_id(session: Session, call_id: str) -> Call | None:
    """One call with everything: line, lead, voicemail, legs with their agents, events."""
    found = select(Call).where(Call.id == call_id)
    found = found.options(*_ROW, selectinload(Call.legs).selectinload(Leg.agent), selectinload(Call.events))
    found = found.options(selectinload(Call.recordings))
    return session.scalars(found).first()


def open_since(session: Session, node: str) -> dict[str, datetime]:
    """A node's calls without an outcome yet and when they began: up, or lost sight of while the app was away."""
    found = select(Call.id, Call.started_at).where(Call.outcome.is_(None), is_ours(Call.node, node))
    found = found.order_by(Call.started_at)
    return {row.id: row.started_at for row in session.execute(found)}


def in_progress(session: Session, *, limit: int) -> Sequence[Row[str, str, str | None, str, str, datetime]]:
    """Id, our number, the person's or the digits shown in its place, step and beginning of calls without an outcome
    yet, the newest first."""
    found = select(Call.id, Call.did, Call.caller, Call.caller_digits, Call.step, Call.started_at)
    found = found.where(Call.outcome.is_(None))
    return session.execute(found.order_by(Call.started_at.desc()).limit(limit)).all()


def digits_of_lead(session: Session, lead_id: int) -> str:
    """What a lead showed last in place of a phone number when they called; "" for nothing."""
    found = select(Call.caller_digits).where(Call.lead_id == lead_id, Call.caller_digits != "")
    return session.scalars(found.order_by(Call.started_at.desc()).limit(1)).first() or ""


def unread_numbers(session: Session, since: datetime, least: int) -> list[tuple[str, str]]:
    """Trunks (slugs) through which callers have shown at least so many digits that could not be read, with the highest
    of them each."""
    shown = select(Call.trunk, func.max(Call.caller_digits)).where(
        Call.caller_digits != "", Call.started_at >= since, func.length(Call.caller_digits) >= least
    )
    return [(row[0], row[1]) for row in session.execute(shown.group_by(Call.trunk).order_by(Call.trunk))]


def waiting_since(session: Session) -> Sequence[datetime]:
    """When each caller waiting in line began to wait, the longest wait first."""
    queued = (CallEvent.call_id == Call.id) & (CallEvent.kind == "Queued")
    began = select(func.min(CallEvent.at)).where(queued).scalar_subquery()
    found = select(Call.started_at, began).where(Call.outcome.is_(None), Call.step == "queue")
    return sorted(at or started_at for started_at, at in session.execute(found))


def events(session: Session, call_id: str) -> Sequence[CallEvent]:
    found = select(CallEvent).where(CallEvent.call_id == call_id).order_by(CallEvent.at, CallEvent.number)
    return session.scalars(found).all()


def decisions(session: Session, call_id: str) -> Sequence[RoutingDecision]:
    """Why the call rang the phones it rang, in order."""
    found = select(RoutingDecision).where(RoutingDecision.call_id == call_id).order_by(RoutingDecision.at)
    return session.scalars(found).all()


def last_caller_of(session: Session, agent: str) -> str | None:
    """Number (E.164) of the last outside caller to ring an agent's phones, answered or not; "" if it is not known, None
    without such a caller."""
    whose = select(Agent.id).where(Agent.slug == agent, Agent.retired_at.is_(None)).scalar_subquery()
    found = select(func.coalesce(Call.caller, "")).join(Leg, Leg.call_id == Call.id)
    found = found.where(Leg.agent_id == whose, Call.direction == "in")
    return session.scalars(found.order_by(Leg.started_at.desc()).limit(1)).first()


def leasing(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    """Which calls reports are about: prospects' calls to our lines in that time that are over."""
    return (
        Call.direction == CallDirection.IN,
        Call.line_id.is_not(None),
        Call.started_at >= since,
        Call.started_at < until,
        Call.outcome.is_not(None),
        Call.outcome != Outcome.BLOCKED,
        Call.kind == CallerKind.PROSPECT,
        Call.desk == "",
    )


LONGEST_CALL = timedelta(hours=6)
"""A call without an outcome for this long is no longer up."""


@dataclass(frozen=True)
class LostCall:
    """A caller with neither an outcome nor an owned next action."""

    call_id: str
    started_at: datetime
    why: str


def lost(session: Session, node: str, now: datetime) -> list[LostCall]:
    """Must be empty. Calls that are up are not lost, nor are those of another live node, which handles them itself, nor
    callers for whom nobody can do anything."""
    called = select(Call.id, Call.started_at, Call.outcome).order_by(Call.started_at)
    endless = session.execute(
        called.where(Call.outcome.is_(None), Call.started_at < now - LONGEST_CALL).where(
            ~is_of_others(Call.node, node, now)
        )
    )
    found = [LostCall(call.id, call.started_at, "It has no outcome.") for call in endless]
    found += [
        LostCall(call.id, call.started_at, f'It ended as "{in_words(Outcome, call.outcome)}", and nobody has a task.')
        for call in session.execute(called.where(text(UNCOVERED), ~_has_task()))
    ]
    return found


def mark_covered(session: Session, limit: int) -> int:
    """Marks ended calls of which a task takes care, so that `lost` need not ask again; returns how many those were."""
    some = select(Call.id).where(text(UNCOVERED), _has_task()).order_by(Call.started_at).limit(limit)
    ids = session.scalars(some).all()
    if ids:
        session.execute(update(Call).where(Call.id.in_(ids)).values(covered=True))
    return len(ids)


@functools.cache
def _has_task() -> ColumnElement[bool]:
    """Whether somebody has, or had, something to do about a call that is over."""
    # Its own, or one shared with other calls of the same person; for nearly every call this check is enough.
    shares_task = select(TaskCall.task_id).where(TaskCall.call_id == Call.id).exists()
    has_task = select(Task.id).where(Task.call_id == Call.id).exists()
    # A call of ours that reached nobody may leave an older task of the person's open instead of one of its own.
    lead_has_task = select(Task.id).where(Task.lead_id == Call.lead_id, Task.lead_id.is_not(None)).exists()
    # The same goes for a call to a resident, owner or vendor.
    other = aliased(Call)
    caller_has_task = (
        select(Task.id)
        .join(other, Task.call_id == other.id)
        .where(other.caller == Call.caller, Task.lead_id.is_(None), Call.direction == "out")
        .exists()
    )
    return or_(shares_task, has_task, lead_has_task, caller_has_task)
