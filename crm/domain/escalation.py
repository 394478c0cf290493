"""Who is called about a voicemail that nobody has taken, and when. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from crm.domain.hours import Schedule


class EscalationGroup(StrEnum):
    """In the order in which they are called."""

    AGENT = "agent"
    """The mailbox's own agent, or the lead's."""
    SUBTEAM = "subteam"
    EVERYONE = "everyone"
    """On duty."""


@dataclass(frozen=True)
class EscalationTurn:
    """The next group to call."""

    group: EscalationGroup
    agents: tuple[str, ...]
    """Slugs."""
    number: int
    """How many groups have had their turn with it, those with nobody in them too."""


def next_turn(
    called: int, *, agent: str | None, subteam: Iterable[str], everyone: Iterable[str], on_duty: Iterable[str]
) -> EscalationTurn | None:
    """The first group after the `called` ones that has somebody on duty in it; None when all had their turn."""
    there = set(on_duty)
    members = {
        EscalationGroup.AGENT: (agent,) if agent else (),
        EscalationGroup.SUBTEAM: tuple(subteam),
        EscalationGroup.EVERYONE: tuple(everyone),
    }
    for number, group in enumerate(EscalationGroup, start=1):
        agents = tuple(one for one in members[group] if one in there)
        if number > called and agents:
            return EscalationTurn(group, agents, number)
    return None


def due(at: datetime, minutes: float, schedule: Schedule, *, when_closed: bool) -> datetime | None:
    """When the next group is called: so long after `at`, or when the office opens next; None: never, it is closed for
    good."""
    then = at + timedelta(minutes=minutes)
    return then if when_closed else schedule.next_open(then)
