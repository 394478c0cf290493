"""How many callers there is room for, and how near a system is to its limits."""

from __future__ import annotations

from dataclasses import dataclass

PORTS_PER_LEG = 2
"""RTP and RTCP."""
FILES_PER_LEG = 5
"""Files that Asterisk 22.10.1 has open for each leg of a call: 10 for a talk."""
FILES_AT_REST = 100
UNLIMITED_CALLS_OUT = 20
"""The number of calls out that is assumed where nothing limits them."""
NEAR = 0.8
"""From this share on, a limit counts as near."""


@dataclass(frozen=True)
class CallRoom:
    """How many calls the RTP ports have room for."""

    callers: int
    """How many are let in at once."""
    leaving: int
    """How many ended calls may still hold their ports: for a minute, if BYE is not answered."""
    legs: int
    """Of callers and of everything else."""

    @property
    def files(self) -> int:
        """How many files Asterisk may have open when all of that is in use."""
        return FILES_AT_REST + FILES_PER_LEG * self.legs


def room(wished: int, *, ports: int, phones: int, live: int, reserve: int) -> CallRoom:
    """`wished` is how many callers are to be let in at the same time, 0: as many as there is room for.

    `ports` is the number of RTP ports. Each phone of ours, each call out (`live`; 0 is no limit) and each call that is
    kept in `reserve` has one leg beside those of callers: however many call, there is room to call out.
    """
    others = phones + (live or UNLIMITED_CALLS_OUT) + reserve
    inbound = max(2, ports // PORTS_PER_LEG - others)
    callers = min(wished or inbound, inbound * 3 // 5)
    return CallRoom(callers, inbound - callers, inbound + others)


def is_near(used: int, limit: int) -> bool:
    return limit > 0 and used >= limit * NEAR
