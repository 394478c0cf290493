"""Callers who wait until somebody is free: their positions in line, and whose turn it is. Pure decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class WaitingCaller:
    """Somebody in line, on the phone or to be called back."""

    id: str
    since: datetime
    agents: frozenset[str]
    """Slugs of the agents they wait for."""
    spared: frozenset[str] = frozenset()
    """Slugs of agents who are not rung for them now, because they passed or did not answer a moment ago."""
    is_ready: bool = True
    """False: keeps the position, but gets nobody now, such as while phones ring for them already."""
    most: int = 0
    """How many are rung for them at a time; 0: all who are free."""

    @property
    def _order(self) -> tuple[datetime, str]:
        return self.since, self.id

    def is_before(self, other: WaitingCaller) -> bool:
        """Whether they are ahead for an agent whom both wait for."""
        return self._order < other._order and bool(self.agents & other.agents)


def position(of: WaitingCaller, line: Iterable[WaitingCaller]) -> int:
    """Their position in line, from 1: callers who have waited longer for the same people are ahead of them."""
    return 1 + sum(other.is_before(of) for other in line)


def turns(line: Iterable[WaitingCaller], free: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The agents rung for each caller, by the caller's id. No agent is rung for two callers.

    `free` are agents in the order in which they are to be rung, the longest idle first. Each caller in line gets one
    of their agents, the longest wait first; agents left over are rung for the first callers, too.
    """
    ready = sorted((one for one in line if one.is_ready), key=lambda one: one._order)
    left = list(free)
    given: dict[str, tuple[str, ...]] = {}
    while True:
        found = False
        for one in ready:
            rung = given.get(one.id, ())
            agent = next((slug for slug in left if slug in one.agents and slug not in one.spared), None)
            if agent is None or (one.most and len(rung) >= one.most):
                continue
            given[one.id] = (*rung, agent)
            left.remove(agent)
            found = True
        if not found:
            return given
