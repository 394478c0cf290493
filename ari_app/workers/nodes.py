"""This node's sign of life for others on the same database, and ending calls whose node is gone."""

from __future__ import annotations

import logging

from ari_app import leftovers
from crm.context import Crm
from crm.services.calls.journal import Journal
from crm.services.system import nodes
from crm.store.changes import Standstill

BEAT_SECONDS = 60.0

log = logging.getLogger(__name__)


class Nodes:
    def __init__(self, crm: Crm, journal: Journal) -> None:
        self._crm, self._journal = crm, journal
        self._still = Standstill(crm.store.changes)
        self._gone: frozenset[str] = frozenset()

    async def look(self) -> None:
        """Gives the sign of life. Where nobody looks for it and nothing changes, it can wait: another node that comes
        changes something, and takes us for gone only after an hour."""
        crm, now = self._crm, self._crm.now()
        if self._still.lasts(self._still.state(), now):
            return
        others = await crm.store.run(nodes.look, crm.config, now, self._gone)
        self._gone = others.gone
        for call_id, at in others.left:
            log.error("a call is ended whose node is gone", extra={"call": call_id})
            # How it went on there is unknown. If the node comes back, what it reports counts.
            await leftovers.close(crm.config, self._journal, call_id, at, is_cut=True)
        # What has been written meanwhile is the sign of life.
        self._still.looked(self._still.state(), now, now if others.are_up else None)
