"""People and programs that come to listeners one after another, each on a connection of their own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import aiohttp

from tests.waiting import until
from tests.web.test_tls import anybody

ANSWER_SECONDS = 60.0


class Visitors:
    def __init__(self) -> None:
        self.answered = 0
        self.refused: list[str] = []

    async def visit(self, url: str) -> None:
        """Asks one time after another until it is cancelled."""
        while True:
            try:
                await ask(url)
                self.answered += 1
            except aiohttp.ClientError as error:
                self.refused.append(f"{url}: {error!r}")
                await asyncio.sleep(0.01)


async def ask(url: str) -> None:
    """Raises aiohttp.ClientError if there is no answer; any status is one."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    connector = aiohttp.TCPConnector(force_close=True, ssl=anybody())
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session, session.get(url) as answer:
        await answer.read()


@contextlib.asynccontextmanager
async def visitors(urls: Sequence[str]) -> AsyncIterator[Visitors]:
    """They come while the block runs, and a while longer."""
    found = Visitors()
    visits = [asyncio.create_task(found.visit(url)) for url in urls]
    try:
        yield found
        before = found.answered
        await until(lambda: found.answered >= before + 30)
    finally:
        for one in visits:
            one.cancel()
        await asyncio.gather(*visits, return_exceptions=True)
