"""The console's end of the link to the app, which has the calls: their state, kept up to date, and acts on them.

It connects to the app of this home; calls that another node of the office has are not seen here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import msgspec

from crm.edge.live_state import (
    BEAT_SECONDS,
    LONGEST_TOLD,
    CallNow,
    LiveAnswer,
    LiveAsk,
    LiveBeat,
    LiveDelta,
    LiveHello,
    LiveRefused,
    LiveWhole,
    PhoneNow,
    Told,
    line,
)

log = logging.getLogger(__name__)

CONNECT_SECONDS = 3.0
SILENCE_SECONDS = BEAT_SECONDS * 3
"""An app that has said nothing for this long hangs, or is gone."""
RETRY_SECONDS = 0.25
LONGEST_RETRY = 2.0
ACT_SECONDS = 10.0
_decoder = msgspec.json.Decoder(Told)


class LiveLost(Exception):
    """The app did not answer: it is being restarted, or is down. Whether the act was done is not known."""


async def once(port: int, secret: Callable[[], str], asked: LiveAsk) -> str:
    """Asks for one act, and returns why it is not carried out; empty: it is. Raises LiveLost."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LONGEST_TOLD)
        try:
            writer.write(line(LiveHello(secret())) + line(asked))
            async with asyncio.timeout(ACT_SECONDS):
                while told := await reader.readline():
                    answer = _decoder.decode(told)
                    if isinstance(answer, LiveAnswer) and answer.id == asked.id:
                        return answer.code
        finally:
            writer.transport.abort()
    except (OSError, TimeoutError, ValueError, msgspec.MsgspecError) as error:
        raise LiveLost("the app has not answered") from error
    raise LiveLost("the app does not take acts")


class LiveLink:
    """`run` connects, and connects again, until it is cancelled. `on_change` is told of each change: the whole state
    after a connection, then deltas, and None when the connection is lost. It must not block."""

    def __init__(self, port: int, secret: Callable[[], str], on_change: Callable[[LiveWhole | LiveDelta | None], None]):
        self._port = port
        self._secret = secret
        self._on_change = on_change
        self.instance = ""
        """Of the app that was heard last."""
        self.number = 0
        """Of the latest change."""
        self.calls: dict[str, CallNow] = {}
        """By id."""
        self.phones: dict[str, PhoneNow] = {}
        """By slug; as of the latest change, also while the connection is lost."""
        self.is_connected = False
        self._writer: asyncio.StreamWriter | None = None
        self._asked: dict[int, asyncio.Future[LiveAnswer]] = {}
        self._last_ask = 0

    async def run(self) -> None:
        pause = RETRY_SECONDS
        while True:
            try:
                await self._connection()
            except (OSError, EOFError, TimeoutError, ValueError, msgspec.MsgspecError) as error:
                log.debug("the app's calls cannot be followed: %s", type(error).__name__)
            pause = RETRY_SECONDS if self.is_connected else min(pause * 2, LONGEST_RETRY)
            self._lose()
            await asyncio.sleep(pause)

    async def _connection(self) -> None:
        secret = await asyncio.to_thread(self._secret)
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=LONGEST_TOLD)
        try:
            writer.write(line(LiveHello(secret)))
            while True:
                async with asyncio.timeout(SILENCE_SECONDS):
                    told = await reader.readline()
                if not told.endswith(b"\n"):
                    raise EOFError
                self._hear(_decoder.decode(told), writer)
        finally:
            writer.transport.abort()

    def _hear(self, told: Told, writer: asyncio.StreamWriter) -> None:
        match told:
            case LiveWhole():
                self.instance, self.number = told.instance, told.number
                self.calls = {call.id: call for call in told.calls}
                self.phones = {phone.device: phone for phone in told.phones}
                self.is_connected, self._writer = True, writer
                self._on_change(told)
            case LiveDelta():
                if not self.is_connected or told.number != self.number + 1:
                    raise ValueError("a change is missing")
                self.number = told.number
                self.calls |= {call.id: call for call in told.calls}
                self.phones |= {phone.device: phone for phone in told.phones}
                for id in told.gone:
                    self.calls.pop(id, None)
                for device in told.phones_gone:
                    self.phones.pop(device, None)
                self._on_change(told)
            case LiveAnswer():
                answer = self._asked.get(told.id)
                if answer is not None and not answer.done():
                    answer.set_result(told)
            case LiveRefused():
                log.error("the app does not tell of its calls: %s", told.why)
            case LiveBeat():
                pass

    def _lose(self) -> None:
        was_connected, self.is_connected, self._writer = self.is_connected, False, None
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(LiveLost("the connection to the app was lost"))
        if was_connected:
            self._on_change(None)

    async def act(
        self, act: str, call: str, by: str, *, agent: str = "", device: str = "", target: str = ""
    ) -> LiveAnswer:
        """Asks for an act on a call (LiveAsk). Raises LiveLost."""
        if self._writer is None:
            raise LiveLost("there is no connection to the app")
        self._last_ask = id = self._last_ask + 1
        answer: asyncio.Future[LiveAnswer] = asyncio.get_running_loop().create_future()
        self._asked[id] = answer
        try:
            self._writer.write(line(LiveAsk(id, act, call, by, agent, device, target)))
            async with asyncio.timeout(ACT_SECONDS):
                return await answer
        except TimeoutError:
            raise LiveLost("the app has not answered in time") from None
        finally:
            del self._asked[id]
