"""Emergency calls: by which trunks they go out, and what the office is told of them. Pure.

The dialplan connects them alone (context emergency in asterisk_conf/templates/extensions.conf.j2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TEST = "933"
"""Reads back what the carrier knows of the phone's place; nobody needs help."""


@dataclass(frozen=True)
class Way:
    """A trunk, as far as it matters here."""

    trunk: str
    """Slug."""
    position: int
    outbound: bool
    emergency: bool


def ways_out(trunks: Iterable[Way]) -> tuple[str, ...]:
    """The trunks of an emergency call, in order: those marked for it, else those for calls of ours, else all there are.

    `trunks` are those in use.
    """
    ordered = sorted(trunks, key=lambda way: (way.position, way.trunk))
    chosen = [way for way in ordered if way.emergency] or [way for way in ordered if way.outbound] or ordered
    return tuple(way.trunk for way in chosen)


def office_number(callback_numbers: Sequence[str], lines: Sequence[str]) -> str:
    """What a phone without a location shows: the first location's number, else the first line's; "" with neither.

    An extension of the office's own phone system would tell the emergency service nothing.
    """
    return next((number for number in (*callback_numbers, *lines) if number.startswith("+")), "")
