"""The figures, from calls as they are on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.metrics import CallRecord, CardPart, MetricGroup, figures, percentile

pytestmark = pytest.mark.unit

TZ = ZoneInfo("America/Chicago")
NOON = datetime(2026, 3, 2, 18, tzinfo=UTC)


ALL = frozenset(CardPart)


def call(number: int, wait: float | None = None, **more: object) -> CallRecord:
    talked = None if wait is None else NOON + timedelta(seconds=wait)
    return CallRecord(f"c{number}", NOON, talked, **more)  # type: ignore[arg-type]


def test_each_figure_is_what_its_definition_says() -> None:
    [all_] = figures(
        [
            call(1, 4, lead_id=1, captured=ALL),
            call(2, 8, transferred=True, lead_id=2, captured=ALL, tours=1),
            call(3, 60, transferred=True, routed_right=True, lead_id=3, captured=ALL - {CardPart.NAME}),
            call(4, 12, routed_right=False),
            call(5, lead_id=5, captured=ALL),
        ],
        None,
        TZ,
    )
    assert (all_.calls, all_.qualified) == (5, 4)
    assert (all_.answer_median_seconds, all_.answer_p90_seconds) == (8, 60)
    assert (all_.first_pass, all_.first_pass_share) == (2, 0.5)
    assert (all_.transferred, all_.tours) == (2, 1)
    assert (all_.leads, all_.leads_complete, all_.complete_share) == (4, 3, 0.75)
    assert [all_.share_with(part) for part in CardPart] == [0.75, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("by", "names"),
    [
        (MetricGroup.PROPERTY, ["elm", "unknown", "all"]),
        (MetricGroup.SOURCE, ["sign", "unknown", "all"]),
        (MetricGroup.AGENT, ["alice", "unknown", "all"]),
        (MetricGroup.SUBTEAM, ["north", "unknown", "all"]),
        (MetricGroup.HOUR, ["12:00", "all"]),
        (MetricGroup.WEEK, ["2026-03-02", "all"]),
        (MetricGroup.MONTH, ["2026-03", "all"]),
    ],
)
def test_calls_are_told_apart(by: MetricGroup, names: list[str]) -> None:
    known = call(1, property="elm", source="sign", agent="alice", subteam="north")
    found = figures([known, call(2)], by, TZ)
    assert [one.name for one in found] == names


def test_however_often_somebody_calls_theirs_is_one_record() -> None:
    calls = [call(number, lead_id=7, captured=ALL - {CardPart.NAME}) for number in (1, 2, 3)]
    [all_] = figures([*calls, call(4, lead_id=8, captured=ALL)], None, TZ)
    assert (all_.calls, all_.leads, all_.leads_complete) == (4, 2, 1)
    assert all_.share_with(CardPart.NAME) == 0.5


def test_without_calls_nothing_is_divided() -> None:
    [nothing] = figures([], MetricGroup.PROPERTY, TZ)
    assert (nothing.calls, nothing.first_pass_share, nothing.answer_median_seconds) == (0, None, None)


@given(st.lists(st.floats(0, 1000), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_one_of_the_values_that_enough_do_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)


@given(st.lists(st.builds(call, st.integers(0, 9), st.none() | st.floats(0, 99), property=st.sampled_from("abc"))))
def test_the_groups_add_up_to_all(calls: list[CallRecord]) -> None:
    *groups, all_ = figures(calls, MetricGroup.PROPERTY, TZ)
    assert sum(one.calls for one in groups) == all_.calls == len(calls)
    assert sum(one.first_pass for one in groups) == all_.first_pass
