"""This node's sign of life for others on the same database, and the end of calls whose node is gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from ari_app import leftovers
from crm.config import Config
from crm.domain.errors import CrmError
from crm.services.calls.journal import Journal
from crm.services.system import nodes
from crm.store.session import Store

BEAT_SECONDS = 60.0

log = logging.getLogger(__name__)


async def keep(config: Config, store: Store, journal: Journal, clock: Callable[[], datetime]) -> None:
    """Until it is cancelled."""
    while True:
        try:
            for call_id, at in await store.run(nodes.beat, config, clock()):
                log.error("a call is ended whose node is gone", extra={"call": call_id})
                # Nobody knows how it went there. Should the node come back, what it tells counts.
                await leftovers.close(config, journal, call_id, at, is_cut=True)
        except CrmError as error:
            log.warning("whether other nodes live is looked at later: %s", error)
        await asyncio.sleep(BEAT_SECONDS)
