"""The templates of all texts, the office's follow-ups among them: what may be written in their place, and what a person
would get."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import follow_ups, text_templates
from crm.domain.errors import NotFound
from crm.domain.text_templates import (
    FIRST,
    FIRST_LANGUAGE,
    FOLLOW_UP,
    FilledText,
    KnownTexts,
    TextTemplate,
    read_language,
)
from crm.edge import numbers
from crm.services import follow_ups as follow_up_acts
from crm.services.audit import By
from crm.services.outbox import wording
from crm.services.tours import booking
from crm.store.models import Agent, Lead, Line, Property
from crm.store.queries import leads, office

SAMPLE_URL = "https://example.com/l/4fGh7k"


def known(session: Session, config: Config) -> KnownTexts:
    """Raises Invalid when the office's file of sequences is wrong."""
    templates = dict(text_templates.TEMPLATES)
    standard = {language: dict(words) for language, words in text_templates.STANDARD.items()}
    rules = follow_up_acts.sequences(config)
    for stage, sequence in rules.sequences.items():
        for number, step in enumerate(sequence.steps, start=1):
            name = follow_ups.step_name(stage, number)
            templates[name] = TextTemplate(name, f"follow-up {number} while {stage.replace('_', ' ')}", (), FOLLOW_UP)
            for language, body in step.texts.items():
                standard.setdefault(language, {})[name] = body
    return KnownTexts(templates, standard, follow_up_acts.own_texts(session))


def put(session: Session, config: Config, by: By, name: str, language: str, body: str) -> None:
    """Writes the office's own text in place of a template. Raises Invalid, which says what it may hold; NotFound."""
    template = known(session, config).named(name)
    wording.put(session, by, template.name, read_language(language), text_templates.checked(template, body))


def reset(session: Session, config: Config, by: By, name: str, language: str | None = None) -> int:
    """Takes the office's own text back, in one language or all; returns in how many it had one. Raises NotFound."""
    template = known(session, config).named(name)
    languages = (read_language(language),) if language else text_templates.LANGUAGES
    return wording.reset(session, by, [template.name], languages, what=f"text {template.name}")


def preview(
    session: Session, config: Config, by: By, name: str, language: str | None = None, lead_id: int | None = None
) -> FilledText:
    """What a lead would get, or somebody made up; in their language unless another is named. Raises NotFound."""
    texts = known(session, config)
    template = texts.named(name)
    lead = leads.by_id(session, lead_id) if lead_id is not None else None
    if lead_id is not None and lead is None:
        raise NotFound(f"There is no lead {lead_id}.", code="lead_unknown", lead=lead_id)
    spoken = read_language(language or (lead.language if lead else "") or FIRST_LANGUAGE)
    named = office_name(session)
    values = {"office": named, **sample_values(session, config, by, lead, named, spoken)}
    body = text_templates.filled(texts.body(template.name, spoken), **values)
    if template.name == FIRST:
        return FilledText(spoken, body, body)
    return FilledText(spoken, body, text_templates.introduced(body, named, wording.words(session, spoken)))


def office_name(session: Session) -> str:
    organization = office.organization(session)
    return (organization.name if organization else "") or "Leasing office"


def sample_values(
    session: Session, config: Config, by: By, lead: Lead | None, office_name: str, language: str
) -> dict[str, str]:
    """From the office's own rows, so that lengths are those of real texts."""
    latest = max(lead.interests, key=lambda one: one.updated_at, default=None) if lead else None
    wanted = select(Property).order_by(Property.id).limit(1)
    property = session.get(Property, latest.property_id) if latest else session.scalar(wanted)
    line = session.scalar(select(Line.number).where(Line.retired_at.is_(None)).order_by(Line.id).limit(1))
    agent = session.scalar(select(Agent.name).where(Agent.retired_at.is_(None)).order_by(Agent.id).limit(1))
    tomorrow = (by.now.astimezone(config.tz) + timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)
    base = config.site.public_url.rstrip("/")
    return {
        "name": property.name if property else office_name,
        "url": f"{base}/l/4fGh7k" if base else (office.listings_url(session, property) or SAMPLE_URL),
        "when": booking.in_words(tomorrow, config.tz, language),
        "agent": agent or "Alice",
        "minutes": "10",
        "number": numbers.display(line, config.region) if line else "(512) 555-0100",
    }
