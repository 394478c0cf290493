"""Agents: the people of the leasing office."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain import fields
from crm.domain.dialing import DIALING
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.mailboxes import BoxKind, box
from crm.services import audit
from crm.services.audit import By
from crm.services.office import numbering, owners, retiring
from crm.store.models import (
    Agent,
    Lead,
    Organization,
    Subteam,
    SubteamMember,
    Task,
    TourBlackout,
    TourHours,
    TourSlot,
    Voicemail,
)
from crm.store.queries import agents as queries
from crm.store.queries import contacts, names


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
    session: Session,
    config: Config,
    by: By,
    slug: str,
    *,
    name: str | None = None,
    extension: str | None = None,
    on_duty: bool = True,
) -> None:
    """Adds an agent. Without a name (None), the slug serves as one. Raises Conflict, Invalid."""
    _check_free(session, slug)
    session.add(
        Agent(
            slug=slug,
            name=fields.text(slug if name is None else name, "name", 200, required=True),
            extension=_extension(session, config, extension or "", slug),
            on_duty=on_duty,
        )
    )
    audit.record(session, by, f"agent {slug} added")


def change(
    session: Session,
    config: Config,
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
        agent.extension = _extension(session, config, extension, slug)
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


@dataclass(frozen=True)
class Succession:
    """What passes on when an agent is retired, and to whom."""

    heir: str
    """Slug."""
    tasks: int
    """Open ones."""
    leads: int
    voicemails: int


def handover(session: Session, slug: str, *, successor: str | None = None) -> Succession:
    """What `retire` would pass on. Raises Conflict, NotFound."""
    agent = named(session, slug)
    _check_replaceable(session, agent)
    tasks = select(func.count()).select_from(Task).where(Task.owner_id == agent.id, Task.done_at.is_(None))
    leads = select(func.count()).select_from(Lead).where(Lead.assigned_agent_id == agent.id)
    mailbox = box(BoxKind.AGENT, agent.slug)
    voicemails = select(func.count()).select_from(Voicemail)
    voicemails = voicemails.where(Voicemail.mailbox == mailbox, Voicemail.deleted_at.is_(None))
    return Succession(
        _heir(session, agent, successor).slug,
        session.scalar(tasks) or 0,
        session.scalar(leads) or 0,
        session.scalar(voicemails) or 0,
    )


def retire(session: Session, by: By, slug: str, *, successor: str | None = None) -> Succession:
    """Retires an agent: history keeps their name, which somebody else can have now. Their open tasks, leads, voicemail
    and tours to come pass on to `successor`, the slug of another agent, else to whoever has the fewest tasks in their
    subteam, else to the admin. Raises Conflict for an agent who still has devices or desks, or is the admin;
    NotFound."""
    agent = named(session, slug)
    slug = agent.slug
    passed = handover(session, slug, successor=successor)
    heir = named(session, passed.heir)
    session.execute(update(Task).where(Task.owner_id == agent.id, Task.done_at.is_(None)).values(owner_id=heir.id))
    session.execute(update(Lead).where(Lead.assigned_agent_id == agent.id).values(assigned_agent_id=heir.id))
    retiring.pass_on(session, box(BoxKind.AGENT, slug), box(BoxKind.AGENT, heir.slug))
    session.execute(
        update(TourSlot).where(TourSlot.agent_id == agent.id, TourSlot.starts_at > by.now).values(agent_id=heir.id)
    )
    for gone in (SubteamMember, TourHours, TourBlackout):
        session.execute(delete(gone).where(gone.agent_id == agent.id))
    agent.on_duty = agent.forwarding = agent.emergency_notice = False
    retiring.retire(session, by, agent, f"agent {slug} ({heir.slug} takes over)")
    return passed


def restore(session: Session, config: Config, by: By, slug: str) -> Agent:
    """Takes the agent back who was retired last under this name, off duty and in no subteam. Raises Conflict if the
    name is in use; NotFound. An extension that means something else by now is not theirs any more."""
    _check_free(session, slug)
    agent: Agent = retiring.latest(session, Agent.slug, fields.slug(slug))
    if agent.extension and not numbering.is_free(session, config, agent.extension, agent=agent.slug):
        agent.extension = None
    agent.retired_at = None
    audit.record(session, by, f"agent {slug} restored")
    return agent


def remove(session: Session, by: By, slug: str) -> None:
    """Deletes an agent of whom nothing is on record, such as one added by mistake. Raises Conflict, NotFound."""
    agent = named(session, slug)
    _check_replaceable(session, agent)
    retiring.check_unused(
        session, agent, f"agent {slug}", besides=("agent_hours", "subteam_member", "tour_hours", "tour_blackout")
    )
    session.delete(agent)
    audit.record(session, by, f"agent {slug} deleted")


def _check_replaceable(session: Session, agent: Agent) -> None:
    slug = agent.slug
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


def _heir(session: Session, agent: Agent, successor: str | None) -> Agent:
    if successor is not None:
        heir = named(session, successor)
        if heir is agent:
            raise Conflict(
                f"Agent {agent.slug} cannot be their own successor: name another.",
                code="successor_is_self",
                agent=agent.slug,
            )
        return heir
    teams = select(SubteamMember.subteam_id).where(SubteamMember.agent_id == agent.id)
    for team_id in session.scalars(teams.order_by(SubteamMember.subteam_id)):
        if member := queries.least_busy(session, team_id, without=agent.id):
            return member
    heir = owners.admin(session)
    if heir is agent:
        raise Conflict(f"Nobody is left to take over from agent {agent.slug}.", code="agent_is_last", agent=agent.slug)
    return heir


def _check_free(session: Session, slug: str) -> None:
    if session.scalar(select(Agent.id).where(Agent.slug == fields.slug(slug))):
        raise Conflict(f"Agent {slug} already exists.", code="agent_exists", agent=slug)


def named(session: Session, slug: str) -> Agent:
    found = session.scalar(_whole.where(Agent.slug == fields.slug(slug)))
    found = found or names.renamed(session, Agent, slug)
    if found is None:
        raise NotFound(f"There is no agent {slug}.", code="agent_unknown", agent=slug)
    return found


_whole = select(Agent).options(selectinload(Agent.devices), selectinload(Agent.hours))


def _extension(session: Session, config: Config, raw: str, slug: str) -> str | None:
    if not raw:
        return None
    numbering.check_extension(session, config, extension := fields.extension(raw), agent=slug)
    return extension
