"""Who rings for a caller, in which order, and what the phones and the caller notice of it."""

from __future__ import annotations

import asyncio
import dataclasses
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from ari_app.demo import listening
from ari_app.demo.softphone import Softphone
from crm.services.office import subteams
from crm.services.phones import publish
from tests.scripted_phone import returning_phone, scripted_phone
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_when_a_phone_comes_back_and_registers_where_it_was_then_it_rings_at_once(system: System) -> None:
    # Nobody's turn to be asked comes while this runs.
    rarely = msgspec.structs.replace(system.config, sip=msgspec.structs.replace(system.config.sip, qualify_seconds=600))
    await publish.publish(dataclasses.replace(system.crm, config=rarely))
    try:
        async with returning_phone(system, "alice-desk", "ring") as phone, system.caller() as caller:
            await system.to_team(caller)
            await system.until(lambda: bool(phone.received("INVITE")), "alice-desk rings")
            await caller.hang_up()
            await system.ended_call(caller.user)
    finally:
        await system.publish()


# --- strategies ---


async def test_when_one_of_two_answers_then_the_others_phone_shows_no_missed_call_pain_5(system: System) -> None:
    async with (
        system.phone("alice-desk") as alice,
        scripted_phone(system, "bob-desk", "ring") as bob,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await system.until(lambda: bool(bob.received("INVITE")), "bob's phone rings")
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(caller.user, "talk")
        await system.until(lambda: bool(bob.received("CANCEL")), "bob's phone stops")
        [cancel] = bob.received("CANCEL")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert 'Reason: SIP;cause=200;text="Call completed elsewhere"' in cancel.splitlines()
    assert {leg.device: leg.status for leg in call.legs} == {"alice-desk": "ANSWER", "bob-desk": "CANCEL"}
    assert call.outcome == "talked"


async def test_when_nobody_answered_then_the_phones_show_a_missed_call(system: System) -> None:
    async with scripted_phone(system, "bob-desk", "ring") as bob, system.caller() as caller:
        await system.to_team(caller)
        await system.until(lambda: bool(bob.received("CANCEL")), "bob's phone stops")
        [cancel, *_] = bob.received("CANCEL")
        await caller.hang_up()
        await system.ended_call(caller.user)
    assert "completed elsewhere" not in cancel


async def test_when_two_answer_at_the_same_moment_then_exactly_one_gets_the_caller(system: System) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await asyncio.gather(alice.wait_for("CALL_INCOMING"), bob.wait_for("CALL_INCOMING"))
        await asyncio.gather(*(phone.answer() for phone in (alice, bob)))
        await system.step(caller.user, "talk")
        await system.until(lambda: bool(alice.count("CALL_CLOSED")) != bool(bob.count("CALL_CLOSED")), "one is hung up")
        winner, loser = (bob, alice) if alice.count("CALL_CLOSED") else (alice, bob)
        await system.until(lambda: is_gone(system, loser.user), "the other has no channel")
        assert await system.channels(winner.user) == 1

        async def are_joined() -> bool:
            return [len(bridge["channels"]) for bridge in await system.ari("/bridges")] == [2]

        await system.until(are_joined, "the two are in one bridge, and there is no other")
        await winner.say(system.spoken("Good morning, this is the leasing office."))
        await system.hears(caller, system.spoken("Good morning, this is the leasing office."))
        await winner.hang_up()
        call = await system.ended_call(caller.user)
    assert {leg.device: leg.status for leg in call.legs} == {winner.user: "ANSWER", loser.user: "CANCEL"}
    assert [leg.device for leg in call.legs if leg.answered_at] == [winner.user]
    assert (call.outcome, call.ended_by) == ("talked", "agent")


async def is_gone(system: System, device: str) -> bool:
    return not await system.channels(device)


async def test_when_the_subteam_rings_round_robin_then_one_after_another_longest_idle_first(system: System) -> None:
    await system.store.run(subteams.change, system.by, "north", strategy="round_robin")
    await system.talked_last(alice=5, bob=50)
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await bob.wait_for("CALL_INCOMING")
        assert alice.count("CALL_INCOMING") == 0
        await alice.wait_for("CALL_INCOMING")
        await bob.wait_for("CALL_CLOSED")
        await alice.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert [(leg.device, leg.status) for leg in call.legs] == [("bob-desk", "NOANSWER"), ("alice-desk", "ANSWER")]
    assert call.legs[0].ended_at
    assert call.legs[1].started_at >= call.legs[0].ended_at, "both rang at once"


# --- who is not rung ---


@asynccontextmanager
async def only_bob_rings(system: System, alice: Softphone) -> AsyncIterator[None]:
    """Calls the team, in which of alice and bob only bob's phone may ring."""
    async with system.phone("bob-desk") as bob, system.caller() as caller:
        await system.to_team(caller)
        await bob.wait_for("CALL_INCOMING")
        assert await system.channels(alice.user) == 0
        yield
        await bob.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert await system.rang(caller.user) == {"subteam": {"bob-desk"}}
    assert alice.count("CALL_INCOMING") == 0
    assert call.outcome == "talked"


async def test_when_a_registered_phone_has_gone_silent_then_it_is_not_rung_pain_1(system: System) -> None:
    async with system.phone("alice-desk") as alice:
        alice.process.send_signal(signal.SIGSTOP)
        try:
            await system.until(lambda: system.is_offline("alice-desk"), "alice's silence noticed")
            async with only_bob_rings(system, alice):
                pass
        finally:
            alice.process.send_signal(signal.SIGCONT)


# --- the caller, meanwhile ---


async def test_when_phones_ring_then_the_caller_hears_ringback(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.to_team(caller)

        def hears_ringback() -> bool:
            return bool(listening.ringback(listening.read(caller.heard)))

        await system.until(hears_ringback, "ringback")
        await alice.answer()
        await system.step(caller.user, "talk")
        await alice.say(system.spoken("Good morning, this is the leasing office."))
        await system.hears(caller, system.spoken("Good morning, this is the leasing office."))
        await caller.hang_up()
        await system.ended_call(caller.user)
        recording = listening.read(caller.heard)
    [greeting] = listening.find(
        recording, {"greeting": listening.read(system.spoken("Good morning, this is the leasing office."))}
    )
    assert all(end <= greeting.at + 0.2 for _, end in listening.ringback(recording)), "ringback in the talk"
