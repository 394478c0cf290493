"""Who a next action belongs to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import Agent, Lead, Subteam
from crm.store.queries import agents, office
from crm.store.queries.office import HasTeam


def owner(
    session: Session, lead: Lead | None, property: HasTeam | None, due: datetime | None = None
) -> Agent | Subteam:
    """The lead's agent, else whoever has the fewest open tasks in the property's subteam, and of several the one who
    has gone longest without a call. If nobody of it is on duty at `due`, in the office's local time, the subteam
    itself, of which somebody takes the task. Without a subteam, the same in the whole office, and then the admin.
    """
    agent = session.get(Agent, lead.assigned_agent_id) if lead and lead.assigned_agent_id else None
    if agent and agent.retired_at is None:
        return agent
    if property and property.subteam_id:
        if agent := agents.least_busy(session, property.subteam_id, due=due):
            return agent
        team = session.get(Subteam, property.subteam_id)
        if team and team.members and team.retired_at is None:
            return team
    return agents.least_busy(session, due=due) or agents.least_busy(session) or admin(session)


def people(owner: Agent | Subteam) -> list[Agent]:
    """Who is told of what an owner has to do: the agent, or all of the subteam."""
    return [owner] if isinstance(owner, Agent) else list(owner.members)


def name(owner: Agent | Subteam) -> str:
    """As people read it, in the middle of a sentence."""
    return owner.name if isinstance(owner, Agent) else f"team {owner.name}"


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
