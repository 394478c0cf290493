"""Where there is no room for all that people wrote: whole words, and dots that say that there is more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crm.domain.excerpts import excerpt
from crm.domain.tasks import LONGEST_WHY, said_again, said_too
from crm.store.models import Task

pytestmark = pytest.mark.unit

LONG = "Is the two-bedroom with the balcony still free in April? " * 10


@pytest.mark.parametrize(
    ("text", "longest", "shown"),
    [
        ("two bedrooms", 12, "two bedrooms"),
        ("two bedrooms in May", 15, "two bedrooms..."),
        ("two bedrooms in May", 14, "two..."),
        ("a balcony, or a yard", 13, "a balcony..."),
        ("https://example.com/" + "x" * 80, 60, "https://example.com/" + "x" * 37 + "..."),
        ("see https://example.com/" + "x" * 80, 60, "see https://example.com/" + "x" * 33 + "..."),
        ("", 3, ""),
    ],
)
def test_what_does_not_fit_ends_between_two_words(text: str, longest: int, shown: str) -> None:
    assert excerpt(text, longest) == shown


def test_whoever_writes_a_task_its_reason_is_never_cut_within_a_word() -> None:
    task = Task(why=LONG)
    assert task.why == "Is the two-bedroom with the balcony still free in April? " * 5 + "Is the..."
    task.why = said_too(LONG, "Alice took it.")
    assert task.why.endswith("balcony still free in... Alice took it.")
    assert len(task.why) <= LONGEST_WHY
    at = datetime(2026, 3, 2, 16, tzinfo=UTC)
    task.why = said_again(LONG, 2, at, at, UTC, what="texts")
    assert task.why.endswith("Is the... 2 texts, the first on Mon 16:00, the last on Mon 16:00.")
    assert len(task.why) <= LONGEST_WHY
