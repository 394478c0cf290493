"""The message lamps of agents' phones (MWI, RFC 3842): how many voicemails are new to them, and how many they have
heard.

Asterisk keeps the numbers in memory, and tells a phone at each change and when it registers. Debian's package lacks
res_mwi_external, so the numbers are set in the dialplan, by MinivmMWI() on a Local channel of its own (context
message-lamp). The database has the truth: after each start of Asterisk or of the app, all numbers are told again.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from ari_app.workers.lamps import Lamps
from crm.services.voicemail import mailboxes
from crm.services.voicemail.mailboxes import Lamp
from crm.store.models import Agent, SubteamMember, Voicemail

MARK = "lamp-"
"""Prefix of the id of a channel that only sets a lamp."""
AGAIN_SECONDS = 5.0
"""What Asterisk is told in the first second of a connection does not reach a phone that registers just then (seen on
22.10.1), so everything is told once more after this."""


class MessageLamps(Lamps[Lamp]):
    name = "message lamps"
    # A property's change to another subteam is noticed within a minute.
    wakes_on = (Voicemail, Agent, SubteamMember)
    _is_connection_new = False

    def forget(self) -> None:
        super().forget()
        self._is_connection_new = True

    async def work(self, claim: Mapping[str, Lamp]) -> None:
        await super().work(claim)
        if self._is_connection_new:
            self._is_connection_new = False
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, super().forget)

    def wanted(self, session: Session, now: datetime) -> dict[str, Lamp]:
        return mailboxes.lamps(session)

    async def tell(self, name: str, state: Lamp) -> None:
        await self._client.post(
            "/channels",
            {"variables": {"LL_AGENT": name, "LL_NEW": str(state.new), "LL_OLD": str(state.old)}},
            endpoint="Local/s@message-lamp",
            context="message-lamp",
            extension="done",
            priority="1",
            channelId=f"{MARK}{name}-{uuid.uuid4().hex[:8]}",
            timeout="5",
        )
