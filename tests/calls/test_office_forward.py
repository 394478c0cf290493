"""All leasing calls go to one number outside."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from crm.services.phones import forwarding
from crm.store.models import LeadPhone, RoutingDecision
from tests.mobile import NUMBER, mobile, picks_up
from tests.system import ELM, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

HELLO = "Good evening, this is the answering service."


async def all_calls(system: System, *, confirm: bool = True, to: str = NUMBER) -> None:
    await system.store.run(forwarding.forward_office, system.config, system.by, to=to, confirm=confirm)


async def decisions(system: System, call_id: str) -> list[RoutingDecision]:
    return await system.all(
        select(RoutingDecision).where(RoutingDecision.call_id == call_id).order_by(RoutingDecision.at)
    )


async def test_when_all_calls_are_forwarded_then_who_presses_1_there_has_the_caller(system: System) -> None:
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


async def phones(system: System, lead_id: int | None) -> list[LeadPhone]:
    return await system.all(select(LeadPhone).where(LeadPhone.lead_id == lead_id))
