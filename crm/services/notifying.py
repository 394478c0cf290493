"""What agents are told of by the clock, or once a call is on record: missed calls, what waited for the end of a quiet
time or was gathered, the daily digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.context import Crm
from crm.domain.counting import counted
from crm.domain.notices import NoticeKind
from crm.domain.route_inputs import DeskKind
from crm.domain.tasks import TaskKind
from crm.domain.tours import TourState
from crm.edge import numbers
from crm.services.calls.aftermath import voice_talk
from crm.services.office import owners
from crm.services.outbox import notice_settings, notices
from crm.services.outbox.delivery import HELD
from crm.services.outbox.notices import NewNotice
from crm.services.outbox.outgoing import NOTICE, NewMail, queue
from crm.store.models import Agent, Lead, NoticeSetting, Property, SubteamMember, Task, Tour, TourSlot
from crm.store.queries import tasks
from crm.words import notices as words
from crm.worker import Worker

MOST_AT_ONCE = 200
"""Tasks told in one transaction."""
MOST_LINES = 20
"""Tasks, or tours, that one email names."""
MOST_AGENTS = 25
"""Agents who get what waited for them, in one transaction: a quiet time ends for many at the same moment."""
OUTDATED = timedelta(hours=6)
"""A digest this late, because the app was away, is left out."""


class Notifier(Worker[None, None]):
    """Tells what is due. Nothing is sent from here: it puts emails and texts into the outbox."""

    name = "notices"
    # Also woken, as if a task had changed, by what is told later: notices that wait, and digests (`changes.stir`).
    wakes_on = (Task,)

    def __init__(self, crm: Crm, held: Callable[[], bool] = lambda: False) -> None:
        self._config, self._held = crm.config, held

    def due(self, session: Session, now: datetime, under_way: Sequence[None]) -> datetime | None:
        if self._held():
            return now + HELD
        return min((at for at in session.execute(_NEXT).one() if at), default=None)

    def claim(self, session: Session, now: datetime, under_way: Sequence[None]) -> None:
        # Nothing is to be done about it outside of the database, so no second transaction records it. When others have
        # what is due, nothing is told, and it is looked for again a moment later.
        self.has_more = tell_due(session, self._config, now)


def tell_due(session: Session, config: Config, now: datetime) -> bool:
    """Tells what is due now; what is left of very much is due still. False: there was nothing, or others tell it."""
    is_any = _tell_of_calls(session, config, now)
    for _ in range(MOST_AGENTS):
        if not notices.send_held(session, config, now):
            break
        is_any = True
    for _ in range(MOST_AGENTS):
        if not _send_digest(session, config, now):
            break
        is_any = True
    return is_any


_digest_at = NoticeSetting.next_digest_at
_NEXT = select(
    tasks.next_told().scalar_subquery(),
    notices.next_held().scalar_subquery(),
    select(_digest_at).where(_digest_at.is_not(None)).order_by(_digest_at).limit(1).scalar_subquery(),
)
"""When something is to be told, of each kind: looked at after each call that leaves a task."""


# --- missed calls ---


def _tell_of_calls(session: Session, config: Config, now: datetime) -> bool:
    """Tells owners of calls that left them a task; those of one owner that come together are one notice. False: of
    none."""
    found = tasks.to_tell(session, now, MOST_AT_ONCE)
    by_owner: dict[tuple[Agent | object, NoticeKind], list[Task]] = {}
    for task in found:
        task.tell_at = None
        if task.done_at is None:
            by_owner.setdefault((task.held_by, _kind(task)), []).append(task)
    named = [task.call_id for theirs in by_owner.values() for task in theirs[:MOST_LINES]]
    said = voice_talk.dialogues(session, [id for id in named if id])
    news = [_notice(config, kind, theirs, said) for (_, kind), theirs in by_owner.items()]
    notices.tell_all(session, config, news, now)
    return bool(found)


def _notice(config: Config, kind: NoticeKind, theirs: Sequence[Task], dialogues: Mapping[str, str]) -> NewNotice:
    """Of calls that left one owner tasks; with what was said to the voice agent, which an email has."""
    owner, shown = theirs[0].held_by, theirs[:MOST_LINES]
    subject, lines = _told(config, theirs)
    said = [dialogues.get(task.call_id or "", "") for task in shown]
    if len(theirs) == 1 and said[0]:
        subject = f"{_who(config, theirs[0])} talked with the voice agent"
    for at, task in enumerate(shown):
        if not isinstance(owner, Agent):
            lines[at] += f" {words.more('team_takes', task=task.id)}"
        if said[at]:
            lines[at] += f" {words.more('voice_talk', call=task.call_id)}"
    rest = _rest(theirs)
    with_talks = [f"{line}\n\n{talk}" if talk else line for line, talk in zip(lines, said, strict=True)]
    return NewNotice(
        owners.people(owner),
        "call:" + ",".join(f"{task.id}:{task.times}" for task in theirs),
        subject,
        "\n".join([*lines, *rest]),
        kind,
        theirs[0].lead_id if len(theirs) == 1 else None,
        in_full="\n\n".join([*with_talks, *rest]) if any(said) else "",
    )


def _kind(task: Task) -> NoticeKind:
    if task.kind == TaskKind.UNKNOWN_DID:
        return NoticeKind.TASK
    is_emergency = task.call is not None and task.call.desk == DeskKind.MAINTENANCE
    return NoticeKind.ALARM if is_emergency else NoticeKind.MISSED_CALL


def _told(config: Config, theirs: Sequence[Task]) -> tuple[str, list[str]]:
    """Subject, and a line for each."""
    if len(theirs) > 1:
        lines = [f"{_who(config, task)}: {task.why} It is task {task.id}." for task in theirs[:MOST_LINES]]
        return f"{len(theirs):,} calls to follow up", lines
    [task] = theirs
    who = _who(config, task)
    if task.kind == TaskKind.UNKNOWN_DID:
        return "Calls arrive for a number that is not a line", [f"Task {task.id}: {task.why}"]
    due = f"{task.due_at.astimezone(config.tz):%a %H:%M}"
    if task.kind == TaskKind.FOLLOW_UP:
        # They have what they called for, such as a link, and nobody has talked to them yet.
        return f"Call from {who}", [f"{who}: {task.why} To be followed up by {due} (task {task.id})."]
    return f"Missed call from {who}", [f"{who}: {task.why} To be called back by {due} (task {task.id})."]


def _rest(theirs: Sequence[Task]) -> list[str]:
    """What stands below several."""
    more = len(theirs) - MOST_LINES
    return [] if len(theirs) == 1 else [*([f"And {more:,} more."] if more > 0 else []), words.more("missed_calls")]


def _who(config: Config, task: Task) -> str:
    lead, call = task.lead, task.call
    number = lead.phones[0].number if lead and lead.phones else call.caller if call else None
    shown = numbers.display(number, config.region) if number else call.caller_digits if call else ""
    return ", ".join(filter(None, [lead.name if lead else "", shown])) or "somebody without a number"


# --- the daily digest ---


def _send_digest(session: Session, config: Config, now: datetime) -> bool:
    """Sends the digest that has been due longest; False: none is due."""
    setting = notice_settings.first_due_digest(session)
    if setting is None or setting.next_digest_at is None or setting.next_digest_at > now:
        return False
    was_due, setting.next_digest_at = setting.next_digest_at, notice_settings.next_digest(config, setting, now)
    agent = setting.agent
    if agent.retired_at is not None:
        setting.digest_at, setting.next_digest_at = "", None
    elif agent.email and was_due > now - OUTDATED and (told := digest(session, config, agent, now)):
        subject, body = notices.as_told(session, agent, *told)
        day = now.astimezone(config.tz).date()
        queue(session, config, NewMail(f"{NOTICE}digest:{agent.id}:{day}", agent.email, subject, body), now)
    session.flush()
    return True


def digest(session: Session, config: Config, agent: Agent, now: datetime) -> tuple[str, str] | None:
    """Subject and text of an agent's day: tours, people to call back, what else is to be done. None: nothing."""
    tours = _tours(session, config, agent, now)
    found = tasks.open_of_agent(session, agent.id, 10 * MOST_LINES)
    missed = [task for task in found if task.kind in (TaskKind.CALL_BACK, TaskKind.LISTEN) and task.call_id]
    others = [task for task in found if task not in missed]
    parts = (
        ("Tours today", "tour", [_tour(config, tour) for tour in tours]),
        ("Missed calls and voicemails", "missed call", [_task(config, task, now) for task in missed]),
        ("Other open tasks", "open task", [_task(config, task, now) for task in others]),
    )
    if not any(lines for _, _, lines in parts):
        return None
    counts = [counted(len(lines), what) for _, what, lines in parts if lines]
    body: list[str] = []
    for heading, _, lines in parts:
        if lines:
            more = len(lines) - MOST_LINES
            body += [f"{heading}:", *(f"- {line}" for line in lines[:MOST_LINES])]
            body += [f"- and {more:,} more"] if more > 0 else []
            body.append("")
    local = now.astimezone(config.tz)
    body.append(words.more("open_tasks", agent=agent.slug))
    return f"{local:%A, %B} {local.day}: {', '.join(counts)}", "\n".join(body)


def _tours(session: Session, config: Config, agent: Agent, now: datetime) -> Sequence[Tour]:
    """Booked tours of the office's day that the agent gives, or that somebody of their subteam does."""
    today = now.astimezone(config.tz).date()
    begins = datetime.combine(today, time(), config.tz)
    ends = datetime.combine(today + timedelta(days=1), time(), config.tz)
    teams = select(SubteamMember.subteam_id).where(SubteamMember.agent_id == agent.id)
    theirs = select(Property.id).where(Property.subteam_id.in_(teams))
    anybodys = and_(TourSlot.agent_id.is_(None), TourSlot.property_id.in_(theirs))
    found = (
        select(Tour)
        .join(TourSlot, TourSlot.id == Tour.slot_id)
        .where(Tour.state == TourState.BOOKED, TourSlot.starts_at >= begins, TourSlot.starts_at < ends)
        .where(or_(TourSlot.agent_id == agent.id, anybodys))
        .options(selectinload(Tour.slot), selectinload(Tour.lead).selectinload(Lead.phones))
        .order_by(TourSlot.starts_at, Tour.id)
    )
    return session.scalars(found).all()


def _tour(config: Config, tour: Tour) -> str:
    lead = tour.lead
    number = numbers.display(lead.phones[0].number, config.region) if lead.phones else ""
    who = ", ".join(filter(None, [lead.name or "", number])) or f"lead {lead.id}"
    return f"{tour.slot.starts_at.astimezone(config.tz):%H:%M} {who}"


def _task(config: Config, task: Task, now: datetime) -> str:
    due = f"{task.due_at.astimezone(config.tz):%b %d %H:%M}"
    late = ", overdue" if task.due_at < now else ""
    whose = "" if isinstance(task.held_by, Agent) else f", {owners.name(task.held_by)} may take it"
    return f"Task {task.id} (due {due}{late}{whose}), {_who(config, task)}: {task.why}"
