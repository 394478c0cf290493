"""Tells those who connect what is happening, and takes acts from them: messages as in `crm.edge.live_state`.

Whoever reads too slowly is cut off, and is told everything anew when they connect again: no call waits for them.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from typing import Protocol

import msgspec

from ari_app.live.state import LiveState
from crm.edge import listening
from crm.edge.live_state import (
    BEAT_SECONDS,
    LONGEST_LINE,
    ActRefusal,
    LiveAnswer,
    LiveAsk,
    LiveBeat,
    LiveHello,
    LiveMessage,
    LiveRefused,
    Said,
    line,
)
from crm.worker import Troubles

log = logging.getLogger(__name__)

HELLO_SECONDS = 5.0
MOST_READERS = 16
MOST_UNREAD = 8 * 1024 * 1024
"""Bytes that wait for one reader."""
MOST_ACTS = 100
"""Acts at once."""
RETRY_SECONDS = 0.25
"""The app before this one holds the port until it has ended."""
NAME = "listener live"
_decoder = msgspec.json.Decoder(Said)


class Actor(Protocol):
    async def do(self, asked: LiveAsk) -> str:
        """Returns why it cannot be done; empty: it is done."""


class LiveServer:
    def __init__(self, port: int, secret: str, state: LiveState, acts: Actor, troubles: Troubles) -> None:
        self._port = port
        self._secret = secret
        self._state = state
        self._acts = acts
        self._troubles = troubles
        self._readers: set[asyncio.StreamWriter] = set()
        self._open: set[asyncio.StreamWriter] = set()
        self._acting: set[asyncio.Task[None]] = set()
        state.on_change = self._tell_all

    async def run(self) -> None:
        """Listens until it is cancelled. If the port is taken, it tries again: calls do not depend on it."""
        await listening.until_left("127.0.0.1", self._port)
        while True:
            try:
                server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=LONGEST_LINE)
            except OSError as error:
                self._troubles.failed(NAME, error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._troubles.well(NAME)
            try:
                while True:
                    await asyncio.sleep(BEAT_SECONDS)
                    self._tell_all(LiveBeat())
            finally:
                server.close()
                for writer in list(self._open):
                    writer.transport.abort()
                for task in list(self._acting):
                    task.cancel()
                await asyncio.gather(*self._acting, return_exceptions=True)

    def _tell_all(self, message: LiveMessage) -> None:
        if self._readers:
            told = line(message)
            for writer in list(self._readers):
                self._write(writer, told)

    def _write(self, writer: asyncio.StreamWriter, told: bytes) -> None:
        writer.write(told)
        if writer.transport.get_write_buffer_size() > MOST_UNREAD:
            log.warning("somebody who follows the calls does not read, and is cut off")
            self._readers.discard(writer)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                hello = _decoder.decode(await reader.readline())
            if not isinstance(hello, LiveHello) or not hmac.compare_digest(
                hello.secret.encode(), self._secret.encode()
            ):
                self._write(writer, line(LiveRefused("wrong secret")))
                return
            if len(self._readers) >= MOST_READERS:
                self._write(writer, line(LiveRefused("too many connections")))
                return
            self._write(writer, line(self._state.whole))
            self._readers.add(writer)
            while asked := await reader.readline():
                message = _decoder.decode(asked)
                if isinstance(message, LiveAsk):
                    self._act(writer, message)
        except (OSError, TimeoutError, ValueError, msgspec.MsgspecError):
            pass  # It is not one of ours, or it has left.
        finally:
            self._readers.discard(writer)
            self._open.discard(writer)
            writer.close()

    def _act(self, writer: asyncio.StreamWriter, asked: LiveAsk) -> None:
        if len(self._acting) >= MOST_ACTS:
            self._write(writer, line(LiveAnswer(asked.id, ActRefusal.CROWDED)))
            return
        task = asyncio.create_task(self._answer(writer, asked))
        self._acting.add(task)
        task.add_done_callback(self._acting.discard)

    async def _answer(self, writer: asyncio.StreamWriter, asked: LiveAsk) -> None:
        try:
            code = await self._acts.do(asked)
        except Exception:  # A door: whoever asked must not wait in vain.
            log.exception("an act failed")
            code = ActRefusal.FAILED
        self._write(writer, line(LiveAnswer(asked.id, code)))
