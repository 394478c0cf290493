"""Transcripts through the real library, in its real process, with a model that is made here."""

from __future__ import annotations

import asyncio
import shutil
import sys
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from asterisk_conf.prompts import speech
from crm.config import Config
from crm.domain.calls import (
    CallArrived,
    CallEnded,
    EndedBy,
    LegRang,
    RecordingEnded,
    RecordingStarted,
    TalkStarted,
    VoicemailLeft,
)
from crm.domain.mailboxes import TranscriptState
from crm.edge import whisper
from crm.edge.whisper import Transcriber, TranscriberLost, TranscriptError
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.voicemail import retention, transcripts
from crm.store.models import Property, Voicemail
from crm.store.session import Store
from crm.views import calls, search
from crm.worker import Troubles
from tests.store import rows, tiny_whisper
from tests.store.conftest import crm_at

pytestmark = pytest.mark.store

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
WORDS = "Hello, I am looking for two bedrooms."


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper.make(tmp_path_factory.mktemp("whisper") / "model", WORDS)


@pytest.fixture(scope="session")
def speech_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speech") / "message.wav"
    speech.synthesize("Hello, this is somebody who speaks for a while.", "en", path)
    return path


def silence(path: Path) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(2 * 8000 * 3))
    return path


@asynccontextmanager
async def transcriber(model: Path) -> AsyncIterator[Transcriber]:
    made = Transcriber(model, threads=1)
    try:
        yield made
    finally:
        await made.stop()


async def words(works: Transcriber, sound: Path) -> str:
    return " ".join(phrase.text for phrase in await works.transcribe(sound, 60))


async def test_one_process_writes_down_one_message_after_the_other(
    model: Path, speech_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another test may have loaded it into this process.
    monkeypatch.delitem(sys.modules, "faster_whisper", raising=False)
    damaged = tmp_path / "damaged.wav"
    damaged.write_bytes(b"RIFF, and no sound after it")
    async with transcriber(model) as works:
        assert await words(works, speech_file) == WORDS
        assert works.process
        first = works.process.pid
        # Nobody speaks: the detector hears that, and the model is not asked.
        assert await works.transcribe(silence(tmp_path / "silence.wav"), 60) == []
        with pytest.raises(TranscriptError, match="could not be transcribed"):
            await works.transcribe(damaged, 60)
        assert await words(works, speech_file) == WORDS
        assert works.process.pid == first
    # The app itself never has it in memory.
    assert "faster_whisper" not in sys.modules


async def test_when_the_process_is_killed_in_the_middle_another_one_goes_on(model: Path, speech_file: Path) -> None:
    async with transcriber(model) as works:
        await works.transcribe(speech_file, 60)
        process = works.process
        assert process
        process.kill()
        with pytest.raises(TranscriberLost):
            # Whether it is seen while writing or while reading is up to the system.
            await works._ask({"file": str(speech_file)})
        assert await words(works, speech_file) == WORDS
        assert works.process
        assert works.process.pid != process.pid


async def test_what_takes_too_long_is_ended(model: Path, speech_file: Path) -> None:
    async with transcriber(model) as works:
        await works.transcribe(speech_file, 60)
        process = works.process
        assert process
        with pytest.raises(TranscriptError, match="longer than 0 s"):
            await works.transcribe(speech_file, 0)
        assert process.returncode is not None


@pytest.mark.parametrize("missing", ["tokenizer.json", "model.bin", "vocabulary.json"])
async def test_a_model_that_is_not_whole_is_not_even_tried(
    model: Path, speech_file: Path, tmp_path: Path, missing: str
) -> None:
    broken = shutil.copytree(model, tmp_path / "broken")
    (broken / missing).unlink()
    assert missing in whisper.problem(broken)
    async with transcriber(broken) as works:
        with pytest.raises(TranscriptError, match="no usable model"):
            await works.transcribe(speech_file, 60)
        assert works.process is None
    assert "is not a folder" in whisper.problem(tmp_path / "nowhere")
    assert whisper.problem(model) == ""


async def test_a_model_that_cannot_be_loaded_says_so(model: Path, speech_file: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(model, tmp_path / "broken")
    (broken / "model.bin").write_bytes(b"nothing of use")
    async with transcriber(broken) as works:
        with pytest.raises(TranscriptError, match="could not be loaded"):
            await works.transcribe(speech_file, 60)


async def left(store: Store, config: Config, call_id: str, sound: Path | None) -> None:
    if sound:
        shutil.copy(sound, config.recordings_folder / f"{call_id}.wav")
    for fact in (
        CallArrived(f"{call_id}/a", call_id, NOW, "+15125550100", "+15125550177"),
        VoicemailLeft(f"{call_id}/m", call_id, NOW, f"{call_id}.wav", 3),
        CallEnded(f"{call_id}/e", call_id, NOW, EndedBy.CALLER),
    ):
        await store.run(ledger.record, config, fact, NOW)


async def written(store: Store, config: Config, *ids: str) -> list[Voicemail]:
    """Lets the worker do what waits."""
    task = asyncio.create_task(transcripts.run(crm_at(config, store), Troubles(lambda: NOW)))
    try:
        async with asyncio.timeout(60):
            while True:
                found = [await store.read(rows.voicemail, one) for one in ids]
                if all(row.transcript_state != TranscriptState.QUEUED for row in found):
                    return found
                await asyncio.sleep(0.05)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def with_model(config: Config, folder: str) -> Config:
    return msgspec.structs.replace(config, voice=msgspec.structs.replace(config.voice, whisper_model=folder, threads=1))


@pytest.mark.usefixtures("office")
async def test_messages_are_written_down_in_order_whatever_is_wrong_with_one(
    store: Store, config: Config, speech_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "damaged.wav").write_bytes(b"no sound")
    await left(store, config, "c1", speech_file)
    await left(store, config, "c2", tmp_path / "damaged.wav")
    await left(store, config, "c3", None)
    await left(store, config, "c4", silence(tmp_path / "silence.wav"))
    await left(store, config, "c5", speech_file)
    with store.reading() as session:
        told = transcripts.names(session, None)
    model = tiny_whisper.make(tmp_path / "model", WORDS, told)
    rows = await written(store, with_model(config, str(model)), "c1", "c2", "c3", "c4", "c5")
    assert [(row.transcript_state, row.transcript) for row in rows] == [
        ("done", WORDS),
        ("failed", ""),
        ("failed", ""),
        ("done", ""),
        ("done", WORDS),
    ]
    assert transcripts.said(rows[0].transcript_state, rows[0].transcript) == WORDS
    assert transcripts.said(rows[3].transcript_state, rows[3].transcript) == "No words were understood in it."


async def talked(store: Store, config: Config, call_id: str, sound: Path) -> None:
    """A talk of a known person with Alice, which was recorded."""
    shutil.copy(sound, config.recordings_folder / f"talk-{call_id}.wav")
    at = NOW
    for fact in (
        CallArrived(f"{call_id}/a", call_id, at, "+15125550100", "+15125550188"),
        LegRang(f"{call_id}/l", call_id, at, f"{call_id}-leg", "alice-desk", "alice", "subteam"),
        TalkStarted(f"{call_id}/t", call_id, at, f"{call_id}-leg"),
        RecordingStarted(f"{call_id}/r", call_id, at, f"talk-{call_id}", "announced", f"talk-{call_id}.wav"),
        RecordingEnded(f"{call_id}/s", call_id, at, f"talk-{call_id}", 3),
        CallEnded(f"{call_id}/e", call_id, at, EndedBy.CALLER),
    ):
        await store.run(ledger.record, config, fact, NOW)


@pytest.mark.both_databases
@pytest.mark.usefixtures("office")
async def test_recorded_talks_are_written_down_where_that_is_wanted_and_found(
    store: Store, config: Config, speech_file: Path, tmp_path: Path
) -> None:
    with store.reading() as session:
        told = transcripts.names(session, session.scalar(select(Property.id)))
    model = tiny_whisper.make(tmp_path / "model", WORDS, told)
    wanted = with_model(config, str(model))
    await talked(store, wanted, "t1", speech_file)
    wanted = msgspec.structs.replace(wanted, voice=msgspec.structs.replace(wanted.voice, talks=True))
    await talked(store, wanted, "t2", speech_file)
    await left(store, wanted, "c1", speech_file)
    worker = asyncio.create_task(transcripts.run(crm_at(wanted, store), Troubles(lambda: NOW)))
    try:
        async with asyncio.timeout(60):
            while True:
                if (await store.read(calls.one, "t2")).recordings[0].transcript == WORDS:
                    break
                await asyncio.sleep(0.05)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    with store.reading() as session:
        # The voicemail waited behind it, and was first.
        assert session.get_one(Voicemail, "c1").transcript_state == TranscriptState.DONE
        assert calls.one(session, "t1").recordings[0].transcript == ""
        assert calls.one(session, "t2").recordings[0].summary == "2 bedrooms"
        [hit] = search.found(session, "two bedrooms Said", NOW)
    assert hit.found_in == "timeline"
    assert hit.lead.phones == ["+15125550188"]
    # It goes with the file.
    late = NOW + timedelta(days=config.recordings.keep_days + 1)
    await retention.prune(crm_at(wanted, store, late), By("retention", late))
    with store.reading() as session:
        entry = calls.one(session, "t2").recordings[0]
        assert (entry.transcript, entry.summary) == ("", "")
        assert search.found(session, "two bedrooms Said", NOW) == []


@pytest.mark.usefixtures("office")
@pytest.mark.parametrize("folder", ["", "models/not-there"])
async def test_without_a_model_the_message_says_that_there_is_no_transcript(
    store: Store, config: Config, speech_file: Path, folder: str
) -> None:
    await left(store, config, "c1", speech_file)
    (row,) = await written(store, with_model(config, folder), "c1")
    assert row.transcript_state == TranscriptState.NONE
    assert transcripts.said(row.transcript_state, row.transcript) == "There is no transcript."
