"""Whose lead it is: by hand, or in turn among those on duty."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain.errors import Conflict, Invalid
from crm.domain.leads import Happened
from crm.domain.notices import NoticeKind
from crm.services import audit
from crm.services.audit import By
from crm.services.office import agents, properties
from crm.services.outbox import notices
from crm.services.people import leads, timeline
from crm.services.people.timeline import NewEntry
from crm.store.models import Agent, Lead, Property, SubteamMember

MOST = 500
"""Leads that are given at once."""
NAMED = 20
"""Of those, how many a notice names."""


def by_hand(session: Session, config: Config, by: By, raw: str | int, agent: str | None) -> Lead:
    """Gives the lead with this id, phone number or email address to an agent (slug); None takes it from whoever has it.

    Both agents are told, unless one of them does it. Raises Invalid, NotFound, Conflict.
    """
    lead = leads.named(session, config, raw, lock=True)
    to = agents.named(session, agent) if agent is not None else None
    if (to.id if to else None) == lead.assigned_agent_id:
        whose = f"{agent} already has lead {lead.id}" if to else f"Nobody has lead {lead.id}"
        raise Conflict(f"{whose}.", code="lead_assigned", lead=str(lead.id))
    _give(session, config, by, lead, to)
    return lead


def in_turn(session: Session, config: Config, by: By, raw: str | int, *, property_slug: str | None = None) -> Lead:
    """Gives a lead to whoever is next: of the property's subteam (the lead's latest interest, if none is named) when it
    has somebody on duty, else of all on duty.

    Raises Invalid, NotFound, and Conflict when nobody is on duty.
    """
    lead = leads.named(session, config, raw, lock=True)
    property = properties.named(session, property_slug) if property_slug else latest_interest(lead)
    to = next_agent(session, property)
    if to is None:
        raise Conflict("Nobody is on duty: name an agent.", code="nobody_on_duty")
    if to.id != lead.assigned_agent_id:
        _give(session, config, by, lead, to)
    return lead


def several(
    session: Session, config: Config, by: By, lead_ids: Collection[int], agent: str | None, *, in_turn: bool = False
) -> int:
    """Gives these leads to an agent (slug), to nobody (None), or each to whoever is next (`in_turn`); returns how many
    changed hands. Each agent is told once, however many leads there are.

    Raises Invalid, NotFound, and Conflict when nobody is on duty.
    """
    if len(lead_ids) > MOST:
        raise Invalid(f"At most {MOST} leads are given at once: choose fewer.", code="assignment_too_many", most=MOST)
    to = agents.named(session, agent) if agent is not None and not in_turn else None
    whole = (selectinload(Lead.assigned_agent), selectinload(Lead.phones), selectinload(Lead.interests))
    found = select(Lead).where(Lead.id.in_(lead_ids)).options(*whole).order_by(Lead.id)
    turns: dict[int | None, deque[Agent]] = {}
    given: dict[Agent, list[Lead]] = {}
    gone: dict[Agent, list[Lead]] = {}
    told: list[tuple[NewEntry, str]] = []
    for lead in session.scalars(found.with_for_update(of=Lead, key_share=True)).all():
        if in_turn:
            to = _next_in(session, turns, latest_interest(lead))
        if (to.id if to else None) == lead.assigned_agent_id:
            continue
        # One after the other, so that of those who were given some now, it is known whose turn is next.
        former, entry, change = _hand_over(by, lead, to, by.now + timedelta(microseconds=len(told)))
        told.append((entry, change))
        if to is not None:
            given.setdefault(to, []).append(lead)
        if former is not None:
            gone.setdefault(former, []).append(lead)
    session.flush()
    # Others wait meanwhile, and a statement for each lead takes several times as long.
    timeline.enter_new(session, [entry for entry, _ in told])
    audit.record_all(session, by, [change for _, change in told])
    for one, leads_given in given.items():
        _tell_new(session, config, by, one, leads_given)
    for one, leads_gone in gone.items():
        _tell_former(session, config, by, one, leads_gone, leads_gone[0].assigned_agent)
    return len(told)


def _next_in(session: Session, turns: dict[int | None, deque[Agent]], property: Property | None) -> Agent:
    subteam_id = property.subteam_id if property else None
    if subteam_id not in turns:
        turns[subteam_id] = deque(_in_order(session, subteam_id))
    if not (turn := turns[subteam_id]):
        raise Conflict("Nobody is on duty: name an agent.", code="nobody_on_duty")
    turn.rotate(-1)
    return turn[-1]


def next_agent(session: Session, property: Property | None) -> Agent | None:
    """Of those on duty in the property's subteam, or else of all, the one who was given a lead longest ago."""
    found = _in_order(session, property.subteam_id if property else None, limit=1)
    return found[0] if found else None


def _in_order(session: Session, subteam_id: int | None, limit: int | None = None) -> Sequence[Agent]:
    """Those on duty in a subteam, or else in the office; who was given a lead longest ago comes first."""
    latest = (
        select(func.max(Lead.assigned_at)).where(Lead.assigned_agent_id == Agent.id).correlate(Agent).scalar_subquery()
    )
    found = select(Agent).where(Agent.on_duty).order_by(latest.asc().nulls_first(), Agent.slug).limit(limit)
    if subteam_id is not None:
        members = select(SubteamMember.agent_id).where(SubteamMember.subteam_id == subteam_id)
        if of_team := session.scalars(found.where(Agent.id.in_(members))).all():
            return of_team
    return session.scalars(found).all()


def latest_interest(lead: Lead) -> Property | None:
    """The property of which was heard last."""
    interests = sorted(lead.interests, key=lambda interest: interest.updated_at)
    return interests[-1].property if interests else None


def _give(session: Session, config: Config, by: By, lead: Lead, to: Agent | None) -> None:
    former, entry, change = _hand_over(by, lead, to, by.now)
    session.flush()
    timeline.enter_new(session, [entry])
    audit.record(session, by, change)
    if to is not None:
        _tell_new(session, config, by, to, [lead])
    if former is not None:
        _tell_former(session, config, by, former, [lead], to)


def _hand_over(by: By, lead: Lead, to: Agent | None, at: datetime) -> tuple[Agent | None, NewEntry, str]:
    """Writes whose lead it is, and returns whose it was, with what timeline and audit log say."""
    former = lead.assigned_agent
    lead.assigned_agent, lead.assigned_agent_id = to, to.id if to else None
    lead.assigned_at = at if to else None
    told = f"Given to {to.name}." if to else f"Taken from {former.name if former else 'nobody'}."
    entry = NewEntry(lead.id, Happened.ASSIGNED, told, by.now, f"assigned:{uuid.uuid4().hex}", by.who)
    return former, entry, f"lead {lead.id} given to {to.slug if to else 'nobody'}"


def _tell_new(session: Session, config: Config, by: By, to: Agent, given: Sequence[Lead]) -> None:
    if to.slug == by.who:
        return
    if len(given) == 1:
        subject = f"Lead {given[0].id} is yours now"
        text = f"Lead {_named(given[0])} is yours now, given to you by {by.who}."
    else:
        subject = f"{len(given)} leads are yours now"
        text = f"{len(given)} leads are yours now, given to you by {by.who}: {_several(given)}."
    _tell(session, config, to, subject, text, by, given)


def _tell_former(
    session: Session, config: Config, by: By, former: Agent, gone: Sequence[Lead], to: Agent | None
) -> None:
    """`to`: who has one that is the only one."""
    if former.slug == by.who:
        return
    if len(gone) == 1:
        subject = f"Lead {gone[0].id} is no longer yours"
        text = f"Lead {_named(gone[0])} is no longer yours: {by.who} gave it to {to.name if to else 'nobody'}."
    else:
        subject = f"{len(gone)} leads are no longer yours"
        text = f"{len(gone)} leads are no longer yours, by {by.who}: {_several(gone)}."
    _tell(session, config, former, subject, text, by, gone)


def _tell(
    session: Session, config: Config, agent: Agent, subject: str, text: str, by: By, about: Sequence[Lead]
) -> None:
    key = f"assigned:{uuid.uuid4().hex}"
    lead_id = about[0].id if len(about) == 1 else None
    notices.tell(session, config, [agent], key, subject, text, by.now, kind=NoticeKind.LEAD, lead_id=lead_id)


def _named(lead: Lead) -> str:
    return f"{lead.id} ({lead.name or (lead.phones[0].number if lead.phones else lead.email) or 'unknown'})"


def _several(leads: Sequence[Lead]) -> str:
    shown = ", ".join(_named(lead) for lead in leads[:NAMED])
    return shown if len(leads) <= NAMED else f"{shown}, and {len(leads) - NAMED} more"
