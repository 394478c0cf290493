"""When silent callers are asked to make room: not before there is little of it."""

from __future__ import annotations

import pytest

from ari_app.edge.events import CallerID, Channel, DialplanCEP
from ari_app.workers.crowding import crowded_trunks

pytestmark = pytest.mark.unit

NORTH, SOUTH = "trunk-north", "trunk-south"


def callers(north: int, south: int) -> list[Channel]:
    return [
        Channel(f"{index}", f"PJSIP/{trunk}-{index:08x}", "Up", CallerID("", ""), DialplanCEP("arrival", "s", 1))
        for trunk, count in ((NORTH, north), (SOUTH, south))
        for index in range(count)
    ]


@pytest.mark.parametrize(
    ("north", "south", "whole", "each", "crowded"),
    [
        (1, 1, 100, 60, set()),
        (30, 1, 100, 60, {NORTH}),
        (26, 24, 100, 60, {NORTH, SOUTH}),
        (40, 1, 100, 0, set()),
        (0, 0, 100, 60, set()),
    ],
)
def test_a_trunk_is_crowded_from_half_of_its_limit_or_of_all_room_on(
    north: int, south: int, whole: int, each: int, crowded: set[str]
) -> None:
    assert crowded_trunks(callers(north, south), whole=whole, each=each) == crowded
