"""Texts and their place in the outbox."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, func, or_, select
from sqlalchemy.orm import Session

from crm.domain.texts import TextDirection
from crm.store import prepared
from crm.store.models import Call, Lead, LeadPhone, Message, TextPause


def by_key(session: Session, key: str) -> Message | None:
    return session.scalars(select(Message).where(Message.key == key)).first()


def has_any_keyed(session: Session, prefix: str) -> bool:
    """Whether there is a text whose key begins like this."""
    beginning = select(Message.id).where(Message.key.startswith(prefix, autoescape=True)).limit(1)
    return session.scalar(beginning) is not None


def by_id(session: Session, message_id: int) -> Message | None:
    return session.scalars(select(Message).where(Message.id == message_id)).first()


def reported(session: Session, carrier: str, key: str, carrier_id: str) -> Message | None:
    """Our text that a carrier's report is about: by our key, else by the carrier's id; locked."""
    found = select(Message).where(Message.direction == TextDirection.OUT).with_for_update()
    if key:
        return session.scalars(found.where(Message.key == key)).first()
    named = found.where(Message.carrier == carrier, Message.carrier_id == carrier_id)
    return session.scalars(named.order_by(Message.id).limit(1)).first()


def sent_since(
    session: Session, since: datetime, *, to_number: str | None = None, purposes: Collection[str], newest: int
) -> Sequence[datetime]:
    """When texts of these purposes left after `since`, to one number or to all; the `newest` of them."""
    found = select(Message.sent_at).where(Message.sent_at > since, Message.purpose.in_(purposes))
    if to_number is not None:
        found = found.where(Message.to_number == to_number)
    rows = session.scalars(found.order_by(Message.sent_at.desc()).limit(newest))
    return [at for at in rows if at is not None]


def count_made(session: Session, purposes: Collection[str], since: datetime, until: datetime) -> int:
    """Texts of these purposes that were made after `since`, sent or not."""
    found = select(func.count()).where(
        Message.purpose.in_(purposes), Message.created_at > since, Message.created_at <= until
    )
    return session.scalar(found) or 0


def count_from(session: Session, number: str, since: datetime, until: datetime, *, most: int) -> int:
    """Texts that came from a number in that time, counted up to `most`."""
    return _count_in(session, Message.from_number == number, since, until, most)


def count_to(session: Session, line: str, since: datetime, until: datetime, *, most: int) -> int:
    """Texts that came to a number of ours in that time, counted up to `most`."""
    return _count_in(session, Message.to_number == line, since, until, most)


def _count_in(session: Session, whose: ColumnElement[bool], since: datetime, until: datetime, most: int) -> int:
    came = whose, Message.created_at > since, Message.created_at <= until, Message.direction == TextDirection.IN
    found = select(Message.id).where(*came).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def last_heard_at(session: Session, number: str, before: datetime) -> datetime | None:
    """When the person with this number, or with another number of the same lead, last called or wrote."""
    same = select(LeadPhone.lead_id).where(LeadPhone.number == number).scalar_subquery()
    numbers = select(LeadPhone.number).where(LeadPhone.lead_id == same)
    wrote = select(func.max(Message.created_at)).where(
        Message.direction == TextDirection.IN,
        or_(Message.from_number == number, Message.from_number.in_(numbers)),
        Message.created_at <= before,
    )
    called = select(func.max(Call.started_at)).where(
        or_(Call.caller == number, Call.caller.in_(numbers)), Call.started_at <= before
    )
    times = [at for at in (session.scalar(wrote), session.scalar(called)) if at is not None]
    return max(times, default=None)


def latest_to(session: Session, number: str, count: int) -> Sequence[str]:
    """The words of our latest texts to a number, sent or not."""
    found = select(Message.body).where(Message.to_number == number, Message.direction == TextDirection.OUT)
    return session.scalars(found.order_by(Message.id.desc()).limit(count)).all()


def lines_used(session: Session, lead: Lead) -> Sequence[str]:
    """Numbers of ours that the person wrote to, or called, the latest first."""
    numbers = [phone.number for phone in lead.phones]
    wrote = (
        select(Message.to_number, Message.created_at)
        .where(Message.direction == TextDirection.IN, Message.from_number.in_(numbers))
        .order_by(Message.created_at.desc())
        .limit(1)
    )
    called = select(Call.did, Call.started_at).where(Call.lead_id == lead.id).order_by(Call.started_at.desc()).limit(1)
    rows = [*session.execute(wrote).all(), *session.execute(called).all()]
    return [number for number, _ in sorted(rows, key=lambda row: row[1], reverse=True)]


_ANY_SINCE = (
    select(Message.id)
    .where(
        Message.to_number == bindparam("number"),
        Message.purpose == bindparam("for_what"),
        Message.created_at > bindparam("since"),
    )
    .limit(1)
)


def has_any_since(session: Session, to_number: str, purpose: str, since: datetime) -> bool:
    """Whether a text of this purpose was created for the number after `since`, sent or not."""
    found = prepared.rows(session, _ANY_SINCE, {"number": to_number, "for_what": purpose, "since": since})
    return found.first() is not None


def pause_in_force(session: Session, now: datetime) -> TextPause | None:
    """The pause of automatic texts, when there is one."""
    found = select(TextPause).where(TextPause.ends_at > now, TextPause.resumed_at.is_(None))
    return session.scalars(found.order_by(TextPause.ends_at.desc()).limit(1)).first()
