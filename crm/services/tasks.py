"""Tasks: adding, finishing, taking, reassigning and snoozing them, and escalating the overdue ones.

Most are created where their cause is recorded, above all in the ledger.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import Happened
from crm.domain.notices import NoticeKind
from crm.domain.tasks import TaskKind
from crm.services import assignment, audit
from crm.services.audit import By
from crm.services.office import agents, owners
from crm.services.outbox import notices
from crm.services.people import leads, timeline
from crm.store.models import Agent, Call, Line, Property, Subteam, Task
from crm.store.queries import agents as agent_queries
from crm.store.queries import office, tasks
from crm.words import notices as words

TICK_SECONDS = 60.0
MOST_ESCALATIONS = 2
"""First to a colleague, then to the admin."""
BATCH = 100
REMIND_SECONDS = 3600.0
LONG_OVERDUE = timedelta(days=3)
"""After that the admin hears of follow-ups that are not passed on."""

_log = logging.getLogger(__name__)


def add(
    session: Session, config: Config, by: By, raw: str | int, why: str, due_at: datetime, owner: str | None
) -> Task:
    """Adds a task about the lead with this id, phone number or email address.

    It belongs to `owner` (slug), else to the agent who would own any task of this lead. Raises Invalid, NotFound.
    """
    lead = leads.named(session, config, raw, lock=True)
    if due_at <= by.now:
        raise Invalid("A task has to be due in the future.", code="task_due_back")
    property = assignment.latest_interest(lead)
    of = agents.named(session, owner) if owner else owners.owner(session, lead, property, due_at.astimezone(config.tz))
    task = Task(
        key=f"hand:{uuid.uuid4().hex}",
        kind=TaskKind.TO_DO,
        held_by=of,
        lead_id=lead.id,
        why=fields.text(why, "task", 300, required=True),
        due_at=due_at,
        created_at=by.now,
        result="",
    )
    session.add(task)
    session.flush()
    told = f"Task {task.id} for {owners.name(of)}: {task.why}"
    timeline.enter(session, lead.id, Happened.TASK, told, by.now, key=f"task:{task.id}", by=by.who, is_new=True)
    audit.record(session, by, f"task {task.id} added")
    subject = f"Task {task.id} is yours" if isinstance(of, Agent) else f"Task {task.id} is there for you to take"
    others = [agent for agent in owners.people(of) if agent.slug != by.who]
    notices.tell(
        session, config, others, f"task:{task.id}", subject, told, by.now, kind=NoticeKind.TASK, lead_id=lead.id
    )
    return task


def finish(session: Session, by: By, task_id: int, result: str) -> None:
    """Marks a task as done, and records the result."""
    task = _open(session, task_id)
    task.done_at, task.result = by.now, fields.text(result, "result", 300)
    audit.record(session, by, f"task {task_id} done")


def reassign(session: Session, by: By, task_id: int, owner: str) -> None:
    """Gives a task to another agent."""
    task = _open(session, task_id)
    to = agents.named(session, owner)
    if to.id == task.owner_id:
        raise Conflict(f"Task {task_id} already belongs to {owner}.", code="task_owned", task=task_id, owner=owner)
    _give(session, task, to, by.now, f"given to {owner} by {by.who}")
    # A person has chosen the owner, so the time until it escalates starts over.
    task.escalation, task.escalate_at = 0, None
    audit.record(session, by, f"task {task_id} given to {owner}")


def take(session: Session, by: By, task_id: int, agent: str) -> None:
    """Makes an agent the owner of a task that a subteam has. Raises NotFound, and Conflict when somebody else has
    it; of two at the same time, only one succeeds."""
    task = _open(session, task_id)
    taker = agents.named(session, agent)
    free = update(Task).where(Task.id == task_id, Task.owner_id.is_(None), Task.done_at.is_(None))
    taken = free.values(owner_id=taker.id, subteam_id=None, escalation=0, escalate_at=None).returning(Task.id)
    if session.scalar(taken.execution_options(synchronize_session=False)) is None:
        session.refresh(task)
        owner = task.owner.slug if task.owner else ""
        if owner == taker.slug:
            return
        raise Conflict(f"Task {task_id} already belongs to {owner}.", code="task_owned", task=task_id, owner=owner)
    session.refresh(task)
    _note(session, task, by.now, f"taken by {taker.slug}")
    audit.record(session, by, f"task {task_id} taken by {taker.slug}")


def snooze(session: Session, by: By, task_id: int, until: datetime) -> None:
    """Postpones a task until then."""
    if until <= by.now:
        raise Invalid("A task has to be put off until a time in the future.", code="task_put_off_back")
    task = _open(session, task_id)
    task.due_at, task.escalate_at = until, None
    audit.record(session, by, f"task {task_id} put off until {until:%Y-%m-%d %H:%M} UTC")


def _open(session: Session, task_id: int) -> Task:
    task = tasks.by_id(session, task_id)
    if task is None:
        raise NotFound(f"There is no task {task_id}.", code="task_unknown", task=task_id)
    if task.done_at is not None:
        raise Conflict(
            f"Task {task_id} has been done since {task.done_at:%Y-%m-%d %H:%M} UTC.",
            code="task_done",
            task=task_id,
        )
    return task


# --- escalation ---


@dataclass(frozen=True)
class PassedOn:
    """A task that went to somebody else because it was not done in time."""

    task: Task
    former: Agent | Subteam
    to: Agent


def next_tick(session: Session, config: Config) -> datetime | None:
    """When `tick` next has something to do; None: never, unless a task is added or changed."""
    waiting = Task.done_at.is_(None), Task.escalation < MOST_ESCALATIONS
    overdue = select(Task.due_at).where(*waiting, Task.escalate_at.is_(None)).order_by(Task.due_at, Task.id).limit(1)
    found = [session.scalar(overdue)]
    if config.tasks.escalate_minutes:
        found.append(session.scalar(select(func.min(Task.escalate_at)).where(*waiting)))
    return min((at for at in found if at), default=None)


def tick(session: Session, config: Config, now: datetime) -> int:
    """Tells owners of tasks that have become overdue, and passes on those that have been so for too long; returns how
    many. Several may run at once.

    Whoever had such a task is told as well as whoever has it now, and the manager in [tasks]; each once, however many
    tasks there are.
    """
    minutes = config.tasks.escalate_minutes
    is_next = Task.escalate_at.is_(None) if not minutes else or_(Task.escalate_at.is_(None), Task.escalate_at <= now)
    waiting = (
        select(Task)
        .where(Task.done_at.is_(None), Task.escalation < MOST_ESCALATIONS, Task.due_at <= now, is_next)
        .options(selectinload(Task.owner), selectinload(Task.subteam))
        .order_by(Task.due_at, Task.id)
        .limit(BATCH)
        # Skips tasks that another process is handling.
        .with_for_update(of=Task, skip_locked=True)
    )
    overdue: list[Task] = []
    passed_on: list[PassedOn] = []
    for task in session.scalars(waiting):
        schedule = office.schedule(session, config.tz, _property(session, task))
        if task.escalate_at is None:
            overdue.append(task)
            task.escalate_at = schedule.due_time(task.due_at, minutes)
        if minutes and task.escalate_at <= now:
            passed_on += _escalate(session, task, now)
            task.escalate_at = schedule.due_time(now, minutes)
    gone = {one.task.id for one in passed_on}
    _tell_overdue(session, config, [task for task in overdue if task.id not in gone], now)
    _tell_passed_on(session, config, passed_on, now)
    return len(passed_on)


def remind(session: Session, config: Config, now: datetime) -> int:
    """Tells people once a day, in office hours, how many overdue follow-ups are theirs that nobody passes on, and the
    admin how many have been so for long. Returns how many people there were to tell.

    An import may bring up thousands of them at once: passed on one by one, they would bury whoever gets them.
    """
    if not office.schedule(session, config.tz).is_open(now):
        return 0
    is_long = case((Task.due_at <= now - LONG_OVERDUE, 1), else_=0)
    overdue = (
        select(Task.owner_id, Task.subteam_id, func.count().label("all"), func.sum(is_long).label("long"))
        .where(
            Task.done_at.is_(None),
            Task.due_at <= now,
            Task.kind == TaskKind.FOLLOW_UP,
            Task.escalation >= MOST_ESCALATIONS,
        )
        .group_by(Task.owner_id, Task.subteam_id)
    )
    found: dict[int, tuple[int, int]] = {}
    for row in session.execute(overdue):
        team = session.get(Subteam, row.subteam_id) if row.subteam_id is not None else None
        for owner_id in [agent.id for agent in team.members] if team else [row.owner_id]:
            before = found.get(owner_id, (0, 0))
            found[owner_id] = (before[0] + row.all, before[1] + row.long)
    day = now.astimezone(config.tz).date()
    told = session.scalars(select(Agent).where(Agent.id.in_(found)).order_by(Agent.slug)).all()
    for agent in told:
        count, _ = found[agent.id]
        text = f"{_people(count)} to follow up with. {words.more('follow_ups_overdue', agent=agent.slug)}"
        notices.tell(
            session, config, [agent], f"follow_ups:{day}", "Follow-ups are overdue", text, now, kind=NoticeKind.TASK
        )
    admin = owners.admin(session) if found else None
    others = sum(long for owner, (_, long) in found.items() if admin and owner != admin.id)
    if admin and others:
        text = f"{_people(others)} of others' to follow up with, for more than {LONG_OVERDUE.days} days. "
        text += words.more("follow_ups_long_overdue")
        notices.tell(
            session,
            config,
            [admin],
            f"follow_ups_of_others:{day}",
            "Follow-ups are long overdue",
            text,
            now,
            kind=NoticeKind.TASK,
        )
    return len(told)


def _people(count: int) -> str:
    return "1 person is overdue" if count == 1 else f"{count} people are overdue"


def _escalate(session: Session, task: Task, now: datetime) -> list[PassedOn]:
    task.escalation += 1
    former, to = task.held_by, _next_owner(session, task)
    if to is former:
        return []
    _give(session, task, to, now, f"passed on to {to.slug}: {_called(former)} did not do it in time")
    _log.info("a task went to somebody else", extra={"task_id": task.id, "escalation": task.escalation})
    return [PassedOn(task, former, to)]


def _tell_overdue(session: Session, config: Config, overdue: Sequence[Task], now: datetime) -> None:
    by_owner: dict[Agent, list[Task]] = {}
    for task in overdue:
        for owner in owners.people(task.held_by):
            by_owner.setdefault(owner, []).append(task)
    for owner, theirs in by_owner.items():
        lines = [f"Task {task.id} is overdue: {task.why}" for task in theirs]
        key = "overdue:" + ",".join(f"{task.id}:{task.due_at.isoformat()}" for task in theirs)
        _tell_lines(session, config, owner, key, lines, f"{len(theirs)} tasks are overdue", theirs, now)


def _tell_passed_on(session: Session, config: Config, passed_on: Sequence[PassedOn], now: datetime) -> None:
    manager = agent_queries.by_slug(session, config.tasks.manager) if config.tasks.manager else None
    told: dict[Agent, list[tuple[PassedOn, str]]] = {}
    for one in passed_on:
        task, former, to = one.task, one.former, one.to
        yours = f"Task {task.id} is yours now, because {_called(former)} did not do it in time: {task.why}"
        theirs = f"Task {task.id} of {_called(former)} went to {to.slug}, because it was not done in time: {task.why}"
        gone = f"Task {task.id} went to {to.slug}, because it was overdue: {task.why}"
        words_to = {to: yours, **{agent: gone for agent in owners.people(former) if agent is not to}}
        if manager:
            words_to.setdefault(manager, theirs)
        for agent, text in words_to.items():
            told.setdefault(agent, []).append((one, text))
    for agent, items in told.items():
        key = "passed_on:" + ",".join(f"{one.task.id}:{one.task.escalation}" for one, _ in items)
        lines, of = [line for _, line in items], [one.task for one, _ in items]
        _tell_lines(session, config, agent, key, lines, f"{len(items)} overdue tasks went to somebody else", of, now)


def _tell_lines(
    session: Session,
    config: Config,
    agent: Agent,
    key: str,
    lines: Sequence[str],
    subject: str,
    about: Sequence[Task],
    now: datetime,
) -> None:
    """One notice, however many lines it has; `subject` is for several."""
    lead_id = about[0].lead_id if len(about) == 1 else None
    subject = subject if len(lines) > 1 else lines[0].partition(", because")[0].partition(":")[0]
    notices.tell(session, config, [agent], key, subject, "\n".join(lines), now, kind=NoticeKind.TASK, lead_id=lead_id)


def _called(owner: Agent | Subteam) -> str:
    return owner.slug if isinstance(owner, Agent) else f"team {owner.slug}"


def _next_owner(session: Session, task: Task) -> Agent:
    """The first time a colleague on duty, preferably from the property's subteam; after that the admin."""
    if task.escalation < MOST_ESCALATIONS:
        property = _property(session, task)
        for subteam_id in (property.subteam_id if property else None, None):
            colleague = agent_queries.least_busy(session, subteam_id, without=task.owner_id)
            if colleague:
                return colleague
    return owners.admin(session)


def _property(session: Session, task: Task) -> Property | None:
    """The property that the task's call was about; None for a task without a call."""
    if task.call_id is None:
        return None
    about = func.coalesce(Call.property_id, Line.property_id)
    found = select(Property).join(Call, Call.id == task.call_id).outerjoin(Line, Line.id == Call.line_id)
    return session.scalars(found.where(Property.id == about)).first()


def _give(session: Session, task: Task, to: Agent, now: datetime, how: str) -> None:
    task.held_by = to
    _note(session, task, now, how)


def _note(session: Session, task: Task, now: datetime, how: str) -> None:
    """Enters in the timeline what became of the task."""
    if task.lead_id is not None:
        key = f"task:{task.id}:{now.isoformat()}"
        told = f"Task {task.id} {how}."
        timeline.enter(
            session, task.lead_id, Happened.TASK, told, now, key=key, call_id=task.call_id, about=task.property_id
        )
