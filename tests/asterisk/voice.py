"""A voice process whose callers say what a test wants: it speaks the protocol, and sentences take their time.

Who listens and who speaks are the same as in `ari_app.voice`; there is no audio.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import WSMsgType, web

from ari_app.edge.external_media import CONNECTION
from ari_app.voice import protocol
from tests.asterisk.model import Asterisk

LETTER_SECONDS = 0.03
BARGE_IN_SECONDS = 0.2
"""From the beginning of the caller's words until they are said."""


@dataclass
class ScriptedTalk:
    """One talk: what the agent has said, and a caller who speaks when the test says so."""

    opened: protocol.Open
    send: Callable[[Any], Awaitable[None]]
    time: Callable[[], float]
    on_change: Callable[[], None]
    said: list[str] = field(default_factory=list)
    """What the caller has heard to its end, or is hearing."""
    cut: list[str] = field(default_factory=list)
    """What they have interrupted, or never heard."""
    turn: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)
    plays: list[protocol.Play] = field(default_factory=list)
    playing: asyncio.Task[None] | None = None
    began: float = 0.0

    def __post_init__(self) -> None:
        self.began = self.time()

    def clock(self) -> float:
        return self.time() - self.began

    def play(self, play: protocol.Play) -> None:
        self.plays.append(play)
        if self.playing is None or self.playing.done():
            self.playing = asyncio.create_task(self._play())

    async def _play(self) -> None:
        while self.plays:
            play = self.plays[0]
            if play.interruptible and play.turn < self.turn:
                await self._over(play, self.clock(), share=0.0)
                continue
            self.said.append(play.text)
            self.on_change()
            started = self.clock()
            await asyncio.sleep(LETTER_SECONDS * len(play.text))
            await self._over(play, started)

    async def _over(self, play: protocol.Play, started: float, share: float = 1.0) -> None:
        self.plays.remove(play)
        if share < 1:
            self.cut.append(play.text)
        await self.send(protocol.Played(play.id, share < 1, started, self.clock(), share))
        self.on_change()

    async def stop(self, *, all: bool = True) -> None:
        """Ends what is being said and waits to be; without `all`, only what may be interrupted."""
        if self.plays and not all and not self.plays[0].interruptible:
            return
        if self.playing:
            self.playing.cancel()
            await asyncio.gather(self.playing, return_exceptions=True)
        for play in list(self.plays):
            if all or play.interruptible:
                await self._over(play, self.clock(), share=0.5)
        if self.plays:
            self.playing = asyncio.create_task(self._play())

    async def caller_says(self, text: str, language: str = "en", confidence: float = 0.9) -> None:
        """The caller says something to its end, over whatever the agent is saying."""
        self.turn += 1
        started = self.clock()
        await self.send(protocol.SpeechStarted(self.turn, started))
        await self.stop(all=False)
        await asyncio.sleep(BARGE_IN_SECONDS + LETTER_SECONDS * len(text))
        await self.send(
            protocol.Said(self.turn, text, language, confidence, no_speech=0.01, started=started, ended=self.clock())
        )

    async def is_quiet(self, seconds: float) -> None:
        await self.send(protocol.Quiet(seconds))


class ScriptedVoice:
    """The process. It may be killed, and may stall."""

    def __init__(self, asterisk: Asterisk, secret: str) -> None:
        self._asterisk, self._secret = asterisk, secret
        self.talks: list[ScriptedTalk] = []
        """In the order in which they began."""
        self.warmed: list[tuple[str, str]] = []
        """Sentences that were rendered ahead, with their languages."""
        self.forgotten: list[tuple[str, str]] = []
        """Those whose sound was removed."""
        self.refuses = ""
        """Why no talk is begun; empty: it is."""
        self._stalls = False
        self._sockets: list[web.WebSocketResponse] = []

    @property
    def talk(self) -> ScriptedTalk:
        """The latest."""
        return self.talks[-1]

    @contextlib.asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_get(protocol.PATH, self._connected)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield
        finally:
            await self.die()
            await runner.cleanup()

    async def die(self) -> None:
        """Closes all connections, as a process does that is killed."""
        for socket in self._sockets:
            if (transport := socket._req and socket._req.transport) is not None:
                transport.abort()
        self._sockets.clear()

    def stall(self) -> None:
        """Says nothing any more, and plays nothing."""
        self._stalls = True

    async def _connected(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self._secret}":
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        beating = asyncio.create_task(self._beat(socket))
        try:
            await self._talk(socket)
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
        return socket

    async def _send(self, socket: web.WebSocketResponse, message: Any) -> None:
        if not self._stalls:
            with contextlib.suppress(ConnectionError):
                await socket.send_str(protocol.encode(message).decode())

    async def _beat(self, socket: web.WebSocketResponse) -> None:
        while True:
            await self._send(socket, protocol.Beat())
            await asyncio.sleep(protocol.BEAT_SECONDS)

    async def _talk(self, socket: web.WebSocketResponse) -> None:
        talk: ScriptedTalk | None = None
        async for received in socket:
            if received.type is not WSMsgType.TEXT:
                break
            match protocol.to_voice(received.data):
                case protocol.Open() as opened:
                    if self.refuses:
                        await self._send(socket, protocol.Refused(self.refuses))
                        continue
                    self._connect_media(opened.media)
                    loop = self._asterisk.loop
                    talk = ScriptedTalk(opened, partial(self._send, socket), loop.time, self._asterisk.on_change)
                    self.talks.append(talk)
                    await self._send(socket, protocol.Ready())
                case protocol.Play() as play if talk and not self._stalls:
                    talk.play(play)
                case protocol.Stop() if talk and not self._stalls:
                    await talk.stop()
                case protocol.Warm(sentences=sentences):
                    self.warmed += sentences
                    await self._send(socket, protocol.Warmed(len(sentences)))
                case protocol.Forget(sentences=sentences):
                    self.forgotten += sentences
                    await self._send(socket, protocol.Forgotten())
                case protocol.Close():
                    break
        if talk:
            if talk.playing:
                talk.playing.cancel()
            talk.over.set()
        self._asterisk.on_change()

    def _connect_media(self, media: str) -> None:
        channel = next(one for one in self._asterisk.channels.values() if one.variables.get(CONNECTION) == media)
        self._asterisk.answer(channel)
