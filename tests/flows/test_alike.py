"""What a call leaves here it leaves on the real Asterisk, too: the same courses run in both."""

from __future__ import annotations

import pytest

from tests.alike import COURSES, Course
from tests.asterisk import Seam
from tests.flows.people import mobile

pytestmark = pytest.mark.flows


@pytest.mark.parametrize("course", COURSES, ids=lambda course: course.__name__)
async def test_the_same_is_left_of_a_call(system: Seam, course: Course) -> None:
    assert await course(system, mobile) == COURSES[course]
