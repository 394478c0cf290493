"""The demo office behind the real console, in the test's own process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from crm.config import Config
from crm.context import Crm
from crm.secrets import Secrets
from crm.services.access import passwords
from crm.services.system import directory
from crm.store.session import Store
from crm.web.console.app import build
from tests.web.console.people import BY, NOW, ConsoleOffice
from tests.web.filled import fill


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest_asyncio.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def passwords_at_little_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """In earnest each takes 64 MB, and more CPU than all else in a test that signs in."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobodys.cache_clear()


def demo_office(config: Config) -> None:
    crm = Crm(config, Store(config.database_url), Secrets(config.secrets_file), Clock())
    with crm.store.writing() as session:
        directory.load_demo(session, config, crm.secrets, BY)
    build(crm)  # It makes secrets of its own.
    crm.store.close()


@pytest_asyncio.fixture
async def office(tmp_path: Path, migrated: Path, clock: Clock) -> AsyncIterator[ConsoleOffice]:
    config = Config(tmp_path / "home", timezone="America/Chicago")
    fill(config, migrated, demo_office)
    crm = Crm(config, Store(config.database_url), Secrets(config.secrets_file), clock)
    found = ConsoleOffice(crm, build(crm))
    yield found
    await found.close()
    crm.store.close()
