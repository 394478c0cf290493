"""This node's sign of life for others on the same database, and ending calls whose node is gone."""

from __future__ import annotations

import logging

from ari_app import leftovers
from crm.context import Crm
from crm.services.calls.journal import Journal
from crm.services.system import nodes

BEAT_SECONDS = 60.0

log = logging.getLogger(__name__)


async def look(crm: Crm, journal: Journal) -> None:
    for call_id, at in await crm.store.run(nodes.beat, crm.config, crm.now()):
        log.error("a call is ended whose node is gone", extra={"call": call_id})
        # How it went on there is unknown. If the node comes back, what it reports counts.
        await leftovers.close(crm.config, journal, call_id, at, is_cut=True)
