"""How soon what has ended is started again."""

from __future__ import annotations

import pytest

from ari_app.supervisor import pause_before

pytestmark = pytest.mark.unit


def test_the_first_restarts_come_at_once_and_only_what_keeps_failing_waits() -> None:
    assert [pause_before(restart) for restart in range(1, 10)] == [0, 0, 0, 0.5, 1, 2, 4, 8, 10]
    assert pause_before(10_000) == 10
