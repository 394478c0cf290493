"""Sound that calls left behind of which nothing else is known."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ari_app import leftovers
from ari_app.edge.client import AriClient
from ari_app.edge.errors import ChannelGone
from crm.config import Config
from crm.domain.calls import CallArrived, Fact, HandedToDialplan
from crm.services.calls import ledger
from crm.services.calls.journal import Journal
from crm.store.models import Call
from crm.store.queries import calls
from crm.store.session import Store
from tests.sounds import write_words
from tests.store import rows

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
CALL = "ll4711-1772460000.7"


class Asterisk(AriClient):
    """Records nothing, or what it is told."""

    def __init__(self, *live: str) -> None:
        self.live = [f"/recordings/live/{name}" for name in live]

    async def get(self, path: str, **query: str) -> Any:
        if path not in self.live:
            raise ChannelGone(404, "Not Found", path)


@pytest.fixture
async def journal(store: Store, config: Config) -> AsyncIterator[Journal]:
    async def apply(facts: Sequence[Fact]) -> None:
        await store.run(ledger.record_all, config, facts, NOW)

    async with Journal(config.journal_folder, apply) as journal:
        yield journal


def record_sound(config: Config, name: str = CALL, seconds: int = 14, age_seconds: float = 60) -> Path:
    path = config.asterisk_folder / "spool" / "recording" / f"{name}.wav"
    write_words(path, seconds)
    os.utime(path, (NOW.timestamp() - age_seconds,) * 2)
    return path


async def the_call(store: Store) -> Call | None:
    with store.reading() as session:
        return calls.by_id(session, CALL)


async def test_a_message_whose_call_left_no_entry_is_a_call_with_a_message_and_a_task(
    store: Store, config: Config, journal: Journal
) -> None:
    record_sound(config)
    for _ in range(2):
        await leftovers.keep_voicemails(config, journal, Asterisk(), set(), NOW)
    await journal.drained()
    call = await the_call(store)
    assert call
    assert (call.outcome, call.ended_at) == ("left_voicemail", NOW - timedelta(seconds=60))
    assert call.voicemail
    assert call.voicemail.seconds == 14
    assert (config.recordings_folder / f"{CALL}.wav").exists()
    with store.reading() as session:
        assert [(task.kind, task.owner.slug) for task in rows.tasks(session)] == [("listen", "alice")]


async def test_a_message_that_is_on_its_way_to_the_record_is_left_alone(
    store: Store, config: Config, journal: Journal
) -> None:
    sound = record_sound(config)
    await leftovers.keep_voicemails(config, journal, Asterisk(), {CALL}, NOW)
    await leftovers.keep_voicemails(config, journal, Asterisk(CALL), set(), NOW)
    (config.spool_folder / f"{CALL}.call").touch()
    await leftovers.keep_voicemails(config, journal, Asterisk(), set(), NOW)
    (config.spool_folder / f"{CALL}.call").unlink()
    sound = record_sound(config, age_seconds=1)
    greeting = record_sound(config, "greeting-0123456789ab")
    await leftovers.keep_voicemails(config, journal, Asterisk(), set(), NOW)
    await journal.drained()
    assert await the_call(store) is None
    assert sound.exists()
    assert greeting.exists()


async def test_a_call_that_the_dialplan_had_and_of_which_no_entry_comes_has_an_end_all_the_same(
    store: Store, config: Config, journal: Journal
) -> None:
    journal.append(CallArrived(f"{CALL}/arrived", CALL, NOW, "+15125550100", "+15125550123", "carrier"))
    journal.append(HandedToDialplan(f"{CALL}/handed", CALL, NOW, "handed_over"))
    await leftovers.close(config, journal, CALL, NOW, is_cut=False)
    await journal.drained()
    call = await the_call(store)
    assert call
    assert call.outcome is None, "its entries may still come"
    await leftovers.close(config, journal, CALL, NOW, is_cut=False, is_unlogged=True)
    await journal.drained()
    call = await the_call(store)
    assert call
    assert call.outcome == "gave_up"
