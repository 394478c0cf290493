"""The message lamps of agents' phones (MWI, RFC 3842): how many messages are new to them, and how many they have heard.

Asterisk keeps the numbers in memory and tells a phone at each change and when it registers. Debian's package has no
res_mwi_external, so the numbers go in through the dialplan, by MinivmMWI() on a Local channel of its own (context
message-lamp). The database has the truth: after each start of Asterisk or of the app all are told anew.
"""

from __future__ import annotations

import asyncio
import logging
import math
import uuid
from contextlib import suppress

from ari_app.call.call import AppContext
from ari_app.edge.errors import PhoneError
from crm.domain.errors import CrmError
from crm.services.voicemail import mailboxes
from crm.services.voicemail.mailboxes import Lamp

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
"""After trouble, and when it was the agents or their teams that were changed."""


class MessageLamps:
    def __init__(self, office: AppContext) -> None:
        self._office = office
        self._shown: dict[str, Lamp] = {}
        self._again: dict[str, float] = {}
        """When an agent's are told once more, by the loop's clock."""
        self._changed = asyncio.Event()

    def forget(self) -> None:
        """Asterisk may have been started anew and know nothing."""
        self._shown = {}
        self._again = {}
        self._changed.set()

    async def run(self) -> None:
        """Keeps the lamps right until it is cancelled."""
        with self._office.store.changes.told(["voicemail"], self._changed.set):
            await self._keep_showing()

    async def _keep_showing(self) -> None:
        while True:
            self._changed.clear()
            if self._office.client.connected.is_set():
                try:
                    await self._show()
                except (CrmError, PhoneError) as error:
                    log.warning("message lamps are set later: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._changed.wait()

    async def _show(self) -> None:
        now = asyncio.get_running_loop().time()
        for agent, lamp in (await self._office.store.read(mailboxes.lamps)).items():
            # Asterisk loses what it is told in its first seconds (seen on 22.10.1), so all is told once more.
            is_known = self._shown.get(agent) == lamp
            if is_known and now < self._again.get(agent, math.inf):
                continue
            await self._office.client.post(
                "/channels",
                {"variables": {"LL_AGENT": agent, "LL_NEW": str(lamp.new), "LL_OLD": str(lamp.old)}},
                endpoint="Local/s@message-lamp",
                context="message-lamp",
                extension="done",
                priority="1",
                channelId=f"lamp-{agent}-{uuid.uuid4().hex[:8]}",
                timeout="5",
            )
            self._shown[agent] = lamp
            self._again[agent] = math.inf if is_known else now + POLL_SECONDS
