"""A call rings for somebody whose console is closed: a message wakes their browser, its page opens, and rings."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ari_app.demo.softphone import Softphone
from crm.domain.access import Role
from crm.edge.push_target import PushTarget
from crm.services.access import accounts, push, sessions
from crm.services.phones import devices
from tests.asterisk import Seam
from tests.busy import only_on_duty
from tests.push_service import BrowserKeys, PushService, push_service
from tests.talks import connect, hear_each_other
from tests.voicemails import becomes, leave_voicemail, without_voicemails

pytestmark = pytest.mark.flows

SETTINGS = '[console]\npush_hosts = ["127.0.0.1"]\n\n[api]\nwebhook_networks = ["127.0.0.0/8"]\n\n[ports]'
KEYS = BrowserKeys()


@asynccontextmanager
async def with_bell(system: Seam) -> AsyncIterator[PushService]:
    """Alice alone is on duty; she has a browser with a phone in it, and asked there to be woken. Nothing of hers is
    registered."""
    async with push_service() as service, system.with_setting("[ports]", SETTINGS):
        await only_on_duty(system, "alice")
        await system.store.run(devices.add, system.secrets, system.by, "alice-web", agent="alice", kind="browser")
        await system.publish()
        with system.store.writing() as session:
            account = accounts.add(session, system.by, "alice", "Alice", Role.AGENT, agent="alice")
            now = system.now()
            token = sessions.begin(session, system.config, now, account.id, address="127.0.0.1", browser="test")
            signed_in = sessions.find(session, token, now)
            assert signed_in is not None
            target = PushTarget(f"{service.url}/alice", KEYS.public, KEYS.auth)
            push.subscribe(session, system.config, system.by, signed_in.session_id, target)
        yield service


async def test_a_closed_browser_is_woken_and_rings_while_the_caller_waits(system: Seam) -> None:
    async with with_bell(system) as service, system.caller() as caller:
        await system.to_team(caller)
        await system.until(lambda: bool(service.pushed), "a message to Alice's browser")
        [came] = service.pushed
        assert (came.headers["TTL"], came.headers["Urgency"]) == ("25", "high")
        message = json.loads(KEYS.decrypt(came.body))
        assert message["call"]
        await system.pass_time(5)
        async with answered_in_the_page(system, caller):
            await caller.hang_up()
            call = await system.ended_call(caller.user)
    assert (call.id, call.outcome) == (message["call"], "talked")


async def test_when_nobody_comes_to_the_page_then_the_caller_can_leave_a_message(system: Seam) -> None:
    async with with_bell(system) as service, system.caller() as caller:
        await system.to_team(caller)
        await system.step(caller.user, "voicemail")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        # Once, though several stages would have rung her.
        assert len(service.pushed) == 1
    assert call.legs == []


async def test_whoever_hangs_up_while_a_browser_wakes_is_gone(system: Seam) -> None:
    async with with_bell(system) as service, system.caller() as caller:
        await system.to_team(caller)
        await system.until(lambda: bool(service.pushed), "a message to Alice's browser")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.outcome == "gave_up"


async def test_a_page_that_is_open_rings_by_itself(system: Seam) -> None:
    async with with_bell(system) as service, system.phone("alice-web") as web, system.caller() as caller:
        await system.to_team(caller)
        await web.wait_for("CALL_INCOMING")
        await system.pass_time(5)
        await caller.hang_up()
        await system.ended_call(caller.user)
        assert service.pushed == []


async def test_a_browser_on_do_not_disturb_is_not_woken(system: Seam) -> None:
    async with with_bell(system) as service, system.caller() as caller:
        await system.store.run(devices.set_dnd, system.by, ["alice-web"], until=None)
        await system.to_team(caller)
        await system.step(caller.user, "voicemail")
        await caller.hang_up()
        await system.ended_call(caller.user)
        assert service.pushed == []


async def test_a_push_service_that_does_not_answer_delays_no_call(system: Seam) -> None:
    async with with_bell(system) as service, system.phone("alice-desk") as desk, system.caller() as caller:
        service.hangs = True
        await system.to_team(caller)
        await desk.wait_for("CALL_INCOMING")
        await desk.answer()
        await hear_each_other(system, caller, desk)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.outcome == "talked"


async def test_a_browser_that_is_awake_but_does_not_answer_is_rung_once(system: Seam) -> None:
    async with with_bell(system) as service, system.caller() as caller:
        await system.to_team(caller)
        await system.until(lambda: bool(service.pushed), "a message to Alice's browser")
        async with system.phone("alice-web") as web:
            await web.wait_for("CALL_INCOMING")
            await system.step(caller.user, "voicemail")
            assert len(service.pushed) == 1
        await caller.hang_up()
        await system.ended_call(caller.user)


@asynccontextmanager
async def answered_in_the_page(system: Seam, other: Softphone) -> AsyncIterator[Softphone]:
    """Alice's page opens, rings, and is answered."""
    async with system.phone("alice-web") as web:
        await web.wait_for("CALL_INCOMING")
        await web.answer()
        await hear_each_other(system, other, web)
        yield web


async def is_pushed(system: Seam, service: PushService, times: int = 1) -> None:
    await system.until(lambda: len(service.pushed) == times, "a message to Alice's browser")


async def test_a_page_that_opens_while_others_ring_rings_with_them_at_once_and_once(system: Seam) -> None:
    async with with_bell(system) as service, system.phone("bob-desk") as bob, system.caller() as caller:
        await only_on_duty(system, "alice", "bob")
        await system.to_team(caller)
        await bob.wait_for("CALL_INCOMING")
        await is_pushed(system, service)
        await system.pass_time(2)
        async with system.phone("alice-web") as web:
            await web.wait_for("CALL_INCOMING")
            assert bob.count("CALL_CLOSED") == 0
            await web.answer()
            await hear_each_other(system, caller, web)
            await bob.wait_for("CALL_CLOSED")
            assert (web.count("CALL_INCOMING"), bob.count("CALL_INCOMING")) == (1, 1)
            await caller.hang_up()
            call = await system.ended_call(caller.user)
    assert {(leg.device, leg.stage, leg.status) for leg in call.legs} == {
        ("bob-desk", "subteam", "CANCEL"),
        ("alice-web", "subteam", "ANSWER"),
    }


async def test_when_another_answers_just_as_a_page_opens_then_that_page_does_not_ring_on(system: Seam) -> None:
    async with with_bell(system) as service, system.phone("bob-desk") as bob, system.caller() as caller:
        await only_on_duty(system, "alice", "bob")
        await system.to_team(caller)
        await bob.wait_for("CALL_INCOMING")
        await is_pushed(system, service)
        async with system.phone("alice-web"):
            await bob.answer()
            await hear_each_other(system, caller, bob)
            await system.until(lambda: _nobody_rings(system), "nothing rings any more")
            await caller.hang_up()
            await system.ended_call(caller.user)


async def _nobody_rings(system: Seam) -> bool:
    return all(one.state not in ("Down", "Ringing") for one in system.pbx.channels.values())


async def test_a_blind_transfer_wakes_the_colleague_and_the_caller_waits(system: Seam) -> None:
    async with with_bell(system) as service, system.phone("bob-desk") as bob, system.caller() as caller:
        await only_on_duty(system, "bob")
        await connect(system, caller, bob)
        assert service.pushed == []
        await bob.transfer(f"sip:101@{system.sip}")
        await is_pushed(system, service)
        async with answered_in_the_page(system, caller):
            await caller.hang_up()
            call = await system.ended_call(caller.user)
    assert [event.data["way"] for event in call.events if event.kind == "Transferred"] == ["blind"]


async def test_when_the_colleague_does_not_wake_then_the_agent_has_the_caller_back(system: Seam) -> None:
    async with with_bell(system) as service, system.phone("bob-desk") as bob, system.caller() as caller:
        await only_on_duty(system, "bob")
        await connect(system, caller, bob)
        await bob.press("*1")
        await system.hears(bob, system.prompt("transfer_to"))
        await bob.press("101#")
        await is_pushed(system, service)
        await system.hears(bob, system.prompt("transfer_unavailable"))
        await hear_each_other(system, caller, bob)
        await caller.hang_up()
        await system.ended_call(caller.user)


async def test_an_attended_transfer_wakes_the_colleague(system: Seam) -> None:
    async with with_bell(system) as service, system.phone("bob-desk") as bob, system.caller() as caller:
        await only_on_duty(system, "bob")
        await connect(system, caller, bob)
        await bob.press("*2")
        await system.hears(bob, system.prompt("transfer_to"))
        await bob.press("101#")
        await is_pushed(system, service)
        async with answered_in_the_page(system, bob) as web:
            await bob.hang_up()
            await hear_each_other(system, caller, web)
            await caller.hang_up()
            await system.ended_call(caller.user)


async def test_a_colleague_who_calls_wakes_the_browser(system: Seam) -> None:
    async with with_bell(system) as service, system.phone("bob-desk") as bob:
        await bob.dial(f"sip:101@{system.sip}")
        await is_pushed(system, service)
        message = json.loads(KEYS.decrypt(service.pushed[0].body))
        assert message["title"] == "Bob"
        async with answered_in_the_page(system, bob) as web:
            await bob.hang_up()
            await web.wait_for("CALL_CLOSED")
            await system.ended_call(None)


async def test_whoever_becomes_free_is_woken_for_a_caller_in_line(system: Seam) -> None:
    """Alice's desk phone is gone as soon as she has hung up."""
    async with with_bell(system) as service, system.caller() as second:
        async with system.phone("alice-desk") as desk, system.caller() as first:
            await connect(system, first, desk)
            service.pushed.clear()
            await system.to_team(second)
            await system.step(second.user, "queue")
            assert service.pushed == []
        await is_pushed(system, service)
        async with answered_in_the_page(system, second):
            await second.hang_up()
            call = await system.ended_call(second.user)
        assert len(service.pushed) == 1
    assert [leg.stage for leg in call.legs] == ["queue"]


async def test_a_voicemail_that_nobody_has_taken_wakes_a_browser(system: Seam) -> None:
    await without_voicemails(system.store)
    async with with_bell(system) as service:
        voicemail_id = await leave_voicemail(system, escalate_at=system.now(), owner="alice")
        await is_pushed(system, service)
        async with system.phone("alice-web") as web:
            await web.wait_for("CALL_INCOMING")
            await web.answer()
            await web.press("1")
            await system.until(becomes(system, voicemail_id, lambda one: one.taken_by_id), "Alice has taken it")
