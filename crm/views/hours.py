"""The hours of the office, its properties and its agents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import NotFound
from crm.domain.fields import WEEKDAYS
from crm.domain.hours import Schedule
from crm.store.models import Agent, Hours
from crm.store.queries import agents, office
from crm.store.queries.names import id_of
from crm.views import properties


class OpeningEntry(msgspec.Struct):
    """A time of the week when the office or a property is open, in its own time zone."""

    weekday: str
    """mon to sun."""
    opens: str
    """HH:MM."""
    closes: str
    """HH:MM, up to 24:00."""


class HoursEntry(msgspec.Struct):
    """When the office or a property is open."""

    property: str | None
    """Slug; null for the office."""
    is_own: bool
    """False: the property has no hours of its own, and these are the office's."""
    timezone: str
    openings: list[OpeningEntry]
    """Empty: always open, except on holidays and special days."""
    today: str | None
    """Name of today's holiday or special day; null on an ordinary day."""
    is_open: bool
    """Whether it is open now."""
    opens_next: datetime | None
    """Null while it is open, and when it never opens again."""


class AgentHoursEntry(msgspec.Struct):
    """When an agent takes calls."""

    agent: str
    hours: list[str]
    """As given to the command; empty: whenever they are on duty and the office is open."""
    timezone: str
    """The office's time zone."""
    is_within: bool
    """Whether now is within these hours."""


@dataclass(frozen=True)
class Week:
    """The hours of the office or a property."""

    property: str | None
    schedule: Schedule
    is_own: bool
    """False: the property has the office's hours."""

    def at(self, now: datetime) -> HoursEntry:
        """The hours as shown at a given time."""
        is_open = self.schedule.is_open(now)
        today = self.schedule.special_day(now)
        return HoursEntry(
            property=self.property,
            is_own=self.is_own or self.property is None,
            timezone=self.schedule.tz.key,
            openings=[OpeningEntry(WEEKDAYS[weekday], opens, closes) for weekday, opens, closes in self.schedule.week],
            today=(today.name or "a special day") if today else None,
            is_open=is_open,
            opens_next=None if is_open else self.schedule.next_open(now),
        )


def week(session: Session, config: Config, property_slug: str | None = None) -> Week:
    """The hours of the office, or of a property. Raises NotFound, Invalid."""
    found = properties.named(session, property_slug) if property_slug else None
    own = select(Hours.id).where(Hours.property_id == (found.id if found else None)).limit(1)
    return Week(property_slug, office.schedule(session, config.tz, found), session.scalar(own) is not None)


def of_agent(session: Session, config: Config, slug: str, now: datetime) -> AgentHoursEntry:
    """Raises NotFound, Invalid."""
    wanted = select(Agent).where(Agent.id == id_of(Agent.slug, fields.slug(slug))).options(selectinload(Agent.hours))
    agent = session.scalar(wanted)
    if agent is None:
        raise NotFound(f"There is no agent {slug}.", code="agent_unknown", agent=slug)
    schedule = agents.own_hours(agent, config.tz)
    texts = fields.as_texts(schedule.week) if schedule else []
    return AgentHoursEntry(slug, texts, config.timezone, schedule is None or schedule.is_open(now))
