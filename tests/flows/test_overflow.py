"""Everybody is in a talk: others help out, callers wait, leave a message or are called back."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import selectinload

from crm.store.models import CallOrder, Organization, Subteam
from tests.asterisk import Seam
from tests.busy import only_on_duty
from tests.flows.people import NUMBER, forward, hears_beginning, mobile, person, picks_up
from tests.talks import connect

pytestmark = pytest.mark.flows


async def test_when_all_of_a_subteam_talk_then_its_sister_subteam_rings_and_nobody_who_talks_pain_6(
    system: Seam,
) -> None:
    await only_on_duty(system, "alice", "carol")
    with system.store.writing() as session:
        whole = select(Subteam).options(selectinload(Subteam.sisters))
        teams = {one.slug: one for one in session.scalars(whole)}
        teams["north"].sisters.append(teams["south"])
    async with (
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as first,
        system.caller() as second,
    ):
        await connect(system, first, alice)
        await connect(system, second, carol)
        assert (await system.rang(second.user)) == {"sisters": {"carol-soft"}}
        assert alice.count("CALL_INCOMING") == 1
        for caller in (first, second):
            await caller.hang_up()
        assert (await system.ended_call(second.user)).outcome == "talked"


async def test_when_a_mobile_is_rung_in_the_line_then_2_passes_one_caller_on_for_good_and_1_takes_the_next_pain_7(
    system: Seam,
) -> None:
    await only_on_duty(system, "alice")
    await forward(system)
    spanish = system.new_number()
    await system.add_lead(spanish, language="es")
    async with (
        mobile(system) as cell,
        system.caller() as first,
        system.caller() as second,
        system.caller(spanish) as third,
    ):
        await system.to_team(first)
        await picks_up(cell)
        await cell.press("1")
        await system.step(first.user, "talk")
        await system.to_team(second)
        await system.step(second.user, "queue")
        await system.to_team(third)
        await system.hears(third, await system.phrase("queue_position", "es", name="2"))
        await system.hears(third, system.prompt("queue_offer", "es"))
        await first.hang_up()
        await picks_up(cell, 2)
        await system.hears(cell, system.prompt("whisper_two_keys"))
        assert (await system.call_from(second.user)).talk_started_at is None
        await cell.press("2")
        await picks_up(cell, 3)
        await cell.press("1")
        await system.step(third.user, "talk")
        # Whoever was there for the second has passed: nobody is left to wait for.
        await system.step(second.user, "voicemail")
        await second.hang_up()
        await third.hang_up()
        served, passed = await system.ended_call(third.user), await system.ended_call(second.user)
    for call, outcome, status in ((served, "talked", "ANSWER"), (passed, "gave_up", "NOANSWER")):
        legs = [(leg.device, leg.stage, leg.status) for leg in call.legs]
        assert (call.outcome, legs) == (outcome, [("alice-mobile", "queue", status)])
    assert [task.kind for task in await system.tasks_of(passed)] == ["call_back"]


async def test_when_the_longest_wait_is_over_then_a_message_is_taken_in_the_callers_language(system: Seam) -> None:
    await only_on_duty(system, "alice")
    spanish = system.new_number()
    await system.add_lead(spanish, agent="alice", language="es")
    async with (
        system.with_setting("position_seconds = 6.0", "position_seconds = 6.0\nlongest_seconds = 1.0"),
        system.phone("alice-desk") as alice,
        system.caller() as first,
        system.caller(spanish) as second,
    ):
        await connect(system, first, alice)
        await system.to_team(second)
        for prompt in ("queue_next", "queue_offer", "nobody_available"):
            await hears_beginning(system, second, system.prompt(prompt, "es"))
        await system.recording(second.user)
        await second.say(system.spoken("I would like to see a home on Saturday, please call me back."))
        await second.wait_for("CALL_CLOSED", seconds=30)
        call = await system.ended_call(second.user)
        assert alice.count("CALL_INCOMING") == 1
        await first.hang_up()
        await system.ended_call(first.user)
    assert (call.outcome, call.step, call.legs) == ("left_voicemail", "voicemail", [])
    assert [(task.kind, task.owner.slug) for task in await system.tasks_of(call)] == [("listen", "alice")]


async def test_when_a_caller_keeps_the_place_then_the_agent_is_rung_in_their_turn_and_the_caller_dialled(
    system: Seam,
) -> None:
    await only_on_duty(system, "alice")
    async with system.phone("alice-desk") as alice, person(system) as prospect, system.caller() as first:
        await connect(system, first, alice)
        async with system.caller(prospect.user) as caller:
            await system.to_team(caller)
            await system.step(caller.user, "queue")
            await caller.press("1")
            await hears_beginning(system, caller, system.prompt("place_kept"))
            await caller.wait_for("CALL_CLOSED")
        kept = await system.ended_call(prospect.user)
        assert (kept.outcome, [task.kind for task in await system.tasks_of(kept)]) == ("callback", ["call_back"])
        assert "holding your place" in await system.carrier.text_to(prospect.user)
        assert alice.count("CALL_INCOMING") == 1
        await first.hang_up()
        await alice.wait_for("CALL_INCOMING", 2)
        await alice.answer()
        await prospect.wait_for("CALL_INCOMING")
        await prospect.answer()
        await system.step(prospect.user, "talk")
        await prospect.hang_up()
        await alice.wait_for("CALL_CLOSED", 2)
        call = await system.ended_call(prospect.user)
    assert (call.direction, call.outcome) == ("out", "talked")
    assert [task.done_at is not None for task in await system.tasks_of(kept)] == [True]
    [order] = await system.all(select(CallOrder).where(CallOrder.call_id == call.id))
    assert (order.state, order.agents) == ("done", ["alice"])
    assert len(system.carrier.texts_to(prospect.user)) == 1


async def test_when_nobody_is_there_then_the_answering_service_has_the_caller_once_it_presses_1_pain_7(
    system: Seam,
) -> None:
    with system.store.writing() as session:
        session.execute(update(Organization).values(answering_service=NUMBER))
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await picks_up(cell)
        await system.hears(cell, system.prompt("whisper_two_keys"))
        assert (await system.call_from(caller.user)).talk_started_at is None
        await cell.press("1")
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert (call.outcome, [(leg.stage, leg.number, leg.status) for leg in call.legs]) == (
        "handed_over",
        [("answering", NUMBER, "ANSWER")],
    )
    assert call.lead is not None
    assert await system.tasks_of(call) == []
