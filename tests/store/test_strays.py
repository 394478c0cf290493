"""No sound without a row, and no row without its sound."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crm.config import Config
from crm.context import Crm
from crm.domain.calls import (
    CallArrived,
    CallEnded,
    EndedBy,
    RecordingEnded,
    RecordingStarted,
    VoicemailLeft,
)
from crm.services.audit import By
from crm.services.calls import ledger, strays
from crm.services.calls.strays import Strays
from crm.store.models import Recording, Voicemail
from crm.store.queries import calls
from crm.store.session import Store
from tests.sounds import write_silence, write_words

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
CALL = "1772460000.7"


def sound(config: Config, name: str, age: timedelta = timedelta(hours=1), *, spoken: bool = True) -> Path:
    path = config.recordings_folder / name
    (write_words if spoken else write_silence)(path, 3)
    os.utime(path, ((NOW - age).timestamp(),) * 2)
    return path


async def call_that_gave_up(store: Store, config: Config) -> None:
    facts = [
        CallArrived(f"{CALL}/arrived", CALL, NOW - timedelta(hours=1, minutes=1), "+15125550100", "+15125550123"),
        CallEnded(f"{CALL}/ended", CALL, NOW - timedelta(hours=1), EndedBy.CALLER),
    ]
    await store.run(ledger.record_all, config, facts, NOW)


async def test_what_is_as_it_should_be_is_left_alone(store: Store, config: Config, crm: Crm) -> None:
    sound(config, f"{CALL}.wav")
    sound(config, f"{CALL}-talk-1.wav")
    sound(config, "1772460000.9.wav", age=timedelta(minutes=1))
    began = NOW - timedelta(hours=1)
    talk = f"{CALL}-talk-1"
    facts = [
        RecordingStarted("s", CALL, began, talk, "demand", f"{talk}.wav"),
        RecordingEnded("e", CALL, began, talk, 3),
        VoicemailLeft("m", CALL, began, f"{CALL}.wav", 3),
        CallEnded("x", CALL, NOW, EndedBy.CALLER),
    ]
    await store.run(ledger.record_all, config, facts, NOW)
    assert await strays.compare(crm) == Strays(), "the youngest may be on its way to the database"


async def test_sound_that_no_call_has_becomes_its_message(store: Store, config: Config, crm: Crm) -> None:
    """As for a caller who was thanked, and whose message was then thrown away."""
    await call_that_gave_up(store, config)
    kept = sound(config, f"{CALL}.part")
    nothing = sound(config, "1772460000.8.wav", spoken=False)
    assert await strays.compare(crm) == Strays(sounds=(CALL, "1772460000.8"))
    await strays.repair(crm, By("tests", NOW))
    with store.reading() as session:
        call = calls.by_id(session, CALL)
        assert call
        assert call.voicemail
        assert (call.outcome, call.voicemail.file, call.voicemail.seconds) == ("left_voicemail", f"{CALL}.wav", 3)
        assert call.voicemail.left_at == NOW - timedelta(hours=1)
    assert kept.with_suffix(".wav").exists()
    assert not nothing.exists()
    assert await strays.compare(crm) == Strays()


async def test_a_talk_whose_recording_nobody_logged_is_put_on_record(store: Store, config: Config, crm: Crm) -> None:
    await call_that_gave_up(store, config)
    sound(config, f"{CALL}-talk-1.wav")
    await strays.repair(crm, By("tests", NOW))
    with store.reading() as session:
        recording = session.get_one(Recording, f"{CALL}-talk-1")
        assert (recording.call_id, recording.seconds) == (CALL, 3)
        assert recording.ended_at == NOW - timedelta(hours=1)
    assert await strays.compare(crm) == Strays()


async def test_a_row_whose_sound_is_gone_says_so(store: Store, config: Config, crm: Crm) -> None:
    began, talk = NOW - timedelta(hours=1), f"{CALL}-talk-1"
    facts = [
        RecordingStarted("s", CALL, began, talk, "demand", f"{talk}.wav"),
        RecordingEnded("e", CALL, began, talk, 3),
        VoicemailLeft("m", CALL, began, f"{CALL}.wav", 3),
        CallEnded("x", CALL, NOW, EndedBy.CALLER),
    ]
    await store.run(ledger.record_all, config, facts, NOW)
    assert await strays.compare(crm) == Strays(voicemails=(CALL,), talks=(talk,))
    await strays.repair(crm, By("tests", NOW))
    with store.reading() as session:
        assert session.get_one(Voicemail, CALL).purged_at == NOW
        assert session.get_one(Recording, talk).deleted_at == NOW
    assert await strays.compare(crm) == Strays()
