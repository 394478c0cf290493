"""When what did not get through is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.config import Texts
from crm.domain.delivery import next_attempt
from crm.domain.texts import LIFETIMES, TextPurpose

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


@given(st.integers(1, 10_000), st.integers(0, 10_000), st.floats(0.1, 1e6), st.none() | st.floats(0, 86400))
def test_a_pause_is_never_shorter_than_asked_and_never_longer_than_an_hour_or_that(
    attempts: int, most: int, first: float, asked: float | None
) -> None:
    again = next_attempt(attempts, NOW, most=most, first_retry_seconds=first, retry_after_seconds=asked)
    if most and attempts >= most:
        assert again is None
    else:
        assert again is not None
        pause = (again - NOW).total_seconds()
        assert min(first, 3600.0) * 0.8 - 1e-3 <= pause <= max(3600.0 * 1.2, asked or 0.0) + 1e-3
        assert pause >= (asked or 0.0) - 1e-3


@pytest.mark.parametrize("purpose", [one for one in TextPurpose if one is not TextPurpose.INBOUND])
def test_tries_go_on_as_long_as_a_text_is_of_use_and_no_longer(purpose: TextPurpose) -> None:
    end = NOW + LIFETIMES[purpose]
    now: datetime | None = NOW
    times = []
    while now is not None:
        times.append(now)
        now = next_attempt(
            len(times),
            now,
            most=Texts().attempts,
            first_retry_seconds=Texts().first_retry_seconds,
            of_use_until=end,
        )
    # The pauses double, so the last one may be as long as all before it, and an hour with a fifth at most.
    assert timedelta() < end - times[-1] <= max((times[-1] - NOW) * 1.6, timedelta(seconds=12))
    assert end - times[-1] <= timedelta(hours=1.2)
    assert len(times) > 4
