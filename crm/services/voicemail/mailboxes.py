"""Voicemail in its mailboxes: who may hear, take and delete them.

A voicemail is new until somebody has heard it. The agent who takes it owns the task about it, and nobody else can take
it any more. Once a voicemail is heard, taken or deleted, nobody is called about it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain import escalation
from crm.domain.calls import CallDirection
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import Happened
from crm.domain.mailboxes import OFFICE, BoxKind, TranscriptState, file_stem, of_property, parse, split
from crm.domain.tasks import said_too
from crm.edge import numbers
from crm.services import audit
from crm.services.audit import By
from crm.services.office import owners
from crm.services.people import timeline
from crm.store import snapshot
from crm.store.models import Agent, Call, Lead, Line, Property, Task, Voicemail
from crm.store.queries import agents, tasks
from crm.store.snapshot import KnownProperty

# --- voicemail comes in ---


def box_of_property(property: Property | KnownProperty | None) -> str:
    """The mailbox of calls about a property: its own or its subteam's, else the office's."""
    if property is None:
        return OFFICE
    return of_property(property.slug, property.voicemail_to, property.subteam.slug if property.subteam else None)


def came_in(
    session: Session,
    config: Config,
    voicemail: Voicemail,
    property: KnownProperty | None,
    mailbox: str,
    now: datetime,
    *,
    is_urgent: bool = False,
) -> None:
    """Puts a new voicemail, with file and time already set, into its mailbox. `mailbox` is empty for the property's.

    If it is urgent, people are called about it immediately, whatever the hour and the settings.
    """
    voicemail.mailbox = mailbox or box_of_property(property)
    voicemail.transcript_state = TranscriptState.QUEUED
    if is_urgent:
        voicemail.escalate_at = max(voicemail.left_at, now)
    elif config.escalation.first_minutes and (property is None or property.escalates):
        schedule = snapshot.now(session).schedule(config.tz, property)
        voicemail.escalate_at = escalation.due(
            max(voicemail.left_at, now),
            config.escalation.first_minutes,
            schedule,
            when_closed=config.escalation.when_closed,
        )


def owner(session: Session, mailbox: str) -> Agent | None:
    """The agent whose mailbox it is; None: it is not one agent's, and the task to listen goes to whom any other would
    go."""
    kind, slug = split(mailbox)
    return agents.by_slug(session, slug) if kind is BoxKind.AGENT else None


# --- whose they are ---


def people(session: Session, mailbox: str) -> list[Agent]:
    """The agents who may hear the voicemail of a mailbox; the admin when there is nobody else."""
    ids = [agent.id for agent in snapshot.now(session).mailboxes.get(mailbox, ())]
    found = session.scalars(select(Agent).where(Agent.id.in_(ids)).order_by(Agent.slug)).all() if ids else ()
    return list(found) or [owners.admin(session)]


def boxes_of(session: Session, agent_id: int) -> list[str]:
    """The mailboxes an agent may listen to: their own and those of their subteams and properties; for the admin also
    the office's, and those that nobody else has."""
    return list(snapshot.now(session).mailboxes_of.get(agent_id, ()))


def existing(session: Session, raw: str) -> str:
    """Parses the name of an existing mailbox; raises Invalid, NotFound."""
    name = parse(raw)
    if name not in snapshot.now(session).mailboxes:
        raise NotFound(f"There is no mailbox {name}: nothing has that name.", code="mailbox_unknown", mailbox=name)
    return name


# --- listening ---


@dataclass(frozen=True)
class MailboxEntry:
    """A voicemail as presented to a listener."""

    id: str
    """Id of its call."""
    mailbox: str
    caller: str | None
    """E.164, or the digits shown in its place; None when withheld."""
    left_at: datetime
    seconds: int
    file: str
    property_name: str
    is_new: bool
    colleague: str = ""
    """Name of the colleague who left it; empty for outside callers."""
    call_back: str | None = None
    """Number to call back: E.164, or a colleague's extension; None when withheld."""


@dataclass(frozen=True)
class Listener:
    """An agent, and the voicemails they may hear."""

    agent: str
    """Slug."""
    boxes: tuple[str, ...]
    voicemails: tuple[MailboxEntry, ...]
    """The new ones, by mailbox with the agent's own first, and oldest first in each; if none is new, the heard ones."""
    new: int


def listener(session: Session, device: str) -> Listener | None:
    """What the owner of this phone may hear; None when it has no owner."""
    agent = agents.by_device(session, device)
    if agent is None:
        return None
    boxes = boxes_of(session, agent.id)
    query = _whole.where(Voicemail.mailbox.in_(boxes), Voicemail.deleted_at.is_(None), _has_audio)
    found = session.scalars(query).all()
    found = sorted(found, key=lambda one: (boxes.index(one.mailbox), one.left_at))
    new = [_as_heard(one) for one in found if one.heard_at is None]
    return Listener(agent.slug, tuple(boxes), tuple(new or [_as_heard(one) for one in found]), len(new))


def voicemail(session: Session, voicemail_id: str) -> MailboxEntry:
    """Raises NotFound."""
    return _as_heard(_named(session, voicemail_id))


_has_audio = Voicemail.purged_at.is_(None)
_whole = select(Voicemail).options(
    selectinload(Voicemail.taken_by),
    selectinload(Voicemail.call).options(
        selectinload(Call.agent),
        selectinload(Call.line).selectinload(Line.property),
        selectinload(Call.lead).selectinload(Lead.phones),
    ),
)


def _as_heard(row: Voicemail) -> MailboxEntry:
    line = row.call.line
    colleague = row.call.agent if row.call.direction == CallDirection.INTERNAL else None
    return MailboxEntry(
        id=row.call_id,
        mailbox=row.mailbox or OFFICE,
        caller=row.call.caller or row.call.caller_digits or None,
        left_at=row.left_at,
        seconds=row.seconds,
        file=row.file,
        property_name=line.property.name if line and line.property else "",
        is_new=row.heard_at is None,
        colleague=colleague.name if colleague else "",
        call_back=colleague.extension if colleague else row.call.caller,
    )


def audio(config: Config, file: str) -> Path | None:
    """The audio file of a voicemail; None when it is gone."""
    path = config.recordings_folder / Path(file).name
    return path if file and path.is_file() else None


def _named(session: Session, voicemail_id: str) -> Voicemail:
    found = session.scalars(_whole.where(Voicemail.call_id == voicemail_id)).first()
    if found is None:
        raise NotFound("There is no such voicemail.", code="voicemail_unknown")
    return found


# --- after listening ---


def heard(session: Session, voicemail_id: str, now: datetime) -> None:
    """Marks a voicemail as heard: it is no longer new."""
    session.execute(
        update(Voicemail)
        .where(Voicemail.call_id == voicemail_id, Voicemail.heard_at.is_(None))
        .values(heard_at=now, escalate_at=None)
    )


def delete(session: Session, by: By, voicemail_id: str) -> None:
    """Removes a voicemail from its mailbox; its task stays. Raises NotFound, Conflict."""
    row = _named(session, voicemail_id)
    if row.deleted_at is not None:
        raise Conflict("That voicemail has already been deleted.", code="voicemail_deleted")
    row.deleted_at, row.escalate_at = by.now, None
    audit.record(session, by, f"voicemail {voicemail_id} deleted from {row.mailbox}")


def restore(session: Session, by: By, voicemail_id: str) -> None:
    """Puts a deleted voicemail back into its mailbox, as long as its audio is there. Raises NotFound, Conflict."""
    row = _named(session, voicemail_id)
    if row.deleted_at is None:
        raise Conflict("That voicemail has not been deleted.", code="voicemail_not_deleted")
    if row.purged_at is not None:
        raise Conflict("That voicemail's audio is gone, so it cannot be restored.", code="voicemail_purged")
    row.deleted_at = None
    audit.record(session, by, f"voicemail {voicemail_id} restored to {row.mailbox}")


def take(session: Session, by: By, voicemail_id: str, agent: str) -> None:
    """Makes an agent responsible for a voicemail and the owner of its task. Raises NotFound, and Conflict when somebody
    else has taken it; of two at the same time, only one succeeds."""
    row = _named(session, voicemail_id)
    taker = agents.by_slug(session, agent)
    if taker is None:
        raise NotFound(f"There is no agent {agent}.", code="agent_unknown", agent=agent)
    won = session.execute(
        update(Voicemail)
        .where(Voicemail.call_id == voicemail_id, Voicemail.taken_by_id.is_(None))
        .values(taken_by_id=taker.id, taken_at=by.now, escalate_at=None)
        .returning(Voicemail.call_id)
        .execution_options(synchronize_session=False)
    )
    if won.one_or_none() is None:
        if row.taken_by_id == taker.id:
            return
        raise Conflict("Somebody else has already taken that voicemail.", code="voicemail_taken")
    task = tasks.by_key(session, f"call:{voicemail_id}")
    if task and task.done_at is None:
        task.held_by = taker
        task.why = said_too(task.why, f"{taker.name} took it.")
    if row.call.lead_id is not None:
        told = f"{taker.name} took the voicemail they left."
        key, about = f"taken:{voicemail_id}", row.call.property_id
        timeline.enter(
            session, row.call.lead_id, Happened.VOICEMAIL, told, by.now, key=key, call_id=voicemail_id, about=about
        )
    audit.record(session, by, f"voicemail {voicemail_id} taken by {agent}")


# --- lamps ---


@dataclass(frozen=True)
class Lamp:
    """Counts for the message lamp of an agent's phones."""

    new: int = 0
    old: int = 0


def lamps(session: Session) -> dict[str, Lamp]:
    """The lamps of every agent, by slug."""
    is_new = Voicemail.heard_at.is_(None)
    rows = session.execute(
        select(Voicemail.mailbox, is_new, func.count())
        .where(Voicemail.deleted_at.is_(None), _has_audio)
        .group_by(Voicemail.mailbox, is_new)
    ).all()
    new: Counter[str] = Counter()
    old: Counter[str] = Counter()
    by_box = snapshot.now(session).mailboxes
    for mailbox, unheard, count in rows:
        for agent in by_box.get(mailbox or OFFICE, ()):
            (new if unheard else old)[agent.slug] += count
    everybody = {agent.slug for members in by_box.values() for agent in members}
    return {slug: Lamp(new[slug], old[slug]) for slug in everybody}


# --- greetings ---


def greeting(config: Config, mailbox: str) -> Path | None:
    """The mailbox's own greeting; None when it has none."""
    path = greeting_path(config, mailbox)
    return path if path.is_file() else None


def greeting_path(config: Config, mailbox: str) -> Path:
    try:
        return config.prompts_folder / "mailboxes" / f"{file_stem(mailbox)}.wav"
    except Invalid:
        # A mailbox of a kind that only a newer version knows, or an invalid name.
        return config.prompts_folder / "mailboxes" / f"{OFFICE}.wav"


# --- in words ---


def where(voicemail: Voicemail) -> str:
    """What the caller called, in words: the property, else the line's label, else the office."""
    line = voicemail.call.line
    if line and line.property:
        return line.property.name
    return line.label if line and line.label else "the office"


def who(voicemail: Voicemail, region: str) -> str:
    """Name and number of the caller who left it, in words."""
    if voicemail.call.direction == CallDirection.INTERNAL:
        return "a colleague"
    call = voicemail.call
    number = numbers.display(call.caller, region) if call.caller else call.caller_digits or "a withheld number"
    lead = voicemail.call.lead
    return f"{lead.name}, {number}" if lead and lead.name else number


def taken_in_words(session: Session, voicemail: Voicemail) -> str:
    """Words for the task on who took the voicemail; "" while nobody has."""
    taker = session.get(Agent, voicemail.taken_by_id) if voicemail.taken_by_id else None
    return f" {taker.name} took it." if taker else ""


def open_task(session: Session, voicemail_id: str) -> Task | None:
    """The open task about a voicemail, if any."""
    task = tasks.by_key(session, f"call:{voicemail_id}")
    return task if task and task.done_at is None else None
