"""Nothing is recorded where the property does not record."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from crm.store.models import Recording
from tests.asterisk import Seam
from tests.talks import QUESTION, connect, says_to

pytestmark = pytest.mark.flows


async def test_when_the_property_does_not_record_then_the_code_does_nothing(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        await alice.press("*3")
        await says_to(system, caller, alice, QUESTION)
        await alice.hang_up()
        call = await system.ended_call(caller.user)
        assert "recording_announcement" not in system.heard_names(caller)
    assert await system.all(select(Recording).where(Recording.call_id == call.id)) == []
