"""What the office wrote in place of the standard words of texts and emails, and what texts say; how the first text to a
person names the office and says how to stop."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from crm.domain import text_templates as templates
from crm.domain.segments import segments
from crm.domain.text_templates import Words
from crm.domain.texts import TextDirection, TextPurpose
from crm.services import audit
from crm.services.audit import By
from crm.store.models import Lead, Message, TextWording
from crm.store.queries import lines, office

NEEDS_NO_INTRODUCTION = (TextPurpose.STAFF, TextPurpose.STOP_CONFIRMED)
"""Our own people, and whoever has just told us to stop: one answer, which offers nothing."""


def words(session: Session, language: str) -> Words:
    """The templates in force in a language (`text_templates.in_force`)."""
    return templates.in_force({of: row.body for of, row in own(session).items()}, language)


def own(session: Session) -> dict[tuple[str, str], TextWording]:
    """What the office wrote, by name and language."""
    return {(row.name, row.language): row for row in session.scalars(select(TextWording))}


def put(session: Session, by: By, name: str, language: str, body: str, *, what: str = "") -> None:
    """Replaces a template; the caller has checked it. `what` it is, for the record: a text, unless it is said."""
    row = session.scalar(_row(name, language).with_for_update())
    if row is None:
        row = TextWording(name=name, language=language)
        session.add(row)
    elif row.body == body:
        return
    row.body, row.changed_at, row.changed_by = body, by.now, by.who[:80]
    session.flush()
    audit.record(session, by, f"{what or f'text {name}'} ({language}) changed")


def reset(session: Session, by: By, names: Sequence[str], languages: Sequence[str], *, what: str) -> int:
    """Takes back what the office wrote, and returns how many templates that were. `what` they are, for the record."""
    gone = delete(TextWording).where(TextWording.name.in_(names), TextWording.language.in_(languages))
    count = len(session.scalars(gone.returning(TextWording.id)).all())
    if count:
        audit.record(session, by, f"{what} ({', '.join(languages)}) reset")
    return count


def _row(name: str, language: str) -> Select[TextWording]:
    return select(TextWording).where(TextWording.name == name, TextWording.language == language)


def introduce(session: Session, text: Message) -> None:
    """Completes a text that is about to leave, if it is the first to that number: it names the office and says how to
    stop, in its own language. The same again changes nothing."""
    if text.purpose in NEEDS_NO_INTRODUCTION or _knows_us(session, text):
        return
    organization = office.organization(session)
    name = (organization.name if organization else "") or "Leasing office"
    text.body = templates.introduced(text.body, name, words(session, _language(session, text)))
    text.segments = segments(text.body).count


def _knows_us(session: Session, text: Message) -> bool:
    """Whether another text has been handed over for that number."""
    others = select(Message.id).where(
        Message.to_number == text.to_number,
        Message.sent_at.is_not(None),
        Message.id != text.id,
        Message.direction == TextDirection.OUT,
        Message.purpose.not_in(NEEDS_NO_INTRODUCTION),
    )
    return session.scalar(others.limit(1)) is not None


def _language(session: Session, text: Message) -> str:
    if text.language:
        return text.language
    lead = session.get(Lead, text.lead_id) if text.lead_id else None
    line = lines.by_number(session, text.from_number)
    return (lead.language if lead else "") or (line.language if line else templates.FIRST_LANGUAGE)
