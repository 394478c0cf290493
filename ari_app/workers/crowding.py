"""What the app does when very many people call: silent callers make room for others, and the admin hears who was
refused.

The dialplan decides how many are let in (context admission), and needs no app for that. A caller who never confirms our
answer (no ACK: mostly a forged sender) would keep a place there for a minute, which is how long SIP waits; a real
caller sends audio at once.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence

from ari_app.edge.channel import path_of
from ari_app.edge.client import AriClient
from ari_app.edge.errors import ChannelGone
from ari_app.edge.events import Channel
from crm.context import Crm
from crm.domain.limits import CallRoom
from crm.domain.ringing import DeviceKind
from crm.services.phones import capacity, devices, trunks

SILENT_SECONDS = 4.0
"""A caller who has sent no audio for this long after the answer may have to make room."""
LEAVING_SECONDS = 70.0
"""SIP waits 32 s for an ACK, and then as long for the answer to BYE (RFC 3261, 64 times T1); the ports are in use
during all that time."""
CROWDED = 0.5
"""Share of a limit from which on silent callers have to make room."""
RECKONED_SECONDS = 60.0
CALLERS = ("arrival", "last-resort")
"""Contexts of the dialplan that callers are in."""

log = logging.getLogger(__name__)


class Crowding:
    """Called for each new list of channels."""

    def __init__(self, crm: Crm, client: AriClient) -> None:
        self._crm, self._client = crm, client
        self._up_since: dict[str, float] = {}
        """Since when each caller is known to be up."""
        self._heard: set[str] = set()
        """Those of them who have sent audio."""
        self._left: list[float] = []
        """When silent callers were hung up on."""
        self._reckoned: tuple[float, CallRoom] | None = None
        self._refused = -1
        """How many had been refused at the last look."""

    async def look(self, channels: Sequence[Channel]) -> None:
        """`channels` are all channels of Asterisk."""
        callers = [one for one in channels if is_caller(one)]
        at = time.monotonic()
        up = {one.id for one in callers if one.state == "Up"}
        self._up_since = {id: self._up_since.get(id, at) for id in up}
        self._heard &= up
        silent = [one for one in callers if one.id not in self._heard and self._has_been_up(one, at) >= SILENT_SECONDS]
        if silent:
            room = await self._room(at)
            crowded = crowded_trunks(callers, whole=room.callers, each=self._crm.config.limits.trunk_calls)
            await self._make_room([one for one in silent if one.endpoint in crowded], room.leaving, at)
        await self._tell_refused()

    async def _room(self, at: float) -> CallRoom:
        """How many calls there is room for. Calculated once a minute at most, since phones are rarely added."""
        if self._reckoned is None or at - self._reckoned[0] > RECKONED_SECONDS:
            phones = sum(one.kind != DeviceKind.MOBILE for one in await self._crm.store.read(devices.find_all))
            self._reckoned = at, capacity.room(self._crm.config, phones)
        return self._reckoned[1]

    def _has_been_up(self, caller: Channel, at: float) -> float:
        return at - self._up_since.get(caller.id, at)

    async def _make_room(self, asked: Sequence[Channel], leaving: int, at: float) -> None:
        self._left = [left for left in self._left if at - left < LEAVING_SECONDS]
        spare = leaving - len(self._left)
        gone = 0
        for one in asked:
            if gone >= spare:
                break
            try:
                sound = await self._client.get(f"{path_of(one.id)}/rtp_statistics")
                if sound["rxcount"]:
                    self._heard.add(one.id)
                    continue
                await self._client.delete(path_of(one.id))
            except ChannelGone:
                continue
            self._left.append(at)
            gone += 1
        if gone:
            log.warning("silent callers made room", extra={"count": gone})

    async def _tell_refused(self) -> None:
        answer = await self._client.get("/asterisk/variable", variable=capacity.REFUSED)
        latest = capacity.refused(answer["value"])
        if latest and latest.count != self._refused:
            self._refused = latest.count
            log.warning("callers are refused", extra={"count": latest.count, "limit": latest.limit})
            await self._crm.store.run(capacity.tell, self._crm.config, latest, self._crm.now())


def is_caller(channel: Channel) -> bool:
    """Whether it came from a trunk; channels that we dial there are in other contexts."""
    return channel.endpoint.startswith(trunks.endpoint("")) and channel.dialplan.context in CALLERS


def crowded_trunks(callers: Sequence[Channel], *, whole: int, each: int) -> set[str]:
    """Endpoints of the trunks whose silent callers have to make room: all trunks if there are almost `whole` callers,
    otherwise those with almost `each` callers of their own. 0: no limit."""
    of_trunk = Counter(one.endpoint for one in callers)
    is_crowded = len(callers) >= whole * CROWDED
    return {trunk for trunk, count in of_trunk.items() if is_crowded or (each and count >= each * CROWDED)}
