"""The message lamps of agents' phones (MWI, RFC 3842): how many voicemails are new to them, and how many they have
heard.

Asterisk keeps the numbers in memory, and tells a phone at each change and when it registers. Debian's package lacks
res_mwi_external, so the numbers are set in the dialplan, by MinivmMWI() on a Local channel of its own (context
message-lamp). The database has the truth: after each start of Asterisk or of the app, all numbers are told again.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from ari_app.edge import events
from ari_app.edge.client import AriClient
from ari_app.workers.lamps import Lamps
from crm.services.voicemail import mailboxes
from crm.services.voicemail.mailboxes import Lamp
from crm.store.models import Agent, Organization, Property, Subteam, SubteamMember, Voicemail

MARK = "lamp-"
"""Prefix of the id of a channel that only sets a lamp."""
SET_SECONDS = 5.0
"""Longest wait until all lamps are set; it takes milliseconds."""
AGAIN_SECONDS = 5.0
"""A phone that registers while its lamp changes is told of both states, and the former may arrive last: each is a
request of its own, sent by whichever thread is free, and again until it is answered (22.10.1). So everything is told
once more after this."""


class MessageLamps(Lamps[Lamp]):
    name = "message lamps"
    # A new agent, subteam or property has a mailbox, and those of a property's subteam, or the admin, hear it.
    wakes_on = (Voicemail, Agent, SubteamMember, Subteam, Property, Organization)

    def __init__(self, client: AriClient) -> None:
        super().__init__(client)
        self._setting: dict[str, asyncio.Queue[events.Event]] = {}
        """What happens to the channels that set a lamp just now, by id."""
        self._told_twice: dict[str, Lamp] = {}
        """What is told once more, or has been."""

    def forget(self) -> None:
        super().forget()
        self._told_twice = {}

    async def work(self, claim: Mapping[str, Lamp]) -> None:
        try:
            await super().work(claim)
            await self._are_set()
        finally:
            for id, happening in self._setting.items():
                self._client.unsubscribe(id, happening)
            self._setting.clear()
        new = {name: state for name, state in claim.items() if self._told_twice.get(name) != state}
        if new:
            self._told_twice |= new
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._tell_again, new)

    def _tell_again(self, lamps: Mapping[str, Lamp]) -> None:
        for name, state in lamps.items():
            if self._told.get(name) == state:
                del self._told[name]
        self.wake.set()

    def wanted(self, session: Session, now: datetime) -> dict[str, Lamp]:
        return mailboxes.lamps(session)

    async def _are_set(self) -> None:
        """Each lamp is set by a channel of its own, so a later one could overtake this, and leave the lamp wrong."""
        with contextlib.suppress(TimeoutError):  # Without Asterisk, which is told everything again.
            async with asyncio.timeout(SET_SECONDS):
                for happening in self._setting.values():
                    while not isinstance(await happening.get(), events.ChannelDestroyed):
                        pass

    async def tell(self, name: str, state: Lamp) -> None:
        id = f"{MARK}{name}-{uuid.uuid4().hex[:8]}"
        self._setting[id] = self._client.subscribe(id)
        await self._client.post(
            "/channels",
            {"variables": {"LL_AGENT": name, "LL_NEW": str(state.new), "LL_OLD": str(state.old)}},
            endpoint="Local/s@message-lamp",
            context="message-lamp",
            extension="done",
            priority="1",
            channelId=id,
            timeout="5",
        )
