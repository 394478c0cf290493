"""Forwarded calls on record, and forwarding as it is stored."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.calls import CallStep, DialStatus, LegEnded, LegRang, TalkEnded, TalkStarted
from crm.domain.dialing import DialRefused
from crm.domain.ringing import Mobile, Phone
from crm.services.audit import By
from crm.services.phones import devices, forwarding
from crm.services.routing import reception
from crm.store.models import Activity, Device, Message
from crm.store.session import Store
from crm.views import forwarding as views
from tests.store.test_ledger import CallMaker, all_tasks, all_texts, record, the_call, the_lead

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
BY = By("tests", NOW)
NUMBER = "+15125550150"


def forwarded(device: str, stage: str, *, talked: bool) -> CallMaker:
    call = CallMaker().step(CallStep.MENU).step(CallStep.RING)
    agent = device.partition("-")[0] if device.endswith("-mobile") else ""
    call.add(LegRang, leg_id="leg", device=device, agent=agent, stage=stage, number=NUMBER)
    if talked:
        call.add(TalkStarted, leg_id="leg").step(CallStep.TALK).add(TalkEnded, leg_id="leg")
    return call.add(LegEnded, leg_id="leg", status=DialStatus.ANSWER if talked else DialStatus.NOANSWER)


async def test_a_call_that_the_office_s_number_took_is_handed_over(store: Store, config: Config) -> None:
    await record(store, config, forwarded("trunk-acme", "office", talked=True).ended())
    call = await the_call(store)
    assert call.outcome == "handed_over"
    [leg] = call.legs
    assert (leg.number, leg.stage, leg.status, leg.agent_id) == (NUMBER, "office", "ANSWER", None)
    lead = await the_lead(store)
    assert (lead.name, lead.status, lead.assigned_agent) == (None, "in_progress", None)
    assert await all_tasks(store) == []
    assert await all_texts(store) == []
    with store.reading() as session:
        [entry] = session.scalars(select(Activity))
    assert entry.text == "Called Maple Court and was connected with the number that calls are forwarded to."


async def test_a_call_that_nobody_took_there_is_missed_as_usual_pain_3(store: Store, config: Config) -> None:
    await record(store, config, forwarded("trunk-acme", "office", talked=False).step(CallStep.VOICEMAIL).ended())
    assert (await the_call(store)).outcome == "gave_up"
    assert [kind for kind, _ in await all_tasks(store)] == ["call_back"]
    assert len(await all_texts(store)) == 1


async def test_a_talk_on_a_mobile_is_its_agent_s(store: Store, config: Config) -> None:
    await record(store, config, forwarded("bob-mobile", "subteam", talked=True).ended())
    call = await the_call(store)
    lead = await the_lead(store)
    assert call.outcome == "talked"
    assert lead.assigned_agent
    assert (lead.assigned_agent.slug, call.legs[0].number) == ("bob", NUMBER)


async def test_a_leg_that_answered_without_a_digit_is_no_talk_pain_4_pain_7(store: Store, config: Config) -> None:
    await record(store, config, forwarded("bob-mobile", "subteam", talked=False).step(CallStep.VOICEMAIL).ended())
    call = await the_call(store)
    [leg] = call.legs
    assert (call.outcome, call.talk_started_at, leg.status, leg.answered_at) == ("gave_up", None, "NOANSWER", None)
    assert len(await all_tasks(store)) == 1
    with store.reading() as session:
        assert len(session.scalars(select(Message)).all()) == 1


async def test_what_is_switched_on_is_what_flows_see(store: Store, config: Config) -> None:
    await store.run(forwarding.switch_on, config, BY, "alice", to="(512) 555-0150", after_seconds=4)
    [alice, *_] = await store.read(reception.availability, config, online={"alice-desk"})
    assert alice.reachable_devices(NOW) == (
        Phone("alice-desk", "alice"),
        Mobile(NUMBER, device="alice-mobile", agent="alice", after_seconds=4),
    )
    await store.run(forwarding.switch_off, BY, "alice")
    [alice, *_] = await store.read(reception.availability, config, online={"alice-desk"})
    assert [ref.device for ref in alice.reachable_devices(NOW)] == ["alice-desk"]
    assert [one.agent for one in await store.read(views.personal, config, NOW)] == ["alice"]


async def test_what_is_refused_leaves_nothing_behind(store: Store, config: Config) -> None:
    for act in (
        store.run(forwarding.switch_on, config, BY, "alice", to="911"),
        store.run(forwarding.forward_office, config, BY, to="+19005550150", confirm=True),
        store.run(devices.add_mobile, config, BY, "alice-cell", agent="alice", number="+18765550150"),
    ):
        with pytest.raises(DialRefused):
            await act
    with store.reading() as session:
        assert not session.scalars(select(Device).where(Device.kind == "mobile")).all()
    assert await store.read(views.personal, config, NOW) == []
    assert (await store.read(views.of_office, config)).number is None


async def test_where_all_calls_go_is_kept_and_ended(store: Store, config: Config) -> None:
    await store.run(forwarding.forward_office, config, BY, to="512-555-0190", confirm=False)
    found = await store.read(views.of_office, config)
    assert (found.number, found.confirm, found.refusal) == ("+15125550190", False, "")
    await store.run(forwarding.end_office, BY)
    assert (await store.read(views.of_office, config)).number is None
