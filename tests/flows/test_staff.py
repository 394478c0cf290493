"""Colleagues call each other by extension."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from crm.services.phones import devices
from crm.store.models import Call, Lead, Task
from tests.asterisk import Seam

pytestmark = pytest.mark.flows


async def is_told_that_it_cannot_be_reached(system: Seam, extension: str) -> None:
    async with system.phone("bob-desk") as bob:
        await bob.dial(f"sip:{extension}@{system.sip}")
        await bob.wait_for("CALL_CLOSED")
        assert [(one.name, one.nearly_whole) for one in system.heard(bob)] == [("extension_unavailable", True)]


async def reaches_the_mailbox_and_says_nothing(system: Seam) -> None:
    """What somebody says there is in test_mailbox."""
    async with system.phone("bob-desk") as bob:
        await bob.dial(f"sip:101@{system.sip}")
        await system.recording(None)
        await bob.hang_up()
        call = await system.ended_call(None)
        assert [one.name for one in system.heard(bob) if one.nearly_whole] == ["colleague_unavailable"]
    assert (call.direction, call.outcome, call.voicemail, call.lead_id) == ("internal", "not_reached", None, None)
    assert await system.tasks_of(call) == []


async def test_when_the_colleague_is_on_dnd_then_their_phone_is_silent_and_their_mailbox_answers(
    system: Seam,
) -> None:
    await system.store.run(devices.set_dnd, system.by, ["alice-desk"], until=None)
    async with system.phone("alice-desk") as alice:
        await reaches_the_mailbox_and_says_nothing(system)
        assert alice.count("CALL_INCOMING") == 0


async def test_when_the_colleague_is_on_a_call_then_their_mailbox_answers(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(caller.user, "talk")
        await reaches_the_mailbox_and_says_nothing(system)
        assert alice.count("CALL_INCOMING") == 1
        await caller.hang_up()
        await alice.wait_for("CALL_CLOSED")
        await system.ended_call(caller.user)


async def test_when_the_colleagues_phone_is_off_then_their_mailbox_answers(system: Seam) -> None:
    await reaches_the_mailbox_and_says_nothing(system)


async def test_when_nobody_has_the_extension_then_that_is_said(system: Seam) -> None:
    await is_told_that_it_cannot_be_reached(system, "177")


async def test_when_the_colleague_declines_then_it_is_busy(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob:
        await bob.dial(f"sip:101@{system.sip}")
        await alice.wait_for("CALL_INCOMING")
        await alice.hang_up()
        closed = await bob.wait_for("CALL_CLOSED")
        assert "486" in closed.param
        assert bob.count("CALL_ESTABLISHED") == 0


@pytest.mark.parametrize("dialled", ["999", "177", "701", "*8", "*8101", "*97"])
async def test_whoever_hangs_up_on_a_misdial_or_a_code_leaves_nothing(system: Seam, dialled: str) -> None:
    for wait in (False, True):
        async with system.phone("bob-desk") as bob:
            await bob.dial(f"sip:{dialled}@{system.sip}")
            if wait:
                await bob.wait_for("CALL_ESTABLISHED")
            await bob.hang_up()
            await bob.wait_for("CALL_CLOSED")
    # Facts are recorded in their order, so nothing of those calls can follow this one's end.
    async with system.caller() as caller:
        await system.dial(caller)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert await system.all(select(Call.id)) == [call.id]
    assert {task.call_id for task in await system.all(select(Task))} == {call.id}
    assert await system.all(select(Lead.id)) == [call.lead_id]
