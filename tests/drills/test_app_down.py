"""A call comes while the app is down: Asterisk rings by itself, and the app finds the call when it is back."""

from __future__ import annotations

import contextlib
import dataclasses
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import delete, select, update

from crm.services.phones import publish
from crm.store.models import Agent, Device, Hours
from tests.drills.witness import MESSAGE, hears, legs, one_record, say
from tests.scripted_phone import raw_calls
from tests.system import ELM, System
from tests.talks import hear_each_other, nowhere_in

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


async def dnd(system: System, device: str, until: datetime | None = None) -> None:
    with system.store.writing() as session:
        session.execute(update(Device).where(Device.slug == device).values(dnd=True, dnd_until=until))
    await system.publish()


async def test_when_the_app_is_down_then_a_phone_rings_and_the_talk_is_on_record_later(system: System) -> None:
    # Pain 18: a DND that has passed rings again, also for Asterisk alone.
    passed = datetime.now(UTC) + timedelta(seconds=1)
    await dnd(system, "alice-desk", passed)
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.kill_app()
        await system.until(lambda: datetime.now(UTC) > passed + timedelta(seconds=1), "DND has passed")
        await system.dial(caller)
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await hear_each_other(system, caller, alice)
        await caller.hang_up()
        await alice.wait_for("CALL_CLOSED")
        await system.start_app()
        call = await one_record(system, caller.user, "talked", finished=True)
    assert call.without_app
    assert legs(call) == [("alice-desk", "ANSWER", True)]


async def test_when_the_app_is_down_and_nobody_answers_then_the_message_is_there_later(system: System) -> None:
    with system.store.writing() as session:
        session.execute(update(Agent).where(Agent.slug == "carol").values(on_duty=False))
    await dnd(system, "alice-desk")
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await system.kill_app()
        await system.dial(caller)
        await bob.wait_for("CALL_INCOMING")
        await bob.wait_for("CALL_CLOSED")
        await hears(system, caller, system.prompt("last_resort_greeting"))
        await say(system, caller, MESSAGE)
        await hears(system, caller, system.prompt("last_resort_thanks"))
        await caller.wait_for("CALL_CLOSED")
        assert (alice.count("CALL_INCOMING"), carol.count("CALL_INCOMING")) == (0, 0)
        await system.start_app()
        call = await one_record(system, caller.user, "left_voicemail")
    assert call.without_app
    assert call.voicemail is not None
    assert call.voicemail.seconds >= 3
    assert (system.config.recordings_folder / call.voicemail.file).exists()


async def test_when_the_app_is_down_and_the_caller_hangs_up_then_they_gave_up_once(system: System) -> None:
    """Pain 3, and the app is not even there."""
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await system.kill_app()
        await system.dial(caller)
        await alice.wait_for("CALL_INCOMING")
        await bob.wait_for("CALL_INCOMING")
        await caller.hang_up()
        await alice.wait_for("CALL_CLOSED")
        await bob.wait_for("CALL_CLOSED")
        await system.start_app()
        call = await one_record(system, caller.user, "gave_up")
    assert call.without_app
    assert call.ended_by == "caller"


async def test_when_the_app_is_down_and_the_office_closed_then_no_phone_rings(system: System) -> None:
    now = datetime.now(system.config.tz)
    with system.store.writing() as session:
        # Open only on the day after tomorrow.
        session.execute(delete(Hours))
        session.add(Hours(weekday=(now.weekday() + 2) % 7, opens="10:00", closes="11:00"))
    await system.publish()
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.kill_app()
        await system.dial(caller)
        await hears(system, caller, system.prompt("last_resort_greeting"))
        await caller.hang_up()
        assert alice.count("CALL_INCOMING") == 0
        await system.start_app()
        await one_record(system, caller.user, "gave_up")


async def test_when_the_app_is_down_and_the_caller_id_is_hostile_then_the_phone_shows_digits(system: System) -> None:
    async with system.phone("alice-desk") as alice:
        await system.kill_app()
        sender = '"${SHELL(id)} \\"&" <sip:+1512555%0D%0A9003%24%7BSHELL(id)%7D@127.0.0.1>'
        await raw_calls(system, [(sender, f"sip:{ELM}@{system.sip}")], 2000)
        shown = await alice.wait_for("CALL_INCOMING")
        await alice.wait_for("CALL_CLOSED")
        await system.start_app()
        await one_record(system, "+15125559003", "gave_up")
    assert shown.param.startswith("sip:+15125559003@"), shown.param


async def test_when_the_app_is_down_then_a_withheld_number_is_shown_to_nobody_and_the_line_is_found(
    system: System,
) -> None:
    number = system.new_number()
    identity = f"P-Asserted-Identity: <sip:{number}@127.0.0.1>"
    account = f"sip:123456_leasing@{system.sip}"
    async with system.phone("alice-desk") as alice:
        await system.kill_app()
        told = (f"<sip:{number}@127.0.0.1>", account, f"<sip:{ELM}@{system.sip}>", identity, "Privacy: id")
        await raw_calls(system, [told], 2000, scenario="told_call")
        shown = await alice.wait_for("CALL_INCOMING")
        await alice.wait_for("CALL_CLOSED")
        await system.start_app()
        call = await system.ended_call(None)
    assert shown.param.startswith("sip:anonymous@"), shown.param
    assert (call.outcome, call.did, call.withheld) == ("gave_up", ELM, True)
    await nowhere_in(system, number)


async def test_when_the_app_is_down_then_phones_ring_by_turns_and_whoever_talks_is_left_in_peace(
    system: System,
) -> None:
    few = msgspec.structs.replace(system.config.survival, last_resort_phones=1, last_resort_ring_seconds=20)
    config = msgspec.structs.replace(system.config, survival=few)
    with system.store.writing() as session:
        # Whose other phone is in a talk.
        alice = session.scalar(select(Agent).where(Agent.slug == "alice"))
        assert alice
        session.add(Device(slug="alice-soft", agent_id=alice.id, kind="softphone"))
    await publish.publish(dataclasses.replace(system.crm, config=config))
    async with contextlib.AsyncExitStack() as stack:
        phones = {
            name: await stack.enter_async_context(system.phone(name))
            for name in ("alice-desk", "alice-soft", "bob-desk", "carol-soft")
        }
        first, second, third = [await stack.enter_async_context(system.caller()) for _ in range(3)]
        await system.kill_app()
        free = dict(phones)
        rung = []
        for caller in (first, second, third):
            before = {name: phone.count("CALL_INCOMING") for name, phone in free.items()}
            await system.dial(caller)

            def ringing(before: dict[str, int] = before) -> list[str]:
                return [name for name, phone in free.items() if phone.count("CALL_INCOMING") > before[name]]

            await system.until(lambda ringing=ringing: bool(ringing()), "a phone rings")
            [name] = ringing()
            await phones[name].answer()
            await phones[name].wait_for("CALL_ESTABLISHED")
            rung.append(name)
            for device in ("alice-desk", "alice-soft") if name.startswith("alice") else (name,):
                free.pop(device)
        assert {name.partition("-")[0] for name in rung} == {"alice", "bob", "carol"}
        for caller in (first, second, third):
            await caller.hang_up()
        await system.start_app()
        for caller in (first, second, third):
            await one_record(system, caller.user, "talked", finished=True)


async def test_when_the_app_is_down_and_all_are_in_talks_then_the_caller_waits_for_one(system: System) -> None:
    longer = msgspec.structs.replace(system.config.survival, last_resort_ring_seconds=30)
    config = msgspec.structs.replace(system.config, survival=longer)
    await publish.publish(dataclasses.replace(system.crm, config=config))
    async with system.phone("alice-desk") as alice, system.caller() as first, system.caller() as second:
        await system.kill_app()
        await system.dial(first)
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await alice.wait_for("CALL_ESTABLISHED")
        await system.dial(second)

        async def waits() -> bool:
            return any(one["dialplan"]["app_name"] == "MusicOnHold" for one in await system.ari("/channels"))

        await system.until(waits, "the second caller hears music")
        assert alice.count("CALL_INCOMING") == 1
        await first.hang_up()
        await alice.wait_for("CALL_INCOMING", count=2)
        await alice.answer()
        await alice.wait_for("CALL_ESTABLISHED", count=2)
        await second.hang_up()
        await alice.wait_for("CALL_CLOSED", count=2)
        await system.start_app()
        for caller in (first, second):
            await one_record(system, caller.user, "talked", finished=True)
