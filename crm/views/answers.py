"""Answers to what prospects ask about, of a property or of the office."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from crm.domain import listings
from crm.domain.errors import NotFound
from crm.store.models import (
    Answer,
    Property,
)
from crm.views.listing_rows import property_named


class AnswerEntry(msgspec.Struct):
    """The answer of a property, or of the office, about a topic."""

    topic: str
    language: str
    text: str
    property: str | None
    """Slug; null: it is the office's answer."""
    version: int
    made_at: datetime
    made_by: str


def answers_of(session: Session, slug: str | None, *, at: datetime | None = None) -> list[AnswerEntry]:
    """The answers of a property, or (None) of the office, in each language. Raises NotFound."""
    return that_apply(session, property_named(session, slug).id if slug else None, at=at)


def answer(session: Session, slug: str | None, topic: str, language: str, *, at: datetime | None = None) -> AnswerEntry:
    """A property's own answer, else the office's; in the language, else in the first of LANGUAGES. Raises NotFound."""
    property_id = property_named(session, slug).id if slug else None
    found = that_apply(session, property_id, language, topic=topic, at=at)
    if not found:
        raise NotFound(
            f"Nobody has given an answer about {topic[:40]!a}.", code="answer_unknown", property=slug or "office"
        )
    return found[0]


def that_apply(
    session: Session,
    property_id: int | None,
    language: str | None = None,
    *,
    topic: str | None = None,
    at: datetime | None = None,
) -> list[AnswerEntry]:
    """The answers that apply to a property, by topic: its own, else the office's; in `language`, else in the first of
    LANGUAGES.

    Without `language`, in all of them. `at`: as they were then. Answers that were withdrawn are left out.
    """
    mine: ColumnElement[bool] = Answer.property_id.is_(None)
    if property_id is not None:
        mine = or_(mine, Answer.property_id == property_id)
    found = (
        select(Answer, Property.slug)
        .outerjoin(Property, Property.id == Answer.property_id)
        .where(mine)
        .order_by(Answer.version)
    )
    if topic is not None:
        found = found.where(Answer.topic == topic)
    if at is not None:
        found = found.where(Answer.made_at <= at)
    latest: dict[tuple[str, str, bool], AnswerEntry] = {}
    for answer, slug in session.execute(found):
        latest[answer.topic, answer.language, slug is None] = AnswerEntry(
            answer.topic, answer.language, answer.text, slug, answer.version, answer.made_at, answer.made_by
        )
    given = {key: entry for key, entry in latest.items() if entry.text}
    chosen: dict[tuple[str, str], AnswerEntry] = {}
    # The office's come first, so that the property's own replace them.
    for (about, spoken, _), entry in sorted(given.items(), key=lambda one: not one[0][2]):
        chosen[about, spoken] = entry
    if language is None:
        return [chosen[key] for key in sorted(chosen)]
    topics = sorted({about for about, _ in chosen})
    first = listings.LANGUAGES[0]
    found_in = [chosen.get((about, language)) or chosen.get((about, first)) for about in topics]
    return [entry for entry in found_in if entry]
