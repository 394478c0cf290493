"""Nobody has taken a voicemail, so phones ring about it: on the wire, and when the app dies."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from ari_app.demo.softphone import Softphone
from crm.domain import readout
from crm.services.phones.spoken import spoken
from crm.store.models import Activity, Call, Leg, Task
from tests.mobile import hears_beginning
from tests.system import System
from tests.voicemails import becomes, leave_voicemail, voicemail, without_voicemails

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

WORDS = "Hello, this is Jordan, about the two bedroom home."


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def no_voicemails(system: System) -> None:
    await without_voicemails(system.store)


async def due(system: System) -> str:
    """A voicemail whose first group is called now; the assigned agent is nobody, so that is subteam north."""
    return await leave_voicemail(system, words=WORDS, escalate_at=datetime.now(UTC), owner="bob")


async def whisper(system: System, voicemail_id: str) -> str:
    (row,) = await system.all(select(Call).where(Call.id == voicemail_id))
    digits = row.caller.removeprefix("+1")
    spelled = ", ".join(" ".join(part) for part in (digits[:3], digits[3:6], digits[6:]))
    return readout.escalation("Elm Street Apartments", spelled, "en")


async def answers(system: System, phone: Softphone, voicemail_id: str) -> None:
    await phone.wait_for("CALL_INCOMING")
    await phone.answer()
    await hears_beginning(system, phone, await spoken(system.config, await whisper(system, voicemail_id)))


async def statuses(system: System, voicemail_id: str) -> dict[str, tuple[str, str]]:
    legs = await system.all(select(Leg).where(Leg.call_id == voicemail_id))
    return {leg.device: (leg.stage, leg.status) for leg in legs}


async def owner(system: System, voicemail_id: str) -> str:
    query = select(Task).where(Task.key == f"call:{voicemail_id}").options(selectinload(Task.owner))
    (task,) = await system.all(query)
    assert task.done_at is None
    return str(task.owner.slug)


async def test_who_presses_1_takes_the_message_hears_it_and_owns_the_task(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob:
        voicemail_id = await due(system)
        await bob.wait_for("CALL_INCOMING")
        await answers(system, alice, voicemail_id)
        await alice.press("1")
        await bob.wait_for("CALL_CLOSED")
        await system.hears(alice, system.spoken(WORDS))
        await system.until(becomes(system, voicemail_id, lambda one: one.heard_at), "heard")
        await alice.hang_up()
        assert bob.count("CALL_ESTABLISHED") == 0
    row = await voicemail(system, voicemail_id)
    assert row.taken_at
    assert row.escalate_at is None
    assert await owner(system, voicemail_id) == "alice"
    await system.until(lambda: _ended(system, voicemail_id), "both legs on record")
    assert await statuses(system, voicemail_id) == {
        "alice-desk": ("escalation", "ANSWER"),
        "bob-desk": ("escalation", "CANCEL"),
    }
    told = await system.all(select(Activity.text).where(Activity.call_id == voicemail_id, Activity.kind == "Voicemail"))
    assert sorted(told) == [
        "Alice took the voicemail they left.",
        "Nobody had taken their voicemail, so alice, bob were called about it.",
    ]


async def test_when_the_app_is_killed_during_the_call_then_phones_stop_and_the_next_group_is_due(
    system: System,
) -> None:
    async with system.phone("alice-desk") as alice:
        voicemail_id = await due(system)
        await alice.wait_for("CALL_INCOMING")
        await system.kill_app()
        await system.start_app()
        await alice.wait_for("CALL_CLOSED", seconds=30)
    row = await voicemail(system, voicemail_id)
    assert row.taken_at is None
    assert row.escalate_at
    assert row.escalate_at > datetime.now(UTC)


async def _ended(system: System, voicemail_id: str) -> bool:
    return all(status for _, status in (await statuses(system, voicemail_id)).values())
