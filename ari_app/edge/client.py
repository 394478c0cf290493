"""ARI: one event socket that is always being read, and requests over persistent HTTP connections.

`bench/ari_transport.py` compares this with requests over the event socket (docs/measurements.md): a micro-call costs
14.4 ms of CPU over HTTP (Asterisk 10.4, Python 4.1), and 13.5 ms over the socket (11.0 and 2.5). HTTP is worth the
additional 6 %: Asterisk carries out a socket's requests one after another, so one that waits, such as setting a
variable during a playback, would hold up all other calls. Both were measured with aiohttp; with `http.py`, requests
over HTTP take a third of that CPU time in Python.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from ari_app.edge import events
from ari_app.edge.errors import AsteriskRefused, AsteriskUnreachable, ChannelGone
from ari_app.edge.events import CallerID, Channel, DialplanCEP, Endpoint, Event
from ari_app.edge.http import Http
from ari_app.edge.present import Present

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger(__name__)

REQUEST_SECONDS = 5.0
"""A request that takes longer counts as unanswered; on a healthy machine it takes milliseconds."""
RECONNECT_SECONDS = 0.25
"""First pause before reconnecting; doubles up to eight times that."""
PING_SECONDS = 10.0
"""A socket whose peer does not answer a ping within this time is dead, whatever TCP says."""
ENDPOINTS_SECONDS = 10.0
"""How often to ask for changes of phones that no event reported."""

UNREADABLE = DialplanCEP("", "", 0)
"""The dialplan position of a channel for which Asterisk cannot tell it."""


class AriClient:
    """Connection to one Asterisk. `run` reads events until cancelled; everything else can be called meanwhile.

    `on_connect` is awaited in a task of its own after each (re)connection: events before that are lost, so it has to
    `look` at what there is now. `on_event` gets events to whose channel nobody has subscribed, and must not block.
    """

    def __init__(
        self,
        base_url: str,
        user: str,
        password: str,
        app: str,
        *,
        on_connect: Callable[[], Awaitable[None]],
        on_event: Callable[[Event], None],
    ) -> None:
        self._base_url = base_url
        self.app = app
        self._credentials = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._on_connect = on_connect
        self._on_event = on_event
        self._http: Http | None = None
        self._owners: dict[str, asyncio.Queue[Event]] = {}
        self.connected = asyncio.Event()
        self.yields = asyncio.Event()
        """Set when another process may take our place: when it does, `replaced` is set and there is no reconnection."""
        self.replaced = asyncio.Event()
        self.connected_at: datetime | None = None
        """Since when we have received events; what happened before has to be found out otherwise."""
        self.lost_at: datetime | None = None
        """When the connection before this one was lost."""
        self.present = Present()
        """What exists in Asterisk, according to events; see `seen`."""
        self._is_seen = asyncio.Event()
        self._endpoints_at = 0.0
        self.connections = 0
        self.unknown: Counter[str] = Counter()
        """How many events of unknown kinds were received, by kind."""
        self.on_hold: set[str] = set()
        """Ids of channels whose phones have put the other side on hold, according to events."""
        self._unreadable: set[str] = set()
        """Ids of channels that Asterisk cannot write as JSON."""
        self.latest_unknown: deque[events.UnknownEvent] = deque(maxlen=50)

    async def __aenter__(self) -> AriClient:
        credentials, server = {"Authorization": self._credentials}, urlsplit(self._base_url)
        self._http = Http(server.hostname or "", server.port or 80, credentials, REQUEST_SECONDS)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._http is not None
        self._http.close()

    # --- events ---

    def subscribe(self, channel_id: str) -> asyncio.Queue[Event]:
        """The channel's events from now on. Subscribe before asking Asterisk for anything on the channel.

        A channel has one owner: whoever subscribes replaces the previous one, which gets no more events.
        """
        events_of_it = self._owners[channel_id] = asyncio.Queue()
        return events_of_it

    def unsubscribe(self, channel_id: str, events_of_it: asyncio.Queue[Event]) -> None:
        """Ends a subscription, unless somebody else has taken the channel over."""
        if self._owners.get(channel_id) is events_of_it:
            del self._owners[channel_id]

    def succeeds(self, event: events.StasisStart) -> None:
        """Makes the owner of a channel that is being replaced own the new one, too; the owner gets this event."""
        assert event.replace_channel is not None
        if owner := self._owners.get(event.replace_channel.id):
            self._owners[event.channel.id] = owner
            owner.put_nowait(event)

    @property
    def subscriptions(self) -> int:
        """How many channels have an owner; 0 if there are no calls."""
        return len(self._owners)

    async def run(self) -> None:
        """Connects, reads, and reconnects when the socket is lost, until cancelled or `replaced`."""
        import aiohttp  # It takes a tenth of a second to load, which commands that only ask Asterisk need not wait for.

        pause, limit = RECONNECT_SECONDS, aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        is_failing = False
        credentials = {"Authorization": self._credentials}
        while not self.replaced.is_set():
            try:
                async with aiohttp.ClientSession(headers=credentials, timeout=limit) as session:
                    await self._read_socket(session)
                pause, is_failing = RECONNECT_SECONDS, False
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                if not is_failing:
                    log.warning("Asterisk's event socket could not be opened: %s", type(error).__name__)
                is_failing = True
            finally:
                self.connected.clear()
            await asyncio.sleep(pause)
            pause = min(pause * 2, RECONNECT_SECONDS * 8)

    async def _read_socket(self, session: aiohttp.ClientSession) -> None:
        url = f"{self._base_url}/ari/events?app={self.app}&subscribeAll=true"
        async with session.ws_connect(url, heartbeat=PING_SECONDS, max_msg_size=0, decode_text=False) as socket:
            # Without the filter, Asterisk sends every variable that is set and every RTCP report.
            allowed = [{"type": kind} for kind in events.KINDS]
            await self.put(f"/applications/{self.app}/eventFilter", {"allowed": allowed})
            self.connections += 1
            self.connected_at = datetime.now(UTC)
            self.connected.set()
            log.info("connected to Asterisk")
            reconciling = asyncio.create_task(self._reconcile())
            try:
                async for message in socket:
                    if isinstance(message.data, bytes):
                        event = events.decode(message.data)
                        self._dispatch(event)
                        if isinstance(event, events.ApplicationReplaced):
                            # This socket gets no more events, even if the other process ends: reconnect to take the
                            # calls back.
                            if self.yields.is_set():
                                self.replaced.set()
                            break
            finally:
                self._is_seen.clear()
                self.lost_at = datetime.now(UTC)
                reconciling.cancel()
                await asyncio.gather(reconciling, return_exceptions=True)
        log.warning("Asterisk's event socket was lost, connecting again")

    async def _reconcile(self) -> None:
        # A failing reconciliation must not stop us from reading events.
        try:
            await self._on_connect()
        except (AsteriskUnreachable, AsteriskRefused) as error:
            log.error("live calls could not be taken up at once: %s", error)
        except Exception:  # A door: nobody awaits this task, so nobody else would report the error.
            log.exception("live calls could not be taken up at once")

    def _dispatch(self, event: Event) -> None:
        if isinstance(event, events.UnknownEvent):
            self.unknown[event.type] += 1
            self.latest_unknown.append(event)
            return
        self.present.hear(event)
        match event:
            case events.ChannelHold(channel=channel):
                self.on_hold.add(channel.id)
                self.present.on_channel(channel.id)
            case events.ChannelUnhold(channel=channel) | events.ChannelDestroyed(channel=channel):
                self.on_hold.discard(channel.id)
                self.present.on_channel(channel.id)
        owner = self._owners.get(events.channel_of(event) or "")
        if owner is not None:
            owner.put_nowait(event)
        else:
            self._on_event(event)

    # --- requests ---

    async def get(self, path: str, **query: str) -> Any:
        return await self._request("GET", path, query)

    async def post(self, path: str, body: dict[str, Any] | None = None, **query: str) -> Any:
        return await self._request("POST", path, query, body)

    async def put(self, path: str, body: dict[str, Any] | None = None, **query: str) -> Any:
        return await self._request("PUT", path, query, body)

    async def delete(self, path: str, **query: str) -> Any:
        return await self._request("DELETE", path, query)

    async def seen(self) -> Present:
        """What exists in Asterisk now, without asking it. Raises AsteriskUnreachable while that is unknown."""
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await self._is_seen.wait()
        except TimeoutError:
            raise AsteriskUnreachable("what there is in Asterisk is not known") from None
        return self.present

    async def look(self) -> list[Channel]:
        """Asks for what no event may have reported: all channels each time, all endpoints now and then."""
        now = time.monotonic()
        if not self._is_seen.is_set() or now - self._endpoints_at > ENDPOINTS_SECONDS:
            await self._endpoints()
            self._endpoints_at = now
        channels = await self.channels()
        if self.connected.is_set():
            self._is_seen.set()
        return channels

    async def channels(self) -> list[Channel]:
        """All channels of this Asterisk, whether in the app or not; `seen` gives the same without a request.

        Asterisk cannot write a channel as JSON if it holds bytes that are not UTF-8, for example in its Call-ID, and
        answers 500 to a request for the whole list (22.10.1). Then each channel is asked for separately, and only the
        id and endpoint of such a channel are known: it counts as being in a talk, and not in the app.
        """
        with self.present.listing() as listing:
            channels = await self._channels()
            listing.channels(channels)
            return channels

    async def _channels(self) -> list[Channel]:
        if not self._unreadable:
            try:
                return msgspec.convert(await self.get("/channels"), list[Channel])
            except ChannelGone:
                raise
            except (AsteriskRefused, msgspec.ValidationError) as error:
                log.warning("channels are looked at one by one: %s", error)
        asked = [self._channel(id, endpoint) for endpoint, ids in (await self.channel_ids()).items() for id in ids]
        found = [channel for channel in await asyncio.gather(*asked) if channel]
        self._unreadable = {channel.id for channel in found if channel.dialplan is UNREADABLE}
        return found

    async def channel_ids(self) -> dict[str, list[str]]:
        """Ids of the SIP channels by endpoint, whatever these channels contain."""
        endpoints = await self._endpoints()
        return {endpoint["resource"]: endpoint["channel_ids"] for endpoint in endpoints}

    async def _endpoints(self) -> list[dict[str, Any]]:
        with self.present.listing() as listing:
            endpoints: list[dict[str, Any]] = await self.get("/endpoints/PJSIP")
            listing.endpoints(msgspec.convert(endpoints, list[Endpoint]))
            return endpoints

    async def _channel(self, channel_id: str, endpoint: str) -> Channel | None:
        # Asterisk fills a page of its log whenever it is asked for such a channel.
        if channel_id not in self._unreadable:
            try:
                return msgspec.convert(await self.get(f"/channels/{quote(channel_id, safe='')}"), Channel)
            except ChannelGone:
                return None
            except (AsteriskRefused, msgspec.ValidationError):
                pass  # Asked for only this channel, it answers `null`.
        return Channel(channel_id, f"PJSIP/{endpoint}-", "Up", CallerID("", ""), UNREADABLE)

    async def set_device_state(self, device: str, state: str) -> None:
        """Sets the state of `Custom:<device>`, which hints, and so busy lamps, can show.

        ARI's own device states would need a module that can shut out all apps (modules.conf.j2).
        """
        await self.post("/asterisk/variable", variable=f"DEVICE_STATE(Custom:{device})", value=state)

    async def started_at(self) -> datetime:
        """When this Asterisk was started, according to its clock."""
        return datetime.fromisoformat((await self.get("/asterisk/info", only="status"))["status"]["startup_time"])

    async def _request(self, method: str, path: str, query: dict[str, str], body: dict[str, Any] | None = None) -> Any:
        assert self._http is not None, "the client is used outside `async with`"
        request = f"{method} {path}"
        target = f"/ari{path}?{urlencode(query)}" if query else f"/ari{path}"
        try:
            answer = await self._http.request(method, target, b"" if body is None else msgspec.json.encode(body))
        except (OSError, TimeoutError) as error:
            raise AsteriskUnreachable(f"Asterisk did not answer {request} ({type(error).__name__})") from error
        if answer.status < 300:
            return msgspec.json.decode(answer.body) if answer.body else None
        refused = ChannelGone if answer.status in (404, 409, 412) else AsteriskRefused
        raise refused(answer.status, answer.reason, request)
