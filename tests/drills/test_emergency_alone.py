"""911 goes out with the app, the database, or both away, and the office hears of it as soon as they are back."""

from __future__ import annotations

import contextlib

import aiohttp
import pytest
from sqlalchemy import delete, select, update

from crm.store.models import Agent, Mail
from crm.views import emergencies
from tests.drills.test_database_away import broken, locked
from tests.scripted_trunk import scripted_trunk
from tests.system import ELM, System

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


async def answers(system: System) -> bool:
    try:
        # While Asterisk starts it answers with an error, which is no list.
        return isinstance(await system.ari("/endpoints"), list)
    except aiohttp.ClientError:
        return False


@pytest.mark.parametrize(
    "away", ["app", "database", "broken database", "app and database", "everything but Asterisk's files"]
)
async def test_911_goes_out_whatever_is_away(system: System, away: str) -> None:
    with system.store.writing() as session:
        session.execute(update(Agent).where(Agent.slug == "alice").values(email="alice@example.com"))
        session.execute(delete(Mail))
    async with scripted_trunk(system, "psap", "take_call") as carrier:
        if "app" in away or "Asterisk" in away:
            await system.kill_app()
        database = broken if "broken" in away else locked if away != "app" else None
        with database(system) if database else contextlib.nullcontext():
            if "Asterisk" in away:
                await system.asterisk.stop()
                await system.asterisk.start()
                await system.until(lambda: answers(system), "Asterisk answers again")
            async with system.phone("alice-desk") as alice:
                await alice.dial(f"sip:911@{system.sip}")
                await alice.wait_for("CALL_ESTABLISHED")
                await alice.hang_up()
                await alice.wait_for("CALL_CLOSED")
            [invite] = carrier.received("INVITE")
        if system.app.process is None or system.app.process.returncode is not None:
            await system.start_app()

        async def told() -> bool:
            found = await system.store.read(emergencies.listed, since=system.started)
            return bool(found) and found[0].ended_at is not None

        await system.until(told, "the call is on record", seconds=30)
    assert invite.startswith("INVITE sip:911@")
    assert f"<sip:{ELM}@" in invite
    call = (await system.store.read(emergencies.listed, since=system.started))[0]
    assert (call.dialled, call.device, call.agent, call.status) == ("911", "alice-desk", "alice", "ANSWER")
    [mail] = await system.all(select(Mail))
    assert (mail.to_address, mail.subject) == ("alice@example.com", "EMERGENCY CALL by Alice (alice-desk)")
