"""Slices of something long are as large as fits into the time that others may wait."""

from __future__ import annotations

from typing import cast

import pytest
from sqlalchemy.orm import Session

from crm.store.slices import LEAST, TARGET_SECONDS, SliceSize

pytestmark = pytest.mark.unit


def sizes(row_seconds: list[float], first: int = 20, most: int = 200) -> list[int]:
    """The sizes of slices whose rows take so long."""
    now = [0.0]
    size = SliceSize(first, most, lambda: now[0])
    found = []
    for seconds in row_seconds:
        rows = size.rows

        def act(session: Session, rows: int = rows, seconds: float = seconds) -> None:
            now[0] += rows * seconds

        now[0] += 9.0  # Others have the lock.
        size.timed(act)(cast(Session, None))
        size.done(rows)
        found.append(size.rows)
    return found


def test_slices_grow_to_what_fits_and_no_further_than_they_may() -> None:
    assert sizes([0.001] * 4) == [40, 50, 50, 50]
    assert sizes([0.000_01] * 6)[-1] == 200


def test_slow_rows_make_the_next_slice_small_at_once() -> None:
    assert sizes([0.01]) == [round(TARGET_SECONDS / 0.01)]
    assert sizes([10.0, 0.001]) == [LEAST, LEAST * 2]


def test_a_slice_without_rows_says_nothing() -> None:
    size = SliceSize(20, 200, lambda: 1.0)
    size.done(0)
    assert size.rows == 20
