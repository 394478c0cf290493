"""Whoever follows the calls too slowly is cut off: nobody else waits for them, and nothing piles up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import msgspec
import pytest

from ari_app.live.server import LiveServer
from crm.edge.live_link import LiveLink, LiveLost
from crm.edge.live_state import LiveAsk, LiveDelta, LiveHello, LiveWhole, PhoneNow, Told, line
from crm.worker import Troubles
from tests.system import port_block

pytestmark = pytest.mark.unit


class State:
    """What is told, without calls."""

    def __init__(self) -> None:
        self.on_change: Callable[[LiveDelta], None] = lambda delta: None
        self.number = 0

    @property
    def whole(self) -> LiveWhole:
        return LiveWhole("one", self.number, (), ())

    def changes(self, phones: int = 1) -> None:
        self.number += 1
        self.on_change(LiveDelta(self.number, phones=tuple(PhoneNow(f"phone-{at}", True) for at in range(phones))))


class Slow:
    """Acts that take for ever."""

    async def do(self, asked: LiveAsk) -> str:
        await asyncio.Event().wait()
        return ""


@contextlib.asynccontextmanager
async def serving(port: int, state: State) -> AsyncIterator[None]:
    troubles = Troubles(lambda: datetime.now(UTC), lambda *_: None)
    server = LiveServer(port, "secret", state, Slow(), troubles)  # type: ignore[arg-type]
    running = asyncio.create_task(server.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class Follower(LiveLink):
    def __init__(self, port: int) -> None:
        super().__init__(port, lambda: "secret", lambda told: self.heard.set())
        self.heard = asyncio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                self.heard.clear()
                await self.heard.wait()


@contextlib.asynccontextmanager
async def linked(port: int) -> AsyncIterator[Follower]:
    link = Follower(port)
    running = asyncio.create_task(link.run())
    try:
        await link.until(lambda: link.is_connected)
        yield link
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_who_reads_nothing_is_cut_off_and_others_go_on() -> None:
    state = State()
    with port_block() as port:
        async with serving(port, state), linked(port) as other:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(line(LiveHello("secret")))
            assert isinstance(msgspec.json.decode(await reader.readline(), type=Told), LiveWhole)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            async with asyncio.timeout(60):
                for _ in range(40):
                    state.changes(phones=10_000)
                    await other.until(lambda: other.number == state.number)
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            with pytest.raises((ConnectionResetError, EOFError)):
                async with asyncio.timeout(60):
                    await reader.readexactly(10**9)
            writer.close()
            assert other.is_connected


async def test_an_act_that_is_not_answered_because_the_app_ends_is_told_as_lost() -> None:
    with port_block() as port:
        async with linked_while_serving(port) as link:
            asked = asyncio.create_task(link.act("park", "1", "maria"))
            await asyncio.sleep(0)
        with pytest.raises(LiveLost):
            await asked
        with pytest.raises(LiveLost):
            await link.act("park", "1", "maria")


@contextlib.asynccontextmanager
async def linked_while_serving(port: int) -> AsyncIterator[Follower]:
    async with contextlib.AsyncExitStack() as stack:
        serves = contextlib.AsyncExitStack()
        await serves.enter_async_context(serving(port, State()))
        link = await stack.enter_async_context(linked(port))
        yield link
        await serves.aclose()
        await link.until(lambda: not link.is_connected)


async def test_a_link_waits_for_an_app_whose_port_is_still_held() -> None:
    with port_block() as port:
        async with contextlib.AsyncExitStack() as first:
            await first.enter_async_context(serving(port, State()))
            async with linked(port):
                pass
            async with serving(port, State()):
                await first.aclose()
                async with linked(port) as link:
                    assert link.is_connected
