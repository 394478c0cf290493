"""Who rings for a caller, in which order, and what the phones and the caller notice of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from ari_app.demo.softphone import Softphone
from crm.services.office import agents
from crm.services.phones import devices
from tests.asterisk import Seam

pytestmark = pytest.mark.flows


# --- stages ---


async def test_when_nobody_answers_then_the_leads_agent_rings_then_the_subteam_then_everyone(system: Seam) -> None:
    number = system.new_number()
    await system.add_lead(number, agent="carol")
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        system.phone("carol-soft") as carol,
        system.caller(number) as caller,
    ):
        await system.to_team(caller)
        await system.rings(number, "agent", "carol-soft")
        assert list(await system.rang(number)) == ["agent"]
        await system.rings(number, "subteam", "alice-desk", "bob-desk")
        assert list(await system.rang(number)) == ["agent", "subteam"]
        await system.rings(number, "everyone", "alice-desk", "bob-desk", "carol-soft")
        await carol.wait_for("CALL_INCOMING", count=2)
        await system.step(number, "voicemail")
        await caller.hang_up()
        call = await system.ended_call(number)
    assert list(await system.rang(number)) == ["agent", "subteam", "everyone"]
    assert [leg.status for leg in call.legs] == ["NOANSWER"] * 6
    assert all(leg.ended_at and not leg.answered_at for leg in call.legs)
    assert (alice.count("CALL_INCOMING"), bob.count("CALL_INCOMING"), carol.count("CALL_INCOMING")) == (2, 2, 2)
    assert call.outcome == "gave_up"


async def test_when_no_phone_is_there_then_a_message_is_asked_for_at_once(system: Seam) -> None:
    async with system.caller() as caller:
        await system.to_team(caller)
        await system.step(caller.user, "voicemail")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.legs == []
    assert call.outcome == "gave_up"


@pytest.mark.parametrize("first", ["alice", "bob"])
async def test_when_two_answer_at_the_same_moment_then_exactly_one_gets_the_caller(system: Seam, first: str) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await asyncio.gather(alice.wait_for("CALL_INCOMING"), bob.wait_for("CALL_INCOMING"))
        await asyncio.gather(*(phone.answer() for phone in ((alice, bob) if first == "alice" else (bob, alice))))
        await system.step(caller.user, "talk")
        await system.until(lambda: bool(alice.count("CALL_CLOSED")) != bool(bob.count("CALL_CLOSED")), "one is hung up")
        winner, loser = (bob, alice) if alice.count("CALL_CLOSED") else (alice, bob)
        await system.until(lambda: is_gone(system, loser.user), "the other has no channel")
        assert await system.channels(winner.user) == 1
        [bridge] = await system.ari("/bridges")
        assert len(bridge["channels"]) == 2
        await winner.say(system.spoken("Good morning, this is the leasing office."))
        await system.hears(caller, system.spoken("Good morning, this is the leasing office."))
        await winner.hang_up()
        call = await system.ended_call(caller.user)
    assert {leg.device: leg.status for leg in call.legs} == {winner.user: "ANSWER", loser.user: "CANCEL"}
    assert [leg.device for leg in call.legs if leg.answered_at] == [winner.user]
    assert (call.outcome, call.ended_by) == ("talked", "agent")


async def is_gone(system: Seam, device: str) -> bool:
    return not await system.channels(device)


# --- who is not rung ---


@asynccontextmanager
async def only_bob_rings(system: Seam, alice: Softphone) -> AsyncIterator[None]:
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


async def test_when_a_device_is_on_dnd_then_it_is_not_rung(system: Seam) -> None:
    await system.store.run(devices.set_dnd, system.by, ["alice-desk"], until=None)
    async with system.phone("alice-desk") as alice, only_bob_rings(system, alice):
        pass


async def test_when_dnd_has_come_to_its_end_then_the_device_rings_again_pain_18(system: Seam) -> None:
    until = system.now() + timedelta(seconds=1)
    await system.store.run(devices.set_dnd, system.by, ["alice-desk"], until=until)
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.until(lambda: system.now() > until, "the end of DND")
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await caller.hang_up()
        await system.ended_call(caller.user)


async def test_when_an_agent_is_off_duty_then_they_are_not_rung(system: Seam) -> None:
    await system.store.run(agents.change, system.config, system.by, "alice", on_duty=False)
    async with system.phone("alice-desk") as alice, only_bob_rings(system, alice):
        pass


async def test_when_an_agent_talks_to_a_colleague_then_none_of_their_devices_rings_pain_6(system: Seam) -> None:
    await system.store.run(devices.add, system.secrets, system.by, "alice-soft", agent="alice", kind="softphone")
    await system.publish()
    async with (
        system.phone("alice-desk") as desk,
        system.phone("alice-soft") as soft,
        system.phone("carol-soft") as carol,
    ):
        await desk.dial(f"sip:103@{system.sip}")
        await carol.wait_for("CALL_INCOMING")
        await carol.answer()
        await desk.wait_for("CALL_ESTABLISHED")
        async with only_bob_rings(system, soft):
            pass
        assert desk.count("CALL_INCOMING") == 0
        assert desk.count("CALL_CLOSED") == 0, "the colleagues' talk was cut"
        await desk.hang_up()
        await carol.wait_for("CALL_CLOSED")


async def test_when_an_agent_talks_to_another_caller_then_they_are_not_rung_pain_6(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as first:
        await system.to_team(first)
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(first.user, "talk")
        async with system.phone("bob-desk") as bob, system.caller() as second:
            await system.to_team(second)
            await bob.wait_for("CALL_INCOMING")
            await second.hang_up()
            await system.ended_call(second.user)
            assert await system.rang(second.user) == {"subteam": {"bob-desk"}}
        assert alice.count("CALL_INCOMING") == 1
        await first.hang_up()
        call = await system.ended_call(first.user)
    assert call.outcome == "talked"


async def test_when_a_phone_is_busy_by_itself_then_it_is_passed_over(system: Seam) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await asyncio.gather(alice.wait_for("CALL_INCOMING"), bob.wait_for("CALL_INCOMING"))
        await alice.hang_up()
        await alice.wait_for("CALL_CLOSED")
        await bob.answer()
        await system.step(caller.user, "talk")
        await bob.hang_up()
        call = await system.ended_call(caller.user)
    assert {leg.device: leg.status for leg in call.legs} == {"alice-desk": "BUSY", "bob-desk": "ANSWER"}


async def test_when_no_phone_of_a_stage_can_ring_or_the_only_one_declines_then_the_next_comes_at_once(
    system: Seam,
) -> None:
    number = system.new_number()
    await system.add_lead(number, agent="alice")
    async with (
        # Whoever waited for a stage's end would not be here in time.
        system.with_setting(
            "agent_seconds = 3.0\nsubteam_seconds = 4.0", "agent_seconds = 300.0\nsubteam_seconds = 300.0"
        ),
        system.phone("carol-soft") as carol,
    ):
        async with system.caller(number) as caller:
            await system.to_team(caller)
            await carol.wait_for("CALL_INCOMING")
            await caller.hang_up()
            skipped = await system.ended_call(number)
        async with system.phone("alice-desk", says=603), system.caller() as caller:
            await system.to_team(caller)
            await carol.wait_for("CALL_INCOMING", count=2)
            await carol.answer()
            await system.step(caller.user, "talk")
            await caller.hang_up()
            declined = await system.ended_call(caller.user)
    assert await system.rang(number) == {"everyone": {"carol-soft"}}
    [routed] = [event for event in skipped.events if event.kind == "Routed"]
    assert routed.data["stages"] == ["agent", "subteam", "everyone"]
    assert [(leg.stage, leg.device, leg.status) for leg in declined.legs if leg.stage == "subteam"] == [
        ("subteam", "alice-desk", "BUSY")
    ]
    assert declined.legs[-1].device == "carol-soft"


async def test_when_they_hang_up_while_phones_ring_then_they_are_missed_once_pain_3_pain_4(system: Seam) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await asyncio.gather(alice.wait_for("CALL_INCOMING"), bob.wait_for("CALL_INCOMING"))
        await caller.hang_up()
        await asyncio.gather(alice.wait_for("CALL_CLOSED"), bob.wait_for("CALL_CLOSED"))
        call = await system.ended_call(caller.user)
        body = await system.carrier.text_to(caller.user)
    assert (call.outcome, call.ended_by, call.step) == ("gave_up", "caller", "ring")
    assert [leg.status for leg in call.legs] == ["CANCEL", "CANCEL"]
    assert [(task.kind, task.done_at) for task in await system.tasks_of(call)] == [("call_back", None)]
    assert [text.purpose for text in await system.texts_of(caller.user)] == ["missed_call"]
    assert system.carrier.texts_to(caller.user) == [body]
    assert "https://demo.example/elm-street" in body


async def test_when_one_calls_twice_within_the_hour_then_both_calls_are_missed_but_one_text_goes_out(
    system: Seam,
) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        for count in (1, 2):
            await system.to_team(caller)
            await alice.wait_for("CALL_INCOMING", count=count)
            await caller.hang_up()
            await system.ended_call(caller.user)
            await caller.wait_for("CALL_CLOSED", count=count)
        await system.carrier.text_to(caller.user)
        calls = await system.calls_from(caller.user)
    assert [call.outcome for call in calls] == ["gave_up", "gave_up"]
    tasks = [task.kind for call in calls for task in await system.tasks_of(call)]
    assert tasks == ["call_back", "call_back"]
    assert len({call.lead_id for call in calls}) == 1
    assert len(await system.texts_of(caller.user)) == len(system.carrier.texts_to(caller.user)) == 1


async def test_when_two_callers_ring_the_same_team_then_two_agents_take_one_each(system: Seam) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        system.caller() as first,
        system.caller() as second,
    ):
        for caller in (first, second):
            await system.dial(caller)
            await system.step(caller.user, "menu")
            await caller.press("2")
        await alice.wait_for("CALL_INCOMING", count=2)
        await bob.wait_for("CALL_INCOMING", count=2)
        await alice.answer()
        # Who answered is rung by nobody else from now on (pain_6), and Bob's phone rings for the other caller alone.
        await alice.wait_for("CALL_CLOSED")
        await bob.wait_for("CALL_CLOSED")
        await bob.answer()
        for caller in (first, second):
            await system.step(caller.user, "talk")
        for caller in (first, second):
            await caller.hang_up()
        calls = [await system.ended_call(caller.user) for caller in (first, second)]
    assert [call.outcome for call in calls] == ["talked", "talked"]
    answered = [leg.device for call in calls for leg in call.legs if leg.status == "ANSWER"]
    assert sorted(answered) == ["alice-desk", "bob-desk"]
