"""Voicemails by phone: what is new, what the keys do, one's own greeting, and calls back."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from ari_app.demo import listening
from ari_app.demo.softphone import Softphone
from crm.domain import readout
from crm.services.phones.spoken import spoken
from crm.services.voicemail import mailboxes
from crm.store.models import AuditEntry, Call, Task
from tests.asterisk import ELM, Seam
from tests.flows.people import person
from tests.talks import hear_each_other
from tests.voicemails import becomes, leave_voicemail, voicemail, without_voicemails

pytestmark = pytest.mark.flows

FIRST, SECOND = "Hello, this is Jordan, about the two bedroom home.", "Good morning, is the dog park open on Sundays?"


@pytest.fixture(autouse=True)
async def no_voicemails(system: Seam) -> None:
    await without_voicemails(system.store)
    for path in (system.config.prompts_folder / "mailboxes").glob("*.wav"):
        path.unlink()


async def listen(system: Seam, phone: Softphone) -> None:
    await phone.dial(f"sip:*97@{system.sip}")
    await phone.wait_for("CALL_ESTABLISHED")


async def says(system: Seam, phone: Softphone, text: str) -> None:
    await system.hears(phone, await spoken(system.config, text))


async def test_what_is_new_is_heard_own_box_first_and_keys_decide(system: Seam) -> None:
    of_property = await leave_voicemail(system, words=SECOND, minutes_ago=90)
    own = await leave_voicemail(system, mailbox="agent:alice", words=FIRST, minutes_ago=60, number="+15125550199")
    await leave_voicemail(system, mailbox="agent:carol")
    async with system.phone("alice-desk") as phone:
        await listen(system, phone)
        await says(system, phone, readout.how_many(2, 0, "en"))
        await system.hears(phone, system.spoken(FIRST))
        # The number, digit by digit, stood before it.
        row = await voicemail(system, own)
        at, now = (one.astimezone(system.config.tz) for one in (row.left_at, system.now()))
        spoken_number = "5 1 2, 5 5 5, 0 1 9 9"
        await says(system, phone, readout.about(1, at, now, "Elm Street Apartments", spoken_number, "en"))
        await system.until(becomes(system, own, lambda one: one.heard_at), "heard")
        assert (await voicemail(system, of_property)).heard_at is None
        await phone.press("1")
        await system.hears(phone, system.spoken(FIRST), count=2)
        await phone.press("3")
        await system.until(becomes(system, own, lambda one: one.deleted_at), "deleted")
        await system.hears(phone, system.spoken(SECOND))
        await phone.press("5")
        await system.hears(phone, system.prompt("mailbox_taken"))
        await phone.press("*")
        await system.hears(phone, system.prompt("mailbox_menu"))
        await phone.hang_up()
    taken = await voicemail(system, of_property)
    assert taken.taken_at
    assert taken.heard_at
    said = await system.all(select(AuditEntry.what).where(AuditEntry.who == "phone alice-desk"))
    assert f"voicemail {own} deleted from agent:alice" in said
    assert f"voicemail {of_property} taken by alice" in said
    (task,) = await system.all(select(Task).where(Task.key == f"call:{of_property}"))
    assert task.done_at is None


async def test_a_greeting_counts_when_it_is_confirmed_and_callers_hear_it(system: Seam) -> None:
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
        await phone.press("#")
        await system.hears(phone, system.prompt("mailbox_greeting_empty"))
        await system.hears(phone, system.prompt("mailbox_greeting_record"), 2)
        await system.until(lambda: _is_live(system), "the greeting is recorded again")
        await system.speak(phone, words)
        await phone.press("#")
        await system.hears(phone, system.prompt("mailbox_greeting_check"))
        assert mailboxes.greeting(config, "property:elm") is None
        await phone.press("2")
        await system.hears(phone, system.prompt("mailbox_greeting_check"), count=2)
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
        assert await system.has_heard(caller, own)


async def test_who_hangs_up_before_confirming_keeps_the_old_greeting(system: Seam) -> None:
    async with system.phone("carol-soft") as phone:
        await listen(system, phone)
        await system.hears(phone, system.prompt("mailbox_menu"))
        await phone.press("91")
        await system.hears(phone, system.prompt("mailbox_greeting_record"))
        await system.until(lambda: _is_recording(system.config.asterisk_folder), "the greeting is recorded")
        await phone.hang_up()
    await system.until(lambda: not _is_recording(system.config.asterisk_folder), "nothing is left of it")
    assert mailboxes.greeting(system.config, "agent:carol") is None


# --- colleagues ---


async def is_left_for_alice(system: Seam, seconds: float) -> Call:
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


@pytest.mark.parametrize("dialled", ["101", "*97101"])
async def test_who_does_not_reach_a_colleague_leaves_a_message_and_is_called_back(system: Seam, dialled: str) -> None:
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob:
        await bob.dial(f"sip:{dialled}@{system.sip}")
        # By the extension her phone rings until it is too long for the one who calls; by the code not at all.
        if dialled == "101":
            await alice.wait_for("CALL_CLOSED", seconds=45)
        await system.recording(None)
        assert alice.count("CALL_INCOMING") == (1 if dialled == "101" else 0)
        await system.speak(bob, system.spoken(FIRST))
        await bob.press("#")
        await bob.wait_for("CALL_CLOSED")
        assert {"colleague_unavailable", "message_thanks"} <= set(system.heard_names(bob))
        call = await is_left_for_alice(system, _seconds(system.spoken(FIRST)))

        await listen(system, alice)
        await system.hears(alice, system.config.recordings_folder / call.voicemail.file)
        at, now = (one.astimezone(system.config.tz) for one in (call.voicemail.left_at, system.now()))
        await says(system, alice, readout.about(1, at, now, "", "Bob", "en"))
        await alice.press("4")
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await system.step(None, "talk")
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")
        back = await system.ended_call(None)
    assert (back.direction, back.outcome) == ("internal", "talked")


# --- called back ---


async def calls_back(system: Seam, phone: Softphone, prospect: Softphone) -> None:
    """Hears the prospect's voicemail and presses the key for it."""
    await leave_voicemail(system, mailbox="agent:alice", words=FIRST, number=prospect.user)
    await listen(system, phone)
    await system.hears(phone, system.spoken(FIRST))
    await phone.press("4")
    await prospect.wait_for("CALL_INCOMING")


async def test_the_caller_is_called_back_through_a_trunk(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        await calls_back(system, alice, prospect)
        await prospect.answer()
        await system.step(prospect.user, "talk")
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


def _seconds(path: Path) -> float:
    return len(listening.read(path)) / listening.RATE


async def _is_live(system: Seam) -> bool:
    """Whether a greeting is being recorded in this moment."""
    spool = system.config.asterisk_folder / "spool" / "recording"
    return any(["name" in await system.ari(f"/recordings/live/{path.stem}") for path in spool.glob("greeting-*.wav")])
