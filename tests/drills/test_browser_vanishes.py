"""An agent's browser is killed, reloaded or cut off in a talk, or frozen before it, with a real browser at one end."""

from __future__ import annotations

import pytest

from crm.services.phones import devices
from tests.busy import only_on_duty
from tests.system import System
from tests.talks import talk_with
from tests.web_phone import WebPhone, web_phone

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]

WEB = "alice-web"


async def has_a_browser(system: System) -> None:
    await only_on_duty(system, "alice")
    await system.store.run(devices.add, system.secrets, system.by, WEB, agent="alice", kind="browser")
    await system.publish()


async def talks(system: System, phone: WebPhone) -> None:
    """Waits until the caller and the browser talk, and something comes from the browser."""
    await system.until(lambda: talk_with(system, "trunk-demo", WEB), "the caller talks with the browser")
    channel = await system.channel_of(WEB)

    async def speaks() -> bool:
        return bool((await system.ari(f"/channels/{channel['id']}/rtp_statistics")).get("rxcount"))

    await system.until(speaks, "sound comes from the browser")


async def test_active_call_127_when_the_browser_is_reloaded_or_killed_then_the_caller_hears_music_until_it_is_back(
    system: System,
) -> None:
    await has_a_browser(system)
    async with system.caller() as caller:
        async with web_phone(system, WEB) as before:
            await system.to_team(caller)
            await before.wait_for("ringing")
            await before.opens()
            await before.wait_for("ringing", seconds=3)
            assert await before.header("X-Leaseline-Call") == (await system.call_from(caller.user)).id
            assert await before.header("X-Leaseline-Rejoin") is None
            await before.answer()
            await talks(system, before)
            await before.opens()
            await before.wait_for("ringing", seconds=8)
            assert await before.header("X-Leaseline-Call") == (await system.call_from(caller.user)).id
            again = await before.header("X-Leaseline-Rejoin")
            await before.answer()
            await talks(system, before)
            await before.kill()
            await system.until(lambda: system.is_quiet_at(WEB), "alice does not count as busy", seconds=8)
            await system.hears_music(caller)
        async with web_phone(system, WEB) as back:
            await back.wait_for("ringing")
            assert again
            assert await back.header("X-Leaseline-Rejoin") not in (None, again)
            await back.answer()
            await talks(system, back)
            await caller.hang_up()
            await back.wait_for("ended")
        call = await system.ended_call(caller.user)
    assert (call.outcome, len(await system.calls_from(caller.user))) == ("talked", 1)
    assert [(leg.stage, leg.device, leg.status) for leg in call.legs] == [
        ("subteam", WEB, "NOANSWER"),
        ("subteam", WEB, "ANSWER"),
        *[("return", WEB, "ANSWER")] * 2,
    ]


@pytest.mark.parametrize("first", ["refresh", "hangup"])
async def test_when_the_connection_drops_then_the_two_talk_on_and_the_hangup_arrives(
    system: System, first: str
) -> None:
    """With the next refresh of the session (RFC 4028), which browsers send, and which names their new address."""
    await has_a_browser(system)
    async with system.caller() as caller, web_phone(system, WEB) as phone:
        await system.to_team(caller)
        await phone.wait_for("ringing")
        await phone.answer()
        await talks(system, phone)
        assert await phone.refreshes_every() == 90
        await phone.drops_connection()
        await phone.wait_for("registered", 2)
        await talks(system, phone)
        if first == "refresh":
            await phone.refresh()
            await caller.hang_up()
        else:
            await caller.hang_up()
            await system.until(lambda: system.is_quiet_at(WEB), "nothing waits for the browser")
            await phone.refresh()
        await phone.wait_for("ended")
        call = await system.ended_call(caller.user)
    assert (call.outcome, len(call.legs)) == ("talked", 1)


async def test_twilio_voice_js_444_when_a_tab_is_frozen_then_the_next_are_rung_within_two_seconds(
    system: System,
) -> None:
    """It is still registered, and may answer if it wakes."""
    await has_a_browser(system)
    await only_on_duty(system, "alice", "carol")
    async with system.phone("carol-soft") as carol, web_phone(system, WEB) as phone, system.caller() as caller:
        await phone.freeze()
        await system.to_team(caller)
        await system.rings(caller.user, "everyone", "carol-soft")
        call = await system.call_from(caller.user)
        began = {leg.device: leg.started_at for leg in call.legs}
        assert (began["carol-soft"] - began[WEB]).total_seconds() < 2
        phone.thaw()
        await phone.wait_for("ringing")
        await phone.answer()
        await talks(system, phone)
        await caller.hang_up()
        await carol.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    assert call.outcome == "talked"
