"""Escalation of voicemail that nobody has taken: which one is due, and whom to call about it.

A row is claimed before anybody is called, so no group is called twice about a voicemail, even after a crash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain import escalation
from crm.domain.calls import CallDirection
from crm.domain.escalation import EscalationTurn
from crm.domain.hours import Schedule
from crm.domain.leads import Happened
from crm.domain.mailboxes import BoxKind, split
from crm.domain.route_inputs import DeskKind
from crm.services.office import owners
from crm.services.outbox import notices
from crm.services.people import timeline
from crm.services.voicemail import mailboxes
from crm.store.models import Agent, Call, Lead, Line, Property, Subteam, Voicemail
from crm.store.queries import agents, nodes, office, properties

STAGE = "escalation"
"""Stage of these legs in the call's record."""


@dataclass(frozen=True)
class Due:
    """A voicemail, and the group whose turn it is."""

    voicemail_id: str
    file: str
    property_name: str
    """The property's name; "" when there is none."""
    caller: str | None
    """E.164."""
    turn: EscalationTurn


def next_due(session: Session, config: Config, now: datetime) -> datetime | None:
    """When `claim` may next find a voicemail; None when no voicemail needs a call."""
    return session.scalar(select(func.min(Voicemail.escalate_at)).where(*_is_open, _is_for_us(config, now)))


def claim(session: Session, config: Config, now: datetime) -> Due | None:
    """Takes the next voicemail that somebody has to be called about; None when there is none. This uses up the group's
    turn; the next group's comes later. Raises Unavailable."""
    while voicemail := session.scalars(_due.where(Voicemail.escalate_at <= now, _is_for_us(config, now))).first():
        property = _property(session, voicemail.call)
        schedule = office.schedule(session, config.tz, property)
        if turn := _turn(session, config, property, schedule, voicemail, now):
            return _claimed(session, config, property, schedule, voicemail, turn, now)
        # `_turn` has ended or postponed it, which the next query must see.
        session.flush()
    return None


def nobody_there(session: Session, voicemail_id: str, now: datetime) -> None:
    """Makes the next group due now, because nobody in this one could be rung."""
    session.execute(
        update(Voicemail)
        .where(Voicemail.call_id == voicemail_id, Voicemail.escalate_at.is_not(None))
        .values(escalate_at=now)
    )


def _is_for_us(config: Config, now: datetime) -> ColumnElement[bool]:
    """Voicemails of calls on this node, which has the audio to play, and of nodes that are gone."""
    return Voicemail.call.has(nodes.is_for_us(Call.node, config.node, now))


_is_whole = Voicemail.call.has(Call.outcome.is_not(None))
"""The caller has hung up. Only then is there a task, which decides whether anybody has to be called."""

_is_open = _is_whole, Voicemail.taken_by_id.is_(None), Voicemail.heard_at.is_(None), Voicemail.deleted_at.is_(None)

_due = (
    select(Voicemail)
    .where(*_is_open)
    .order_by(Voicemail.escalate_at, Voicemail.call_id)
    .limit(1)
    .with_for_update(of=Voicemail, skip_locked=True)
    .options(
        selectinload(Voicemail.call).options(
            selectinload(Call.line).selectinload(Line.property),
            selectinload(Call.lead).options(selectinload(Lead.phones), selectinload(Lead.assigned_agent)),
        )
    )
)


def _property(session: Session, call: Call) -> Property | None:
    """The property the call was about: the one the caller chose, else the line's."""
    property_id = call.property_id or (call.line.property_id if call.line else None)
    return properties.by_id(session, property_id) if property_id is not None else None


def _turn(
    session: Session,
    config: Config,
    property: Property | None,
    schedule: Schedule,
    voicemail: Voicemail,
    now: datetime,
) -> EscalationTurn | None:
    """The group whose turn it is with a voicemail. When it returns None, it has postponed or ended the escalation."""
    task = mailboxes.open_task(session, voicemail.call_id)
    is_internal = voicemail.call.direction == CallDirection.INTERNAL  # From a colleague: not escalated.
    is_off = (property is not None and not property.escalates) or not config.escalation.first_minutes
    if task is None or is_internal or (is_off and not _is_urgent(voicemail)):
        voicemail.escalate_at = None
        return None
    if not config.escalation.when_closed and not schedule.is_open(now) and not _is_urgent(voicemail):
        voicemail.escalate_at = schedule.next_open(now)
        return None
    kind, slug = split(voicemail.mailbox)
    team_id = property.subteam_id if property else None
    if kind is BoxKind.SUBTEAM:
        team_id = session.scalar(select(Subteam.id).where(Subteam.slug == slug))
    members = agents.of_subteam(session, team_id) if team_id is not None else []
    lead_agent = voicemail.call.lead.assigned_agent if voicemail.call.lead else None
    on_duty = session.scalars(select(Agent.slug).where(Agent.on_duty).order_by(Agent.slug)).all()
    turn = escalation.next_turn(
        voicemail.escalation,
        agent=slug if kind is BoxKind.AGENT else lead_agent.slug if lead_agent else None,
        subteam=[member.slug for member in members] if kind is not BoxKind.AGENT else [],
        everyone=on_duty,
        on_duty=on_duty,
    )
    if turn is None:
        voicemail.escalate_at = None
        _tell_admin(session, config, voicemail, now)
    return turn


def _claimed(
    session: Session,
    config: Config,
    property: Property | None,
    schedule: Schedule,
    voicemail: Voicemail,
    turn: EscalationTurn,
    now: datetime,
) -> Due:
    voicemail.escalation = turn.number
    when_closed = config.escalation.when_closed or _is_urgent(voicemail)
    voicemail.escalate_at = escalation.due(now, config.escalation.next_minutes, schedule, when_closed=when_closed)
    call = voicemail.call
    if call.lead_id is not None:
        text = f"Nobody had taken their voicemail, so {', '.join(turn.agents)} were called about it."
        key = f"escalation:{call.id}:{turn.number}"
        about = call.property_id
        timeline.enter(session, call.lead_id, Happened.VOICEMAIL, text, now, key=key, call_id=call.id, about=about)
    return Due(
        voicemail.call_id,
        voicemail.file,
        property.name if property else "",
        call.caller or call.caller_digits or None,
        turn,
    )


def _is_urgent(voicemail: Voicemail) -> bool:
    """Whether it is about an emergency in a home; then people are called at any hour."""
    return voicemail.call.desk == DeskKind.MAINTENANCE


def _tell_admin(session: Session, config: Config, voicemail: Voicemail, now: datetime) -> None:
    where, who = mailboxes.where(voicemail), mailboxes.who(voicemail, config.region)
    notices.tell(
        session,
        config,
        [owners.admin(session)],
        f"untaken:{voicemail.call_id}",
        "Unclaimed voicemail",
        f"Nobody has taken the voicemail for {where} from {who}, although everyone was called about it.",
        now,
        lead_id=voicemail.call.lead_id,
    )
