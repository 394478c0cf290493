"""The app's side of a talk by voice: says sentences to the caller, and tells what they say.

    async with VoiceTalk(client, door, call.id, bridge, language="en", hints=names) as talk:
        await talk.say("Thank you for calling.", interruptible=False)
        async for happening in talk:
            ...

The caller stays in the app's own bridge, to which a media channel is added for as long as the talk lasts. Whatever goes
wrong with the voice process, `VoiceLost` is raised within STALL_SECONDS, by `say` and by the iterator.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from types import TracebackType

import aiohttp
import msgspec

from ari_app.edge import external_media
from ari_app.edge.bridge import MixingBridge
from ari_app.edge.channel import Handle
from ari_app.edge.client import AriClient
from ari_app.edge.errors import HungUp, PhoneError
from ari_app.voice import protocol
from ari_app.voice.protocol import Happening
from crm.config import Config
from crm.secrets import Secrets

log = logging.getLogger(__name__)

OPEN_SECONDS = 2.0
"""Until the caller can hear and be heard; it takes some 20 ms."""
STALL_SECONDS = 2.0
"""A voice process that has said nothing for this long has stalled."""
MOST_WAITING = 500
"""Happenings that nobody has asked for. A talk has one or two per second."""
CLOSE_SECONDS = 0.5
WARM_SECONDS = 600.0


class VoiceLost(Exception):
    """There is no talk, or no longer: the voice process is not running, has stalled, has no room for another caller, or
    cannot hear or speak. The caller is still in the bridge. The text says which it is."""


@dataclass(frozen=True)
class Door:
    """Where the voice process of this home listens."""

    port: int
    secret: str = field(repr=False)

    @classmethod
    def of(cls, config: Config, secrets: Secrets) -> Door:
        """Reads the secrets file. Raises SecretError."""
        return cls(config.ports.voice, secrets.ensure(protocol.SECRET))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{protocol.PATH}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


class VoiceTalk:
    """A talk with one caller. Used by one task at a time; `say` and `stop` may be called while another one iterates."""

    def __init__(
        self,
        client: AriClient,
        door: Door,
        channel_id: str,
        bridge: MixingBridge,
        *,
        language: str,
        hints: Iterable[str] = (),
        talk: str = "",
    ) -> None:
        """`channel_id` becomes the media channel's, and has to be new; `talk` names the talk in logs."""
        self._client = client
        self._door = door
        self._channel_id = channel_id
        self._bridge = bridge
        self._open = protocol.Open(talk or channel_id, "", language, tuple(hints)[: protocol.MOST_HINTS])
        self._language = language
        self._happenings: asyncio.Queue[Happening | None] = asyncio.Queue(MOST_WAITING)
        self._lost: VoiceLost | None = None
        self._plays = 0
        self.turn = 0
        """The caller's latest turn that the iterator has told; what is said next answers it."""
        self._stack = contextlib.AsyncExitStack()
        self._socket: aiohttp.ClientWebSocketResponse

    async def __aenter__(self) -> VoiceTalk:
        """Raises VoiceLost, and PhoneError if Asterisk cannot make the channel."""
        try:
            self._socket = await self._stack.enter_async_context(_connected(self._door))
            channel = Handle(self._client, self._channel_id)
            self._stack.push_async_callback(_end, channel)
            media = await external_media.make(channel)
            await self._send(msgspec.structs.replace(self._open, media=media))
            answer = await _received(self._socket, OPEN_SECONDS)
            while isinstance(answer, protocol.Beat):
                answer = await _received(self._socket, OPEN_SECONDS)
            if not isinstance(answer, protocol.Ready):
                raise VoiceLost(getattr(answer, "why", "") or getattr(answer, "what", "") or "The talk was not begun.")
            # Asterisk answers the channel when the voice process has connected, and only then has it enter the app.
            try:
                await channel.enters(OPEN_SECONDS)
            except HungUp as gone:
                raise VoiceLost("The channel for the sound ended before it was connected.") from gone
            await self._bridge.add(self._channel_id)
            reading = asyncio.create_task(self._read(), name=f"talk {self._open.talk}")
            self._stack.push_async_callback(_cancelled, reading)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lost is None:
            with contextlib.suppress(VoiceLost):
                await self._send(protocol.Close(), CLOSE_SECONDS)
        await self._stack.aclose()

    async def say(self, text: str, language: str = "", *, interruptible: bool = True, expects: str = "") -> int:
        """Says something after what is still being said; returns its id, which Played names. Raises VoiceLost.
        `expects` is as in Play.

        If the caller has begun to speak since what the iterator told last, it is only said if no words come, or if it
        may not be interrupted.
        """
        self._plays += 1
        text = text[: protocol.LONGEST_TEXT]
        language = language or self._language
        await self._send(protocol.Play(self._plays, text, language, interruptible, self.turn, expects))
        return self._plays

    async def stop(self) -> None:
        """Ends what is being said, and everything that waits to be, at once. Raises VoiceLost."""
        await self._send(protocol.Stop())

    def __aiter__(self) -> AsyncIterator[Happening]:
        return self

    async def __anext__(self) -> Happening:
        """Can be cancelled without losing anything. Raises VoiceLost."""
        if self._lost and self._happenings.empty():
            raise self._lost
        happening = await self._happenings.get()
        if happening is None:
            assert self._lost
            raise self._lost
        if isinstance(happening, protocol.SpeechStarted | protocol.Said):
            self.turn = happening.turn
        return happening

    async def _send(self, message: protocol.ToVoice, seconds: float = STALL_SECONDS) -> None:
        if self._lost:
            raise self._lost
        try:
            async with asyncio.timeout(seconds):
                await self._socket.send_str(protocol.encode(message).decode())
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            raise self._is_lost("The voice process does not listen any more.") from error

    async def _read(self) -> None:
        try:
            while True:
                message = await _received(self._socket, STALL_SECONDS)
                if isinstance(message, protocol.Fault):
                    log.warning("the voice process has trouble", extra={"what": message.what})
                    if message.is_fatal:
                        raise VoiceLost(message.what)
                if isinstance(message, Happening):
                    if self._happenings.qsize() >= MOST_WAITING - 1:
                        raise VoiceLost("Nobody has listened to the caller for minutes.")
                    self._happenings.put_nowait(message)
        except VoiceLost as lost:
            self._is_lost(str(lost))

    def _is_lost(self, why: str) -> VoiceLost:
        if self._lost is None:
            self._lost = VoiceLost(why)
            with contextlib.suppress(asyncio.QueueFull):
                self._happenings.put_nowait(None)
        return self._lost


async def warm(door: Door, sentences: Iterable[tuple[str, str]]) -> int:
    """Has texts, each with its language, rendered so that they can be said at once. Returns how many can be.

    Takes half a second for each new one. Raises VoiceLost.
    """
    async with _connected(door) as socket:
        await socket.send_str(protocol.encode(protocol.Warm(tuple(sentences))).decode())
        async with asyncio.timeout(WARM_SECONDS):
            while True:
                answer = await _received(socket, STALL_SECONDS)
                if isinstance(answer, protocol.Warmed):
                    return answer.count


async def forget(door: Door, sentences: Iterable[tuple[str, str]]) -> None:
    """Has the sound of texts removed, each with its language. Raises VoiceLost."""
    async with _connected(door) as socket:
        await socket.send_str(protocol.encode(protocol.Forget(tuple(sentences))).decode())
        async with asyncio.timeout(WARM_SECONDS):
            while not isinstance(await _received(socket, STALL_SECONDS), protocol.Forgotten):
                pass


async def look(door: Door) -> protocol.VoiceState:
    """How the voice process is. Raises VoiceLost if it is not there, or stalls."""
    async with _connected(door) as socket:
        await socket.send_str(protocol.encode(protocol.Look()).decode())
        while True:
            answer = await _received(socket, STALL_SECONDS)
            if isinstance(answer, protocol.VoiceState):
                return answer


def channel_id_for(call_id: str, mark: str) -> str:
    """A new id for a media channel of a call; `mark` is what the ids of all channels that we make have after the
    call's."""
    return f"{call_id}{mark}voice-{uuid.uuid4().hex[:8]}"


@contextlib.asynccontextmanager
async def _connected(door: Door) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with contextlib.AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                session = await stack.enter_async_context(aiohttp.ClientSession())
                # Its heartbeats are the protocol's own.
                connecting = session.ws_connect(door.url, headers=door.headers, heartbeat=None, compress=0)
                socket = await connecting
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            raise VoiceLost("The voice process does not answer.") from error
        try:
            yield socket
        finally:
            # A stalled process would not answer a proper close.
            with contextlib.suppress(OSError, TimeoutError, aiohttp.ClientError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await socket.close()


async def _received(socket: aiohttp.ClientWebSocketResponse, seconds: float) -> protocol.FromVoice:
    """Raises VoiceLost."""
    try:
        async with asyncio.timeout(seconds):
            message = await socket.receive()
    except TimeoutError:
        raise VoiceLost("The voice process has stalled.") from None
    if message.type is not aiohttp.WSMsgType.TEXT:
        raise VoiceLost("The voice process has ended.")
    try:
        return protocol.from_voice(message.data)
    except msgspec.MsgspecError as error:
        raise VoiceLost("The voice process is of another version.") from error


async def _end(channel: Handle) -> None:
    try:
        with contextlib.suppress(PhoneError):
            await channel.hang_up()
    finally:
        channel.release()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
