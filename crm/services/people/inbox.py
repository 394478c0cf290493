"""The inbox: who waits for an answer in writing, what is put off, and what is being written.

Texts and emails themselves are kept elsewhere; whoever stores one that came in, or that somebody of the office wrote,
says so here (`heard`, `answered`). What leaves by itself, such as a reminder, does not answer anybody.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.excerpts import excerpt
from crm.domain.tasks import TaskKind
from crm.services import audit
from crm.services.audit import By
from crm.services.office import agents
from crm.store.models import InboxDraft, InboxThread, Lead, Task
from crm.store.queries import reach as reached
from crm.store.queries import tasks

SHOWN = 200
"""Characters of what was written that lists show."""
LONGEST_DRAFT = 20_000
LONGEST_SNOOZE = timedelta(days=366)
_TO_ANSWER = (TaskKind.REPLY, TaskKind.INQUIRY)


class DraftWay(StrEnum):
    """How something that is being written will go out."""

    TEXT = "text"
    MAIL = "mail"


def heard(
    session: Session,
    at: datetime,
    words: str,
    *,
    lead_id: int | None = None,
    number: str = "",
    property_id: int | None = None,
) -> None:
    """A lead wrote, or else somebody with this number who is none; nobody has answered it yet."""
    thread = _found_or_new(session, lead_id, number)
    if thread is None:
        return
    if lead_id is None:
        thread.property_id = property_id or thread.property_id
    if thread.last_at is not None and thread.last_at > at and thread.last_direction == "out":
        # It was delayed on its way; what was written since may well answer it.
        return
    thread.is_waiting, thread.is_done, thread.snoozed_until = True, False, None
    _came(thread, at, "in", words)


def answered(session: Session, at: datetime, words: str, *, lead_id: int | None = None, number: str = "") -> None:
    """Somebody of the office wrote to them."""
    thread = _found_or_new(session, lead_id, number)
    if thread is not None:
        thread.is_waiting, thread.snoozed_until = False, None
        thread.is_done = False
        _came(thread, at, "out", words)


def _came(thread: InboxThread, at: datetime, direction: str, words: str) -> None:
    if thread.last_at is None or thread.last_at <= at:
        thread.last_at, thread.last_direction = at, direction
        thread.last_words = excerpt(" ".join(words[: 4 * SHOWN].split()), SHOWN)


def _found_or_new(session: Session, lead_id: int | None, number: str) -> InboxThread | None:
    """The person's thread, locked; None for somebody without a number."""
    if lead_id is None:
        return _of(session, InboxThread(number=number)) if number.startswith("+") else None
    thread = _of(session, InboxThread(lead_id=lead_id))
    if number:
        # From before they became a lead.
        session.execute(delete(InboxThread).where(InboxThread.number == number, InboxThread.lead_id.is_(None)))
    return thread


def _of(session: Session, new: InboxThread) -> InboxThread:
    theirs = InboxThread.lead_id == new.lead_id if new.lead_id is not None else InboxThread.number == new.number
    thread = session.scalar(select(InboxThread).where(theirs).with_for_update())
    if thread is None:
        thread = new
        thread.last_direction = thread.last_words = ""
        thread.is_waiting = thread.is_done = False
        session.add(thread)
        session.flush()
    return thread


def of_lead(session: Session, lead_id: int, reach: Reach = WHOLE_OFFICE) -> int:
    """The id of a lead's thread, which begins with this if there is none. Raises NotFound."""
    found = select(Lead.id).where(Lead.id == lead_id, *reached.of_leads(reach))
    if session.scalar(found) is None:
        raise NotFound(f"There is no lead {lead_id}.", code="lead_unknown", lead=str(lead_id))
    return _of(session, InboxThread(lead_id=lead_id)).id


def named(session: Session, thread_id: int, reach: Reach = WHOLE_OFFICE) -> InboxThread:
    """Locked. Raises NotFound."""
    found = select(InboxThread).where(InboxThread.id == thread_id, *reached.of_threads(reach)).with_for_update()
    thread = session.scalar(found)
    if thread is None:
        raise unknown(thread_id)
    return thread


def unknown(thread_id: int) -> NotFound:
    return NotFound("There is no such conversation.", code="thread_unknown", thread=thread_id)


# --- what people do with a thread ---


def snooze(session: Session, by: By, thread_id: int, until: datetime, reach: Reach = WHOLE_OFFICE) -> None:
    """Takes a thread out of the lists until a moment, or until the person writes. Raises NotFound, Invalid."""
    thread = named(session, thread_id, reach)
    if not by.now < until <= by.now + LONGEST_SNOOZE:
        raise Invalid("Choose a time within the next year.", code="snooze_time")
    thread.snoozed_until, thread.is_done = until, False
    audit.record(session, by, f"conversation {_whose(thread)} snoozed until {until:%Y-%m-%d %H:%M} UTC")


def wake(session: Session, by: By, thread_id: int, reach: Reach = WHOLE_OFFICE) -> None:
    """Puts it back into the lists: it is snoozed no longer, and not done. Raises NotFound."""
    thread = named(session, thread_id, reach)
    thread.snoozed_until, thread.is_done = None, False
    audit.record(session, by, f"conversation {_whose(thread)} reopened")


def finish(session: Session, by: By, thread_id: int, reach: Reach = WHOLE_OFFICE) -> None:
    """Nothing is left to answer: puts it away until the person writes again, and closes the tasks to answer them.
    Raises NotFound."""
    thread = named(session, thread_id, reach)
    thread.is_done, thread.is_waiting, thread.snoozed_until = True, False, None
    for task in _open_tasks(session, thread):
        task.done_at, task.result = by.now, "Nothing left to answer."
    audit.record(session, by, f"conversation {_whose(thread)} done")


def give(session: Session, by: By, thread_id: int, agent: str | None, reach: Reach = WHOLE_OFFICE) -> None:
    """Gives the thread of somebody who is no lead to an agent (slug). Of leads it belongs to whoever the lead does.
    Raises NotFound, Conflict."""
    thread = named(session, thread_id, reach)
    if thread.lead_id is not None:
        raise Conflict("Give the lead to somebody, and this goes with it.", code="thread_of_lead")
    thread.agent_id = agents.named(session, agent).id if agent else None
    audit.record(session, by, f"conversation {_whose(thread)} given to {agent or 'nobody'}")


def _open_tasks(session: Session, thread: InboxThread) -> list[Task]:
    if thread.lead_id is not None:
        return list(tasks.open_of(session, thread.lead_id, _TO_ANSWER))
    found = tasks.open_one(session, f"writer:{thread.number}", TaskKind.REPLY)
    return [found] if found else []


def _whose(thread: InboxThread) -> str:
    return f"with lead {thread.lead_id}" if thread.lead_id is not None else f"{thread.id}"


# --- drafts ---


def save_draft(
    session: Session,
    by: By,
    thread_id: int,
    way: DraftWay,
    body: str,
    subject: str = "",
    *,
    version: int = 0,
    reach: Reach = WHOLE_OFFICE,
) -> int:
    """Keeps what is being written, and returns its version; nothing but spaces is no draft, with version 0.

    `version` is the one that was changed, 0: there was none. Raises Conflict when somebody has changed it meanwhile;
    Invalid, NotFound.
    """
    named(session, thread_id, reach)
    if len(body) > LONGEST_DRAFT or len(subject) > 200:
        raise Invalid("That is too long to be kept as a draft.", code="draft_too_long")
    draft = session.scalar(_draft(thread_id, way).with_for_update())
    if draft is not None and draft.version != version and draft.changed_by != by.who:
        raise Conflict(f"{draft.changed_by} has changed this meanwhile.", code="draft_changed", by=draft.changed_by)
    if not (body.strip() or subject.strip()):
        if draft is not None:
            session.delete(draft)
        return 0
    if draft is None:
        draft = InboxDraft(thread_id=thread_id, way=way, version=0)
        session.add(draft)
    draft.version += 1
    draft.body, draft.subject, draft.changed_at, draft.changed_by = body, subject, by.now, by.who[:80]
    session.flush()
    return draft.version


def drop_draft(session: Session, thread_id: int, way: DraftWay) -> None:
    """What was being written has been sent."""
    session.execute(delete(InboxDraft).where(InboxDraft.thread_id == thread_id, InboxDraft.way == way))


def _draft(thread_id: int, way: DraftWay) -> Select[InboxDraft]:
    return select(InboxDraft).where(InboxDraft.thread_id == thread_id, InboxDraft.way == way)
