"""Agents call people outside: from their phones, by order, and back; through real trunks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from ari_app.demo.softphone import Softphone
from crm.services.audit import By
from crm.services.calls import orders
from crm.services.phones.spoken import spoken
from crm.store.models import Activity, Call, Dialled, Leg, Trunk
from crm.views import orders as placed
from tests.outside import digest_carrier, only_by, person
from tests.scripted_phone import raw_calls
from tests.scripted_trunk import scripted_trunk
from tests.system import ELM, System
from tests.talks import hear_each_other

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def legs_outside(system: System, number: str) -> list[Leg]:
    call = await system.call_from(number)
    return [leg for leg in call.legs if leg.number]


async def timeline(system: System, call: Call) -> list[tuple[str, str]]:
    found = await system.all(select(Activity).where(Activity.lead_id == call.lead_id).order_by(Activity.at))
    return [(entry.kind, entry.text) for entry in found]


async def dials(phone: Softphone, system: System, number: str) -> None:
    await phone.dial(f"sip:{number}@{system.sip}")


async def test_when_an_agent_dials_as_usual_then_the_two_talk_and_it_is_on_record(system: System) -> None:
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        await dials(alice, system, prospect.user.removeprefix("+1"))
        incoming = await prospect.wait_for("CALL_INCOMING")
        assert ELM in incoming.param, "the leasing line of her property is the caller ID"
        await prospect.answer()
        await alice.wait_for("CALL_ESTABLISHED")
        await hear_each_other(system, alice, prospect)
        await alice.hang_up()
        await asyncio.gather(alice.wait_for("CALL_CLOSED"), prospect.wait_for("CALL_CLOSED"))
        call = await system.ended_call(prospect.user)
    assert (call.direction, call.outcome, call.did, call.ended_by) == ("out", "talked", ELM, "agent")
    assert call.talk_started_at
    assert call.ended_at
    assert await system.tasks_of(call) == []
    [(kind, text)] = await timeline(system, call)
    assert (kind, text.split(" for ")[0]) == ("CallToProspect", "Alice called and talked")
    [leg] = await legs_outside(system, prospect.user)
    assert (leg.status, leg.number, leg.stage) == ("ANSWER", prospect.user, "outside")


@pytest.mark.parametrize("scenario", ["unavailable", "silent"])
async def test_when_a_trunk_answers_503_or_nothing_then_the_next_one_takes_the_call(
    system: System, scenario: str
) -> None:
    async with (
        system.phone("alice-desk") as alice,
        person(system) as prospect,
        scripted_trunk(system, "first", scenario, emergency=False) as first,
    ):
        await only_by(system, first=1, acme=2)
        await system.until(lambda: system.is_online("trunk-first"), "trunk first online")
        await dials(alice, system, prospect.user)
        await prospect.wait_for("CALL_INCOMING")
        await prospect.answer()
        await system.step(prospect.user, "talk")
        await alice.hang_up()
        call = await system.ended_call(prospect.user)
        assert len(first.received("INVITE")) == 1
    assert call.outcome == "talked"
    legs = await legs_outside(system, prospect.user)
    assert [(leg.device, leg.status) for leg in legs] == [("trunk-first", "CONGESTION"), ("trunk-acme", "ANSWER")]
    assert prospect.count("CALL_INCOMING") == 1


async def test_when_a_trunk_is_known_to_be_away_then_it_is_tried_last(system: System) -> None:
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        async with scripted_trunk(system, "first", "silent", emergency=False):
            pass
        await only_by(system, first=1, acme=2)
        await system.until(lambda: system.is_offline("trunk-first"), "trunk first offline")
        await dials(alice, system, prospect.user)
        await prospect.wait_for("CALL_INCOMING")
        await alice.wait_for("CALL_RINGING")
        await alice.hang_up()
        await system.ended_call(prospect.user)
    assert [leg.device for leg in await legs_outside(system, prospect.user)] == ["trunk-acme"]


async def test_when_the_person_is_busy_then_that_is_the_answer_and_no_other_trunk_is_asked(system: System) -> None:
    number = system.new_number()
    async with (
        system.phone("alice-desk") as alice,
        scripted_trunk(system, "first", "busy", emergency=False),
        scripted_trunk(system, "second", "take_call", position=1, emergency=False) as second,
    ):
        await only_by(system, first=1, second=2)
        await dials(alice, system, number)
        closed = await alice.wait_for("CALL_CLOSED")
        assert "486" in closed.param
        call = await system.ended_call(number)
        assert second.received("INVITE") == []
    assert call.outcome == "not_reached"
    [task] = await system.tasks_of(call)
    assert (task.kind, task.owner.slug) == ("call_back", "alice")
    assert await timeline(system, call) == [("CallToProspect", "Alice called and reached nobody.")]
    assert await system.texts_of(number) == []


async def test_when_the_trunk_fails_in_the_moment_of_the_answer_then_the_agent_hears_it_and_nobody_has_talked(
    system: System,
) -> None:
    number = system.new_number()
    async with (
        system.phone("alice-desk") as alice,
        scripted_trunk(system, "first", "answer_and_fail", emergency=False),
    ):
        await only_by(system, first=1)
        await dials(alice, system, number)
        await system.hears(alice, system.prompt("outside_failed"))
        await alice.wait_for("CALL_CLOSED")
        call = await system.ended_call(number)
    assert (call.outcome, call.ended_by, call.talk_started_at) == ("not_reached", "system", None)
    assert [(leg.device, leg.status) for leg in await legs_outside(system, number)] == [("trunk-first", "CONGESTION")]
    [task] = await system.tasks_of(call)
    assert (task.kind, task.owner.slug) == ("call_back", "alice")


async def test_when_the_agent_hangs_up_in_the_moment_of_the_answer_then_the_person_is_let_go(system: System) -> None:
    async with person(system) as prospect:
        fields = f"sip:alice-desk@{system.sip}", f"sip:{prospect.user}@{system.sip}"
        leaves = asyncio.create_task(raw_calls(system, [fields], 0, device="alice-desk"))
        await prospect.wait_for("CALL_INCOMING")
        await prospect.answer()
        await asyncio.gather(leaves, prospect.wait_for("CALL_CLOSED"))
        call = await system.ended_call(prospect.user)
    assert (call.ended_by, call.without_app) == ("agent", False)
    lines = (system.config.home / "log" / "app.log").read_text().splitlines()
    assert not [line for line in lines if call.id in line and "ended before its person" in line]


@pytest.mark.parametrize(("register", "proxy"), [(True, False), (False, True)])
async def test_a_trunk_that_asks_for_the_password_gets_it(system: System, register: bool, proxy: bool) -> None:
    """One that we register with and that asks by 401, and one known by its address that asks by 407."""
    number = system.new_number()
    async with system.phone("alice-desk") as alice, digest_carrier(system, register=register, proxy=proxy) as carrier:
        if register:
            await system.until(lambda: carrier.registered > 0, "registered with the carrier")
        await dials(alice, system, number)
        await system.step(number, "talk")
        await alice.hang_up()
        call = await system.ended_call(number)
        assert carrier.called[0] == number
        assert carrier.shown[0] == ELM
    assert call.outcome == "talked"


async def test_the_trunk_gets_numbers_as_it_wants_them(system: System) -> None:
    number = system.new_number()
    async with system.phone("alice-desk") as alice, digest_carrier(system, register=False, proxy=False) as carrier:
        with system.store.writing() as session:
            session.execute(update(Trunk).where(Trunk.slug == "acme").values(numbers="national"))
        await dials(alice, system, number)
        await alice.wait_for("CALL_ESTABLISHED")
        await alice.hang_up()
        await system.ended_call(number)
    assert (carrier.called[0], carrier.shown[0]) == (number.removeprefix("+1"), ELM.removeprefix("+1"))


@pytest.mark.parametrize(
    ("dialled", "why"),
    [("19005550123", "That is a premium-rate number, so it is blocked.")],
)
async def test_when_a_number_may_not_be_dialled_then_the_agent_hears_why_and_nothing_is_dialled(
    system: System, dialled: str, why: str
) -> None:
    calls = len(await system.all(select(Call)))
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        await dials(alice, system, dialled)
        await alice.wait_for("CALL_ESTABLISHED")
        await system.hears(alice, await spoken(system.config, why))
        await alice.wait_for("CALL_CLOSED")
        assert prospect.count("CALL_INCOMING") == 0
    [*_, answer] = await system.all(select(Dialled).order_by(Dialled.id))
    assert (answer.allowed, answer.purpose) == (False, "desk")
    assert answer.reason.startswith(why.rstrip(".")), "for an admin, who also reads where to change that"
    assert len(await system.all(select(Call))) == calls, "nothing is on record but the answer"


async def test_when_the_app_is_down_then_a_phone_hears_that_outside_cannot_be_called(system: System) -> None:
    await system.kill_app()
    try:
        async with system.phone("alice-desk") as alice, person(system) as prospect:
            await dials(alice, system, prospect.user)
            await alice.wait_for("CALL_ESTABLISHED")
            await system.hears(alice, system.prompt("outside_unavailable"))
            await alice.wait_for("CALL_CLOSED")
            assert prospect.count("CALL_INCOMING") == 0
    finally:
        await system.start_app()


# --- by order ---


async def test_when_a_call_is_ordered_then_the_agent_is_rung_and_then_the_lead(system: System) -> None:
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        await system.add_lead(prospect.user)
        order = await system.store.run(orders.place, system.config, now(system), agent="alice", to=prospect.user)
        await alice.wait_for("CALL_INCOMING")
        assert prospect.count("CALL_INCOMING") == 0
        await alice.answer()
        await prospect.wait_for("CALL_INCOMING")
        await prospect.answer()
        await system.step(prospect.user, "talk")
        await hear_each_other(system, alice, prospect)
        await alice.hang_up()
        call = await system.ended_call(prospect.user)
    kept = await system.store.read(placed.one, order.id)
    assert (kept.state, kept.call) == ("done", call.id)
    assert (call.direction, call.outcome, call.ended_by) == ("out", "talked", "agent")
    assert call.lead_id == order.lead_id
    assert [(leg.device, leg.stage) for leg in call.legs if not leg.number] == [("alice-desk", "order")]


def now(system: System) -> By:
    return By("tests", datetime.now(UTC))
