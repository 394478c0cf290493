"""Finds lines with nobody at the other end: a phone or a browser that died, a mobile without a network, an office cut
off.

Nothing reports that the other end of a SIP call has vanished; its packets just stop coming. If audio and its reports
(RTP and RTCP) stop for `talk.lost_seconds`, or half of that if the phone does not answer SIP either, the channel is
marked and hung up, and its flow continues without it. A muted phone sends silence, and one that sends nothing in pauses
still reports every few seconds (RFC 3550): neither is taken for lost. The app does not have emergency calls, and
nothing here ends them.

Of a browser there is a sign: when it closes or crashes, its WebSocket ends, and Asterisk removes its contact. The
socket alone may also end while the audio goes on, and is opened again within seconds. So when the contact of a
browser in a talk is removed, its line is watched, and if nothing comes from it for `talk.gone_seconds`, it is lost
and marked as gone: the browser may soon be back. If it registers as another phone than before, its page was loaded
anew, and its line is lost at once. One that rings stops at once, and rings again if its page was only reloaded
(ari_app/flows/ring_group.py). What it has dialed is over unless it was answered, and its page says so. Other phones
may suppress silence, and are looked at as always. So is a browser that has lost its network, of which there is no
such sign.

Audio may only seem to have stopped: once Asterisk has learned where a phone sends from, it drops what comes from
elsewhere (strict RTP), as when a router has given the phone another port. So the phone is asked again for its address,
by a re-INVITE; if its SDP names another address than the learned one, as behind a router, Asterisk learns the address
anew. A phone that sends nothing at all is asked after half the time. One that sends reports is asked if they count
audio that does not arrive, and not merely because it is silent: until audio came again, ours would go to the address in
the SDP, where nothing may reach a muted phone. Asterisk accepts reports from anybody; they count here if they come from
the host that the audio came from, or encrypted (SRTP).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ari_app.call.available import RINGING
from ari_app.call.call import LEG_MARK, LiveCall
from ari_app.call.registry import Calls
from ari_app.edge.ami import AmiConnection
from ari_app.edge.channel import UNAVAILABLE, hang_up, is_browser, is_of_browser, path_of
from ari_app.edge.client import AriClient
from ari_app.edge.errors import AsteriskRefused, AsteriskUnreachable, ChannelGone
from ari_app.edge.events import endpoint_of
from ari_app.edge.rtcp import SenderReport, host_of

log = logging.getLogger(__name__)

DIALS = "Ring"
"""State of a channel on which a phone has dialed, until it is answered."""
LOOKS = 2
"""Looks at each line per `talk.lost_seconds`; a look takes Asterisk and us 0.4 ms."""
LONGEST_PAUSE_SECONDS = 10.0
WATCHED_SECONDS = 10.0
"""A browser from which something has come for so long since its connection closed has only lost the connection."""
WATCHES = 4
"""Looks per `talk.gone_seconds` at a line that is watched."""
HOLD_TIMES = 3
"""How much longer it takes until a line on hold counts as gone. Chromium goes on sending sound to who is on hold (seen
on 156), but others might only report every few seconds."""
RECEIVED = ("rxcount", "rtt", "normdevrtt", "stdevrtt", "rxjitter", "remote_normdevjitter", "remote_stdevjitter")
"""The fields of ARI's RTPstat that change with packets from the other end: its audio, and its reports about ours."""
DROPPED_PACKETS = 50
"""A second of audio; fewer packets may have been lost on the way."""


@dataclass
class WatchedLine:
    """What has been received from the other end of a channel."""

    received: tuple[float, ...]
    since: float
    """When anything was last received, on the loop's clock, or when the channel was first seen up."""
    may_be_on_hold: bool
    """It may have been put on hold before we connected to Asterisk, when nobody reported that to us."""
    is_up: bool = False
    """Whether it has answered; before that it need not send anything."""
    was_asked: bool = False
    """Whether the phone has been asked for its address since its last audio."""
    first_report: SenderReport | None = None
    """The first report since its last audio."""
    unheard: SenderReport | None = None
    """A later report, which counts audio sent since the first one."""
    away_since: float | None = None
    """Since when its phone has not answered SIP either, at the looks there were."""

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
        *,
        gone_seconds: float = 2.0,
    ) -> None:
        self._client = client
        self._ami = ami
        self._calls = calls
        self._seconds = seconds
        self._qualify_seconds = qualify_seconds
        """How often phones are asked for a sign of life (SIP OPTIONS)."""
        self._gone_seconds = gone_seconds
        self._clock = clock
        self._known: dict[str, WatchedLine] = {}
        self._pages: dict[str, str] = {}
        """What the page of each browser calls itself, by endpoint: a page keeps that as long as it is open."""
        self._renewed: dict[str, asyncio.Event] = {}
        """Set when the page of a browser whose line is watched was loaded anew; by endpoint."""
        self._connection = 0
        """Number of the connection to Asterisk at the last look."""

    async def run(self) -> None:
        """Looks periodically, until cancelled; does nothing if `seconds` is 0."""
        while self._seconds:
            await asyncio.sleep(min(LONGEST_PAUSE_SECONDS, self._seconds / LOOKS))
            if self._client.connected.is_set():
                await self.look()

    def hear_report(self, report: SenderReport) -> None:
        if line := self._known.get(report.channel_id):
            line.hear_report(report)

    async def look(self) -> None:
        """Looks at one line after another, so that many talks never cause a burst of requests."""
        ids = self._calls.held
        is_first = self._connection != self._client.connections
        if is_first:
            self._connection = self._client.connections
            self._known.clear()
            self._client.on_hold.clear()
        self._known = {id: line for id, line in self._known.items() if id in ids}
        self._calls.lost &= ids
        self._calls.gone &= ids
        for channel_id in ids:
            try:
                if await self._is_lost(channel_id, is_older_than_we=is_first):
                    if await is_browser(self._client, channel_id):
                        self._calls.gone.add(channel_id)
                    await self._hang_up(channel_id)
            except (ChannelGone, AsteriskRefused):
                # It has just left, or it has no audio of its own.
                self._known.pop(channel_id, None)
            except AsteriskUnreachable as error:
                log.warning("lines are looked at later: %s", error)
                return

    async def watch(self, endpoint: str, uri: str) -> None:
        """Called when a contact of an endpoint was removed, with its URI."""
        if not is_of_browser(uri):
            return
        channels = self._client.present.channels
        own = [id for id in self._calls.held if id in channels and channels[id].endpoint == endpoint]
        await self._stop_dialing([id for id in own if channels[id].state == DIALS])
        await self._stop_ringing(endpoint)
        if not self._seconds:
            return
        renewed = self._renewed.setdefault(endpoint, asyncio.Event())
        if self._pages.setdefault(endpoint, _user(uri)) != _user(uri):
            renewed.set()
        try:
            await asyncio.gather(*(self._watch(id, renewed) for id in own if channels[id].state == "Up"))
        finally:
            if self._renewed.get(endpoint) is renewed:
                del self._renewed[endpoint]

    def registered(self, endpoint: str, uri: str) -> None:
        """Called when a phone has registered, with the contact's URI."""
        if not is_of_browser(uri):
            return
        before, self._pages[endpoint] = self._pages.get(endpoint), _user(uri)
        if before not in (None, _user(uri)) and (watched := self._renewed.get(endpoint)):
            watched.set()

    async def _stop_dialing(self, ids: list[str]) -> None:
        """Ends what the page has dialed and nobody has answered: it has given up its calls without a connection, and
        whoever answered would hear nobody."""
        for id in ids:
            await hang_up(self._client, id)

    async def _stop_ringing(self, endpoint: str) -> None:
        """Ends legs that have not been answered: nobody can answer them any more."""
        for channel in list(self._client.present.channels.values()):
            if channel.endpoint != endpoint or LEG_MARK not in channel.id or channel.state not in RINGING:
                continue
            if call := self._calls.get(channel.id.partition(LEG_MARK)[0]):
                call.vanished.add(channel.id)
            await hang_up(self._client, channel.id)

    async def _watch(self, channel_id: str, renewed: asyncio.Event) -> None:
        """Looks at a browser's line until it is lost, or has been heard for long enough. With its page loaded anew,
        nobody is there any more."""
        with contextlib.suppress(ChannelGone, AsteriskRefused):
            received: tuple[float, ...] | None = None
            since = began = self._clock()
            while True:
                now = self._clock()
                latest = _received(await self._client.get(f"{path_of(channel_id)}/rtp_statistics"))
                if latest != received:
                    received, since = latest, now
                # Who has put the other side on hold may send nothing but reports.
                enough = self._gone_seconds * (HOLD_TIMES if channel_id in self._client.on_hold else 1)
                if now - since >= enough or renewed.is_set():
                    self._calls.gone.add(channel_id)
                    await self._hang_up(channel_id)
                    return
                if since - began >= WATCHED_SECONDS:
                    return
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._gone_seconds / WATCHES):
                        await renewed.wait()

    async def _hang_up(self, channel_id: str) -> None:
        log.warning("a leg has gone silent and is hung up", extra={"channel": channel_id})
        self._calls.lost.add(channel_id)
        await self._client.delete(path_of(channel_id), reason_code=UNAVAILABLE)

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
        # A phone on hold sends nothing, so only its answers to OPTIONS count; it may have missed one.
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
        """Whether a report was encrypted, which Asterisk has checked, or comes from the host that the audio came
        from."""
        if await self._variable(channel_id, "CHANNEL(rtp,secure)") == "1":
            return True
        return report.host == host_of(await self._variable(channel_id, "CHANNEL(rtp,dest)"))

    async def _ask(self, channel_id: str) -> None:
        """Asks a phone for its address by a re-INVITE. Browsers are not asked: with ICE, Asterisk learns their address
        anyway."""
        if await is_browser(self._client, channel_id):
            return
        try:
            await self._ami.refresh(str((await self._client.get(path_of(channel_id)))["name"]))
        except (AsteriskRefused, AsteriskUnreachable) as error:
            log.warning("a line is not asked where its sound is: %s", error, extra={"channel": channel_id})

    async def _variable(self, channel_id: str, name: str) -> str:
        return str((await self._client.get(f"{path_of(channel_id)}/variable", variable=name))["value"])


def _user(uri: str) -> str:
    return uri.partition("@")[0]


def _received(statistics: Mapping[str, Any]) -> tuple[float, ...]:
    return tuple(statistics.get(name) or 0 for name in RECEIVED)
