"""What calls that ended without the app left behind: unfinished records, and audio in Asterisk's spool."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import datetime
from urllib.parse import quote

from ari_app.edge.client import AriClient
from ari_app.edge.errors import ChannelGone
from crm.config import Config
from crm.domain.calls import CallEnded, Cut, EndedBy, TalkCut
from crm.services.calls import strays
from crm.services.calls.journal import Journal
from crm.services.voicemail import recordings

log = logging.getLogger(__name__)


async def keep_talks(
    config: Config, journal: Journal, client: AriClient, up: Collection[str], clock: Callable[[], datetime]
) -> None:
    """Keeps recordings of talks; one that is still being written is kept at a later look. `up` are the live calls."""
    for name in await asyncio.to_thread(recordings.in_spool, config):
        call_id = recordings.call_of(name)
        if call_id in up or await _is_live(client, name):
            continue
        try:
            facts = await asyncio.to_thread(list, strays.facts_of(config, name, clock()))
        except OSError as error:
            log.error("a recording is kept later", extra={"file": name, "error": error.strerror})
            continue
        for fact in facts:
            journal.append(fact)


async def keep_voicemails(
    config: Config, journal: Journal, client: AriClient, up: Collection[str], now: datetime
) -> None:
    """Keeps voicemails of calls that are not on record as live: Asterisk's log of them is lost, as on a full disk."""
    for call_id, written_at in await asyncio.to_thread(recordings.voicemails_in_spool, config, now):
        if call_id not in up and not await _is_live(client, call_id):
            log.error("a voicemail is found whose call left no log entry", extra={"call": call_id})
            await close(config, journal, call_id, written_at, is_cut=False, is_unlogged=True)


async def close(
    config: Config, journal: Journal, call_id: str, at: datetime, *, is_cut: bool, is_unlogged: bool = False
) -> None:
    """Closes the record of a call that ended unobserved, and keeps a voicemail left in it. `is_cut`: it ended because
    Asterisk did. `is_unlogged`: Asterisk handled it alone, and there will be no log of it."""
    try:
        for fact in await asyncio.to_thread(list, strays.facts_of(config, call_id, at)):
            journal.append(fact)
    except OSError as error:
        # It stays where it is, and is found there as a voicemail without a call.
        log.error("a voicemail is kept later", extra={"call": call_id, "error": error.strerror})
    if is_cut:
        journal.append(TalkCut(f"{call_id}/cut", call_id, at, leg_id="", by=Cut.FAILED))
    once = "unnoted" if is_unlogged else "ended"
    journal.append(CallEnded(f"{call_id}/{once}", call_id, at, by=EndedBy.SYSTEM, without_app=is_unlogged))


async def _is_live(client: AriClient, name: str) -> bool:
    """Whether Asterisk is recording it for ARI; the dialplan's Record does not appear here."""
    try:
        await client.get(f"/recordings/live/{quote(name, safe='')}")
    except ChannelGone:
        return False
    return True
