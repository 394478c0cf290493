"""A system in which nothing happens asks its database nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event

from ari_app.parts import api, mail, shared, texts
from ari_app.parts.shared import Part, Shared
from crm import worker as workers
from crm.config import Config
from crm.context import Crm, utc_now
from crm.secrets import Secrets
from crm.store.session import Store
from crm.web import app as server
from tests.store.rows import touch_agents
from tests.waiting import until

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office")]

ONCE_A_MINUTE = 60.0
LOOKS = 300
"""Each of what is done at least once a minute has its turn in these several times."""


async def test_while_nothing_changes_the_database_is_asked_nothing(
    store: Store, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, asked = list[str](), list[str]()
    repeat = workers.repeat

    async def often(
        name: str,
        look: Callable[[], Awaitable[object]],
        seconds: float,
        *others: Any,
        wake: asyncio.Event | None = None,
    ) -> None:
        async def counted() -> None:
            looks.append(name)
            await look()

        # What is done every hour, or day, is not looked at here.
        if seconds <= ONCE_A_MINUTE:
            await repeat(name, counted, 0.02, *others, wake=wake)

    monkeypatch.setattr(shared, "repeat", often)
    monkeypatch.setattr(workers, "CLOCK_SECONDS", 0.02)

    for engine in {store._engine, store._writer}:

        @event.listens_for(engine, "before_cursor_execute")
        def on_execute(connection: object, cursor: object, statement: str, *_: object) -> None:
            asked.append(statement)

    async def is_quiet() -> bool:
        looked, before = len(looks), len(asked)
        await until(lambda: len(looks) > looked + LOOKS)
        return len(asked) == before

    crm = Crm(config, store, Secrets(config.secrets_file), utc_now)
    async with contextlib.AsyncExitStack() as stack:
        among = Shared(crm, stack, lambda: False, asyncio.Event())
        parts: list[Part] = [*await texts.texts(among), *await mail.mail(among), *await api.api(among)]
        work = [part for part in parts if getattr(part, "func", None) is not server.keep_serving]
        running = [asyncio.create_task(part()) for part in [*work, store.changes.listen]]
        try:
            async with asyncio.timeout(60):
                while not await is_quiet():
                    pass
            assert {"follow-ups", "overdue tasks", "keys and answers of the API"} <= set(looks)
            before = len(asked)
            await store.run(touch_agents)
            # SQLite does not say what has changed, so all look; with PostgreSQL those who look by the clock.
            await until(lambda: len(asked) > before + 2)
            async with asyncio.timeout(60):
                while not await is_quiet():
                    pass
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
    assert among.troubles.found == {}
