"""Threads of emails with a lead: one for each topic, with a token by which answers find it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.store.models import Mail, MailThread

_PREFIX = re.compile(r"^\s*((re|fwd?|aw|wg|rv|res|enc|tr)(\[\d+\])?\s*:|\[external\])\s*", re.IGNORECASE)
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def topic(subject: str) -> str:
    """A subject as threads are told apart by it: without Re: and Fwd:, capitals and spaces."""
    left = subject[:300]
    while found := _PREFIX.match(left):
        left = left[found.end() :]
    return " ".join(left.casefold().split())[:200]


def of_lead(session: Session, lead_id: int, subject: str, now: datetime) -> MailThread:
    """The lead's latest thread on a topic, or a new one."""
    found = (
        select(MailThread)
        .where(MailThread.lead_id == lead_id, MailThread.topic == topic(subject))
        .order_by(MailThread.id.desc())
        .limit(1)
    )
    thread = session.scalars(found).first()
    if thread is None:
        thread = MailThread(
            lead_id=lead_id,
            token="".join(secrets.choice(_ALPHABET) for _ in range(16)),
            subject=" ".join(subject.split())[:200],
            topic=topic(subject),
            created_at=now,
            last_at=now,
        )
        session.add(thread)
        session.flush()
    thread.last_at = max(thread.last_at, now)
    return thread


def latest(session: Session, lead_id: int) -> MailThread | None:
    """The thread in which something came or went last."""
    found = select(MailThread).where(MailThread.lead_id == lead_id)
    return session.scalars(found.order_by(MailThread.last_at.desc(), MailThread.id.desc()).limit(1)).first()


def by_token(session: Session, tokens: Sequence[str]) -> MailThread | None:
    wanted = [token.lower() for token in tokens if len(token) == 16]
    return session.scalars(select(MailThread).where(MailThread.token.in_(wanted)).limit(1)).first() if wanted else None


def by_references(session: Session, message_ids: Sequence[str]) -> MailThread | None:
    """The thread of the latest email among these Message-IDs."""
    if not message_ids:
        return None
    found = (
        select(MailThread)
        .join(Mail, Mail.thread_id == MailThread.id)
        .where(Mail.message_id.in_(message_ids))
        .order_by(Mail.id.desc())
        .limit(1)
    )
    return session.scalars(found).first()


def references(session: Session, thread_id: int) -> list[str]:
    """Message-IDs of the thread's last emails, the oldest first."""
    found = (
        select(Mail.message_id)
        .where(Mail.thread_id == thread_id, Mail.message_id != "")
        .order_by(Mail.id.desc())
        .limit(10)
    )
    return list(reversed(session.scalars(found).all()))


def reply_to(config: Config, token: str) -> str:
    """Where answers to a thread go: the address of [mail.in] with the token behind a plus; empty: there is none."""
    local, at, domain = config.mail.incoming.address.partition("@")
    return f"{local}+{token}@{domain}" if at else ""
