"""A browser is called and does not ring, because its tab is frozen, or is closed or reloaded while it rings."""

from __future__ import annotations

import json

import pytest

from tests.asterisk import Phone, Seam
from tests.busy import only_on_duty
from tests.flows.browsers import has_a_browser
from tests.talks import hear_each_other

pytestmark = pytest.mark.flows

WEB = "alice-web"


@pytest.fixture
async def office(system: Seam) -> Seam:
    """Elm Street is answered by alice and bob, and everybody else by carol."""
    await only_on_duty(system, "alice", "carol")
    await has_a_browser(system)
    return system


async def waited(system: Seam, caller: Phone, phone: Phone) -> float:
    """For how long the caller has waited when a phone rings."""
    begun = system.pbx.loop.time()
    await phone.wait_for("CALL_INCOMING")
    return float(system.pbx.loop.time() - begun)


async def test_when_a_browser_does_not_say_that_it_rings_then_the_next_are_rung_within_two_seconds(
    office: Seam,
) -> None:
    system = office
    async with system.phone(WEB, says=0), system.phone("carol-soft") as carol, system.caller() as caller:
        await system.to_team(caller)
        assert await waited(system, caller, carol) < 2
        assert json.loads((system.config.run_folder / "app.json").read_text())["deaf"].keys() <= {WEB}
        await carol.answer()
        await hear_each_other(system, caller, carol)
        await carol.hang_up()
        call = await system.ended_call(caller.user)
    assert [(leg.device, leg.stage, leg.status) for leg in call.legs] == [
        (WEB, "subteam", "CANCEL"),
        ("carol-soft", "everyone", "ANSWER"),
    ]


async def test_when_it_wakes_while_others_ring_then_it_may_still_answer(office: Seam) -> None:
    system = office
    async with system.phone(WEB, says=0) as web, system.phone("carol-soft") as carol, system.caller() as caller:
        await system.to_team(caller)
        await carol.wait_for("CALL_INCOMING")
        web.wakes()
        await web.answer()
        await hear_each_other(system, caller, web)
        await carol.wait_for("CALL_CLOSED")
        await web.hang_up()
        call = await system.ended_call(caller.user)
    assert (call.outcome, web.called) == ("talked", 2)  # Of which one is its waking.


async def test_when_it_is_all_that_is_there_then_voicemail_follows_at_once(office: Seam) -> None:
    system = office
    await only_on_duty(system, "alice")
    async with system.phone(WEB, says=0) as web, system.caller() as caller:
        await system.to_team(caller)
        begun = system.pbx.loop.time()
        await system.step(caller.user, "voicemail")
        assert system.pbx.loop.time() - begun < 3
        assert web.called == 1
        await system.until(lambda: not system.pbx.of_endpoint(WEB), "it is not called any more")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert [(leg.device, leg.status) for leg in call.legs] == [(WEB, "NOANSWER")]


async def test_while_another_phone_of_the_stage_rings_the_stage_lasts(office: Seam) -> None:
    system = office
    async with (
        system.phone(WEB, says=0),
        system.phone("alice-desk") as desk,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await desk.wait_for("CALL_INCOMING")
        assert await waited(system, caller, carol) > 3
        await caller.hang_up()
        await system.ended_call(caller.user)


async def test_a_desk_phone_that_takes_long_is_waited_for(office: Seam) -> None:
    system = office
    async with system.phone("alice-desk", says=100), system.phone("carol-soft") as carol, system.caller() as caller:
        await system.to_team(caller)
        assert await waited(system, caller, carol) > 3
        await caller.hang_up()
        await system.ended_call(caller.user)


async def test_with_a_time_of_0_it_is_waited_for(office: Seam) -> None:
    system = office
    async with (
        system.with_setting("subteam_seconds = 4.0", "subteam_seconds = 4.0\ndeaf_seconds = 0"),
        system.phone(WEB, says=0),
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        assert await waited(system, caller, carol) > 3
        await caller.hang_up()
        await system.ended_call(caller.user)


async def test_when_a_colleagues_browser_is_deaf_then_their_mailbox_answers_at_once(office: Seam) -> None:
    system = office
    async with system.phone(WEB, says=0), system.phone("bob-desk") as bob:
        await bob.dial(f"sip:101@{system.sip}")
        begun = system.pbx.loop.time()
        await bob.wait_for("CALL_ESTABLISHED")
        assert system.pbx.loop.time() - begun < 3
        await bob.hang_up()


async def test_what_is_deaf_is_told_until_it_rings_or_registers_again(office: Seam) -> None:
    system = office

    def told() -> list[str]:
        return sorted(json.loads((system.config.run_folder / "app.json").read_text())["deaf"])

    async with system.phone(WEB, says=0) as web:
        async with system.caller() as caller:
            await system.to_team(caller)
            await system.until(lambda: told() == [WEB], "it is deaf")
        await system.ended_call(caller.user)
        web.says = 180
        async with system.caller() as caller:
            await system.to_team(caller)
            await web.wait_for("CALL_INCOMING")
            await system.until(lambda: told() == [], "it is not any more")
        await system.ended_call(caller.user)
        web.says = 0
        async with system.caller() as caller:
            await system.to_team(caller)
            await system.until(lambda: told() == [WEB], "it is deaf once more")
        await system.ended_call(caller.user)
        system.pbx.removed(web)
        await system.until(lambda: told() == [], "it has begun anew")


async def test_when_it_is_closed_while_it_rings_then_the_next_are_rung_at_once(office: Seam) -> None:
    system = office
    async with system.phone("carol-soft") as carol, system.caller() as caller:
        async with system.phone(WEB) as web:
            await system.to_team(caller)
            await web.wait_for("CALL_INCOMING")
            system.pbx.vanish(web)
            assert await waited(system, caller, carol) < 3
        await carol.answer()
        await hear_each_other(system, caller, carol)
        await carol.hang_up()
        call = await system.ended_call(caller.user)
    assert [(leg.device, leg.status) for leg in call.legs] == [(WEB, "NOANSWER"), ("carol-soft", "ANSWER")]


async def test_when_it_is_reloaded_while_it_rings_then_it_rings_again_in_the_same_stage(office: Seam) -> None:
    system = office
    await only_on_duty(system, "alice")
    async with system.caller() as caller:
        async with system.phone(WEB) as before:
            await system.to_team(caller)
            await before.wait_for("CALL_INCOMING")
            system.pbx.vanish(before)
        async with system.phone(WEB) as back:
            await back.wait_for("CALL_INCOMING")
            await back.answer()
            await hear_each_other(system, caller, back)
            await back.hang_up()
        call = await system.ended_call(caller.user)
    assert [(leg.device, leg.stage) for leg in call.legs] == [(WEB, "subteam")] * 2


async def test_when_the_caller_hangs_up_while_it_is_reloaded_then_nobody_rings_for_them(office: Seam) -> None:
    system = office
    await only_on_duty(system, "alice")
    async with system.caller() as caller:
        async with system.phone(WEB) as before:
            await system.to_team(caller)
            await before.wait_for("CALL_INCOMING")
            system.pbx.vanish(before)
            await system.until(lambda: not system.pbx.of_endpoint(WEB), "it does not ring any more")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        async with system.phone(WEB) as back:
            await system.pass_time(5)
            assert back.called == 0
    assert (call.outcome, call.ended_by) == ("gave_up", "caller")
