"""Sentences that agree with a number in them."""

from __future__ import annotations


def one_or_many(count: int, one: str, many: str) -> str:
    """The first for exactly one, else the second, also for none: `0 calls`, `1 call`, `2 calls`."""
    return one if count == 1 else many


def counted(count: int, one: str, many: str = "") -> str:
    """`1 call`, `2 calls`; `many` where it is not `one` with an s."""
    return f"{count:,} {one_or_many(count, one, many or f'{one}s')}"


class Count(int):
    """A number that chooses the word beside it: `"{n} {n:call|calls}".format(n=Count(1))` is `1 call`."""

    def __format__(self, spec: str) -> str:
        one, bar, many = spec.partition("|")
        return one_or_many(self, one, many) if bar else super().__format__(spec)
