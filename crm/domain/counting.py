"""Sentences that agree with a number in them."""

from __future__ import annotations


def one_or_many(count: int, one: str, many: str) -> str:
    """The first for exactly one, else the second, also for none: `0 calls`, `1 call`, `2 calls`."""
    return one if count == 1 else many
