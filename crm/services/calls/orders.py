"""Calls that the app is to place: it rings the agent, and once they answer, dials the person.

An order is a row. A worker in the app claims it for a limited time, in a transaction of its own, so that only one of
several apps has it; if that app dies, the claim expires. Once the agent has answered, the call is on record like any
other, and the order is done.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain import fields
from crm.domain.calls import ORDER_MARK
from crm.domain.dialing import DialPurpose
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.hours import Schedule
from crm.domain.leads import Happened
from crm.domain.ringing import DeviceKind
from crm.domain.tasks import TaskKind
from crm.services import audit
from crm.services.audit import By
from crm.services.office import agents, owners
from crm.services.people import intake, timeline
from crm.services.people.identity import who_is
from crm.services.phones import dialing
from crm.store.models import Agent, Call, CallOrder, Device, Lead, Task
from crm.store.queries import calls, nodes, office, properties, tasks

BY_HAND = timedelta(minutes=2)
"""An order not claimed within this time is void: a phone that rings much later would surprise the agent."""
PROMISED = timedelta(hours=1)
"""The same for a promised callback, counted from when it was due; after that it is left as an overdue task."""
KEPT = timedelta(hours=1)
"""How long after its task was due a queued callback may still be made; after that it is left as an overdue task."""
LEFT_TO_OTHERS = timedelta(seconds=15)
"""How long an order is left to the node where the agent's phone is registered, if another node is alive."""
MARGIN = timedelta(seconds=20)
"""How long, in addition to the ringing itself, a worker may hold an order before it counts as dead."""


class State(StrEnum):
    WAITING = "waiting"
    DIALLING = "dialling"
    """The agent's phones are ringing."""
    DONE = "done"
    """The agent has answered; the call's own record says how it went."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Its task was completed in the meantime."""


@dataclass(frozen=True)
class OrderClaim:
    """An order that this worker is to carry out."""

    id: int
    call_id: str
    agent: str
    """Slug."""
    number: str
    """E.164."""
    name: str
    """The person's name, as announced to the agent; empty when unknown."""
    is_callback: bool = False
    """Whether the person asked for it while in line, and it is now their turn."""


# --- placing them ---


def place(session: Session, config: Config, by: By, *, agent: str, to: str) -> CallOrder:
    """Orders a call to a lead (by id) or a number. While an equal order is open, returns that one.

    Raises DialRefused, NotFound, Invalid, before anything rings.
    """
    lead, number = intake.person(session, config, to)
    if number is None:
        assert lead is not None
        if not lead.phones:
            if shown := calls.digits_of_lead(session, lead.id):
                raise Invalid(
                    f"Lead {lead.id} has no phone number: they showed {shown}, which cannot be dialed.",
                    code="lead_unreadable",
                    lead=lead.id,
                )
            raise Invalid(
                f"Lead {lead.id} has withheld the number, so nobody can be called.", code="lead_withheld", lead=lead.id
            )
        number = lead.phones[0].number
    return _place(session, config, by, agent, number, lead, None)


def call_back(session: Session, config: Config, by: By, call_id: str, *, agent: str | None = None) -> CallOrder:
    """Orders a call back to the caller, to be made by `agent`, or else by the owner of the callback task."""
    call = calls.by_id(session, fields.text(call_id, "call's id", 80, required=True))
    if call is None:
        raise NotFound(f"There is no call {call_id}.", code="missed_call_unknown", call=call_id)
    if call.caller is None and call.caller_digits:
        raise Invalid(
            f"They showed {call.caller_digits}, which is not a phone number and cannot be dialed.",
            code="caller_unreadable",
            call=call_id,
        )
    if call.caller is None:
        raise Invalid("The number was withheld, so nobody can be called back.", code="caller_withheld", call=call_id)
    task = _open_task(session, call)
    who = agent or (task.owner.slug if task and task.owner else None)
    if who is None:
        raise Invalid("Nobody has the task to call them back.", code="task_unowned", call=call_id)
    order = _place(session, config, by, who, call.caller, call.lead, task)
    if task and task.owner is None:
        # Whoever calls back has taken it.
        task.held_by = agents.named(session, who)
    return order


def promise(session: Session, config: Config, *, task: Task, number: str, now: datetime) -> None:
    """Orders the callback that an agent promised, for when its task is due. Repeating it changes nothing."""
    _order_once(
        session, config, task, number, now, why="promised", not_before=task.due_at, expires_at=task.due_at + PROMISED
    )


def _place(
    session: Session, config: Config, by: By, agent: str, number: str, lead: Lead | None, task: Task | None
) -> CallOrder:
    who = agents.named(session, agent)
    if all(device.kind == DeviceKind.MOBILE for device in who.devices):
        raise Invalid(f"Agent {agent} has no phone to ring.", code="agent_without_phone", agent=agent)
    number = dialing.check(session, config, number=number, purpose=DialPurpose.ORDER, agent=agent)
    if who_is(session, number).is_line:
        raise Invalid("That is one of our own lines: call somebody else.", code="number_is_ours")
    same = select(CallOrder).where(
        CallOrder.agent_id == who.id,
        CallOrder.to_number == number,
        CallOrder.not_before <= by.now,
        CallOrder.expires_at > by.now,
        CallOrder.state.in_((State.WAITING, State.DIALLING)),
    )
    if order := session.scalars(same.limit(1)).first():
        return order
    order = CallOrder(
        agent_id=who.id,
        to_number=number,
        lead_id=lead.id if lead else None,
        task_id=task.id if task else None,
        why="by hand",
        not_before=by.now,
        expires_at=by.now + BY_HAND,
        state=State.WAITING,
        tries_left=1,
        created_at=by.now,
    )
    session.add(order)
    session.flush()
    audit.record(session, by, f"call ordered: {agent} to {f'lead {lead.id}' if lead else 'a number'}")
    return order


def queue_callback(
    session: Session,
    config: Config,
    *,
    task: Task,
    number: str,
    agents: Sequence[str],
    since: datetime,
    now: datetime,
) -> None:
    """Orders the callback of somebody who keeps their position in line, by `since`. Ordered only once."""
    _order_once(
        session,
        config,
        task,
        number,
        now,
        why="callback queued",
        not_before=now,
        expires_at=task.due_at + KEPT,
        since=since,
        agents=list(agents),
    )


def _order_once(session: Session, config: Config, task: Task, number: str, now: datetime, **order: Any) -> None:
    """Orders the call that a task is about, unless it is already ordered or done.

    An earlier order for the same task that failed does not count: the person may have called again and been promised
    another callback.
    """
    is_open = CallOrder.state.in_((State.WAITING, State.DIALLING))
    is_same = CallOrder.since == since if (since := order.get("since")) else CallOrder.expires_at == order["expires_at"]
    known = select(CallOrder.id).where(CallOrder.task_id == task.id, or_(is_open, is_same))
    if task.done_at or session.scalar(known.limit(1)):
        return
    session.add(
        CallOrder(
            agent_id=(owners.people(task.held_by) or [owners.admin(session)])[0].id,
            to_number=number,
            lead_id=task.lead_id,
            task_id=task.id,
            state=State.WAITING,
            tries_left=config.dialing.callback_tries,
            created_at=now,
            **order,
        )
    )
    session.flush()


def _open_task(session: Session, call: Call) -> Task | None:
    if (own := tasks.of_call(session, call.id)) and own.done_at is None:
        return own
    found = tasks.open_of(session, call.lead_id, (TaskKind.CALL_BACK,)) if call.lead_id else []
    return found[0] if found else None


# --- carrying them out ---


def next_due(session: Session) -> datetime | None:
    """When `claim` may next find an order; None when none is open."""
    opened = session.scalars(_whole.where(CallOrder.state.in_((State.WAITING, State.DIALLING)))).all()
    return min((at for order in opened if (at := _due_at(order))), default=None)


def _due_at(order: CallOrder) -> datetime | None:
    """When `_due` will select this order."""
    at = _next_try(order)
    if at is None or order.since is None or (order.task and order.task.done_at):
        return at
    return max(at, order.expires_at)


def claim(session: Session, config: Config, now: datetime, online: Collection[str] | None = None) -> OrderClaim | None:
    """Takes the order that has been due longest. Two workers never get the same one. Raises Unavailable.

    `online` are the slugs of the devices registered with our Asterisk; the agent's may be registered on another node.
    """
    due = _due(now)
    if online is not None:
        others = nodes.is_other_alive(config.node, now)
        has_phone = CallOrder.agent.has(Agent.devices.any(Device.slug.in_(online)))
        due = due.where(~others | has_phone | (CallOrder.not_before <= now - LEFT_TO_OTHERS))
    while True:
        # PostgreSQL: skip a row that another worker has locked, instead of waiting for it.
        order_id = session.scalar(due.limit(1).with_for_update(skip_locked=True))
        if order_id is None:
            return None
        order = session.scalars(_whole.where(CallOrder.id == order_id)).one()
        if _is_void(session, order, now):
            session.flush()
            continue
        return _claimed(session, config, order, now)


def _claimed(session: Session, config: Config, order: CallOrder, now: datetime) -> OrderClaim:
    order.state, order.tries_left = State.DIALLING, order.tries_left - 1
    order.claimed_until = now + timedelta(seconds=config.dialing.agent_ring_seconds) + MARGIN
    order.call_id, order.node = f"{ORDER_MARK}{order.id}-{uuid.uuid4().hex[:8]}", config.node
    lead = who_is(session, order.to_number).lead
    name = lead.name if lead else ""
    return OrderClaim(
        order.id, order.call_id, order.agent.slug, order.to_number, name, is_callback=order.since is not None
    )


@dataclass(frozen=True)
class QueuedCallback:
    """A caller who hung up, to be called back when it is their turn."""

    order_id: int
    since: datetime
    """When they began to wait."""
    agents: tuple[str, ...]
    """Slugs of the agents who may be rung for them."""
    is_due: bool
    """They may be called now: the office is open, and the last try was long enough ago."""
    tried: str
    """Slug of the agent rung last; empty before the first try."""
    changes_at: datetime
    """When some of this may be different though no row has changed."""


def queued_callbacks(session: Session, config: Config, now: datetime) -> list[QueuedCallback]:
    """Callers who have hung up and are called back in turn, longest wait first."""
    if session.scalar(_any_open) is None:
        return []
    kept = _whole.where(_is_kept(), ~_is_stale(now)).order_by(CallOrder.since, CallOrder.id)
    return [_queued(session, config, order, order.since, now) for order in session.scalars(kept).all() if order.since]


def _queued(session: Session, config: Config, order: CallOrder, since: datetime, now: datetime) -> QueuedCallback:
    schedule = _schedule(session, config, order)
    times = (_next_try(order), order.expires_at, schedule.next_change(now))
    return QueuedCallback(
        order.id,
        since,
        tuple(order.agents),
        is_due=_may_be_tried(order, now) and schedule.is_open(now),
        tried=order.agent.slug if order.tries_left < config.dialing.callback_tries else "",
        changes_at=min(at for at in times if at is not None and at > now),
    )


def claim_callback(session: Session, config: Config, order_id: int, agent: str, now: datetime) -> OrderClaim | None:
    """Takes a queued callback for an agent who is free. None when it need not be carried out any more, cannot
    be tried yet, or another worker has it. Raises Unavailable."""
    wanted = select(CallOrder.id).where(CallOrder.id == order_id, _is_kept())
    if session.scalar(wanted.with_for_update(skip_locked=True)) is None:
        return None
    order = session.scalars(_whole.where(CallOrder.id == order_id)).one()
    who = session.scalar(select(Agent).where(Agent.slug == agent))
    if who is None or not _may_be_tried(order, now) or _is_void(session, order, now):
        return None
    order.agent = who
    return _claimed(session, config, order, now)


def _schedule(session: Session, config: Config, order: CallOrder) -> Schedule:
    """When the office, or the property that the person called about, is open."""
    about = select(Call.property_id).where(Call.id == order.task.call_id) if order.task else None
    property_id = session.scalar(about) if about is not None else None
    property = properties.by_id(session, property_id) if property_id is not None else None
    return office.schedule(session, config.tz, property)


def _is_kept() -> ColumnElement[bool]:
    return CallOrder.since.is_not(None) & CallOrder.state.in_((State.WAITING, State.DIALLING))


def _is_stale(now: datetime) -> ColumnElement[bool]:
    return (CallOrder.expires_at <= now) | CallOrder.task.has(Task.done_at.is_not(None))


def _may_be_tried(order: CallOrder, now: datetime) -> bool:
    at = _next_try(order)
    return at is not None and at <= now


def _next_try(order: CallOrder) -> datetime | None:
    """From when on it may be tried, or tried again if the worker that has it does not answer."""
    return order.claimed_until if order.state == State.DIALLING else order.not_before


def _is_void(session: Session, order: CallOrder, now: datetime) -> bool:
    """Whether an order need not be carried out any more; if so, closes it."""
    if order.state == State.DIALLING and order.call_id and calls.by_id(session, order.call_id):
        order.state = State.DONE  # The worker died after the agent had answered.
    elif order.task and order.task.done_at:
        order.state, order.error = State.CANCELLED, "Its task was done meanwhile."
    elif order.expires_at <= now:
        order.state, order.error = State.FAILED, "It was not picked up in time: Leaseline may not have been running."
    elif order.tries_left <= 0:
        order.state, order.error = State.FAILED, "The app ended while the agent's phones rang."
    else:
        return False
    order.claimed_until = None
    return True


def _due(now: datetime) -> Select[int]:
    waiting = (CallOrder.state == State.WAITING) & (CallOrder.not_before <= now)
    left = (CallOrder.state == State.DIALLING) & (CallOrder.claimed_until <= now)
    # Queued callbacks are made when an agent is free (`claim_callback`); here they are only closed.
    is_mine = CallOrder.since.is_(None) | _is_stale(now)
    return select(CallOrder.id).where(is_mine, or_(waiting, left)).order_by(CallOrder.not_before, CallOrder.id)


_any_open = select(CallOrder.id).where(CallOrder.state.in_((State.WAITING, State.DIALLING))).limit(1)
"""Run often, so it is built once."""
_whole = select(CallOrder).options(selectinload(CallOrder.agent), selectinload(CallOrder.task))


def placed(session: Session, order_id: int, call_id: str) -> None:
    """Marks an order done: the agent has answered, and the call is on record."""
    session.execute(
        update(CallOrder)
        .where(CallOrder.id == order_id)
        .values(state=State.DONE, call_id=call_id, claimed_until=None, error="")
        .execution_options(synchronize_session=False)
    )


def not_placed(session: Session, config: Config, claim: OrderClaim, why: str, now: datetime, *, again: bool) -> None:
    """Records that the agent did not answer or the number was refused. `again`: another try may succeed."""
    order = session.scalars(_whole.where(CallOrder.id == claim.id).with_for_update(of=CallOrder)).one()
    if order.state != State.DIALLING or order.call_id != claim.call_id:
        return
    order.claimed_until, order.error = None, why[:300]
    if again and order.tries_left > 0:
        order.state = State.WAITING
        order.not_before = now + timedelta(seconds=config.dialing.callback_pause_seconds)
    else:
        order.state = State.FAILED


def give_up(session: Session, order_id: int, why: str) -> None:
    """Marks an order failed if no worker has claimed it yet."""
    waiting = (CallOrder.id == order_id) & (CallOrder.state == State.WAITING)
    session.execute(update(CallOrder).where(waiting).values(state=State.FAILED, error=why[:300]))


# --- notes on a call ---


def remark(session: Session, by: By, call_id: str, text: str) -> None:
    """Adds a note to a call and to the lead's timeline."""
    words = fields.text(text, "note", 450, required=True)
    call = calls.by_id(session, fields.text(call_id, "call's id", 80, required=True))
    if call is None:
        raise NotFound(f"There is no call {call_id}.", code="call_unknown", call=call_id)
    if len(call.remark) > 10_000:
        raise Conflict(
            "This call has too many notes: add this one to the lead's next call.",
            code="call_notes_full",
            call=call_id,
        )
    number = call.remark.count("\n") + 1 if call.remark else 0
    call.remark = f"{call.remark}\n{words}" if call.remark else words
    if call.lead_id:
        key = f"note:{call.id}:{number}"
        timeline.enter(
            session, call.lead_id, Happened.NOTE, words, by.now, key=key, call_id=call.id, about=call.property_id
        )
    audit.record(session, by, f"note on call {call.id}")
