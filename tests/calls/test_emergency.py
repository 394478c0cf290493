"""911, 9911 and 933 go out from every phone. The carrier is SIPp on loopback; no call leaves this machine."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from sqlalchemy import select, update

from ari_app.demo.softphone import Softphone
from crm.services.audit import By
from crm.services.phones import emergencies
from crm.store.models import Agent, EmergencyCall
from tests.scripted_trunk import scripted_trunk
from tests.system import ELM, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


@asynccontextmanager
async def connected(system: System, dialled: str, phone: Softphone) -> AsyncIterator[None]:
    """The phone dials and is connected with the emergency service; at the end it hangs up."""
    await phone.dial(f"sip:{dialled}@{system.sip}")
    await phone.wait_for("CALL_ESTABLISHED")
    yield
    await phone.hang_up()
    await phone.wait_for("CALL_CLOSED")


def dialled_by(invite: str) -> str:
    """The user of an INVITE's request URI."""
    found = re.match(r"INVITE sip:([^@]*)@", invite)
    assert found
    return found[1]


def header(invite: str, name: str) -> str:
    found = re.search(rf"^{name}: *(.*?)\r?$", invite, re.MULTILINE | re.IGNORECASE)
    assert found, f"no {name} in {invite}"
    return found[1]


@pytest.mark.parametrize(("dialled", "sent"), [("911", "911"), ("9911", "911"), ("933", "933")])
async def test_pain_15_no_digit_is_stripped_of_an_emergency_number(system: System, dialled: str, sent: str) -> None:
    async with scripted_trunk(system, "psap", "take_call") as carrier, system.phone("alice-desk") as alice:
        async with connected(system, dialled, alice):
            pass
        [invite] = carrier.received("INVITE")
    assert dialled_by(invite) == sent
    assert f"<sip:{ELM}@" in header(invite, "From")


@pytest.mark.parametrize("scenario", ["unavailable", "busy", "silent"])
async def test_when_a_trunk_fails_then_the_next_takes_the_call(system: System, scenario: str) -> None:
    async with (
        scripted_trunk(system, "first", scenario, position=0) as first,
        scripted_trunk(system, "second", "take_call", position=1) as second,
        system.phone("alice-desk") as alice,
    ):
        async with connected(system, "911", alice):
            pass
        [refused], [taken] = first.received("INVITE"), second.received("INVITE")
    assert dialled_by(refused) == dialled_by(taken) == "911"
    assert header(refused, "From").partition(">")[0] == header(taken, "From").partition(">")[0]


async def test_when_a_trunk_is_slow_but_there_then_it_keeps_the_call(system: System) -> None:
    async with (
        scripted_trunk(system, "first", "take_call_late", position=0) as first,
        scripted_trunk(system, "second", "take_call", position=1) as second,
        system.phone("alice-desk") as alice,
    ):
        async with connected(system, "911", alice):
            pass
        assert len(first.received("INVITE")) == 1
        assert second.received("INVITE") == []


async def test_when_the_emergency_service_calls_back_then_the_phone_that_called_rings(system: System) -> None:
    """No menu, and not only the agents on duty; over a restart of Asterisk, and without the app, too, until somebody
    acknowledges the call."""
    with system.store.writing() as session:
        session.execute(update(Agent).where(Agent.slug.in_(("alice", "bob"))).values(on_duty=False))
    await system.publish()
    async with (
        scripted_trunk(system, "psap", "take_call"),
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        system.phone("carol-soft") as carol,
        system.caller() as service,
    ):
        async with connected(system, "911", alice):
            pass
        await service.dial(f"sip:{ELM}@{system.sip}")
        await alice.wait_for("CALL_INCOMING")
        await carol.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(service.user, "talk")
        await service.hang_up()
        await carol.wait_for("CALL_CLOSED")
        call = await system.ended_call(service.user)
        assert bob.count("CALL_INCOMING") == 0
        assert (alice.count("CALL_INCOMING"), carol.count("CALL_INCOMING")) == (1, 1)
    assert (call.outcome, call.without_app) == ("talked", False)
    # It may have been a prospect: their call is kept as any other.
    assert call.lead_id is not None
    await system.kill_app()
    await system.asterisk.stop()
    await system.asterisk.start()
    await system.until(lambda: answers(system), "Asterisk answers again")
    # Who is told from outside to load its dialplan may not read its own database while it does.
    with system.store.writing() as session:
        session.execute(update(Agent).where(Agent.slug == "bob").values(on_duty=True))
    await system.publish()
    async with system.phone("alice-desk") as alice, system.caller() as service:
        await service.dial(f"sip:{ELM}@{system.sip}")
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await alice.wait_for("CALL_ESTABLISHED")
        await service.hang_up()
        await system.start_app()
        call = await system.ended_call(service.user)
    assert (call.outcome, call.without_app) == ("talked", True)

    def is_over() -> bool:
        ours = EmergencyCall.started_at >= system.started, EmergencyCall.ended_at.is_not(None)
        return bool(system.rows(select(EmergencyCall).where(*ours)))

    await system.until(is_over, "the emergency call is on record")
    [dialed] = await system.all(select(EmergencyCall).where(EmergencyCall.started_at >= system.started))
    await system.store.run(emergencies.acknowledge, system.config, By("tests", datetime.now(UTC)), dialed.id)
    await system.publish()
    async with system.phone("alice-desk") as alice, system.caller() as prospect:
        await system.dial(prospect)
        await system.step(prospect.user, "menu")
        await prospect.hang_up()
        await system.ended_call(prospect.user)
        assert alice.count("CALL_INCOMING") == 0


async def answers(system: System) -> bool:
    try:
        # While Asterisk starts it answers with an error, which is no list.
        return isinstance(await system.ari("/endpoints"), list)
    except aiohttp.ClientError:
        return False


async def test_the_crisis_line_is_reached_and_nobody_is_told(system: System) -> None:
    async with scripted_trunk(system, "psap", "take_call") as carrier, system.phone("alice-desk") as alice:
        async with connected(system, "988", alice):
            pass
        [invite] = carrier.received("INVITE")
    assert dialled_by(invite) == "988"
    assert await system.all(select(EmergencyCall).where(EmergencyCall.started_at >= system.started)) == []
    assert not list(system.config.spool_folder.glob("*.emergency"))
