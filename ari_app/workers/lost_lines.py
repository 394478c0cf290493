"""Lines on which nobody is any more: a phone or a browser that died, a mobile without a network, an office cut off.

Nothing tells that the other end of a SIP call has vanished; only its packets stay away. When sound and its reports (RTP
and RTCP) do so for `talk.lost_seconds`, the channel is marked and hung up, and its flow goes on without it; in half the
time when its phone does not answer SIP either. A muted phone sends silence, and one that sends nothing in pauses still
reports (RFC 3550, every few seconds): neither is taken for lost. Emergency calls are not with the app, and nothing here
ends them.

Sound may only seem to stay away: once it has learned where a phone sends from, Asterisk drops what comes from anywhere
else (strict RTP), as when a router has given the phone another port. So the phone is asked once more where our sound is
to go, by a re-INVITE: when its SDP names another address than the learned one, as behind a router, Asterisk learns
anew. A phone that sends nothing at all is asked after half the time. One that sends reports is asked when they count
sound that does not arrive, not for its silence alone: until sound came again, ours would go to the address in the SDP,
where nothing may reach a muted phone. Asterisk takes reports from anybody; here they count when they come from the host
that the sound came from, or encrypted (SRTP).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ari_app.call.call import LiveCall
from ari_app.call.registry import Calls
from ari_app.edge.ami import AmiConnection
from ari_app.edge.channel import UNAVAILABLE, path_of
from ari_app.edge.client import AriClient
from ari_app.edge.errors import AsteriskRefused, AsteriskUnreachable, ChannelGone
from ari_app.edge.events import endpoint_of
from ari_app.edge.rtcp import SenderReport, host_of

log = logging.getLogger(__name__)

LOOKS = 2
"""So often within `talk.lost_seconds` each line is looked at; a look takes Asterisk and us 0.4 ms."""
LONGEST_PAUSE_SECONDS = 10.0
RECEIVED = ("rxcount", "rtt", "normdevrtt", "stdevrtt", "rxjitter", "remote_normdevjitter", "remote_stdevjitter")
"""Of ARI's RTPstat, what packets of the other end change: its sound, and its reports on ours."""
DROPPED_PACKETS = 50
"""A second of sound; fewer may have been lost on their way."""


@dataclass
class WatchedLine:
    """What has come from the other end of a channel until now."""

    received: tuple[float, ...]
    since: float
    """When the last of it came, on the loop's clock, or when the channel was first seen up."""
    may_be_on_hold: bool
    """Since before we were connected to Asterisk: nobody has told us of it."""
    is_up: bool = False
    """Answered; whoever is not need not send anything yet."""
    was_asked: bool = False
    """Since the last sound that came, where ours is to go."""
    first_report: SenderReport | None = None
    """Since the last sound that came."""
    unheard: SenderReport | None = None
    """A later one, which counts sound that was sent since the first."""
    away_since: float | None = None
    """Since then its phone does not answer SIP either, as far as was looked."""

    @classmethod
    def first(cls, statistics: Mapping[str, Any], now: float, *, is_older_than_we: bool) -> WatchedLine:
        received = _received(statistics)
        # A phone that has never sent anything is not on hold.
        return cls(received, now, may_be_on_hold=is_older_than_we and bool(received[0]))

    def hear(self, statistics: Mapping[str, Any], now: float) -> None:
        if (received := _received(statistics)) == self.received:
            return
        if received[0] != self.received[0]:
            self.was_asked, self.first_report, self.unheard = False, None, None
        self.received, self.since, self.may_be_on_hold = received, now, False

    def hear_report(self, report: SenderReport) -> None:
        first = self.first_report
        if first is None or report.host != first.host or report.packets < first.packets:
            self.first_report = report
        elif report.packets - first.packets >= DROPPED_PACKETS:
            self.unheard = report


class LostLines:
    def __init__(
        self,
        client: AriClient,
        ami: AmiConnection,
        calls: Calls[LiveCall],
        seconds: float,
        qualify_seconds: float,
        clock: Callable[[], float] = lambda: asyncio.get_running_loop().time(),
    ) -> None:
        self._client = client
        self._ami = ami
        self._calls = calls
        self._seconds = seconds
        self._qualify_seconds = qualify_seconds
        """How often phones are asked whether they still answer SIP."""
        self._clock = clock
        self._known: dict[str, WatchedLine] = {}
        self._connection = 0
        """Number of the connection to Asterisk at the last look."""

    async def run(self) -> None:
        """Looks again and again; does nothing when `seconds` is 0."""
        while self._seconds:
            await asyncio.sleep(min(LONGEST_PAUSE_SECONDS, self._seconds / LOOKS))
            if self._client.connected.is_set():
                await self.look()

    def hear_report(self, report: SenderReport) -> None:
        if line := self._known.get(report.channel_id):
            line.hear_report(report)

    async def look(self) -> None:
        """One after the other, so that many talks never are a burst of requests."""
        ids = self._calls.held
        is_first = self._connection != self._client.connections
        if is_first:
            self._connection = self._client.connections
            self._known.clear()
            self._client.on_hold.clear()
        self._known = {id: line for id, line in self._known.items() if id in ids}
        self._calls.lost &= ids
        for channel_id in ids:
            try:
                if await self._is_lost(channel_id, is_older_than_we=is_first):
                    log.warning("nothing comes from a line any more", extra={"channel": channel_id})
                    self._calls.lost.add(channel_id)
                    await self._client.delete(path_of(channel_id), reason_code=UNAVAILABLE)
            except (ChannelGone, AsteriskRefused):
                # It left in this moment, or it has no sound of its own.
                self._known.pop(channel_id, None)
            except AsteriskUnreachable as error:
                log.warning("lines are looked at later: %s", error)
                return

    async def _is_lost(self, channel_id: str, *, is_older_than_we: bool) -> bool:
        statistics = await self._client.get(f"{path_of(channel_id)}/rtp_statistics")
        now = self._clock()
        first = WatchedLine.first(statistics, now, is_older_than_we=is_older_than_we)
        line = self._known.setdefault(channel_id, first)
        line.hear(statistics, now)
        if not line.is_up:
            line.is_up = (await self._client.get(path_of(channel_id)))["state"] == "Up"
            line.since = now
        silent = now - line.since
        on_hold = line.may_be_on_hold or channel_id in self._client.on_hold
        if silent >= self._seconds and not on_hold:
            return True
        may_be_asked = not on_hold and not line.was_asked
        if silent < self._seconds / 2:
            line.away_since = None
            if may_be_asked and line.unheard and await self._is_of_its_phone(channel_id, line.unheard):
                line.was_asked = True
                await self._ask(channel_id)
            return False
        name = str((await self._client.get(path_of(channel_id)))["name"])
        if not await self._is_away(name):
            line.away_since = None
            if may_be_asked:
                line.was_asked = True
                await self._ask(channel_id)
            return False
        # A phone on hold sends nothing, so only its answers tell; it may have missed one question.
        line.away_since = now if line.away_since is None else line.away_since
        return not on_hold or now - line.away_since >= self._seconds + self._qualify_seconds

    async def _is_away(self, name: str) -> bool:
        """Whether one of our phones does not answer SIP either; a trunk's answers say nothing about the person behind
        it."""
        endpoint = endpoint_of(name)
        if endpoint.startswith("trunk-"):
            return False
        return bool((await self._client.get(f"/endpoints/PJSIP/{quote(endpoint, safe='')}"))["state"] != "online")

    async def _is_of_its_phone(self, channel_id: str, report: SenderReport) -> bool:
        """Whether a report is encrypted, which Asterisk has checked, or of the host that the sound came from."""
        if await self._variable(channel_id, "CHANNEL(rtp,secure)") == "1":
            return True
        return report.host == host_of(await self._variable(channel_id, "CHANNEL(rtp,dest)"))

    async def _ask(self, channel_id: str) -> None:
        """Not browsers: ICE tells Asterisk by itself where their sound comes from."""
        if "transport=ws" in (await self._variable(channel_id, "CHANNEL(pjsip,target_uri)")).lower():
            return
        try:
            await self._ami.refresh(str((await self._client.get(path_of(channel_id)))["name"]))
        except (AsteriskRefused, AsteriskUnreachable) as error:
            log.warning("a line is not asked where its sound is: %s", error, extra={"channel": channel_id})

    async def _variable(self, channel_id: str, name: str) -> str:
        return str((await self._client.get(f"{path_of(channel_id)}/variable", variable=name))["value"])


def _received(statistics: Mapping[str, Any]) -> tuple[float, ...]:
    return tuple(statistics.get(name) or 0 for name in RECEIVED)
