"""The parts of a running system, and how to wait for what they do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ari_app import supervisor
from crm.config import Config
from crm.context import Crm
from crm.secrets import Secrets
from crm.services.audit import By
from crm.store.session import Store
from tests.system.carriers import CarrierPeer

if TYPE_CHECKING:
    # Few tests need it, and it takes a while to load.
    from playwright.async_api import Browser


@dataclass
class Parts:
    """One running Leaseline. Made by `running_system`."""

    crm: Crm
    asterisk: supervisor.Child
    app: supervisor.Child
    web: supervisor.Child
    """Runs only for tests that want it: see `start_web`."""
    carrier: CarrierPeer
    folder: Path
    kept: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    """What was started by a test for all that come after it, too."""
    browser: Browser | None = None
    set_up: str = ""
    """leaseline.toml as it was when the first test began."""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _phones: int = 0
    _callers: int = 0
    _numbers: int = 0

    @property
    def by(self) -> By:
        """Who makes a change, now."""
        return By("tests", self.crm.now())

    @property
    def config(self) -> Config:
        return self.crm.config

    @property
    def store(self) -> Store:
        return self.crm.store

    @property
    def secrets(self) -> Secrets:
        return self.crm.secrets

    async def until(
        self, condition: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = 60, pause: float = 0.05
    ) -> None:
        """Waits until a condition holds; fails with `what` if it does not in time."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            answer = condition()
            if answer if isinstance(answer, bool) else await answer:
                return
            assert asyncio.get_running_loop().time() < deadline, f"not so within {seconds:g} s: {what}"
            await asyncio.sleep(pause)
