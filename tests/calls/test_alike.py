"""What a call leaves here it leaves on an Asterisk of tests, too: the same courses run in both."""

from __future__ import annotations

import pytest

from tests.alike import COURSES, Course
from tests.mobile import mobile
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("course", COURSES, ids=lambda course: course.__name__)
async def test_the_same_is_left_of_a_call(system: System, course: Course) -> None:
    assert await course(system, mobile) == COURSES[course]
