"""Addresses whose SIP is dropped for a while, because they keep answering our challenges with wrong passwords.

The first ban is short and each further one within a day several times as long: whoever guesses is first slowed down and
then kept out, and a phone with a mistyped password is soon back. Over UDP a sender can be forged, and Asterisk does not
say whether an answer is to a challenge of its own, so where others show the right password nobody is banned.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

OWN = tuple(
    ipaddress.IPv4Network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.1/32")
)
"""Private networks (RFC 1918), from which only the office itself calls, and the proxy that brings browsers."""
REMEMBERED = timedelta(days=1)
"""For this long after its end, a ban makes the next one longer."""
LONGER = 6
"""Each ban is this many times as long as the one before."""
MOST_ADDRESSES = 5000
"""How many addresses are watched at once; those that failed longest ago are forgotten first."""
GOOD_FOR = timedelta(hours=2)
"""How long that counts. Phones register at least once an hour (pjsip.conf, maximum_expiration)."""

T = TypeVar("T")


class Failures:
    """How often each address failed recently, in memory. `most` failures `within` a time are too many; 0 bans none."""

    def __init__(self, most: int, within: timedelta) -> None:
        self._most = most
        self._within = within
        self._failed: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._good: OrderedDict[str, datetime] = OrderedDict()

    def succeeded(self, address: str, at: datetime) -> None:
        """Somebody there showed the right password."""
        _remember(self._good, address, at)

    def failed(self, address: str, at: datetime) -> bool:
        """Whether the address is to be banned for it; if so, the count starts over."""
        if not self._most:
            return False
        good = self._good.get(address)
        if good and at - good < GOOD_FOR:
            return False
        times = self._failed.get(address, deque(maxlen=self._most))
        times.append(at)
        if len(times) == self._most and at - times[0] <= self._within:
            self._failed.pop(address, None)
            return True
        _remember(self._failed, address, times)
        return False


def _remember(kept: OrderedDict[str, T], key: str, what: T) -> None:
    kept[key] = what
    kept.move_to_end(key)
    while len(kept) > MOST_ADDRESSES:
        kept.popitem(last=False)


def length(times: int, first: timedelta, longest: timedelta) -> timedelta:
    """How long the ban is; `times` is how many there were before within a day."""
    return min(first * int(LONGER ** min(times, 8)), longest)


def is_spared(network: str, own: Collection[str]) -> bool:
    """Whether a network may never be dropped, as it is the office's or a trunk's; `own` names those that are."""
    whole = ipaddress.IPv4Network(network)
    return any(whole.overlaps(other) for other in (*OWN, *(ipaddress.IPv4Network(one, strict=False) for one in own)))


def ends_first(bans: Sequence[tuple[datetime | None, T]], most: int) -> list[T]:
    """Which of too many bans are given up: those that end first, but none without an end while there are others."""
    by_end = sorted(bans, key=lambda ban: (ban[0] is None, ban[0]))
    return [what for _, what in by_end[: max(0, len(bans) - most)]]
