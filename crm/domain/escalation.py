"""Whom to call about a message that nobody has taken, and when. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from crm.domain.hours import Schedule


class Group(StrEnum):
    """In the order in which they are called."""

    AGENT = "agent"
    """The mailbox's own agent, or the lead's."""
    SUBTEAM = "subteam"
    EVERYONE = "everyone"
    """On duty."""


@dataclass(frozen=True)
class Turn:
    """The next group to call."""

    group: Group
    agents: tuple[str, ...]
    """Slugs."""
    number: int
    """How many groups have had their turn with it, those with nobody in them too."""


def next_turn(
    called: int, *, agent: str | None, subteam: Iterable[str], everyone: Iterable[str], on_duty: Iterable[str]
) -> Turn | None:
    """The first group after the `called` ones that has somebody on duty in it; None when all had their turn."""
    there = set(on_duty)
    members = {Group.AGENT: (agent,) if agent else (), Group.SUBTEAM: tuple(subteam), Group.EVERYONE: tuple(everyone)}
    for number, group in enumerate(Group, start=1):
        agents = tuple(one for one in members[group] if one in there)
        if number > called and agents:
            return Turn(group, agents, number)
    return None


def due(at: datetime, minutes: float, schedule: Schedule, *, when_closed: bool) -> datetime | None:
    """When the next group is called: so long after `at`, or when the office opens next; None: never, it is closed for
    good."""
    then = at + timedelta(minutes=minutes)
    return then if when_closed else schedule.next_open(then)
