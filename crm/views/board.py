"""What the board needs of the record beside what the app tells: who the agents are, and what has just come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from crm.domain.ringing import has_dnd
from crm.domain.tasks import TaskKind
from crm.domain.texts import TextDirection
from crm.store import snapshot
from crm.store.models import Agent, ArrivalRecord, Device, Interest, Lead, Mail, Message, Task

MOST_NEWS = 50
"""Of one kind, each time; of an import's thousand tasks nobody is told one by one."""


@dataclass(frozen=True, slots=True)
class BoardDevice:
    slug: str
    kind: str
    """desk, softphone, browser or mobile."""
    dnd: bool
    dnd_until: datetime | None

    def has_dnd(self, now: datetime) -> bool:
        return has_dnd(self.dnd, self.dnd_until, now)


@dataclass(frozen=True, slots=True)
class BoardAgent:
    slug: str
    name: str
    extension: str
    """Empty: none."""
    on_duty: bool
    devices: tuple[BoardDevice, ...]


@dataclass(frozen=True, slots=True)
class BoardOffice:
    agents: dict[str, BoardAgent]
    """By slug, in the order of their names."""
    owners: dict[str, str]
    """Slugs of agents, by their devices' slugs."""
    of: object
    """By which it is known whether it has changed."""


def office(session: Session, known: BoardOffice | None) -> BoardOffice:
    """The agents with their devices; `known` if nothing about the office has changed since."""
    now = snapshot.now(session)
    if known is not None and known.of is now:
        return known
    devices: dict[int, list[BoardDevice]] = {}
    for row in session.execute(
        select(Device.agent_id, Device.slug, Device.kind, Device.dnd, Device.dnd_until).order_by(Device.slug)
    ):
        devices.setdefault(row.agent_id, []).append(BoardDevice(row.slug, row.kind, row.dnd, row.dnd_until))
    agents = {
        row.slug: BoardAgent(row.slug, row.name, row.extension or "", row.on_duty, tuple(devices.get(row.id, ())))
        for row in session.execute(
            select(Agent.id, Agent.slug, Agent.name, Agent.extension, Agent.on_duty).order_by(Agent.name, Agent.slug)
        )
    }
    owners = {device.slug: agent.slug for agent in agents.values() for device in agent.devices}
    return BoardOffice(agents, owners, now)


class NewsKind(StrEnum):
    TEXT = "text"
    """Somebody has written."""
    TASK = "task"
    MISSED = "missed"
    """A call that somebody has to return."""
    MAIL = "mail"
    """Somebody has written an email."""
    FORM = "form"
    """An inquiry has come in."""


@dataclass(frozen=True, slots=True)
class News:
    kind: NewsKind
    id: int
    """Of the text, task, email or arrival."""
    name: str
    """Of the person; empty: not known."""
    number: str
    """E.164; empty: none."""
    why: str
    """Of a task."""
    lead: int | None
    owner: str
    """Slug of the agent whose task it is, or who looks after the person; empty: nobody's yet."""
    properties: frozenset[int]
    """What it is about: by that, it is seen."""


@dataclass(frozen=True, slots=True)
class NewsMark:
    """Up to where it was told."""

    message: int
    task: int
    again: datetime | None
    """Up to which further calls, of people who had called before; None: there were none."""
    mail: int
    arrival: int
    """Before the first that nobody has read yet."""


# Asked for after every call that somebody has to return.
_LATEST = select(
    select(func.max(Message.id)).scalar_subquery(),
    select(func.max(Task.id)).scalar_subquery(),
    select(func.max(Task.again_at)).where(Task.again_at.is_not(None)).scalar_subquery(),
    select(func.max(Mail.id)).scalar_subquery(),
    select(func.min(ArrivalRecord.id)).where(ArrivalRecord.read_at.is_(None)).scalar_subquery(),
    select(func.max(ArrivalRecord.id)).scalar_subquery(),
)


def mark(session: Session) -> NewsMark:
    message, task, again, mail, unread, arrival = session.execute(_LATEST).one()
    return NewsMark(message or 0, task or 0, again, mail or 0, unread - 1 if unread is not None else arrival or 0)


def news(session: Session, since: NewsMark) -> tuple[list[News], NewsMark]:
    """Texts and emails from people, inquiries, tasks, and calls that joined open tasks, after a mark, the oldest first,
    and the mark after them."""
    latest = mark(session)
    texts = (
        select(Message.id, Message.from_number, Message.property_id, Message.lead_id, Lead.name, Agent.slug)
        .outerjoin(Lead, Lead.id == Message.lead_id)
        .outerjoin(Agent, Agent.id == Lead.assigned_agent_id)
        .where(Message.id > since.message, Message.id <= latest.message, Message.direction == TextDirection.IN)
        .order_by(Message.id.desc())
        .limit(MOST_NEWS)
    )
    tasks = (
        select(Task.id, Task.kind, Task.property_id, Task.lead_id, Task.why, Lead.name, Agent.slug)
        .outerjoin(Lead, Lead.id == Task.lead_id)
        .outerjoin(Agent, Agent.id == Task.owner_id)
        .limit(MOST_NEWS)
    )
    new = tasks.where(Task.id > since.task, Task.id <= latest.task).order_by(Task.id.desc())
    texts_found = session.execute(texts).all()[::-1] if latest.message > since.message else []
    tasks_found = [*session.execute(new).all()[::-1]] if latest.task > since.task else []
    if latest.again is not None and latest.again != since.again:
        later = Task.again_at > since.again if since.again else Task.again_at.is_not(None)
        again = tasks.where(later, Task.id <= since.task, Task.done_at.is_(None)).order_by(Task.again_at.desc())
        tasks_found += session.execute(again).all()[::-1]
    mails = (
        select(Mail.id, Mail.lead_id, Lead.name, Agent.slug)
        .join(Lead, Lead.id == Mail.lead_id)
        .outerjoin(Agent, Agent.id == Lead.assigned_agent_id)
        .where(Mail.id > since.mail, Mail.id <= latest.mail, Mail.direction == "in")
        .order_by(Mail.id.desc())
        .limit(MOST_NEWS)
    )
    forms = (
        select(ArrivalRecord.id, ArrivalRecord.lead_id, Lead.name, Agent.slug)
        .join(Lead, Lead.id == ArrivalRecord.lead_id)
        .outerjoin(Agent, Agent.id == Lead.assigned_agent_id)
        .where(ArrivalRecord.id > since.arrival, ArrivalRecord.id <= latest.arrival)
        # An email that came in is told as such.
        .where(~exists().where(Mail.arrival_id == ArrivalRecord.id))
        .order_by(ArrivalRecord.id.desc())
        .limit(MOST_NEWS)
    )
    written = [
        (kind, row)
        for kind, query, is_any in (
            (NewsKind.MAIL, mails, latest.mail > since.mail),
            (NewsKind.FORM, forms, latest.arrival > since.arrival),
        )
        if is_any
        for row in session.execute(query).all()[::-1]
    ]
    wanted = {row.lead_id for _, row in written}
    wanted |= {row.lead_id for row in (*texts_found, *tasks_found) if row.lead_id and row.property_id is None}
    about = _about(session, sorted(wanted))

    def properties(property_id: int | None, lead_id: int | None) -> frozenset[int]:
        return frozenset({property_id}) if property_id is not None else about.get(lead_id or 0, frozenset())

    found = [
        News(
            NewsKind.TEXT,
            row.id,
            row.name or "",
            row.from_number,
            "",
            row.lead_id,
            row.slug or "",
            properties(row.property_id, row.lead_id),
        )
        for row in texts_found
    ]
    found += [
        News(
            NewsKind.MISSED if row.kind == TaskKind.CALL_BACK else NewsKind.TASK,
            row.id,
            row.name or "",
            "",
            row.why,
            row.lead_id,
            row.slug or "",
            properties(row.property_id, row.lead_id),
        )
        for row in tasks_found
    ]
    found += [
        News(kind, row.id, row.name or "", "", "", row.lead_id, row.slug or "", properties(None, row.lead_id))
        for kind, row in written
    ]
    return found, latest


def _about(session: Session, leads: Sequence[int]) -> dict[int, frozenset[int]]:
    """The properties that people are interested in."""
    found: dict[int, set[int]] = {}
    if leads:
        rows = select(Interest.lead_id, Interest.property_id).where(
            Interest.lead_id.in_(leads), Interest.property_id.is_not(None)
        )
        for lead_id, property_id in session.execute(rows):
            found.setdefault(lead_id, set()).add(property_id)
    return {lead: frozenset(properties) for lead, properties in found.items()}
