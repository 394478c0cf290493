"""Lines: the leasing numbers (DIDs) that callers dial."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from asterisk_conf.prompts import speech
from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.edge import numbers
from crm.services import audit
from crm.services.audit import By
from crm.services.office import numbering, portfolios, properties, retiring
from crm.store.models import Lead, Line, Message
from crm.store.queries import lines as queries
from crm.store.queries import messages

LONGEST_EXTENSION = 10


def find_all(session: Session) -> Sequence[Line]:
    """All lines with their properties."""
    return queries.listed(session)


def add(
    session: Session,
    by: By,
    config: Config,
    number: str,
    *,
    label: str = "",
    source: str = "",
    greeting: str = "",
    language: str = "en",
    property_slug: str | None = None,
    portfolio: str | None = None,
    ai_answers: str = "",
) -> str:
    """Adds a line, and returns its number as stored. A number without a country code is read as one of the office's
    country. Raises Conflict, Invalid, NotFound."""
    stored = read_number(number, config.region)
    _check_free(session, config, stored)
    line = Line(
        number=stored,
        label=fields.text(label, "label", 200),
        source=fields.text(source, "source", 60),
        greeting=check_greeting(greeting, language),
        language=check_language(language),
        property_id=_property_id(session, property_slug),
        portfolio_id=_portfolio_id(session, portfolio),
        ai_answers=properties.check_ai_answers(ai_answers),
    )
    _check_about(line)
    session.add(line)
    audit.record(session, by, f"line {stored} added")
    return stored


def change(
    session: Session,
    by: By,
    region: str,
    number: str,
    *,
    label: str | None = None,
    source: str | None = None,
    greeting: str | None = None,
    language: str | None = None,
    property_slug: str | None = None,
    portfolio: str | None = None,
    ai_answers: str | None = None,
) -> str:
    """Changes what is given, and returns the line's number; None leaves a field as it is, an empty text removes it."""
    line = named(session, region, number)
    if label is not None:
        line.label = fields.text(label, "label", 200)
    if source is not None:
        line.source = fields.text(source, "source", 60)
    if language is not None:
        line.language = check_language(language)
    if greeting is not None:
        line.greeting = check_greeting(greeting, line.language)
    if property_slug is not None:
        line.property_id = _property_id(session, property_slug)
    if portfolio is not None:
        line.portfolio_id = _portfolio_id(session, portfolio)
    if ai_answers is not None:
        line.ai_answers = properties.check_ai_answers(ai_answers)
    _check_about(line)
    audit.record(session, by, f"line {line.number} changed")
    return line.number


def retire(session: Session, by: By, region: str, number: str) -> str:
    """Takes a line out of use: whoever calls or texts its number is treated like one who has the wrong number. Its
    calls stay on record as this line's, and the number can be a new line's."""
    line = named(session, region, number)
    retiring.retire(session, by, line, f"line {line.number}")
    return line.number


def restore(session: Session, by: By, config: Config, number: str) -> str:
    """Takes the line back that was retired last with this number. Raises Conflict if that means something else by now,
    or its property is retired; NotFound. Its portfolio, if that is retired, is not its own any more."""
    stored = read_number(number, config.region)
    _check_free(session, config, stored)
    line: Line = retiring.latest(session, Line.number, stored)
    if line.property and line.property.retired_at:
        slug = line.property.slug
        raise Conflict(
            f"Property {slug}, which line {stored} is for, is retired.", code="property_retired", property=slug
        )
    if line.portfolio and line.portfolio.retired_at:
        line.portfolio = None
    line.retired_at = None
    audit.record(session, by, f"line {stored} restored")
    return stored


def remove(session: Session, by: By, region: str, number: str) -> str:
    """Deletes a line that nobody has called or texted, such as a mistyped one. Raises Conflict, NotFound."""
    line = named(session, region, number)
    retiring.check_unused(session, line, f"line {line.number}")
    texts = select(Message.id).where(or_(Message.from_number == line.number, Message.to_number == line.number))
    if session.scalar(texts.limit(1)):
        raise retiring.in_use(f"line {line.number}")
    session.delete(line)
    audit.record(session, by, f"line {line.number} deleted")
    return line.number


def _check_free(session: Session, config: Config, number: str) -> None:
    if queries.by_number(session, number):
        raise Conflict(f"Line {number} already exists.", code="line_exists", number=number)
    numbering.check_line(session, config, number)


def read_number(raw: str, region: str, area_code: str = "") -> str:
    """A line's number, as calls are matched with it: E.164, or an extension of the office's phone system. Raises
    Invalid."""
    found = numbers.typed(raw, region, area_code)
    if found is None:
        numbering.check_area_code(raw, region, area_code)
        digits = raw.strip()
        if digits.isascii() and digits.isdigit() and 2 <= len(digits) <= LONGEST_EXTENSION:
            found = digits
    if found is None or found in fields.EMERGENCY_STARTS or numbers.clean_did(found, region) != found:
        raise Invalid(
            f"{raw[:40]!a} is not a number that can be called: write one like +15125550100, or an extension's digits.",
            code="line_number_invalid",
        )
    return found


def named(session: Session, region: str, number: str) -> Line:
    """Raises Invalid, NotFound."""
    stored = read_number(number, region)
    found = queries.by_number(session, stored)
    if found is None:
        raise NotFound(f"There is no line {stored}.", code="line_unknown", number=stored)
    return found


def check_language(raw: str) -> str:
    """Raises Invalid for a language without prompts."""
    known = speech.languages()
    if raw not in known:
        raise Invalid(
            f"{raw[:20]!a} is not a language that prompts are written in: use {' or '.join(known)}.",
            code="language_unknown",
            known=list(known),
        )
    return raw


def check_greeting(raw: str, language: str) -> str:
    """Raises Invalid for a greeting without anything that can be spoken."""
    greeting = fields.text(raw, "greeting", 1000)
    if greeting and not speech.normalize(greeting, language):
        raise Invalid(
            "There is nothing to be spoken in the greeting: write a sentence with words.", code="greeting_wordless"
        )
    return greeting


def _check_about(line: Line) -> None:
    if line.property_id and line.portfolio_id:
        raise Invalid(
            f"Line {line.number} is for one property or for a portfolio, not both.",
            code="line_property_and_portfolio",
            number=line.number,
        )


def _portfolio_id(session: Session, slug: str | None) -> int | None:
    return portfolios.named(session, slug).id if slug else None


def _property_id(session: Session, slug: str | None) -> int | None:
    return properties.named(session, slug).id if slug else None


def line_for(
    session: Session, config: Config, lead: Lead | None, wanted: str | None, property_id: int | None = None
) -> str:
    """The line that a text is sent from: the one named, else the one the person used last, else one of their
    properties', else any. Raises NotFound, Invalid."""
    if wanted is not None:
        found = queries.by_number(session, numbers.clean_did(wanted, config.region))
        if found is None:
            raise NotFound("There is no such line.", code="line_unknown")
        return found.number
    for number in messages.lines_used(session, lead) if lead else ():
        if queries.by_number(session, number):
            return number
    property_ids = {interest.property_id for interest in lead.interests} if lead else {property_id}
    every = session.scalars(select(Line).order_by(Line.id)).all()
    # Carriers do not know the extensions of an office's phone system.
    outside = [one for one in every if one.number.startswith("+")] or list(every)
    if not outside:
        raise Invalid("There is no line to text from.", code="line_to_text_missing")
    return next((one for one in outside if one.property_id in property_ids), outside[0]).number
