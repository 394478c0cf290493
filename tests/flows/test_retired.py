"""Calls about what is retired."""

from __future__ import annotations

import pytest

from crm.services.phones import lines
from tests.asterisk import ELM, Seam

pytestmark = pytest.mark.flows


async def test_when_a_retired_line_is_called_then_that_is_said_and_somebody_finds_out(system: Seam) -> None:
    await system.store.run(lines.retire, system.by, "US", ELM)
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await system.hears(caller, system.prompt("unknown_number"))
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        assert alice.count("CALL_INCOMING") == 0
    assert (call.did, call.line_id, call.outcome, call.legs) == (ELM, None, "wrong_number", [])
    [task] = await system.tasks_of(call)
    assert task.kind == "unknown_did"
    assert task.owner
    assert task.owner.slug == "admin"
