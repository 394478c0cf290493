"""One channel in Asterisk, owned by one task: requests to it, and waiting for its events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from ari_app.edge import events
from ari_app.edge.client import AriClient
from ari_app.edge.errors import AsteriskUnreachable, ChannelGone, HungUp
from ari_app.edge.events import Event

ANSWERED_ELSEWHERE = "26"
"""Q.850 cause; PJSIP turns it into `Reason: SIP;cause=200;text="Call completed elsewhere"` on the CANCEL (RFC 3326)."""
NORMAL = "16"
BUSY = "17"
REJECTED = "21"
UNAVAILABLE = "44"
"""The cause with which Asterisk itself hangs up if nothing is received from the other end any more (rtp_timeout)."""

_ENDS = (events.ChannelHangupRequest, events.ChannelDestroyed, events.StasisEnd)


class LeftTheApp(HungUp):
    """The channel is up but no longer in the app: the dead man's switch took it back, or it is just being hung up."""


class Handle:
    """A channel, by its id. Subscribes on creation; `release` it when its task is done with it."""

    def __init__(self, client: AriClient, channel_id: str, name: str = "") -> None:
        self.client = client
        self._be(channel_id, name)
        self.playbacks = 0
        """How many were started; their ids follow from that (`ari_app.edge.media`)."""
        self.is_leaving = False
        """Whether it was sent to the dialplan to ring there, so that its next StasisEnd means nothing."""
        self._former: list[str] = []
        self._events = client.subscribe(channel_id)

    def _be(self, channel_id: str, name: str) -> None:
        self.id = channel_id
        self.name = name
        self.path = path_of(channel_id)
        self.is_hung_up = False
        """Whether it is gone or about to be: Asterisk has said so, or been told so."""

    def become(self, event: events.StasisStart) -> None:
        """From now on, this handle stands for the channel that replaces its own (`AriClient.succeeds`)."""
        if event.replace_channel and event.replace_channel.id == self.id:
            self._former.append(self.id)
            self._be(event.channel.id, event.channel.name)

    @property
    def endpoint(self) -> str:
        """Name of the PJSIP endpoint."""
        return events.endpoint_of(self.name)

    def release(self) -> None:
        for channel_id in (self.id, *self._former):
            self.client.unsubscribe(channel_id, self._events)

    @contextlib.contextmanager
    def while_ours(self) -> Iterator[None]:
        """Wraps a request to the channel: raises HungUp or LeftTheApp if the channel is gone or has left the app."""
        try:
            yield
        except ChannelGone as gone:
            if gone.status == 409:
                raise LeftTheApp(f"the channel is no longer in the app for {gone}") from gone
            raise HungUp(f"the channel left before {gone}") from gone

    async def answer(self) -> None:
        with self.while_ours():
            await self.client.post(f"{self.path}/answer")

    async def start_ringback(self) -> None:
        """Plays ringing to the caller."""
        with self.while_ours():
            await self.client.post(f"{self.path}/ring")

    async def stop_ringback(self) -> None:
        with self.while_ours():
            await self.client.delete(f"{self.path}/ring")

    async def set_variables(self, **variables: str) -> None:
        """Sets channel variables at once; `timeout` means TIMEOUT(absolute)."""
        spelled = {"TIMEOUT(absolute)" if name == "timeout" else name: value for name, value in variables.items()}
        with self.while_ours():
            await self.client.post(f"{self.path}/variables", {"variables": spelled})

    async def variables(self, *names: str) -> dict[str, str]:
        """Values of channel variables, without empty ones. If one of them is not set at all, Asterisk returns none."""
        try:
            return await variables(self.client, self.id, *names)
        except ChannelGone as gone:
            if await self.is_up():
                return {}
            raise HungUp(f"the channel left before {gone}") from gone

    async def go_on_in_dialplan(self, context: str, extension: str = "s") -> None:
        with self.while_ours():
            await self.client.post(f"{self.path}/continue", context=context, extension=extension, priority="1")

    async def hang_up(self, cause: str = NORMAL) -> None:
        """Ends the channel, unless it has left already. Only the first request counts.

        A second one right after it would replace the cause: a phone that should have shown busy got 603 (seen on
        22.10.1).
        """
        if self.is_hung_up:
            return
        await hang_up(self.client, self.id, cause)
        self.is_hung_up = True

    async def next_event(self, seconds: float | None = None) -> Event | None:
        """The channel's next event, or None after `seconds`.

        Raises HungUp if the channel has hung up, LeftTheApp if Asterisk has taken it back.
        """
        try:
            async with asyncio.timeout(seconds):
                event = await self._events.get()
                if self.is_leaving and isinstance(event, events.StasisEnd):
                    self.is_leaving = False
                    event = await self._events.get()
        except TimeoutError:
            return None
        if isinstance(event, events.StasisStart):
            self.become(event)
        if events.channel_of(event) in self._former and isinstance(event, _ENDS):
            return event  # Another channel has replaced it.
        if isinstance(event, events.ChannelHangupRequest | events.ChannelDestroyed):
            # Only the first of these two events has the SIP status (seen on 22.10.1).
            self.is_hung_up = True
            status = event.tech_cause if isinstance(event, events.ChannelHangupRequest) else None
            raise HungUp("the channel hung up", cause=event.cause or 0, sip_status=status or 0)
        if isinstance(event, events.StasisEnd):
            # StasisEnd is the same for a hangup and for a channel that continues in the dialplan.
            if await self.is_up():
                raise LeftTheApp("Asterisk has taken the call back")
            raise HungUp("the channel hung up")
        return event

    async def enters(self, seconds: float) -> None:
        """Waits until a channel that was just created is in the app; before that no bridge takes it. Raises HungUp, and
        AsteriskUnreachable if it is not in time."""
        try:
            async with asyncio.timeout(seconds):
                while not isinstance(await self.next_event(), events.StasisStart):
                    pass
        except TimeoutError:
            raise AsteriskUnreachable(f"the channel {self.id} did not enter the app") from None

    async def is_up(self) -> bool:
        """Whether Asterisk still has the channel."""
        try:
            await self.client.get(self.path)
        except ChannelGone:
            return False
        return True

    async def ends_within(self, seconds: float) -> bool:
        """Whether the channel, which may have left the app, ends within this time; returns as soon as it has."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        await self.next_event()
                    except LeftTheApp:
                        pass
                    except HungUp:
                        return True
        return not await self.is_up()

    async def look(self) -> None:
        """Reads the channel's name. Raises HungUp if the channel is gone."""
        with self.while_ours():
            self.name = (await self.client.get(self.path))["name"]

    async def is_in_app(self) -> bool:
        """Whether the channel, which is up, is in the app. Raises HungUp if it is gone."""
        with self.while_ours():
            channel = await self.client.get(self.path)
        return bool(channel["dialplan"]["app_name"] == "Stasis")


def path_of(channel_id: str) -> str:
    """The channel's path in ARI."""
    return f"/channels/{quote(channel_id, safe='')}"


async def hang_up(client: AriClient, channel_id: str, cause: str = NORMAL) -> None:
    """Like `Handle.hang_up`, for a channel owned by another task."""
    with contextlib.suppress(ChannelGone):
        await client.delete(path_of(channel_id), reason_code=cause)


async def is_browser(client: AriClient, channel_id: str) -> bool:
    """Whether SIP to the other end goes over a WebSocket. Raises ChannelGone."""
    answer = await client.get(f"{path_of(channel_id)}/variable", variable="CHANNEL(pjsip,target_uri)")
    return is_of_browser(str(answer["value"]))


def is_of_browser(uri: str) -> bool:
    """Whether a SIP URI is reached over a WebSocket."""
    return "transport=ws" in uri.lower()


async def variables(client: AriClient, channel_id: str, *names: str) -> dict[str, str]:
    """Like `Handle.variables`, for a channel owned by another task. Raises ChannelGone."""
    answer = await client.get(f"{path_of(channel_id)}/variables", variables=",".join(names))
    return {name: str(value) for name, value in _flat(answer).items() if value not in (None, "")}


def _flat(answer: Any) -> dict[str, Any]:
    if isinstance(answer, dict) and isinstance(answer.get("variables"), dict):
        return dict(answer["variables"])
    return dict(answer or {})
