"""Who a next action belongs to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import Agent, Lead
from crm.store.queries import agents, office
from crm.store.queries.office import HasTeam


def owner(session: Session, lead: Lead | None, property: HasTeam | None, due: datetime | None = None) -> Agent:
    """The lead's agent, else the agent on duty who has gone longest without a call: in the property's subteam, then in
    the whole office. If nobody is on duty, the admin.

    Agents who work at `due`, in the office's local time, come first: a task for the morning goes to somebody who is
    there in the morning.
    """
    agent = session.get(Agent, lead.assigned_agent_id) if lead and lead.assigned_agent_id else None
    if agent and agent.retired_at is None:
        return agent
    if property and property.subteam_id and (agent := agents.longest_idle(session, property.subteam_id, due=due)):
        return agent
    if agent := agents.longest_idle(session, due=due):
        return agent
    return admin(session)


def admin(session: Session) -> Agent:
    """The owner of everything that has no other owner; created if there are no agents at all."""
    organization = office.organization(session)
    if organization and organization.admin_agent_id:
        return session.scalars(select(Agent).where(Agent.id == organization.admin_agent_id)).one()
    first = session.scalars(select(Agent).order_by(Agent.id).limit(1)).first()
    if first:
        return first
    # The phone rang before the office was set up. Every call gets a next action, and that needs an owner.
    made = Agent(slug="admin", name="Administrator", on_duty=False)
    session.add(made)
    session.flush()
    return made
