"""The voice process's server in the test's own process, between an app and an Asterisk that are a few lines each."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import aiohttp
import numpy as np
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from ari_app.voice import protocol
from ari_app.voice.server import VoiceServer
from ari_app.voice.stt import Transcript
from ari_app.voice.tts import Tts

FRAME = bytes(640)
SECRET = "secret"
T = TypeVar("T")


class LoudVad:
    """Takes what is loud for speech."""

    def step(self, window: bytes) -> float:
        return 0.95 if np.abs(np.frombuffer(window, "<i2")).max() > 1000 else 0.02


@dataclass
class Script:
    """A recognizer that hears one text after the other."""

    texts: list[str] = field(default_factory=list)
    delay: float = 0.1
    heard: list[bytes] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def until(self, count: int) -> None:
        """Waits until it was asked this often."""
        async with asyncio.timeout(60):
            while len(self.heard) < count:
                self.asked.clear()
                await self.asked.wait()

    async def hear(self, audio: bytes, language: str, names: str) -> Transcript:
        self.heard.append(audio)
        self.asked.set()
        text = self.texts.pop(0)
        await self.may_answer.wait()
        return Transcript(text, 0.9, language, 0.01 if text else 0.9)


class Hum:
    """A voice: a sentence takes 0.1 s for each letter."""

    name = "hum"

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def up(self) -> None:
        pass

    async def render(self, text: str, language: str) -> AsyncIterator[bytes]:
        yield np.full(1600 * len(text), 3000, "<i2").tobytes()


class Asterisk:
    """chan_websocket, as its documentation has it: https://docs.asterisk.org/Configuration/Channel-Drivers/WebSocket/."""

    def __init__(self) -> None:
        self.socket: web.WebSocketResponse | None = None
        self.connected = asyncio.Event()
        self.got = asyncio.Event()
        self.audio = bytearray()
        """What was to be played, since the last flush."""
        self.commands: list[str] = []

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        self.socket = web.WebSocketResponse(protocols=("media",))
        await self.socket.prepare(request)
        await self.tell("MEDIA_START")
        self.connected.set()
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.audio += message.data
            else:
                self.commands.append(json.loads(message.data)["command"])
                if self.commands[-1] == "FLUSH_MEDIA":
                    self.audio.clear()
            self.got.set()
        return self.socket

    async def tell(self, event: str) -> None:
        assert self.socket
        await self.socket.send_str(json.dumps({"event": event}))

    async def hear(self, loud: float = 0, silent: float = 0) -> None:
        """The caller speaks, then is silent, for so many seconds, which pass at once."""
        assert self.socket
        for seconds, frame in ((loud, np.full(320, 8000, "<i2").tobytes()), (silent, FRAME)):
            for _ in range(round(seconds / 0.02)):
                await self.socket.send_bytes(frame)

    async def until(self, size: int) -> None:
        async with asyncio.timeout(60):
            while len(self.audio) < size:
                self.got.clear()
                await self.got.wait()


@dataclass
class Talking:
    server: VoiceServer
    asterisk: Asterisk
    stt: Script
    url: str
    http: aiohttp.ClientSession

    @contextlib.asynccontextmanager
    async def opened(self, *silences: float, secret: str = SECRET) -> AsyncIterator[AppSide]:
        async with self.connected(secret) as app:
            await app.say(protocol.Open("test", "media-id", "en", silences=silences))
            yield app

    @contextlib.asynccontextmanager
    async def connected(self, secret: str = SECRET) -> AsyncIterator[AppSide]:
        headers = {"Authorization": f"Bearer {secret}"}
        async with self.http.ws_connect(self.url, headers=headers) as socket:
            yield AppSide(socket)


@dataclass
class AppSide:
    socket: aiohttp.ClientWebSocketResponse
    told: list[protocol.FromVoice] = field(default_factory=list)

    async def say(self, message: protocol.ToVoice) -> None:
        await self.socket.send_str(protocol.encode(message).decode())

    async def until(self, kind: type[T]) -> T:
        async with asyncio.timeout(60):
            async for message in self.socket:
                told = protocol.from_voice(message.data)
                if not isinstance(told, protocol.Beat):
                    self.told.append(told)
                if isinstance(told, kind):
                    return told
        raise AssertionError(f"no {kind.__name__}, but {self.told}")


@contextlib.asynccontextmanager
async def talking(folder: Path, *texts: str, delay: float = 0.1) -> AsyncIterator[Talking]:
    """`texts` are what the recognizer hears, one after the other."""
    asterisk, stt, port = Asterisk(), Script(list(texts), delay), unused_port()
    app = web.Application()
    app.router.add_get("/media/media-id", asterisk.serve)
    tts = Tts({"en": Hum()}, folder / "cache", folder / "recorded")
    async with TestServer(app, host="127.0.0.1") as media, aiohttp.ClientSession() as http:
        assert media.port
        server = VoiceServer(port, media.port, SECRET, stt, tts, LoudVad)
        async with server.running():
            yield Talking(server, asterisk, stt, f"http://127.0.0.1:{port}{protocol.PATH}", http)
