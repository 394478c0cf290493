"""Audio of one call, as Asterisk's chan_websocket exchanges it: PCM16, 16 kHz, mono in both directions.

https://docs.asterisk.org/Configuration/Channel-Drivers/WebSocket/. Asterisk plays what it is sent at its own pace, and
buffers up to 20 s. It must always be read: after some seconds without, it stops the caller's channel as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

CONNECT_SECONDS = 1.5
LONGEST_MESSAGE = 1 << 20


class MediaClosed(Exception):
    """Asterisk has closed the connection, usually because the caller is gone."""


class Media:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.may_send = asyncio.Event()
        """Cleared while Asterisk's buffer is full."""

    @classmethod
    @contextlib.asynccontextmanager
    async def connected(cls, port: int, connection: str) -> AsyncIterator[Media]:
        """Connects, and waits until audio may be sent: what Asterisk gets before MEDIA_START is lost.

        Raises MediaClosed.
        """
        async with aiohttp.ClientSession() as session:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    # No pings: Asterisk answers none while it waits for audio.
                    socket = await session.ws_connect(
                        f"http://127.0.0.1:{port}/media/{connection}",
                        protocols=("media",),
                        heartbeat=None,
                        compress=0,
                        max_msg_size=LONGEST_MESSAGE,
                    )
                    media = cls(socket)
                    async for _ in media.audio():
                        if media.may_send.is_set():
                            break
            except (OSError, TimeoutError, aiohttp.ClientError) as error:
                raise MediaClosed(f"Asterisk did not begin the audio ({type(error).__name__}).") from error
            try:
                yield media
            finally:
                with contextlib.suppress(OSError, TimeoutError, aiohttp.ClientError):
                    async with asyncio.timeout(CONNECT_SECONDS):
                        await socket.close()

    async def audio(self) -> AsyncIterator[bytes]:
        """What the caller's side sends; b"" after an event. Raises MediaClosed when the connection ends."""
        while True:
            message = await self._socket.receive()
            if message.type is aiohttp.WSMsgType.BINARY:
                yield message.data
            elif message.type is aiohttp.WSMsgType.TEXT:
                self._hear(json.loads(message.data))
                yield b""
            else:
                raise MediaClosed("Asterisk has ended the audio.")

    def _hear(self, event: dict[str, Any]) -> None:
        match event.get("event"):
            case "MEDIA_START" | "MEDIA_XON":
                self.may_send.set()
            case "MEDIA_XOFF":
                self.may_send.clear()

    async def send(self, audio: bytes) -> None:
        """Raises MediaClosed."""
        await self._sending(self._socket.send_bytes(audio))

    async def flush(self) -> None:
        """Drops what Asterisk has not played yet. Raises MediaClosed."""
        await self._sending(self._socket.send_str('{"command":"FLUSH_MEDIA"}'))

    async def _sending(self, sending: Any) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await sending
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            raise MediaClosed("Asterisk does not take audio any more.") from error
