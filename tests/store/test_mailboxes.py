"""Mailboxes on real databases: whose a voicemail is, who hears it, and what becomes of it."""

from __future__ import annotations

import asyncio
import wave
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, event, select

from crm.config import Config
from crm.context import Crm
from crm.domain.calls import CallArrived, CallEnded, EndedBy, VoicemailLeft
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.mailboxes import TranscriptState
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.voicemail import mailboxes, recordings, retention, transcripts
from crm.services.voicemail.mailboxes import Lamp
from crm.store.models import Activity, Agent, AuditEntry, Mail, Property, Recording, Task, Voicemail
from crm.store.session import Store
from tests.store import rows

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
MAPLE, OFFICE_LINE = "+15125550100", "+15125550101"
BY = By("tests", NOW)


def tone(path: Path, seconds: float = 1.0) -> None:
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(range(256)) * int(seconds * 8000 * 2 / 256))


async def left(
    store: Store,
    config: Config,
    call_id: str,
    *,
    did: str = MAPLE,
    mailbox: str = "",
    caller: str = "+15125550177",
    at: datetime = NOW,
) -> Voicemail:
    """A voicemail through the ledger, as a call leaves it."""
    tone(config.recordings_folder / f"{call_id}.wav")
    for fact in (
        CallArrived(f"{call_id}/a", call_id, at, did, caller),
        VoicemailLeft(f"{call_id}/m", call_id, at, f"{call_id}.wav", 12, mailbox),
        CallEnded(f"{call_id}/e", call_id, at, EndedBy.CALLER),
    ):
        await store.run(ledger.record, config, fact, at)
    return await row(store, call_id)


async def row(store: Store, call_id: str) -> Voicemail:
    return await store.read(rows.voicemail, call_id)


async def change(store: Store, slug: str, **values: object) -> None:
    with store.writing() as session:
        property = session.scalars(select(Property).where(Property.slug == slug)).one()
        for name, value in values.items():
            setattr(property, name, value)


async def owner_of(store: Store, call_id: str) -> str:
    with store.reading() as session:
        task = session.scalars(select(Task).where(Task.key == f"call:{call_id}")).one()
        agent = session.get(Agent, task.owner_id)
        assert agent
        return agent.slug


async def test_a_message_goes_to_its_propertys_box_or_the_subteams_or_the_offices(store: Store, config: Config) -> None:
    assert (await left(store, config, "c1")).mailbox == "property:maple"
    assert (await left(store, config, "c2", did=OFFICE_LINE)).mailbox == "office"
    assert (await left(store, config, "c3", mailbox="agent:carol")).mailbox == "agent:carol"
    await change(store, "maple", voicemail_to="subteam")
    assert (await left(store, config, "c4")).mailbox == "subteam:east"
    # Stated again, it stays where it was.
    assert (await left(store, config, "c1")).mailbox == "property:maple"
    assert await owner_of(store, "c3") == "carol"


async def test_who_hears_a_box_and_in_which_order(store: Store) -> None:
    with store.reading() as session:
        by_slug = {agent.slug: agent for agent in session.scalars(select(Agent))}
        boxes = {slug: mailboxes.boxes_of(session, agent.id) for slug, agent in by_slug.items()}
        nobody = mailboxes.people(session, "agent:long-gone")
    assert boxes == {
        "alice": ["agent:alice", "subteam:east", "property:maple"],
        "bob": ["agent:bob", "subteam:east", "property:maple"],
        "carol": ["agent:carol"],
        "dana": ["agent:dana", "office"],
    }
    assert [agent.slug for agent in nobody] == ["dana"]


async def test_listening_by_phone_begins_with_ones_own_and_the_oldest(store: Store, config: Config) -> None:
    await left(store, config, "c1", at=NOW - timedelta(hours=2))
    await left(store, config, "c2", at=NOW - timedelta(hours=3))
    await left(store, config, "c3", mailbox="agent:alice")
    found = await store.read(mailboxes.listener, "alice-desk")
    assert found
    assert ([one.id for one in found.voicemails], found.new) == (["c3", "c2", "c1"], 3)
    assert found.voicemails[1].property_name == "Maple Court"
    for call_id in ("c1", "c2", "c3"):
        await store.run(mailboxes.heard, call_id, NOW)
    found = await store.read(mailboxes.listener, "alice-desk")
    assert found
    assert (len(found.voicemails), found.new) == (3, 0)
    assert await store.read(mailboxes.listener, "nobodys-phone") is None
    carols = await store.read(mailboxes.listener, "carol-desk")
    assert carols
    assert carols.voicemails == ()


async def test_of_two_who_take_a_message_at_once_one_gets_it(store: Store, config: Config) -> None:
    await left(store, config, "c1")
    results = await asyncio.gather(
        *(store.run(mailboxes.take, BY, "c1", who) for who in ("alice", "bob", "carol")), return_exceptions=True
    )
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 2
    taken = await row(store, "c1")
    assert taken.taken_by
    assert await owner_of(store, "c1") == taken.taken_by.slug
    assert taken.escalate_at is None
    # Taking it again is no mistake of theirs.
    await store.run(mailboxes.take, BY, "c1", taken.taken_by.slug)
    with store.reading() as session:
        assert session.scalars(select(Activity.text).where(Activity.key == "taken:c1")).one() == (
            f"{taken.taken_by.name} took the voicemail they left."
        )
        task = session.scalars(select(Task)).one()
        assert task.why.endswith(f"{taken.taken_by.name} took it.")


async def test_a_fact_that_comes_late_does_not_take_the_task_away_again(store: Store, config: Config) -> None:
    await left(store, config, "c1")
    await store.run(mailboxes.take, BY, "c1", "carol")
    await store.run(ledger.record, config, VoicemailLeft("c1/m2", "c1", NOW, "c1.wav", 14), NOW)
    assert await owner_of(store, "c1") == "carol"
    with store.reading() as session:
        task = session.scalars(select(Task)).one()
        assert "left a voicemail of 14 s" in task.why
        assert task.why.endswith("Carol took it.")


async def test_what_cannot_be_done_says_so(store: Store, config: Config) -> None:
    await left(store, config, "c1")
    with pytest.raises(NotFound, match="no such voicemail"):
        await store.run(mailboxes.take, BY, "c9", "alice")
    with pytest.raises(NotFound, match="no agent nobody"):
        await store.run(mailboxes.take, BY, "c1", "nobody")
    await store.run(mailboxes.delete, BY, "c1")
    with pytest.raises(Conflict, match="already been deleted"):
        await store.run(mailboxes.delete, BY, "c1")
    for wrong, kind in (("agent:", Invalid), ("team:north", Invalid), ("../etc", Invalid), ("agent:zoe", NotFound)):
        with pytest.raises(kind):
            await store.read(mailboxes.existing, wrong)
    assert await store.read(mailboxes.existing, "subteam:east") == "subteam:east"
    # The next step stays with somebody, whatever becomes of the sound.
    with store.reading() as session:
        assert session.scalars(select(Task)).one().done_at is None


async def test_lamps_show_what_is_new_and_what_was_heard(store: Store, config: Config) -> None:
    await left(store, config, "c1")
    await left(store, config, "c2")
    await left(store, config, "c3", mailbox="agent:bob")
    await store.run(mailboxes.heard, "c1", NOW)
    assert await store.read(mailboxes.lamps) == {
        "alice": Lamp(1, 1),
        "bob": Lamp(2, 1),
        "carol": Lamp(),
        "dana": Lamp(),
    }
    await store.run(mailboxes.delete, BY, "c1")
    assert (await store.read(mailboxes.lamps))["alice"] == Lamp(1, 0)


async def test_lamps_ask_no_more_of_the_database_for_more_agents_and_messages(store: Store, config: Config) -> None:
    asked: list[str] = []

    def count(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    await left(store, config, "c0")
    with store.writing() as session:
        session.add_all(Agent(slug=f"new-{number}", name="New") for number in range(30))
    assert len(await store.read(mailboxes.lamps)) == 34, "a new agent shows at once"
    for number in range(1, 10):
        await left(store, config, f"c{number}")
    event.listen(Engine, "before_cursor_execute", count)
    try:
        assert (await store.read(mailboxes.lamps))["alice"] == Lamp(10)
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    assert len([one for one in asked if "BEGIN" not in one]) == 2, "the office's mark, and the counts"


async def test_a_message_is_mailed_once_to_the_people_of_its_box(store: Store, config: Config, crm: Crm) -> None:
    with store.writing() as session:
        for agent in session.scalars(select(Agent)):
            agent.email = f"{agent.slug}@example.com"
    await left(store, config, "c1")
    for _ in range(2):
        await store.run(transcripts.finish, config, "c1", TranscriptState.DONE, "I want two bedrooms.", NOW)
    with store.reading() as session:
        mails = session.scalars(select(Mail).order_by(Mail.to_address)).all()
    assert [(one.to_address, one.voicemail_id) for one in mails] == [
        ("alice@example.com", "c1"),
        ("bob@example.com", "c1"),
    ]
    assert mails[0].subject == "New voicemail for Maple Court from (512) 555-0177"
    assert "I want two bedrooms." in mails[0].body
    assert "Monday, March 02, 2026 at 10:00" in mails[0].body
    attached = await transcripts.attachments(crm)("c1")
    assert [(one.name, one.kind) for one in attached] == [
        ("voicemail-2026-03-02-1000.mp3", "audio/mpeg"),
        ("voicemail-2026-03-02-1000.wav", "audio/wav"),
    ]
    assert attached[0].content[0] == 0xFF, "an MPEG frame begins with its sync word"
    assert len(attached[0].content) < len(attached[1].content) / 4
    await change(store, "maple", subteam_id=None)
    await left(store, config, "c2")
    await store.run(transcripts.finish, config, "c2", TranscriptState.NONE, "", NOW)
    with store.reading() as session:
        mail = session.scalars(select(Mail).where(Mail.voicemail_id == "c2")).one()
    assert mail.to_address == "dana@example.com"
    assert "There is no transcript." in mail.body


async def test_a_recorder_that_was_killed_leaves_a_message_that_can_be_heard(config: Config) -> None:
    spooled = config.asterisk_folder / "spool" / "recording" / "c1.wav"
    spooled.parent.mkdir(parents=True)
    tone(spooled, 2.0)
    whole = spooled.read_bytes()
    spooled.write_bytes(whole[:40] + bytes(4) + whole[44:])
    assert recordings.keep(config, "c1") == pytest.approx(2.0, abs=0.1)
    with wave.open(str(config.recordings_folder / "c1.wav")) as sound:
        assert sound.getnframes() == (len(whole) - 44) // 2


async def test_retention_deletes_sound_and_words_and_says_so(store: Store, config: Config, crm: Crm) -> None:
    limits = msgspec.structs.replace(
        config,
        voicemail=msgspec.structs.replace(config.voicemail, keep_days=30),
        recordings=msgspec.structs.replace(config.recordings, keep_days=10),
    )
    await left(store, config, "old", at=NOW - timedelta(days=31))
    await left(store, config, "new", at=NOW - timedelta(days=29))
    await store.run(transcripts.finish, config, "old", TranscriptState.DONE, "words", NOW)
    with store.writing() as session:
        for name, days in (("talk-old", 11), ("talk-new", 9)):
            tone(config.recordings_folder / f"{name}.wav")
            session.add(
                Recording(
                    id=name, call_id="old", mode="announced", file=f"{name}.wav", started_at=NOW - timedelta(days=days)
                )
            )
    due = await store.read(retention.expired, limits, NOW)
    assert {(one.kind, one.file) for one in due} == {("recording", "talk-old.wav"), ("voicemail", "old.wav")}
    assert all(one.bytes > 1000 for one in due)
    assert (config.recordings_folder / "old.wav").exists(), "a look deletes nothing"
    assert len(await retention.prune(replace(crm, config=limits), BY)) == 2
    assert sorted(path.name for path in config.recordings_folder.iterdir()) == ["new.wav", "talk-new.wav"]
    purged = await row(store, "old")
    assert (purged.purged_at, purged.transcript) == (NOW, "")
    assert mailboxes.audio(config, purged.file) is None
    with store.reading() as session:
        told = session.scalars(select(AuditEntry.what).order_by(AuditEntry.id)).all()
        assert session.get_one(Recording, "talk-old").deleted_at == NOW
        assert session.get_one(Recording, "talk-new").deleted_at is None
    assert told[-2:] == [
        "recording of 2026-02-19, call old, deleted by retention",
        "voicemail of 2026-01-30, call old, deleted by retention",
    ]
    assert await retention.prune(replace(crm, config=limits), BY) == []
    never = msgspec.structs.replace(
        limits,
        voicemail=msgspec.structs.replace(config.voicemail, keep_days=0),
        recordings=msgspec.structs.replace(config.recordings, keep_days=0),
    )
    assert await store.read(retention.expired, never, NOW + timedelta(days=9999)) == []


async def test_a_row_cannot_delete_what_lies_outside_the_recordings(store: Store, config: Config, crm: Crm) -> None:
    outside = config.home / "leaseline.toml"
    outside.write_text("x")
    await left(store, config, "old", at=NOW - timedelta(days=400))
    with store.writing() as session:
        session.get_one(Voicemail, "old").file = "../leaseline.toml"
    await retention.prune(crm, BY)
    assert outside.exists()
