"""What exists in Asterisk now, kept up to date from its events: channels, and phones that can be reached.

Asking Asterisk for all of them in each call would cost more the larger the office is. Since events may be missed, both
lists are asked for at each connection, and now and then (`AriClient.look`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator

from ari_app.edge import events
from ari_app.edge.events import Channel, Endpoint, Event

ONLINE = "online"
"""State of an endpoint with a contact that answers."""
GONE = ("Removed", "Unreachable")
"""Statuses of contacts that cannot be called."""


class Present:
    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        """By id. The dialplan position of each is as of its last event."""
        self.online: set[str] = set()
        """Names of the endpoints that can be reached."""
        self.ending: set[str] = set()
        """Ids of channels that are about to end: whoever was on one has hung up, and can take another call."""
        self.on_channel: Callable[[str], None] = lambda channel_id: None
        """Called after something about a channel has changed."""
        self.on_phone: Callable[[str], None] = lambda endpoint: None
        """Called after an endpoint has become reachable, or is no longer reachable."""
        self._hearing: list[list[Event]] = []
        self._registrations: Counter[str] = Counter()
        """How often each endpoint has registered, as far as events have told."""
        self._came = asyncio.Event()

    def hear(self, event: Event) -> None:
        """Called with every event, in order."""
        for heard in self._hearing:
            heard.append(event)
        match event:
            case events.ChannelDestroyed(channel=channel):
                self.channels.pop(channel.id, None)
                self.ending.discard(channel.id)
                self.on_channel(channel.id)
            case events.ChannelHangupRequest(channel=channel):
                self.ending.add(channel.id)
                self.on_channel(channel.id)
            case (
                events.ChannelCreated(channel=channel)
                | events.ChannelStateChange(channel=channel)
                | events.StasisStart(channel=channel)
            ):
                self.channels[channel.id] = channel
                self.on_channel(channel.id)
            case events.PeerStatusChange(endpoint=endpoint):
                (self.online.add if endpoint.state == ONLINE else self.online.discard)(endpoint.resource)
                if endpoint.state == ONLINE:
                    self._wake()
                self.on_phone(endpoint.resource)
            case events.ContactStatusChange(endpoint=endpoint, contact_info=contact):
                if contact.contact_status not in GONE:
                    self._registrations[endpoint.resource] += 1
                    self._wake()

    def registrations(self, endpoint: str) -> int:
        return self._registrations[endpoint]

    async def is_online(self, endpoint: str, *, after: int | None = None) -> None:
        """Waits until an endpoint can be reached; with a number of `registrations`, until it has registered again."""
        while endpoint not in self.online or self._registrations[endpoint] == after:
            await self._came.wait()

    def _wake(self) -> None:
        self._came.set()
        self._came = asyncio.Event()

    def made(self, channel: Channel) -> None:
        """Adds a channel that we have created, about which there may have been no event yet."""
        self.channels.setdefault(channel.id, channel)
        self.on_channel(channel.id)

    @contextlib.contextmanager
    def listing(self) -> Iterator[_Listing]:
        """Used while a list is being requested: events received meanwhile may be newer than the list."""
        heard: list[Event] = []
        self._hearing.append(heard)
        try:
            yield _Listing(self, heard)
        finally:
            self._hearing = [one for one in self._hearing if one is not heard]


class _Listing:
    def __init__(self, present: Present, heard: list[Event]) -> None:
        self._present, self._heard = present, heard

    def channels(self, found: list[Channel]) -> None:
        before, self._present.channels = self._present.channels, {channel.id: channel for channel in found}
        self._present.ending &= self._present.channels.keys()
        self._repeat()
        after = self._present.channels
        for id in before.keys() | after.keys():
            if id not in before or id not in after or before[id].state != after[id].state:
                self._present.on_channel(id)

    def endpoints(self, found: list[Endpoint]) -> None:
        before = self._present.online
        self._present.online = {endpoint.resource for endpoint in found if endpoint.state == ONLINE}
        self._present._wake()
        self._repeat()
        for endpoint in before ^ self._present.online:
            self._present.on_phone(endpoint)

    def _repeat(self) -> None:
        heard, self._heard[:] = list(self._heard), []
        for event in heard:
            self._present.hear(event)
