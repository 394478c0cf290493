"""A trunk that never answers SIP OPTIONS, as many carriers' do not: calls go out by it all the same."""

from __future__ import annotations

import pytest

from tests.mobile import NUMBER, forward
from tests.outside import only_by
from tests.scripted_trunk import scripted_trunk
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


def dialled(invite: str) -> str:
    """The user of an INVITE's request URI."""
    return invite.partition("sip:")[2].partition("@")[0]


async def test_a_mobile_a_call_out_and_911_go_out_by_a_trunk_that_answers_no_options(system: System) -> None:
    number = system.new_number()
    await forward(system)
    async with scripted_trunk(system, "quiet", "take_call", options=False) as quiet:
        await only_by(system, quiet=1)
        async with system.caller() as caller:
            await system.to_team(caller)
            await system.until(lambda: len(quiet.received("INVITE")) == 1, "the mobile is dialed")
            await caller.hang_up()
            await system.ended_call(caller.user)
        async with system.phone("alice-desk") as alice:
            await alice.dial(f"sip:{number}@{system.sip}")
            await system.step(number, "talk")
            await alice.hang_up()
            call = await system.ended_call(number)
            await alice.dial(f"sip:911@{system.sip}")
            await alice.wait_for("CALL_ESTABLISHED", 2)
            await alice.hang_up()
            await alice.wait_for("CALL_CLOSED", 2)
        assert [dialled(invite) for invite in quiet.received("INVITE")] == [NUMBER, number, "911"]
    assert [(leg.device, leg.status) for leg in call.legs if leg.number] == [("trunk-quiet", "ANSWER")]


async def test_a_trunk_that_answers_options_is_asked_first(system: System) -> None:
    number = system.new_number()
    async with (
        scripted_trunk(system, "quiet", "take_call", options=False) as quiet,
        scripted_trunk(system, "loud", "take_call", position=1) as loud,
        system.phone("alice-desk") as alice,
    ):
        await only_by(system, quiet=1, loud=2)
        for dialled_number in (number, "911"):
            await alice.dial(f"sip:{dialled_number}@{system.sip}")
            await system.until(lambda: alice.count("CALL_ESTABLISHED") > alice.count("CALL_CLOSED"), "connected")
            await alice.hang_up()
            await system.until(lambda: alice.count("CALL_ESTABLISHED") == alice.count("CALL_CLOSED"), "over")
        assert [dialled(invite) for invite in loud.received("INVITE")] == [number, "911"]
        assert quiet.received("INVITE") == []
    await system.ended_call(number)
