"""What is changed while the system runs holds for the next call, without a restart."""

from __future__ import annotations

import pytest

from crm.services.office import agents, subteams
from crm.services.phones import devices, lines
from crm.services.system import renaming
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_when_a_device_is_added_then_it_registers_and_rings(system: System) -> None:
    await system.store.run(devices.add, system.secrets, system.by, "alice-soft", agent="alice", kind="softphone")
    await system.publish()
    async with system.phone("alice-soft") as soft, system.caller() as caller:
        await system.to_team(caller)
        await soft.wait_for("CALL_INCOMING")
        await soft.answer()
        await system.step(caller.user, "talk")
        await soft.hang_up()
        call = await system.ended_call(caller.user)
    [leg] = call.legs
    assert (leg.device, leg.status) == ("alice-soft", "ANSWER")


async def test_when_a_device_is_retired_then_its_phone_can_call_nobody(system: System) -> None:
    await system.store.run(devices.add, system.secrets, system.by, "alice-spare", agent="alice", kind="softphone")
    await system.publish()
    async with system.phone("bob-desk") as bob, system.phone("alice-spare") as spare:
        await system.store.run(devices.retire, system.secrets, system.by, "alice-spare")
        await system.publish()
        await spare.dial(f"sip:102@{system.sip}")
        closed = await spare.wait_for("CALL_CLOSED")
        assert "401" in closed.param
        assert bob.count("CALL_INCOMING") == 0


async def test_when_a_device_is_renamed_then_it_rings_by_its_new_name_only(system: System) -> None:
    await system.store.run(devices.add, system.secrets, system.by, "bob-spare", agent="bob", kind="softphone")
    await system.publish()
    rename = (renaming.rename, system.config, system.secrets, system.by, "device", "bob-spare", "bob-other")
    async with system.phone("alice-desk") as alice:
        async with system.phone("bob-spare") as spare:
            await system.store.run(*rename)
            await system.publish()
            await spare.dial(f"sip:101@{system.sip}")
            assert "401" in (await spare.wait_for("CALL_CLOSED")).param
            assert alice.count("CALL_INCOMING") == 0
        async with system.phone("bob-other") as other:
            await alice.dial(f"sip:102@{system.sip}")
            await other.wait_for("CALL_INCOMING")
            await alice.hang_up()
    await system.store.run(devices.retire, system.secrets, system.by, "bob-other")
    await system.publish()


async def test_when_a_line_is_added_then_it_answers_and_when_it_is_removed_then_it_does_not(system: System) -> None:
    number = await system.store.run(lines.add, system.by, system.config, "(512) 555-0166", property_slug="lakeside")
    async with system.phone("carol-soft") as carol, system.caller() as caller:
        await system.to_team(caller, number)
        await carol.wait_for("CALL_INCOMING")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        assert (call.did, call.outcome, call.legs[0].stage) == (number, "gave_up", "subteam")
        await system.store.run(lines.retire, system.by, "US", number)
        await caller.wait_for("CALL_CLOSED")
        await system.dial(caller, number)
        await system.hears(caller, system.prompt("unknown_number"))
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert (call.did, call.outcome) == (number, "wrong_number")
    [task] = await system.tasks_of(call)
    assert (task.kind, task.owner.slug) == ("unknown_did", "admin")


async def test_when_an_agent_goes_off_duty_and_leaves_the_subteam_then_the_next_call_knows(system: System) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await system.rings(caller.user, "subteam", "alice-desk", "bob-desk")
        await caller.hang_up()
        await system.ended_call(caller.user)
        await caller.wait_for("CALL_CLOSED")
        await bob.wait_for("CALL_CLOSED")
        await system.store.run(agents.change, system.config, system.by, "alice", on_duty=False)
        await system.publish()
        await system.to_team(caller)
        await bob.wait_for("CALL_INCOMING", count=2)
        await system.rings(caller.user, "subteam", "bob-desk")
        await caller.hang_up()
        await system.ended_call(caller.user)
        await caller.wait_for("CALL_CLOSED", count=2)
        await bob.wait_for("CALL_CLOSED", count=2)
        await system.store.run(subteams.remove_members, system.by, "north", ["bob"])
        try:
            await system.to_team(caller)
            await bob.wait_for("CALL_INCOMING", count=3)
            await system.rings(caller.user, "everyone", "bob-desk")
            assert list(await system.rang(caller.user)) == ["everyone"]
            await caller.hang_up()
            await system.ended_call(caller.user)
        finally:
            await system.store.run(subteams.add_members, system.by, "north", ["bob"])
        assert alice.count("CALL_INCOMING") == 1
