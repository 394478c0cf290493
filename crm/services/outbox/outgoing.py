"""The only way into the outbox: every outgoing text and email is queued here, in the transaction that causes it.

The key says what it is for, and nothing is sent twice for the same key. Whether a text may leave is decided when it is
sent (`crm.services.outbox.gatekeeper`). For a text written by a person it is also decided at once, so that they can be
told.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import overload

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.delivery import DeliveryState
from crm.domain.gate import Verdict
from crm.domain.mails import MailPurpose
from crm.domain.segments import segments
from crm.domain.texts import TextDirection, TextPurpose, of_use_again
from crm.services.outbox import gatekeeper, threads
from crm.store.models import Mail, Message

NOTICE = "notice:"
"""Prefix of the keys of notices to the office's own people."""
LONGEST_KEY = 120
"""Characters, for a text; the column for emails holds more, which is not needed."""


@dataclass(frozen=True)
class NewText:
    key: str
    purpose: TextPurpose
    to_number: str
    from_number: str
    body: str
    language: str = ""
    """Of its words; "": the person's."""
    lead_id: int | None = None
    call_id: str | None = None
    about: int | None = None
    """Id of the property it is about; None: the person."""
    agent_id: int | None = None
    """Who wrote it."""
    not_before: datetime | None = None
    """None: as soon as it may leave."""
    expires_at: datetime | None = None
    """After this it is of no use; None: its purpose decides."""
    is_new: bool = False
    """Nothing has been queued with this key, so it is not looked up."""


@dataclass(frozen=True)
class NewMail:
    """Subject and body are plain text."""

    key: str
    to_address: str
    subject: str
    body: str
    voicemail_id: str | None = None
    """The voicemail whose recording is attached."""
    calendar: str = ""
    """Content of an iCalendar file to attach; "": none."""
    sheet: str = ""
    """Content of a CSV file to attach; "": none."""
    lead_id: int | None = None
    """The lead it is sent to: their answer finds its thread. None: somebody else."""
    purpose: MailPurpose = MailPurpose.NOTICE
    html: str = ""
    """The same as HTML, if it looks different from plain text."""
    from_name: str = ""
    """Shown as the sender's name."""
    agent_id: int | None = None
    """Who wrote it."""


@overload
def queue(session: Session, config: Config, new: NewText, now: datetime) -> Message: ...
@overload
def queue(session: Session, config: Config, new: NewMail, now: datetime) -> Mail: ...
def queue(session: Session, config: Config, new: NewText | NewMail, now: datetime) -> Message | Mail:
    """Queues a text or an email, or finds the one already queued with the same key.

    A text that a person writes (`TextPurpose.AGENT`) gets the gate's current decision.
    """
    return _text(session, config, new, now) if isinstance(new, NewText) else _mail(session, config, new, now)


def _text(session: Session, config: Config, new: NewText, now: datetime) -> Message:
    key = _fitting(new.key)
    known = None if new.is_new else session.scalars(select(Message).where(Message.key == key)).one_or_none()
    if known:
        return known
    text = Message(
        key=key,
        direction=TextDirection.OUT,
        purpose=new.purpose,
        to_number=new.to_number,
        from_number=new.from_number,
        body=new.body,
        media=[],
        segments=segments(new.body).count,
        language=new.language,
        lead_id=new.lead_id,
        call_id=new.call_id,
        property_id=new.about,
        agent_id=new.agent_id,
        state=DeliveryState.QUEUED,
        attempts=0,
        next_attempt_at=new.not_before or now,
        expires_at=new.expires_at,
        error="",
        created_at=now,
    )
    session.add(text)
    if session.autoflush:
        session.flush()
    if new.purpose is TextPurpose.AGENT:
        gatekeeper.decide(session, config, text, now)
    return text


def _mail(session: Session, config: Config, new: NewMail, now: datetime) -> Mail:
    key = _fitting(new.key)
    if known := session.scalars(select(Mail).where(Mail.key == key)).one_or_none():
        return known
    sender = config.mail.from_address
    mail = Mail(
        key=key,
        purpose=new.purpose,
        to_address=new.to_address,
        from_name=new.from_name[:200],
        subject=" ".join(new.subject.split())[:200],
        body=new.body,
        html=new.html,
        message_id=message_id(key, sender) if sender else "",
        lead_id=new.lead_id,
        agent_id=new.agent_id,
        thread_id=threads.of_lead(session, new.lead_id, new.subject, now).id if new.lead_id else None,
        voicemail_id=new.voicemail_id,
        calendar=new.calendar,
        sheet=new.sheet,
        state=DeliveryState.QUEUED,
        attempts=0,
        next_attempt_at=now,
        error="",
        created_at=now,
    )
    session.add(mail)
    session.flush()
    return mail


def message_id(key: str, sender: str) -> str:
    """The Message-ID of an email, without angle brackets. It is the same for every attempt, so that a mailbox that gets
    it twice can tell."""
    return f"{re.sub(r'[^A-Za-z0-9_-]', '.', key)}@{sender.rpartition('@')[2]}"[-250:]


def again(session: Session, config: Config, text: Message, now: datetime) -> None:
    """Queues a text again because a person says so, with the gate's current decision."""
    why = text.error
    text.state, text.next_attempt_at = DeliveryState.QUEUED, now
    # Carriers tell attempts apart by their number, so the count continues.
    text.attempts_before, text.carrier_id = text.attempts, None
    text.expires_at = of_use_again(TextPurpose(text.purpose), text.expires_at, now)
    if gatekeeper.decide(session, config, text, now).verdict is not Verdict.BLOCK:
        text.error = why
    session.flush()


def withdraw(session: Session, table: type[Message | Mail], why: str, *which: ColumnElement[bool]) -> int:
    """Blocks what is still queued, and returns how many that were; what the carrier already has is not affected."""
    values: dict[str, object] = {"state": DeliveryState.BLOCKED, "next_attempt_at": None, "error": why[:300]}
    if table is Message:
        values |= {"decision": Verdict.BLOCK, "decision_reasons": [why]}
    withdrawn = (
        update(table)
        .where(table.state == DeliveryState.QUEUED, *which)
        .values(values)
        .returning(table.id)
        .execution_options(synchronize_session=False)
    )
    return len(session.scalars(withdrawn).all())


def _fitting(key: str) -> str:
    """Shortens a key that is too long, such as one made of a channel's id and an address, and keeps it unique."""
    return key if len(key) <= LONGEST_KEY else f"{key[:50]}:{hashlib.sha256(key.encode()).hexdigest()}"
