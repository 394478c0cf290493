"""Agents: the people of the leasing office."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, selectinload

from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.mailboxes import BoxKind, box
from crm.services import audit
from crm.services.audit import By
from crm.store.models import Agent, Lead, Organization, Subteam, SubteamMember, Task
from crm.store.queries import contacts

DIALING = ("allowed", "none")
"""Whether an agent may dial outside numbers, and be forwarded to one."""


@dataclass(frozen=True)
class AgentRecord:
    """An agent with devices, the subteams they are in, and whether they own everything that has no other owner."""

    agent: Agent
    subteams: tuple[str, ...]
    is_admin: bool


def find_all(session: Session) -> list[AgentRecord]:
    """All agents, by slug."""
    found = session.scalars(_whole.order_by(Agent.slug)).all()
    subteams = select(SubteamMember.agent_id, Subteam.slug).join(Subteam, Subteam.id == SubteamMember.subteam_id)
    member_of: dict[int, list[str]] = {}
    for agent_id, slug in session.execute(subteams.order_by(Subteam.slug)):
        member_of.setdefault(agent_id, []).append(slug)
    admins = set(session.scalars(select(Organization.admin_agent_id)))
    return [AgentRecord(agent, tuple(member_of.get(agent.id, ())), agent.id in admins) for agent in found]


def add(
    session: Session, by: By, slug: str, *, name: str = "", extension: str | None = None, on_duty: bool = True
) -> None:
    """Adds an agent. Without a name, the slug serves as one. Raises Conflict, Invalid."""
    if session.scalar(select(Agent).where(Agent.slug == fields.slug(slug))):
        raise Conflict(f"Agent {slug} already exists.", code="agent_exists", agent=slug)
    session.add(
        Agent(
            slug=slug,
            name=fields.text(name or slug, "name", 200, required=True),
            extension=_free_extension(session, extension, slug) if extension else None,
            on_duty=on_duty,
        )
    )
    audit.record(session, by, f"agent {slug} added")


def change(
    session: Session,
    by: By,
    slug: str,
    *,
    name: str | None = None,
    extension: str | None = None,
    on_duty: bool | None = None,
    email: str | None = None,
    dialing: str | None = None,
    admin: bool = False,
) -> None:
    """Changes what is given; None leaves a field as it is, and an empty extension or email removes it.

    `admin` makes this agent the owner of everything that has no other owner, in place of the previous one. Raises
    Conflict, Invalid, NotFound.
    """
    agent = named(session, slug)
    if name is not None:
        agent.name = fields.text(name, "name", 200, required=True)
    if extension is not None:
        agent.extension = _free_extension(session, extension, slug) if extension else None
    if on_duty is not None:
        agent.on_duty = on_duty
    if email is not None:
        agent.email = fields.email(email)
    if dialing is not None:
        if dialing not in DIALING:
            raise Invalid(
                f"{dialing!r} is not a permission to dial: use {' or '.join(DIALING)}.",
                code="dialing_unknown",
                known=list(DIALING),
            )
        agent.dialing = dialing
    if admin:
        for organization in session.scalars(select(Organization)):
            organization.admin_agent_id = agent.id
    changed = [
        *([f"name {agent.name}"] if name is not None else []),
        *([f"extension {extension or 'none'}"] if extension is not None else []),
        *(["on duty" if on_duty else "off duty"] if on_duty is not None else []),
        *([f"dialing outside {dialing}"] if dialing is not None else []),
        *(["admin"] if admin else []),
    ]
    audit.record(session, by, f"agent {slug} changed: {', '.join(changed)}")


def remove(session: Session, by: By, slug: str, *, successor: str | None = None) -> None:
    """Removes an agent; `successor`, the slug of another one, takes over their tasks and leads. Raises Conflict for an
    agent who still has devices, desks or, without a successor, work; NotFound."""
    agent = named(session, slug)
    if agent.devices:
        devices = ", ".join(device.slug for device in agent.devices)
        raise Conflict(f"Agent {slug} has {devices}.", code="agent_has_devices", agent=slug)
    if session.scalar(select(Organization).where(Organization.admin_agent_id == agent.id)):
        raise Conflict(f"Agent {slug} is the admin, who owns what nobody else owns.", code="agent_is_admin", agent=slug)
    if desks := contacts.served_by(session, box(BoxKind.AGENT, slug)):
        raise Conflict(
            f"Calls for {', '.join(desks)} go to agent {slug}.",
            code="agent_has_desks",
            agent=slug,
            desks=list(desks),
        )
    tasks = session.scalar(select(func.count()).select_from(Task).where(Task.owner_id == agent.id))
    leads = session.scalar(select(func.count()).select_from(Lead).where(Lead.assigned_agent_id == agent.id))
    if (tasks or leads) and successor is None:
        raise Conflict(
            f"Agent {slug} has {tasks} tasks and {leads} leads.",
            code="agent_has_work",
            agent=slug,
            tasks=tasks,
            leads=leads,
        )
    if successor is not None:
        heir = named(session, successor)
        if heir is agent:
            raise Conflict(
                f"Agent {slug} cannot be their own successor: name another.", code="successor_is_self", agent=slug
            )
        session.execute(update(Task).where(Task.owner_id == agent.id).values(owner_id=heir.id))
        session.execute(update(Lead).where(Lead.assigned_agent_id == agent.id).values(assigned_agent_id=heir.id))
    session.delete(agent)
    audit.record(session, by, f"agent {slug} removed" + (f", {successor} took over" if successor else ""))


def named(session: Session, slug: str) -> Agent:
    found = session.scalar(_whole.where(Agent.slug == fields.slug(slug)))
    if found is None:
        raise NotFound(f"There is no agent {slug}.", code="agent_unknown", agent=slug)
    return found


_whole = select(Agent).options(selectinload(Agent.devices), selectinload(Agent.hours))


def _free_extension(session: Session, raw: str, slug: str) -> str:
    extension = fields.extension(raw)
    other = session.scalar(select(Agent).where(Agent.extension == extension, Agent.slug != slug))
    if other is not None:
        raise Conflict(
            f"Extension {extension} belongs to {other.slug}: choose another.",
            code="extension_taken",
            extension=extension,
            agent=other.slug,
        )
    return extension
