"""Standard answers of a property, or of the office, by topic, so that everybody who asks hears the same."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain import fair_housing, fields, listings
from crm.services import audit
from crm.services.audit import By
from crm.services.listings.versions import refused
from crm.services.office import properties
from crm.store.models import Answer


def give(session: Session, by: By, slug: str | None, topic: str, text: str, language: str, *, despite: str = "") -> int:
    """Stores an answer as its next version, and returns the version's number; an empty text withdraws the answer.
    Without a property (`slug`), it is the office's, for every property without one of its own.

    Raises Conflict for words that somebody has to decide about, unless `despite` gives the reason to keep them;
    Invalid, NotFound.
    """
    property_id = properties.named(session, slug).id if slug else None
    topic, language = fields.slug(topic), listings.check_language(language)
    text = listings.paragraphs(text, "answer")
    reason = fields.text(despite, "reason", 300)
    before = latest(session, property_id, topic, language)
    if before is not None and before.text == text:
        return before.version
    found = fair_housing.check_text(language, topic, text)
    if before is not None:
        known = fair_housing.check_text(language, topic, before.text)
        if not fair_housing.unaccepted(found, known):
            reason = reason or before.despite
    if found and not reason:
        raise refused(found)
    version = before.version + 1 if before else 1
    session.add(
        Answer(
            property_id=property_id,
            topic=topic,
            language=language,
            version=version,
            text=text,
            made_at=by.now,
            made_by=by.who[:80],
            findings=[str(one) for one in found],
            despite=reason if found else "",
        )
    )
    told = f", despite its words: {reason}" if found else ""
    what = f"answer of {slug or 'the office'} about {topic} ({language})"
    audit.record(session, by, f"{what} {'given' if text else 'taken back'}: version {version}{told}")
    return version


def latest(session: Session, property_id: int | None, topic: str, language: str) -> Answer | None:
    whose = Answer.property_id.is_(None) if property_id is None else Answer.property_id == property_id
    found = select(Answer).where(whose, Answer.topic == topic, Answer.language == language)
    return session.scalars(found.order_by(Answer.version.desc()).limit(1)).first()
