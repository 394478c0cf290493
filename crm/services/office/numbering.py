"""The numbering plan: what the short numbers mean that phones dial. An agent's extension must not mean anything else,
and a line's number neither an extension nor parking; unlike an extension it may begin with the outside prefix, as those
of an office's phone system do, because callers reach it over a trunk.

Emergency numbers are kept free by `crm.domain.fields.extension`. Feature codes begin with a star, so they are free.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Conflict, Invalid
from crm.edge import numbers
from crm.store.models import Agent, Line

_PARKING = "is for parking calls (parking.extension, parking.slots)"


def check_extension(session: Session, config: Config, extension: str, *, agent: str) -> None:
    """Raises Conflict if an extension (2 to 6 digits) means something else already than this agent (slug)."""
    other = session.scalar(select(Agent).where(Agent.extension == extension, Agent.slug != agent))
    if other is not None:
        raise Conflict(
            f"Extension {extension} belongs to {other.slug}: choose another.",
            code="extension_taken",
            extension=extension,
            agent=other.slug,
        )
    if why := _by_settings(config, extension) or _as_line(session, extension):
        raise Conflict(f"{extension} {why}: choose another extension.", code="extension_reserved", extension=extension)


def check_area_code(raw: str, region: str, area_code: str) -> None:
    """Raises Invalid for seven digits while the office's `area_code` is empty, for what is not read as a number."""
    if numbers.lacks_area_code(raw, region, area_code):
        raise Invalid(
            f"{raw.strip()!a} has no area code: write it with one, or set area_code, the office's own.",
            code="area_code_missing",
        )


def is_free(session: Session, config: Config, extension: str, *, agent: str) -> bool:
    """Whether an extension may be this agent's, as in `check_extension`."""
    try:
        check_extension(session, config, extension, agent=agent)
    except Conflict:
        return False
    return True


def check_line(session: Session, config: Config, number: str) -> None:
    """Raises Conflict if what is to be a line's number is an agent's extension, or is for parking calls."""
    if config.parking.has(number):
        raise Conflict(
            f"{number} {_PARKING}: give the line another number, or change that.",
            code="line_number_parking",
            number=number,
        )
    if other := session.scalar(select(Agent).where(Agent.extension == number)):
        raise Conflict(
            f"{number} is {other.slug}'s extension: give one of the two another number.",
            code="extension_taken",
            extension=number,
            agent=other.slug,
        )


def hidden(session: Session, config: Config) -> list[str]:
    """Numbers that mean two things by the settings, one of which is hidden; each as the beginning of a sentence, such
    as "bob's extension 700 is for parking calls"."""
    known = select(Agent.slug, Agent.extension).where(Agent.extension.is_not(None)).order_by(Agent.extension)
    extensions = [
        f"{slug}'s extension {extension} {why}"
        for slug, extension in session.execute(known)
        if extension and (why := _by_settings(config, extension))
    ]
    parking = (config.parking.extension, *config.parking.names)
    numbers = session.scalars(select(Line.number).where(Line.number.in_(parking)).order_by(Line.number))
    return [
        *extensions,
        *(f"line {number}'s number {_PARKING}" for number in numbers),
        # Whoever parks a call is told its slot, and colleagues dial that.
        *(f"{number}, an emergency number, {_PARKING}" for number in parking if fields.is_emergency(number)),
    ]


def _by_settings(config: Config, extension: str) -> str:
    """What the settings let an extension mean, as the rest of a sentence; empty: nothing."""
    if config.parking.has(extension):
        return _PARKING
    prefix = config.dialing.outside_prefix
    if prefix and extension.startswith(prefix):
        return f"begins with {prefix}, which phones dial before an outside number (dialing.outside_prefix)"
    return ""


def _as_line(session: Session, extension: str) -> str:
    return "is one of our lines" if session.scalar(select(Line.id).where(Line.number == extension)) else ""
