"""Which times for tours there are: weekly hours, pauses, blackouts, and the nights on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.leads import LeasingStage
from crm.domain.tours import (
    STAGE_AFTER,
    Availability,
    Blackout,
    Slot,
    TourKind,
    TourState,
    collide,
    offer,
    reminders,
    slots,
)

pytestmark = pytest.mark.unit

CHICAGO = ZoneInfo("America/Chicago")
MONDAY = datetime(2026, 3, 2, 6, tzinfo=UTC)
"""Midnight in Chicago."""


def on(weekday: int = 0, opens: str = "10:00", closes: str = "12:00", **more: object) -> Availability:
    values = {"kind": TourKind.ACCOMPANIED, "minutes": 30, **more}
    return Availability(weekday, opens, closes, **values)  # type: ignore[arg-type]


def times(found: list[Slot], zone: ZoneInfo = CHICAGO) -> list[str]:
    return [f"{slot.starts_at.astimezone(zone):%a %H:%M}" for slot in found]


def test_slots_follow_each_other_with_their_pause() -> None:
    assert times(slots([on(buffer_minutes=15)], [], CHICAGO, MONDAY, 0)) == ["Mon 10:00", "Mon 10:45", "Mon 11:30"]


def test_the_last_one_ends_by_closing_time() -> None:
    assert times(slots([on(minutes=50)], [], CHICAGO, MONDAY, 0)) == ["Mon 10:00", "Mon 10:50"]


def test_what_has_begun_is_not_offered() -> None:
    first = MONDAY + timedelta(hours=10, minutes=31)
    assert times(slots([on()], [], CHICAGO, first, 0)) == ["Mon 11:00", "Mon 11:30"]


def test_a_blackout_takes_out_what_touches_it() -> None:
    away = Blackout(MONDAY + timedelta(hours=10, minutes=29), MONDAY + timedelta(hours=11))
    assert times(slots([on()], [away], CHICAGO, MONDAY, 0)) == ["Mon 11:00", "Mon 11:30"]


def test_an_agents_blackout_is_only_theirs() -> None:
    away = Blackout(MONDAY, MONDAY + timedelta(days=1), agent_id=7)
    found = slots([on(agent_id=7), on(agent_id=8, closes="11:00")], [away], CHICAGO, MONDAY, 0)
    assert [(slot.agent_id) for slot in found] == [8, 8]


@pytest.mark.parametrize(
    ("opens", "closes", "expected"),
    [
        # On the night of 8 March 2026 the hour from 2 to 3 does not exist.
        ("01:00", "04:00", ["01:00", "03:00"]),
        ("02:00", "03:00", []),
    ],
)
def test_in_the_spring_nobody_gets_an_hour_that_does_not_exist(opens: str, closes: str, expected: list[str]) -> None:
    sunday = datetime(2026, 3, 8, 6, tzinfo=UTC)
    found = slots([on(6, opens, closes, minutes=60)], [], CHICAGO, sunday, 0)
    assert [f"{slot.starts_at.astimezone(CHICAGO):%H:%M}" for slot in found] == expected


def test_in_the_autumn_the_evening_of_the_long_day_is_whole() -> None:
    sunday = datetime(2026, 11, 1, 5, tzinfo=UTC)
    found = slots([on(6, "17:00", "19:00", minutes=60)], [], CHICAGO, sunday, 0)
    assert times(found) == ["Sun 17:00", "Sun 18:00"]
    assert found[0].starts_at == datetime(2026, 11, 1, 23, tzinfo=UTC)


@given(
    st.lists(
        st.builds(
            Availability,
            weekday=st.integers(0, 6),
            opens=st.sampled_from(("00:00", "01:30", "09:00")),
            closes=st.sampled_from(("10:00", "17:30", "24:00")),
            kind=st.sampled_from(TourKind),
            minutes=st.integers(5, 240),
            buffer_minutes=st.integers(0, 60),
            capacity=st.integers(1, 5),
            agent_id=st.none() | st.integers(1, 3),
        ),
        max_size=4,
    ),
    st.integers(1_767_225_600, 1_798_761_600).map(lambda epoch: datetime.fromtimestamp(epoch, UTC)),
    st.integers(0, 9),
)
def test_slots_of_one_opening_never_overlap(offers: list[Availability], first: datetime, days: int) -> None:
    for one in offers:
        found = slots([one], [], CHICAGO, first, days)
        assert all(slot.starts_at >= first for slot in found)
        assert all(
            earlier.ends_at + timedelta(minutes=one.buffer_minutes) <= later.starts_at
            for earlier, later in pairwise(found)
        )
        assert all(slot.starts_at.astimezone(CHICAGO).weekday() == one.weekday for slot in found)


def test_two_showings_need_the_pause_between_them() -> None:
    ten, half = MONDAY + timedelta(hours=10), timedelta(minutes=30)
    assert not collide(ten, ten + half, ten + half, ten + 2 * half, 0)
    assert collide(ten, ten + half, ten + half, ten + 2 * half, 10)
    assert collide(ten, ten + half, ten, ten + half, 0)


def test_reminders_lie_ahead() -> None:
    tour = MONDAY + timedelta(days=3)
    assert reminders(tour, MONDAY) == [tour - timedelta(hours=24), tour - timedelta(hours=2)]
    assert reminders(tour, tour - timedelta(hours=5)) == [tour - timedelta(hours=2)]
    assert reminders(tour, tour - timedelta(hours=2, minutes=10)) == []


def test_every_end_of_a_tour_moves_the_interest() -> None:
    assert set(STAGE_AFTER) == set(TourState)
    assert STAGE_AFTER[TourState.MISSED] is LeasingStage.SHOWING_MISSED


# --- what a caller is offered by key ---


def test_three_times_are_offered_far_from_each_other_where_there_are_enough() -> None:
    free = slots([on(opens="09:00", closes="17:00"), on(1)], [], CHICAGO, MONDAY, 1)
    assert times(offer(free)) == ["Mon 09:00", "Mon 12:00", "Mon 15:00"]
    assert times(offer(free, offer(free)[-1].starts_at)) == ["Mon 15:30", "Mon 16:00", "Tue 10:00"]


def test_where_there_are_few_they_are_offered_near_each_other_in_order() -> None:
    free = slots([on(), on(2)], [], CHICAGO, MONDAY, 3)
    assert times(offer(free)) == ["Mon 10:00", "Mon 10:30", "Wed 10:00"]
    assert times(offer(free[:2])) == ["Mon 10:00", "Mon 10:30"]
    assert offer([]) == []
    assert offer(free, free[-1].starts_at) == []


def test_a_time_that_can_be_had_in_several_ways_is_offered_once_with_somebody_who_shows() -> None:
    ways = [on(kind=TourKind.REMOTE), on(agent_id=7), on(kind=TourKind.SELF_GUIDED, opens="11:00")]
    found = offer(slots(ways, [], CHICAGO, MONDAY, 0))
    assert times(found) == ["Mon 10:00", "Mon 10:30", "Mon 11:00"]
    assert {slot.kind for slot in found} == {TourKind.ACCOMPANIED}


@given(st.lists(st.integers(0, 200), max_size=40), st.integers(0, 200))
def test_offers_are_free_times_in_order_never_twice_and_later_ones_go_on_from_there(
    halves: list[int], from_: int
) -> None:
    free = [
        Slot(at := MONDAY + timedelta(minutes=30 * half), at + timedelta(minutes=30), TourKind.ACCOMPANIED, None, 1, 0)
        for half in halves
    ]
    after = MONDAY + timedelta(minutes=30 * from_)
    found = offer(free, after)
    assert len(found) == min(3, len({slot for slot in free if slot.starts_at > after}))
    assert all(slot in free for slot in found)
    assert all(one.starts_at < other.starts_at for one, other in pairwise(found))
    assert all(slot.starts_at > after for slot in found)
