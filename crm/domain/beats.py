"""When what is done every so often is done: at the same moments as everything else with that period, so that a process
in which nothing happens wakes up once for all of it."""

from __future__ import annotations


def until_next(seconds: float, now: float) -> float:
    """How long it is until the next of the moments that are `seconds` apart; `now` is a clock that is never set."""
    return seconds - now % seconds
