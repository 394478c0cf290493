"""Calls that the app is to place: it rings the agent, and once they answer it dials the person.

An order is a row. A worker in the app claims it for a time, in a transaction of its own, so that of several apps one
has it; whoever dies with it loses it when that time is over. Once the agent has answered, the call is on record like
any other, and the order is done.
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
from crm.domain.leads import Happened
from crm.domain.ringing import DeviceKind
from crm.domain.tasks import TaskKind
from crm.services.audit import By, note
from crm.services.office import agents
from crm.services.people import intake, timeline
from crm.services.people.identity import who_is
from crm.services.phones import dialing
from crm.store.models import Agent, Call, CallOrder, Device, Lead, Task
from crm.store.queries import calls, nodes, office, properties, tasks

BY_HAND = timedelta(minutes=2)
"""An order that nobody has taken by then is void: a phone that rings much later would surprise."""
PROMISED = timedelta(hours=1)
"""The same for a callback that was promised; after that it is an overdue task."""
KEPT = timedelta(hours=1)
"""So long after its task was due a kept place is called back no more; it is overdue then, and somebody's to do."""
LEFT_TO_OTHERS = timedelta(seconds=15)
"""So long an order is left to the node on which a phone of the agent is registered, if there is another that lives."""
MARGIN = timedelta(seconds=20)
"""Beside the ringing itself, how long whoever claimed an order may take before they count as dead."""


class State(StrEnum):
    WAITING = "waiting"
    DIALLING = "dialling"
    """The agent's phones ring."""
    DONE = "done"
    """The agent has answered; what came of it stands with the call."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Its task was done meanwhile."""


@dataclass(frozen=True)
class OrderClaim:
    """An order that is ours to carry out."""

    id: int
    call_id: str
    agent: str
    """Slug."""
    number: str
    """E.164."""
    name: str
    """Of the person, as the agent hears it; empty when nobody knows."""
    keeps_place: bool = False
    """They have waited in line, and it is their turn."""


# --- placing them ---


def place(session: Session, config: Config, by: By, *, agent: str, to: str) -> CallOrder:
    """Orders a call to a lead (by id) or a number; the same one again is the same order while it is under way.

    Raises DialRefused, NotFound, Invalid; then nothing is rung.
    """
    lead, number = intake.person(session, config, to)
    if number is None:
        assert lead is not None
        if not lead.phones:
            raise Invalid(
                f"Lead {lead.id} has withheld the number, so nobody can be called.", code="lead_withheld", lead=lead.id
            )
        number = lead.phones[0].number
    return _place(session, config, by, agent, number, lead, None)


def call_back(session: Session, config: Config, by: By, call_id: str, *, agent: str | None = None) -> CallOrder:
    """Orders a call to whoever called, by the agent named, else by the owner of the task to call them back."""
    call = calls.by_id(session, fields.text(call_id, "call's id", 80, required=True))
    if call is None:
        raise NotFound(f"There is no call {call_id}.", code="missed_call_unknown", call=call_id)
    if call.caller is None:
        raise Invalid("The number was withheld, so nobody can be called back.", code="caller_withheld", call=call_id)
    task = _open_task(session, call)
    who = agent or (task.owner.slug if task else None)
    if who is None:
        raise Invalid("Nobody has the task to call them back.", code="task_unowned", call=call_id)
    return _place(session, config, by, who, call.caller, call.lead, task)


def promise(session: Session, config: Config, *, task: Task, number: str, now: datetime) -> None:
    """Orders the callback that an agent promised, for when its task is due; once, however often it is said."""
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
    note(session, by, f"call ordered: {agent} to {f'lead {lead.id}' if lead else 'a number'}")
    return order


def keep_place(
    session: Session,
    config: Config,
    *,
    task: Task,
    number: str,
    agents: Sequence[str],
    since: datetime,
    now: datetime,
) -> None:
    """Orders a call to somebody who has waited `since` then and was to be called back in their turn; once a task."""
    _order_once(
        session,
        config,
        task,
        number,
        now,
        why="place kept",
        not_before=now,
        expires_at=task.due_at + KEPT,
        since=since,
        agents=list(agents),
    )


def _order_once(session: Session, config: Config, task: Task, number: str, now: datetime, **order: Any) -> None:
    """Orders the call that a task is about, unless that is ordered or done already.

    The person may have called again since, and been promised anew what nobody could keep before.
    """
    is_open = CallOrder.state.in_((State.WAITING, State.DIALLING))
    is_same = CallOrder.since == since if (since := order.get("since")) else CallOrder.expires_at == order["expires_at"]
    known = select(CallOrder.id).where(CallOrder.task_id == task.id, or_(is_open, is_same))
    if task.done_at or session.scalar(known.limit(1)):
        return
    session.add(
        CallOrder(
            agent_id=task.owner.id,
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
    """When `claim` may find one; None when none is open."""
    opened = session.scalars(_whole.where(CallOrder.state.in_((State.WAITING, State.DIALLING)))).all()
    return min((at for order in opened if (at := _due_at(order))), default=None)


def _due_at(order: CallOrder) -> datetime | None:
    """`_due` of one order."""
    at = order.claimed_until if order.state == State.DIALLING else order.not_before
    if at is None or order.since is None or (order.task and order.task.done_at):
        return at
    return max(at, order.expires_at)


def claim(session: Session, config: Config, now: datetime, online: Collection[str] | None = None) -> OrderClaim | None:
    """Takes the order that is due longest. Two workers never get the same one. Raises Unavailable.

    `online` are the slugs of devices that are registered with our Asterisk: other nodes may have the agent's.
    """
    due = _due(now)
    if online is not None:
        others = nodes.is_other_alive(config.node, now)
        has_phone = CallOrder.agent.has(Agent.devices.any(Device.slug.in_(online)))
        due = due.where(~others | has_phone | (CallOrder.not_before <= now - LEFT_TO_OTHERS))
    while True:
        # PostgreSQL: another worker's row is passed over instead of waited for.
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
        order.id, order.call_id, order.agent.slug, order.to_number, name, keeps_place=order.since is not None
    )


@dataclass(frozen=True)
class KeptPlace:
    """Somebody who hung up to be called back when it is their turn."""

    order_id: int
    since: datetime
    """They wait since then."""
    agents: tuple[str, ...]
    """Slugs of those who may be rung for them."""
    is_due: bool
    """May be called now: the office is open, and the latest try is long enough ago."""
    tried: str
    """Slug of who was rung last; empty before the first try."""


def places(session: Session, config: Config, now: datetime) -> list[KeptPlace]:
    """Those who keep a place, in the order in which they have waited."""
    if session.scalar(_any_open) is None:
        return []
    kept = _whole.where(_is_kept(), ~_is_stale(now)).order_by(CallOrder.since, CallOrder.id)
    found = session.scalars(kept).all()
    return [
        KeptPlace(
            order.id,
            order.since,
            tuple(order.agents),
            is_due=_may_be_tried(order, now) and _is_open(session, config, order, now),
            tried=order.agent.slug if order.tries_left < config.dialing.callback_tries else "",
        )
        for order in found
        if order.since is not None
    ]


def claim_place(session: Session, config: Config, order_id: int, agent: str, now: datetime) -> OrderClaim | None:
    """Takes the order of a kept place for an agent who is free; None when it is not to be carried out any more, or
    somebody else has it. Raises Unavailable."""
    wanted = select(CallOrder.id).where(CallOrder.id == order_id, _is_kept())
    if session.scalar(wanted.with_for_update(skip_locked=True)) is None:
        return None
    order = session.scalars(_whole.where(CallOrder.id == order_id)).one()
    who = session.scalar(select(Agent).where(Agent.slug == agent))
    if who is None or not _may_be_tried(order, now) or _is_void(session, order, now):
        return None
    order.agent = who
    return _claimed(session, config, order, now)


def _is_open(session: Session, config: Config, order: CallOrder, now: datetime) -> bool:
    """Whether the office is, or the property that the person has called about."""
    about = select(Call.property_id).where(Call.id == order.task.call_id) if order.task else None
    place_id = session.scalar(about) if about is not None else None
    place = properties.by_id(session, place_id) if place_id is not None else None
    return office.schedule(session, config.tz, place).is_open(now)


def _is_kept() -> ColumnElement[bool]:
    return CallOrder.since.is_not(None) & CallOrder.state.in_((State.WAITING, State.DIALLING))


def _is_stale(now: datetime) -> ColumnElement[bool]:
    return (CallOrder.expires_at <= now) | CallOrder.task.has(Task.done_at.is_not(None))


def _may_be_tried(order: CallOrder, now: datetime) -> bool:
    if order.state == State.DIALLING:
        return order.claimed_until is not None and order.claimed_until <= now
    return order.not_before <= now


def _is_void(session: Session, order: CallOrder, now: datetime) -> bool:
    """Settles an order that nobody needs to carry out any more."""
    if order.state == State.DIALLING and order.call_id and calls.by_id(session, order.call_id):
        order.state = State.DONE  # Whoever claimed it died after the agent had answered.
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
    # Whoever keeps a place is called when somebody is free (`claim_place`); here they are only settled.
    is_mine = CallOrder.since.is_(None) | _is_stale(now)
    return select(CallOrder.id).where(is_mine, or_(waiting, left)).order_by(CallOrder.not_before, CallOrder.id)


_any_open = select(CallOrder.id).where(CallOrder.state.in_((State.WAITING, State.DIALLING))).limit(1)
"""Asked twice a second, so it is built once."""
_whole = select(CallOrder).options(selectinload(CallOrder.agent), selectinload(CallOrder.task))


def placed(session: Session, order_id: int, call_id: str) -> None:
    """The agent has answered, and the call is on record."""
    session.execute(
        update(CallOrder)
        .where(CallOrder.id == order_id)
        .values(state=State.DONE, call_id=call_id, claimed_until=None, error="")
        .execution_options(synchronize_session=False)
    )


def not_placed(session: Session, config: Config, claim: OrderClaim, why: str, now: datetime, *, again: bool) -> None:
    """The agent did not answer, or the number was refused; `again` when another try may go better."""
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
    """Takes an order back that nobody has taken yet."""
    waiting = (CallOrder.id == order_id) & (CallOrder.state == State.WAITING)
    session.execute(update(CallOrder).where(waiting).values(state=State.FAILED, error=why[:300]))


# --- what an agent has to say about a call ---


def remark(session: Session, by: By, call_id: str, text: str) -> None:
    """Adds what somebody wrote about a call, to the call and to the lead's timeline."""
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
        timeline.enter(session, call.lead_id, Happened.NOTE, words, by.now, key=key, call_id=call.id)
    note(session, by, f"note on call {call.id}")
