"""Voicemails by phone: one's own greeting, and the app dying in between."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from ari_app.demo import listening
from ari_app.demo.softphone import Softphone
from crm.domain import readout
from crm.services.phones.spoken import spoken
from crm.services.voicemail import mailboxes
from crm.store.models import Call
from tests.outside import person
from tests.system import ELM, System
from tests.talks import hear_each_other
from tests.voicemails import becomes, leave_voicemail, voicemail, without_voicemails

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

FIRST, SECOND = "Hello, this is Jordan, about the two bedroom home.", "Good morning, is the dog park open on Sundays?"


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def no_voicemails(system: System) -> None:
    await without_voicemails(system.store)
    for path in (system.config.prompts_folder / "mailboxes").glob("*.wav"):
        path.unlink()


async def listen(system: System, phone: Softphone) -> None:
    await phone.dial(f"sip:*97@{system.sip}")
    await phone.wait_for("CALL_ESTABLISHED")


async def says(system: System, phone: Softphone, text: str) -> None:
    await system.hears(phone, await spoken(system.config, text))


async def test_when_the_app_is_killed_then_the_listener_hears_the_message_from_its_beginning(system: System) -> None:
    kept = await leave_voicemail(system, words=FIRST)
    async with system.phone("bob-desk") as phone:
        await listen(system, phone)
        await says(system, phone, readout.how_many(1, 0, "en"))
        await system.kill_app()
        assert (await voicemail(system, kept)).heard_at is None
        await system.start_app()
        await system.hears(phone, system.spoken(FIRST))
        await system.until(becomes(system, kept, lambda one: one.heard_at), "heard")
        await phone.hang_up()


async def test_a_greeting_counts_when_it_is_confirmed_and_callers_hear_it(system: System) -> None:
    words = system.spoken("You have reached Elm Street. We are showing homes right now, so please leave a voicemail.")
    config = system.config
    async with system.phone("alice-desk") as phone:
        await listen(system, phone)
        await system.hears(phone, system.prompt("mailbox_menu"))
        await phone.press("9")
        # Boxes: her own, subteam north's, Elm Street's.
        await says(system, phone, readout.choice_of_boxes(["", "north", "elm"], "en"))
        await phone.press("3")
        await system.hears(phone, system.prompt("mailbox_greeting_record"))
        await system.until(lambda: _is_live(system), "the greeting is recorded")
        await system.speak(phone, words)
        await phone.press("#")
        await system.hears(phone, system.prompt("mailbox_greeting_check"))
        assert mailboxes.greeting(config, "property:elm") is None
        await phone.press("1")
        await system.hears(phone, system.prompt("mailbox_greeting_saved"))
        await phone.hang_up()
    own = mailboxes.greeting(config, "property:elm")
    assert own
    assert abs(_seconds(own) - _seconds(words)) < 2
    await system.until(lambda: not _is_recording(config.asterisk_folder), "nothing is left of the recording")
    async with system.caller() as caller:
        await system.to_team(caller)
        await system.recording(caller.user)
        await caller.hang_up()
        await system.ended_call(caller.user)
        assert "nobody_available" not in system.heard_names(caller)
        heard = listening.find(listening.read(caller.heard), {"own": listening.read(own)})
        assert [one.name for one in heard] == ["own"]


# --- colleagues ---


async def is_left_for_alice(system: System, seconds: float) -> Call:
    """The voicemail that Bob left is in her mailbox, and hers to listen to."""
    call = await system.ended_call(None)
    assert (call.direction, call.outcome, call.lead_id) == ("internal", "left_voicemail", None)
    assert call.voicemail
    assert call.voicemail.mailbox == "agent:alice"
    assert abs(call.voicemail.seconds - seconds) < 3
    [task] = await system.tasks_of(call)
    assert (task.kind, task.owner.slug, task.lead_id) == ("listen", "alice", None)
    assert task.why == f"Bob left a voicemail of {call.voicemail.seconds} s."
    return call


async def test_when_the_app_is_killed_then_who_speaks_to_a_colleagues_mailbox_speaks_on(system: System) -> None:
    async with system.phone("bob-desk") as bob:
        await bob.dial(f"sip:101@{system.sip}")
        await system.recording(None)
        await system.speak(bob, system.spoken(FIRST))
        await system.kill_app()
        await system.start_app()
        await bob.press("#")
        await bob.wait_for("CALL_CLOSED")

    async def is_kept() -> bool:
        return (await system.ended_call(None)).voicemail is not None

    # An app that comes so late that Asterisk has taken the caller back finds the voicemail after it has ended the call.
    await system.until(is_kept, "the voicemail is on record")
    call = await system.ended_call(None)
    assert call.voicemail
    assert (call.outcome, call.voicemail.mailbox) == ("left_voicemail", "agent:alice")


async def test_when_they_hang_up_while_the_app_is_away_then_the_message_is_the_colleagues_all_the_same(
    system: System,
) -> None:
    async with system.phone("bob-desk") as bob:
        await bob.dial(f"sip:101@{system.sip}")
        await system.recording(None)
        await system.speak(bob, system.spoken(FIRST))
        await system.kill_app()
        await bob.hang_up()
    await system.start_app()
    await is_left_for_alice(system, _seconds(system.spoken(FIRST)))


# --- called back ---


async def calls_back(system: System, phone: Softphone, prospect: Softphone) -> None:
    """Hears the prospect's voicemail and presses the key for it."""
    await leave_voicemail(system, mailbox="agent:alice", words=FIRST, number=prospect.user)
    await listen(system, phone)
    await system.hears(phone, system.spoken(FIRST))
    await phone.press("4")
    await prospect.wait_for("CALL_INCOMING")


@pytest.mark.parametrize("killed", ["ringing", "talking"])
async def test_the_caller_is_called_back_through_a_trunk_also_when_the_app_is_killed(
    system: System, killed: str
) -> None:
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        await calls_back(system, alice, prospect)
        if killed == "ringing":
            await system.step(prospect.user, "dialling")
            await system.kill_app()
            await system.start_app()
        await prospect.answer()
        await system.step(prospect.user, "talk")
        if killed == "talking":
            await system.kill_app()
            await system.start_app()
        await hear_each_other(system, alice, prospect)
        # Nobody has gone back to listening.
        assert not await system.has_heard(alice, await spoken(system.config, readout.how_many(0, 1, "en")))
        await alice.hang_up()
        await prospect.wait_for("CALL_CLOSED")
        call = await system.ended_call(prospect.user)
    assert (call.direction, call.outcome, call.did) == ("out", "talked", ELM)
    assert [(leg.device, leg.stage) for leg in call.legs if leg.number] == [("trunk-acme", "outside")]


def _is_recording(asterisk: Path) -> bool:
    return any((asterisk / "spool" / "recording").glob("greeting-*.wav"))


async def _is_live(system: System) -> bool:
    """Whether a greeting is being recorded in this moment."""
    spool = system.config.asterisk_folder / "spool" / "recording"
    return any(["name" in await system.ari(f"/recordings/live/{path.stem}") for path in spool.glob("greeting-*.wav")])


def _seconds(path: Path) -> float:
    return len(listening.read(path)) / listening.RATE
