"""Whose lead it is: by hand, or in turn among those on duty."""

from __future__ import annotations

import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.errors import Conflict
from crm.domain.leads import Happened
from crm.domain.notices import NoticeKind
from crm.services import audit
from crm.services.audit import By
from crm.services.office import agents, properties
from crm.services.outbox import notices
from crm.services.people import leads, timeline
from crm.store.models import Agent, Lead, Property, SubteamMember


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


def next_agent(session: Session, property: Property | None) -> Agent | None:
    """Of those on duty in the property's subteam, or else of all, the one who was given a lead longest ago."""
    latest = (
        select(func.max(Lead.assigned_at)).where(Lead.assigned_agent_id == Agent.id).correlate(Agent).scalar_subquery()
    )
    found = select(Agent).where(Agent.on_duty).order_by(latest.asc().nulls_first(), Agent.slug).limit(1)
    if property is not None and property.subteam_id is not None:
        members = select(SubteamMember.agent_id).where(SubteamMember.subteam_id == property.subteam_id)
        if member := session.scalars(found.where(Agent.id.in_(members))).first():
            return member
    return session.scalars(found).first()


def latest_interest(lead: Lead) -> Property | None:
    """The property of which was heard last."""
    interests = sorted(lead.interests, key=lambda interest: interest.updated_at)
    return interests[-1].property if interests else None


def _give(session: Session, config: Config, by: By, lead: Lead, to: Agent | None) -> None:
    former = lead.assigned_agent
    lead.assigned_agent, lead.assigned_agent_id = to, to.id if to else None
    lead.assigned_at = by.now if to else None
    session.flush()
    told = f"Given to {to.name}." if to else f"Taken from {former.name if former else 'nobody'}."
    key = f"assigned:{uuid.uuid4().hex}"
    timeline.enter(session, lead.id, Happened.ASSIGNED, told, by.now, key=key, by=by.who, is_new=True)
    audit.record(session, by, f"lead {lead.id} given to {to.slug if to else 'nobody'}")
    who = lead.name or (lead.phones[0].number if lead.phones else lead.email) or "unknown"
    if to is not None and to.slug != by.who:
        words = f"Lead {lead.id} ({who}) is yours now, given to you by {by.who}."
        notices.tell(
            session,
            config,
            [to],
            f"{key}:to",
            f"Lead {lead.id} is yours now",
            words,
            by.now,
            kind=NoticeKind.LEAD,
            lead_id=lead.id,
        )
    if former is not None and former.slug != by.who:
        words = f"Lead {lead.id} ({who}) is no longer yours: {by.who} gave it to {to.name if to else 'nobody'}."
        subject = f"Lead {lead.id} is no longer yours"
        notices.tell(
            session, config, [former], f"{key}:from", subject, words, by.now, kind=NoticeKind.LEAD, lead_id=lead.id
        )
