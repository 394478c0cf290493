"""`leaseline serve --only voice`: the voice agent's ears and mouth, for all talks of one system.

It knows nothing of calls, leads or the database: the app opens a talk, tells what to say, and is told what was heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import math
from collections.abc import AsyncIterator, Callable

import aiohttp
import msgspec
from aiohttp import web

from ari_app import log as log_to
from ari_app.voice import protocol
from ari_app.voice.media import Media, MediaClosed
from ari_app.voice.models import stt_of, tts_of
from ari_app.voice.protocol import Beat, Fault, Forgotten, Ready, Refused, VoiceState, Warmed
from ari_app.voice.session import VoiceSession
from ari_app.voice.stt import Stt
from ari_app.voice.tts import Tts
from ari_app.voice.vad import SileroVad, Vad
from crm.config import Config
from crm.secrets import Secrets

log = logging.getLogger(__name__)

MOST_UNSENT = 300
"""Messages for an app that does not read; it is gone, or as good as."""
SEND_SECONDS = 2.0
SLOW_SECONDS = 1.2
"""Nobody is admitted while the next answer is to be expected later than this."""
MOST_TALKS = 40
"""More than the recognizer of any machine can follow."""
FIRST_SECONDS = 5.0
"""Who connects has to say at once what for."""


class VoiceServer:
    def __init__(
        self, port: int, asterisk_port: int, secret: str, stt: Stt, tts: Tts, vad: Callable[[], Vad] = SileroVad
    ) -> None:
        self._port, self._asterisk_port, self._secret = port, asterisk_port, secret
        self._stt, self._tts, self._vad = stt, tts, vad
        self.talks = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listens on loopback. Raises OSError if the port is taken."""
        app = web.Application()
        app.router.add_get(protocol.PATH, self._connected)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._stt.start()
        await self._tts.start()
        try:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
            yield
        finally:
            await runner.cleanup()
            await self._stt.stop()
            await self._tts.stop()

    async def _connected(self, request: web.Request) -> web.StreamResponse:
        shown = request.headers.get("Authorization", "")
        if not hmac.compare_digest(shown.encode(), f"Bearer {self._secret}".encode()):
            return web.Response(status=401)
        socket = web.WebSocketResponse(heartbeat=None, compress=False, max_msg_size=1 << 20)
        await socket.prepare(request)
        line = _Line(socket)
        sending = asyncio.create_task(line.send())
        beating = asyncio.create_task(line.beat())
        try:
            async with asyncio.timeout(FIRST_SECONDS):
                first = await anext(line.orders())
            match first:
                case protocol.Open():
                    await self._talk(first, line)
                case protocol.Look():
                    line.tell(VoiceState(self.talks, self._refusal()))
                case protocol.Warm():
                    done = [await self._tts.warm(text, language) for text, language in first.sentences]
                    line.tell(Warmed(sum(done)))
                case protocol.Forget():
                    for text, language in first.sentences:
                        await self._tts.forget(text, language)
                    line.tell(Forgotten())
            await line.sent()
        except (StopAsyncIteration, TimeoutError, msgspec.MsgspecError, ConnectionError):
            pass
        finally:
            for task in (sending, beating):
                task.cancel()
            await asyncio.gather(sending, beating, return_exceptions=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SEND_SECONDS):
                    await socket.close()
        return socket

    def _refusal(self) -> str:
        """Why no further talk is begun; "": one may be."""
        delay = self._stt.delay
        if delay == math.inf:
            return "No recognizer is running."
        if delay > SLOW_SECONDS:
            return f"The recognizer has too much to do: an answer would come after {delay:.1f} s."
        if self.talks >= MOST_TALKS:
            return f"There are {self.talks} talks already."
        return ""

    async def _talk(self, opened: protocol.Open, line: _Line) -> None:
        log_to.call_id.set(opened.talk)
        if why := self._refusal():
            log.warning("a talk is refused: %s", why)
            line.tell(Refused(why))
            return
        try:
            async with Media.connected(self._asterisk_port, opened.media) as media:
                session = VoiceSession(opened, media, self._vad(), self._stt, self._tts, line.tell)
                line.tell(Ready())
                self.talks += 1
                log.info("talk begins", extra={"talks": self.talks})
                running = asyncio.create_task(session.run())
                running.add_done_callback(lambda _: line.is_over())
                try:
                    async for order in line.orders():
                        if isinstance(order, protocol.Close):
                            break
                        await session.follow(order)
                finally:
                    self.talks -= 1
                    running.cancel()
                    await asyncio.gather(running, return_exceptions=True)
                    if not running.cancelled() and (error := running.exception()):
                        log.error("a talk failed", exc_info=error)
                        line.tell(Fault("The talk failed.", is_fatal=True))
        except MediaClosed as closed:
            line.tell(Refused(str(closed)))


class _Line:
    """One connection of the app's."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._unsent: asyncio.Queue[object] = asyncio.Queue(MOST_UNSENT)
        self._over = asyncio.Event()

    def tell(self, message: object) -> None:
        try:
            self._unsent.put_nowait(message)
        except asyncio.QueueFull:
            self.is_over()

    def is_over(self) -> None:
        """No more orders are taken."""
        self._over.set()

    async def orders(self) -> AsyncIterator[protocol.ToVoice]:
        """What the app says, until it is gone, or the talk is over. Raises MsgspecError."""
        over = asyncio.create_task(self._over.wait())
        try:
            while True:
                received = asyncio.ensure_future(self._socket.receive())
                await asyncio.wait((received, over), return_when=asyncio.FIRST_COMPLETED)
                if not received.done():
                    received.cancel()
                    await asyncio.gather(received, return_exceptions=True)
                    return
                message = received.result()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return
                yield protocol.to_voice(message.data)
        finally:
            over.cancel()

    async def send(self) -> None:
        """Sends what was told, in order, until the app is gone."""
        try:
            while True:
                message = await self._unsent.get()
                async with asyncio.timeout(SEND_SECONDS):
                    await self._socket.send_str(protocol.encode(message).decode())
                self._unsent.task_done()
        except (OSError, TimeoutError, aiohttp.ClientError):
            self.is_over()

    async def sent(self) -> None:
        """Waits until everything was sent."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SEND_SECONDS):
                await self._unsent.join()

    async def beat(self) -> None:
        while True:
            self.tell(Beat())
            await asyncio.sleep(protocol.BEAT_SECONDS)


async def serve(config: Config, secrets: Secrets, stop: asyncio.Event) -> None:
    """Runs until `stop` is set."""
    server = VoiceServer(
        config.ports.voice,
        config.ports.http,
        secrets.ensure(protocol.SECRET),
        stt_of(config, secrets),
        tts_of(config, secrets),
    )
    async with server.running():
        await stop.wait()
