"""Many more callers than there is room for: who is one too many is refused at once, and those who are real get in."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime

import pytest

from crm import config as settings
from crm.services.phones import bans, capacity, publish
from crm.views import blocking
from tests.scripted_phone import guesses, registered, unanswering_callers
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

FEW = "[limits]\ntrunk_calls = 4\ntrunk_new_per_second = 0\ncaller_calls = 2\n\n[menu]\n"


async def publish_settings(system: System) -> None:
    """What stands in leaseline.toml now, which Asterisk otherwise gets with the next `leaseline up`."""
    await publish.publish(dataclasses.replace(system.crm, config=settings.load(system.config.home)))


async def refused(system: System) -> capacity.RefusedCallers | None:
    answer = await system.ari(f"/asterisk/variable?variable={capacity.REFUSED}")
    return capacity.refused(answer["value"])


async def test_when_hundreds_call_at_once_and_confirm_nothing_then_the_next_caller_is_answered(system: System) -> None:
    try:
        numbers = [system.new_number() for _ in range(130)]
        began = time.time()
        async with unanswering_callers(system, numbers) as statuses, system.caller() as caller:
            await system.until(lambda: len(statuses()) == 130, "a final answer to all")
            # 488 is what Asterisk says without an RTP port.
            assert set(statuses()) == {"200", "503"}
            # How long they took to come is theirs to say.
            seconds = int(time.time() - began) + 2
            assert statuses().count("200") <= system.config.limits.trunk_new_per_second * seconds
            last = await refused(system)
            assert last
            # Two who are refused in the very same moment may count as one.
            assert statuses().count("503") * 0.8 <= last.count <= statuses().count("503")
            assert last.limit == "trunk_new_per_second"
            # In the same second the caller would be one too many, too.
            await system.until(lambda: time.time() >= last.at.timestamp() + 1, "the second is over")
            await system.dial(caller)
            await system.hears(caller, system.prompt("menu"))
    finally:
        for channel in await system.ari("/channels"):
            await system.hang_up(channel["id"])


async def test_when_a_trunk_or_a_number_has_too_many_callers_then_503_and_the_silent_make_room(system: System) -> None:
    async with system.with_setting("[menu]\n", FEW):
        await publish_settings(system)
        # The flood before this may have taken all records of the minute.
        await system.set_global("LL_TOLD", "")
        one = [system.new_number()] * 5
        async with unanswering_callers(system, one) as statuses:
            await system.until(lambda: len(statuses()) == 5, "a final answer to all")
            assert statuses() == ["200"] * 2 + ["503"] * 3
            others = [system.new_number() for _ in range(6)]
            async with unanswering_callers(system, others) as of_others:
                await system.until(lambda: len(of_others()) == 6, "a final answer to all")
                assert of_others() == ["200"] * 2 + ["503"] * 4
                last = await refused(system)
                assert last
                assert (last.limit, last.trunk) == ("trunk_calls", "demo")
                # Nobody is lost: those who were refused are to be called back, and the number that called too often
                # is on record by its other calls.
                ended = [await system.ended_call(number) for number in others]
                told = [[event.kind for event in call.events] for call in ended]
                assert sum("CallRefused" in kinds for kinds in told) == 4
                assert {call.outcome for call in ended} == {"gave_up"}
                assert all([await system.tasks_of(call) for call in ended])
                assert await system.ended_call(one[0])
                assert len(await system.calls_from(one[0])) == 2
                # They send no sound, and more than half of the trunk's calls are taken.
                await system.until(lambda: system.is_quiet_at("trunk-demo"), "room for others")
                async with system.caller() as caller:
                    await system.dial(caller)
    await publish_settings(system)


async def test_when_somebody_guesses_passwords_then_their_address_is_dropped_and_nobody_elses(system: System) -> None:
    # Whoever has a registered phone is spared: the others behind its address are colleagues.
    port, _ = system.phone_ports()
    await registered(system, "bob-desk", "127.6.0.2", port)
    assert not await guesses(system, "alice-desk", "127.6.0.2", count=12)
    assert not await guesses(system, "alice-desk", "127.6.0.1", count=12)

    async def is_dropped() -> bool:
        return await guesses(system, "alice-desk", "127.6.0.1")

    await system.until(is_dropped, "the guesser is dropped", pause=0.5)
    assert not await guesses(system, "alice-desk", "127.6.0.2")
    assert [ban.network for ban in await system.store.read(blocking.bans, datetime.now(UTC))] == ["127.6.0.1"]
    async with system.phone("alice-desk"):
        await registered(system, "bob-desk", "127.6.0.2", port, expires=0)
    await system.store.run(bans.remove, system.by, "127.6.0.1")
    await system.publish()
    assert not await guesses(system, "alice-desk", "127.6.0.1")
    logged = (system.config.asterisk_folder / "log" / "messages").read_text(errors="replace")
    assert "Failed to authenticate" in logged
