"""What the voice agent would say about homes, so that it can be rendered before anybody asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import replies, slots, spoken_forms
from crm.domain.conversation import Speak, Utterance
from crm.domain.dialogue import Dialogue, IntentRule
from crm.domain.places import Places
from crm.domain.slots import Slots
from crm.domain.talk import TalkState
from crm.domain.understanding import Mind
from crm.services.talks import facts
from crm.services.talks.facts import TalkOf
from crm.store.models import Line, Listing, Property, PropertyProfile
from crm.store.queries import listings as queries

MOST_HOMES = 40
"""Homes whose sentences are rendered ahead, the lowest rent first: some fifteen sentences each, of 100 kB."""
OFF = ("", "off")
_NOT_OF_HOMES = ("amenities", "hours")


@dataclass(frozen=True)
class SayableHome:
    """A home that callers hear of, on the line that they call about it."""

    listing: int
    bedrooms: int
    property: str
    """Slug."""
    line: str
    """E.164."""
    language: str


def homes(session: Session, config: Config, now: datetime) -> list[SayableHome]:
    """Public homes of the properties that the voice agent answers for, at most MOST_HOMES."""
    rows = select(Line.number, Line.language, Line.property_id, Line.ai_answers, Property.ai_answers).outerjoin(
        Property, Property.id == Line.property_id
    )
    lines: dict[int | None, tuple[str, str]] = {}
    for number, language, property_id, of_line, of_property in session.execute(rows.order_by(Line.id)):
        answers = next((one for one in (of_line, of_property) if one), config.ai.answers)
        if answers not in OFF:
            lines.setdefault(property_id, (number, language))
    if not lines:
        return []
    found = (
        select(Listing.id, Listing.bedrooms, Listing.property_id, Property.slug)
        .join(Property, Property.id == Listing.property_id)
        .join(PropertyProfile, PropertyProfile.property_id == Listing.property_id)
        .where(queries.is_public(now), Listing.available_on.is_not(None))
        .order_by(Listing.rent, Listing.id)
        .limit(MOST_HOMES)
    )
    if None not in lines:
        found = found.where(Listing.property_id.in_(list(lines)))
    return [
        SayableHome(listing, bedrooms, slug, *(lines.get(property_id) or lines[None]))
        for listing, bedrooms, property_id, slug in session.execute(found)
    ]


def of_home(session: Session, config: Config, mind: Mind, home: SayableHome, now: datetime) -> list[tuple[str, str]]:
    """The answers to all that is asked about a home, as its rows stand now, each with its language. Reads only."""
    dialogue = mind.dialogues.get(home.language)
    if dialogue is None:
        return []
    about = TalkState(language=home.language, property=home.property, listing=home.listing)
    anywhere = TalkState(language=home.language, property=home.property)
    beds = spoken_forms.beds(dialogue, home.bedrooms)
    asked = [
        ("availability", beds, anywhere),
        *((name, text, about) for name, text in _questions(dialogue, now.date())),
    ]
    call = TalkOf(home.line, None, is_withheld=True)
    found: dict[str, None] = {}
    for intent, text, state in asked:
        happening = Utterance(text, home.language, 1.0, 0.0, 0.0)
        turn = facts.think(session, config, mind, state, happening, call, now, chosen=intent).turn
        found |= dict.fromkeys(act.text for act in turn.acts if isinstance(act, Speak))
    return [(text, home.language) for text in found]


def _questions(dialogue: Dialogue, today: date) -> Iterator[tuple[str, str]]:
    """Of each intent that rows answer, an example that names no home and no value."""
    for rule in dialogue.intents:
        if rule.name in replies.ANSWERS and rule.name not in _NOT_OF_HOMES and (text := _plain(rule, today)):
            yield rule.name, text


def _plain(rule: IntentRule, today: date) -> str:
    nowhere = Places(())
    return next((text for text in rule.examples if slots.read(text, nowhere, today) == Slots()), "")
