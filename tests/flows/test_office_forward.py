"""All leasing calls go to one outside number."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, update

from crm.services.phones import forwarding
from crm.store.models import LeadPhone, Organization, RoutingDecision, Trunk
from tests.asterisk import ELM, Seam
from tests.flows.people import NUMBER, mobile, picks_up, trunk

pytestmark = pytest.mark.flows

HELLO = "Good evening, this is the answering service."


async def all_calls(system: Seam, *, confirm: bool = True, to: str = NUMBER) -> None:
    await system.store.run(forwarding.forward_office, system.config, system.by, to=to, confirm=confirm)


async def decisions(system: Seam, call_id: str) -> list[RoutingDecision]:
    return await system.all(
        select(RoutingDecision).where(RoutingDecision.call_id == call_id).order_by(RoutingDecision.at)
    )


async def phones(system: Seam, lead_id: int | None) -> list[LeadPhone]:
    return await system.all(select(LeadPhone).where(LeadPhone.lead_id == lead_id))


async def test_when_all_calls_are_forwarded_then_who_presses_1_there_has_the_caller(system: Seam) -> None:
    await all_calls(system)
    async with system.phone("alice-desk") as alice, mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        shown = await cell.wait_for("CALL_INCOMING")
        assert f"sip:{ELM}@" in shown.param
        await picks_up(cell)
        await system.hears(cell, system.prompt("whisper_two_keys"))
        await cell.press("1")
        await system.step(caller.user, "talk")
        await cell.say(system.spoken(HELLO))
        await system.hears(caller, system.spoken(HELLO))
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        assert alice.count("CALL_INCOMING") == 0
    assert (call.outcome, [(leg.stage, leg.number, leg.status) for leg in call.legs]) == (
        "handed_over",
        [("office", NUMBER, "ANSWER")],
    )
    assert call.lead
    assert (call.lead.name, [phone.number for phone in await phones(system, call.lead_id)]) == (None, [caller.user])
    assert await system.tasks_of(call) == []
    assert await system.texts_of(caller.user) == []
    [decision] = await decisions(system, call.id)
    assert (decision.rule, decision.stages) == ("office_forward", ["office"])


async def test_when_nobody_is_there_then_the_caller_is_missed_as_usual_pain_3_pain_7(system: Seam) -> None:
    await all_calls(system)
    async with system.phone("alice-desk") as alice, mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await picks_up(cell)  # voicemail, which presses nothing
        await cell.wait_for("CALL_CLOSED", seconds=30)
        await system.hears(caller, system.prompt("nobody_available"))
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        await system.carrier.text_to(caller.user)
        assert alice.count("CALL_INCOMING") == 0
    assert (call.outcome, call.step) == ("gave_up", "voicemail")
    assert [(leg.stage, leg.status) for leg in call.legs] == [("office", "NOANSWER")]
    assert [task.kind for task in await system.tasks_of(call)] == ["call_back"]


async def test_when_no_trunk_takes_it_then_the_team_rings_and_the_decision_says_why(system: Seam) -> None:
    await all_calls(system)
    async with (
        trunk(system, "broken", "", position=-1, says=503),
        system.phone("alice-desk") as alice,
        system.caller() as caller,
    ):
        await only(system, "broken")
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.outcome == "talked"
    first, second = await decisions(system, call.id)
    assert (first.rule, second.rule) == ("office_forward", "subteam")
    assert any("could not be reached" in reason for reason in second.reasons)


async def only(system: Seam, slug: str) -> None:
    """Calls of ours go out by this trunk alone."""
    with system.store.writing() as session:
        session.execute(update(Trunk).where(Trunk.slug != slug).values(outbound=False))


async def test_when_the_number_may_not_be_dialled_any_more_then_the_team_rings(system: Seam) -> None:
    with system.store.writing() as session:
        # As an earlier version, or another setting, allowed it.
        session.execute(update(Organization).values(forward_to="+19005550150"))
    async with mobile(system) as cell, system.phone("alice-desk") as alice, system.caller() as caller:
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        assert cell.count("CALL_INCOMING") == 0
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert {leg.stage for leg in call.legs} == {"subteam"}
    _, second = await decisions(system, call.id)
    assert any("premium-rate" in reason for reason in second.reasons)


async def test_when_two_call_at_once_then_both_are_forwarded(system: Seam) -> None:
    await all_calls(system, confirm=False)
    async with mobile(system) as cell, system.caller() as first, system.caller() as second:
        await asyncio.gather(system.to_team(first), system.to_team(second))
        await cell.wait_for("CALL_INCOMING", count=2)
        for caller in (first, second):
            await caller.hang_up()
        calls = [await system.ended_call(caller.user) for caller in (first, second)]
    assert [[(leg.stage, leg.status) for leg in call.legs] for call in calls] == [[("office", "CANCEL")]] * 2
