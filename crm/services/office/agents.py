"""Agents: the people who lease."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.mailboxes import BoxKind, box
from crm.services.audit import By, changing, note
from crm.store.models import Agent, Lead, Organization, Subteam, SubteamMember, Task
from crm.store.queries import contacts
from crm.store.session import Store

DIALING = ("allowed", "none")
"""May an agent dial numbers outside, and be forwarded to one?"""


@dataclass(frozen=True)
class AgentEntry:
    """An agent with devices, the subteams they are in, and whether they own what nobody else does."""

    agent: Agent
    subteams: tuple[str, ...]
    is_admin: bool


async def find_all(store: Store) -> list[AgentEntry]:
    async with store.read() as session:
        found = (await session.scalars(_whole.order_by(Agent.slug))).all()
        return [await _entry(session, agent) for agent in found]


async def get(store: Store, slug: str) -> AgentEntry:
    async with store.read() as session:
        return await _entry(session, await named(session, slug))


async def add(
    store: Store, by: By, slug: str, *, name: str = "", extension: str | None = None, on_duty: bool = True
) -> None:
    """Adds an agent; without a name the short name serves until somebody writes one."""
    async with changing(store) as session:
        if await session.scalar(select(Agent).where(Agent.slug == fields.slug(slug))):
            raise Conflict(f"There is an agent {slug} already: change it with `leaseline agent set {slug}`.")
        session.add(
            Agent(
                slug=slug,
                name=fields.text(name or slug, "name", 200, required=True),
                extension=await _free_extension(session, extension, slug) if extension else None,
                on_duty=on_duty,
            )
        )
        note(session, by, f"agent {slug} added")


async def change(
    store: Store,
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
    """Changes what is given; None leaves a field as it is, an empty extension or email takes it away.

    `admin` makes this agent the owner of what nobody owns, in place of the one before.
    """
    async with changing(store) as session:
        agent = await named(session, slug)
        if name is not None:
            agent.name = fields.text(name, "name", 200, required=True)
        if extension is not None:
            agent.extension = await _free_extension(session, extension, slug) if extension else None
        if on_duty is not None:
            agent.on_duty = on_duty
        if email is not None:
            agent.email = fields.email(email)
        if dialing is not None:
            if dialing not in DIALING:
                raise Invalid(f"{dialing!r} is no permission to dial: use {' or '.join(DIALING)}.")
            agent.dialing = dialing
        if admin:
            for organization in await session.scalars(select(Organization)):
                organization.admin_agent_id = agent.id
        changed = [
            *([f"name {agent.name}"] if name is not None else []),
            *([f"extension {extension or 'none'}"] if extension is not None else []),
            *(["on duty" if on_duty else "off duty"] if on_duty is not None else []),
            *([f"dialing outside {dialing}"] if dialing is not None else []),
            *(["admin"] if admin else []),
        ]
        note(session, by, f"agent {slug} changed: {', '.join(changed)}")


async def remove(store: Store, by: By, slug: str, *, successor: str | None = None) -> None:
    """Removes an agent who has no devices any more; `successor` takes over their tasks and leads."""
    async with changing(store) as session:
        agent = await named(session, slug)
        if agent.devices:
            devices = ", ".join(device.slug for device in agent.devices)
            raise Conflict(f"Agent {slug} has {devices}: remove them first with `leaseline device remove`.")
        if await session.scalar(select(Organization).where(Organization.admin_agent_id == agent.id)):
            raise Conflict(
                f"Agent {slug} owns what nobody owns: name another for that with `leaseline agent set SLUG --admin`."
            )
        if desks := await contacts.served_by(session, box(BoxKind.AGENT, slug)):
            raise Conflict(
                f"Agent {slug} is where calls for {', '.join(desks)} go: name another with `leaseline desk set` first."
            )
        tasks = await session.scalar(select(func.count()).select_from(Task).where(Task.owner_id == agent.id))
        leads = await session.scalar(select(func.count()).select_from(Lead).where(Lead.assigned_agent_id == agent.id))
        if (tasks or leads) and successor is None:
            raise Conflict(
                f"Agent {slug} has {tasks} tasks and {leads} leads: name who takes them over with `--successor SLUG`."
            )
        if successor is not None:
            heir = await named(session, successor)
            if heir is agent:
                raise Conflict(f"Agent {slug} cannot be their own successor: name another.")
            await session.execute(update(Task).where(Task.owner_id == agent.id).values(owner_id=heir.id))
            await session.execute(
                update(Lead).where(Lead.assigned_agent_id == agent.id).values(assigned_agent_id=heir.id)
            )
        await session.delete(agent)
        note(session, by, f"agent {slug} removed" + (f", {successor} took over" if successor else ""))


async def named(session: AsyncSession, slug: str) -> Agent:
    found = await session.scalar(_whole.where(Agent.slug == fields.slug(slug)))
    if found is None:
        raise NotFound(f"There is no agent {slug}: `leaseline agent list` shows those there are.")
    return found


_whole = select(Agent).options(selectinload(Agent.devices), selectinload(Agent.hours))


async def _entry(session: AsyncSession, agent: Agent) -> AgentEntry:
    subteams = await session.scalars(
        select(Subteam.slug)
        .join(SubteamMember, SubteamMember.subteam_id == Subteam.id)
        .where(SubteamMember.agent_id == agent.id)
        .order_by(Subteam.slug)
    )
    admin = await session.scalar(select(Organization).where(Organization.admin_agent_id == agent.id))
    return AgentEntry(agent, tuple(subteams), admin is not None)


async def _free_extension(session: AsyncSession, raw: str, slug: str) -> str:
    extension = fields.extension(raw)
    other = await session.scalar(select(Agent).where(Agent.extension == extension, Agent.slug != slug))
    if other is not None:
        raise Conflict(f"Extension {extension} belongs to {other.slug}: choose another.")
    return extension
