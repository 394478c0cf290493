"""The line of those who wait: places and turns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crm.domain.queueing import WaitingCaller, position, turns

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 2, 16, tzinfo=UTC)
NORTH, SOUTH = frozenset(("alice", "bob")), frozenset(("carol",))


def waits(name: str, minutes: float, agents: frozenset[str] = NORTH, **more: object) -> WaitingCaller:
    return WaitingCaller(name, NOW - timedelta(minutes=minutes), agents, **more)  # type: ignore[arg-type]


FIRST, SECOND, ELSEWHERE = waits("first", 9), waits("second", 5), waits("elsewhere", 7, SOUTH)
LINE = [SECOND, ELSEWHERE, FIRST]


def test_places_are_counted_over_those_who_wait_for_the_same_people() -> None:
    assert [position(one, LINE) for one in (FIRST, SECOND, ELSEWHERE)] == [1, 2, 1]
    for_all = waits("all", 6, NORTH | SOUTH)
    assert position(for_all, [*LINE, for_all]) == 3
    assert position(SECOND, [*LINE, for_all]) == 3


def test_who_began_at_the_same_moment_keeps_one_order() -> None:
    one, other = waits("a", 5), waits("b", 5)
    assert [position(one, [one, other]), position(other, [other, one])] == [1, 2]


def test_when_one_is_free_then_only_the_caller_who_has_waited_longest_gets_them() -> None:
    assert turns(LINE, ["bob"]) == {"first": ("bob",)}
    assert turns([SECOND], ["bob"]) == {"second": ("bob",)}


def test_when_several_are_free_then_each_caller_gets_one_and_the_first_whoever_is_left() -> None:
    assert turns(LINE, ["bob", "alice"]) == {"first": ("bob",), "second": ("alice",)}
    assert turns([FIRST], ["bob", "alice"]) == {"first": ("bob", "alice")}
    crowd = frozenset(("a", "b", "c"))
    assert turns([waits("x", 2, crowd), waits("y", 1, crowd)], ["a", "b", "c"]) == {"x": ("a", "c"), "y": ("b",)}


def test_nobody_gets_people_they_do_not_wait_for() -> None:
    assert turns([FIRST], ["carol"]) == {}
    assert turns(LINE, ["carol"]) == {"elsewhere": ("carol",)}


def test_who_is_being_rung_for_or_called_back_later_lets_the_next_one_pass_but_keeps_the_place() -> None:
    busy = waits("first", 9, is_ready=False)
    assert turns([busy, SECOND], ["bob"]) == {"second": ("bob",)}
    assert position(SECOND, [busy, SECOND]) == 2


def test_who_passed_is_rung_for_the_next_one() -> None:
    assert turns([waits("first", 9, spared=frozenset(("bob",))), SECOND], ["bob"]) == {"second": ("bob",)}


def test_for_a_callback_one_agent_is_rung() -> None:
    assert turns([waits("first", 9, most=1)], ["bob", "alice"]) == {"first": ("bob",)}
