"""How many callers are let in: however many call, there is room left to call out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain import limits

pytestmark = pytest.mark.unit


def test_the_default_range_of_ports_has_room_for_as_many_callers_as_are_wished() -> None:
    assert limits.room(100, ports=1000, phones=20, live=10, reserve=10).callers == 100


def test_of_200_ports_not_all_are_given_to_callers() -> None:
    room = limits.room(100, ports=200, phones=3, live=10, reserve=10)
    assert (room.callers, room.leaving, room.legs) == (46, 31, 100)


def test_without_a_limit_it_is_what_there_are_ports_for() -> None:
    assert limits.room(0, ports=1000, phones=20, live=0, reserve=10).callers == 270


@given(
    wished=st.integers(0, 500),
    ports=st.integers(60, 5000),
    phones=st.integers(0, 200),
    live=st.integers(0, 50),
    reserve=st.integers(0, 50),
)
def test_callers_and_those_who_leave_never_have_the_ports_of_others(
    wished: int, ports: int, phones: int, live: int, reserve: int
) -> None:
    room = limits.room(wished, ports=ports, phones=phones, live=live, reserve=reserve)
    assert room.callers >= 1
    others = phones + live + reserve
    assert room.callers + room.leaving == 2 or 2 * (room.callers + room.leaving + others) <= ports
    assert not wished or room.callers <= wished


@pytest.mark.parametrize(("used", "limit", "near"), [(79, 100, False), (80, 100, True), (0, 0, False), (5, 0, False)])
def test_what_is_near(used: int, limit: int, near: bool) -> None:
    assert limits.is_near(used, limit) is near
