"""What all arrivals have in common: each is stored once, as received, and passed on to an owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.arrivals import ArrivalOutcome
from crm.domain.notices import NoticeKind
from crm.domain.tasks import TaskKind, person_of, said_again
from crm.services.office import owners
from crm.services.outbox import notices
from crm.services.people import inbox, proposals
from crm.store.models import ArrivalRecord, Lead, Property, Task
from crm.store.queries import office, tasks


@dataclass(frozen=True)
class Parser:
    """What an arrival was read with; a later version may read it again."""

    name: str
    version: int


def kept(session: Session, key: str) -> ArrivalRecord | None:
    """The arrival stored with this key, if any."""
    return session.scalars(select(ArrivalRecord).where(ArrivalRecord.key == key)).first()


def keep(
    session: Session,
    key: str,
    channel: str,
    raw: dict[str, Any],
    parser: Parser,
    received_at: datetime,
    *,
    node: str = "",
    is_read: bool = True,
    came_from: str = "",
) -> ArrivalRecord:
    """Stores an arrival as received (`raw`: JSON types only), before anything is read from it.

    The caller sets its `lead_id`, or else its `problem`, unless it is read later (`is_read`). `node` is the system
    whose disk has the rest of it; `came_from` is a network address, which is not kept for long. If two transactions
    store the same key at once, one fails on the unique key, and finds the row when the store retries.
    """
    record = ArrivalRecord(
        key=key,
        channel=channel,
        raw=raw,
        parser=parser.name,
        parser_version=parser.version,
        received_at=received_at,
        read_at=received_at if is_read else None,
        outcome=ArrivalOutcome.LEAD if is_read else "",
        node=node,
        came_from=came_from[:45],
        problem="",
    )
    session.add(record)
    session.flush()
    return record


def pass_on(
    session: Session,
    config: Config,
    lead: Lead,
    property: Property | None,
    record: ArrivalRecord,
    subject: str,
    told: str,
    now: datetime,
    *,
    is_done: bool = False,
    is_urgent: bool = False,
) -> None:
    """Creates the lead's inquiry task, or adds to the one that is open, and notifies its owner.

    `subject` is that of the notice; `told` says what arrived, as in the timeline. `is_done`: nothing is left to do, so
    the owner is notified and gets no task. Unless it is urgent, further arrivals of a person whose first one is still
    unanswered are reported later, in one notice (`digests`).
    """
    due_at = office.schedule(session, config.tz, property).due_time(now, config.tasks.due_minutes)
    owner = owners.owner(session, lead, property, due_at.astimezone(config.tz))
    if lead.created_at == now:
        proposals.look_for_alike(session, lead, property, now)
    told = " ".join([told, *proposals.in_words(session, lead)])
    is_open = False
    if not is_done:
        person = person_of(TaskKind.INQUIRY, lead_id=lead.id, caller=None, did="", desk="")
        task = tasks.open_one(session, person, TaskKind.INQUIRY)
        if task is None:
            key = f"arrival:{record.id}"
            if session.scalar(select(Task.id).where(Task.key == key)) is not None:
                # It was read before as another person's, or concerns several people.
                key = f"{key}:{lead.id}"
            session.add(
                Task(
                    key=key,
                    kind=TaskKind.INQUIRY,
                    person=person,
                    held_by=owner,
                    lead_id=lead.id,
                    property_id=property.id if property else None,
                    why=told,
                    due_at=due_at,
                    created_at=now,
                    result="",
                )
            )
        else:
            task.times += 1
            task.last_at = now
            task.why = said_again(told, task.times, task.created_at, now, config.tz, what="inquiries")
            owner, is_open = task.held_by, True
        inbox.heard(session, record.received_at, told, lead_id=lead.id)
    if is_open and not is_urgent and (at := _told_later(session, config, lead, record, now)):
        record.tell_at = at
        return
    who = f"{lead.name or 'Somebody'} (lead {lead.id})"
    key = f"arrival:{record.id}:{lead.id}"
    notices.tell(
        session,
        config,
        owners.people(owner),
        key,
        subject,
        f"{who}: {told}",
        now,
        kind=NoticeKind.INQUIRY,
        lead_id=lead.id,
    )


def _told_later(session: Session, config: Config, lead: Lead, record: ArrivalRecord, now: datetime) -> datetime | None:
    """When to tell the owner of an arrival, if they have just been told of another one by this person; None: now."""
    minutes = timedelta(minutes=config.tasks.digest_minutes)
    if not minutes or record.lead_id != lead.id:
        return None
    theirs = select(ArrivalRecord.tell_at).where(ArrivalRecord.lead_id == lead.id, ArrivalRecord.id != record.id)
    if at := session.scalar(theirs.where(ArrivalRecord.tell_at.is_not(None)).limit(1)):
        return at
    before = select(ArrivalRecord.id).where(
        ArrivalRecord.lead_id == lead.id, ArrivalRecord.id != record.id, ArrivalRecord.received_at > now - minutes
    )
    return now + minutes if session.scalar(before.limit(1)) is not None else None
