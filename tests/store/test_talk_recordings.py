"""Audio that is held is deleted by nobody: not by retention, by hand, or when its person is erased."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crm.config import Config
from crm.domain.errors import Conflict
from crm.services.audit import By
from crm.services.people import erasing
from crm.services.voicemail import retention, talk_recordings
from crm.store.models import AudioHold, AuditEntry, Call, Lead, Recording, TalkRecord, Voicemail
from crm.store.session import Store
from crm.views import recordings as views

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

OLD = datetime(2020, 3, 2, 16, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
BY = By("dana", NOW)


@pytest.fixture
def lead(store: Store) -> int:
    """Somebody whose talk, voicemail and talk with the voice agent are old."""
    with store.writing() as session:
        person = Lead(name="Pat", source="sign", created_at=OLD)
        session.add(person)
        session.flush()
        for id in ("c1", "c2"):
            session.add(Call(id=id, did="+15125550100", lead_id=person.id, started_at=OLD, outcome="talked"))
        session.flush()
        session.add(
            Recording(id="c1-talk-1", call_id="c1", mode="announced", file="t.wav", started_at=OLD, ended_at=OLD)
        )
        session.add(Voicemail(call_id="c1", file="v.wav", seconds=5, left_at=OLD))
        session.add(TalkRecord(call_id="c1", started_at=OLD))
        session.add(Voicemail(call_id="c2", file="w.wav", seconds=5, left_at=OLD))
        return person.id


async def test_retention_leaves_all_of_a_held_call(store: Store, config: Config, lead: int) -> None:
    assert len(await store.read(retention.expired, config, NOW)) == 4
    assert await store.run(talk_recordings.hold, BY, "c1-talk-1", "a court asks") == "c1"
    assert [one.call for one in await store.read(retention.expired, config, NOW)] == ["c2"]
    [held] = await store.read(views.listed, config, held=True)
    assert (held.id, held.lead, held.held_why) == ("c1-talk-1", lead, "a court asks")
    await store.run(talk_recordings.release, BY, "c1", "over")
    assert len(await store.read(retention.expired, config, NOW)) == 4


async def test_nobody_is_erased_whose_call_is_held(store: Store, config: Config, lead: int) -> None:
    await store.run(talk_recordings.hold, BY, "c2", "a court asks")
    with pytest.raises(Conflict, match="held") as refused:
        await store.read(erasing.check, config, lead, NOW)
    assert refused.value.code == "erasure_of_held"
    await store.run(talk_recordings.release, BY, "c2", "over")
    await store.read(erasing.check, config, lead, NOW)


async def test_deleting_leaves_the_row_which_says_who_and_why(store: Store, config: Config, lead: int) -> None:
    config.recordings_folder.mkdir(parents=True, exist_ok=True)
    audio = config.recordings_folder / "t.wav"
    audio.write_bytes(b"sound")
    await store.run(talk_recordings.hold, BY, "c1", "a court asks")
    with pytest.raises(Conflict, match="a court asks"):
        await store.run(talk_recordings.delete, config, BY, "c1", "tidying up")
    assert audio.exists()
    await store.run(talk_recordings.release, BY, "c1", "over")
    assert await store.run(talk_recordings.delete, config, BY, "c1", "she asked for it") == ["c1-talk-1"]
    assert not audio.exists()
    with store.reading() as session:
        row = session.get_one(Recording, "c1-talk-1")
        assert (row.deleted_at, row.deleted_by, row.deleted_why) == (NOW, "dana", "she asked for it")
        said = [one.what for one in session.query(AuditEntry).order_by(AuditEntry.id)]
        assert session.get(AudioHold, "c1") is None
    assert said[-3:] == [
        "recordings of call c1 held: a court asks",
        "recordings of call c1 no longer held: over",
        "recording c1-talk-1 of call c1 deleted: she asked for it",
    ]


async def test_a_recording_that_is_not_over_or_elsewhere_is_not_deleted(
    store: Store, config: Config, lead: int
) -> None:
    with store.writing() as session:
        session.get_one(Recording, "c1-talk-1").ended_at = None
    with pytest.raises(Conflict, match="not ended"):
        await store.run(talk_recordings.delete, config, BY, "c1", "x")
    with store.writing() as session:
        session.get_one(Call, "c1").node = "elsewhere"
    with pytest.raises(Conflict, match="on node elsewhere"):
        await store.run(talk_recordings.delete, config, BY, "c1", "x")
