"""The console of the demo office on loopback, and people who have signed in to it."""

from __future__ import annotations

import contextlib
import importlib
import secrets as random
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from playwright.async_api import BrowserContext
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config, Ports
from crm.context import Crm
from crm.domain.access import Reach, Role
from crm.secrets import Secrets
from crm.services.access import sessions
from crm.services.access.sessions import SignedIn
from crm.services.audit import By
from crm.services.system import demo_listings, directory
from crm.store import migrate
from crm.store.models import Agent
from crm.store.session import Store
from crm.web.app import serving
from crm.web.console.app import build
from tests.browser.console.kind import Kind

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
BY = By("test", NOW)


def modules() -> list[ModuleType]:
    """The modules of tests/browser/console/kinds, one for each noun of the console.

    Each has KINDS; and may have `fill(crm)`, which writes what its pages show, with the services that write it in an
    office, and returns values for the braces in its paths.
    """
    names = sorted(path.stem for path in (Path(__file__).parent / "kinds").glob("*.py"))
    return [importlib.import_module(f"tests.browser.console.kinds.{name}") for name in names]


KINDS: tuple[Kind, ...] = tuple(kind for module in modules() for kind in module.KINDS)


@dataclass
class Desk:
    crm: Crm
    url: str
    """Without a slash at its end."""
    values: dict[str, object]
    _people: dict[str, SignedIn] = field(default_factory=dict)

    def where(self, kind: Kind) -> str:
        return kind.path.format(**self.values)

    def sign_in(self, role: Role, language: str = "en", reach: Reach | None = None) -> dict[str, str]:
        """The cookies of somebody who has signed in; agents and managers are Alice, too."""
        is_agent = role in (Role.AGENT, Role.MANAGER)
        with self.crm.store.reading() as session:
            alice = session.scalars(select(Agent).where(Agent.slug == "alice")).one()
            agent_id = alice.id if is_agent else None
        token = random.token_urlsafe(16)
        number = len(self._people) + 1
        self._people[token] = SignedIn(
            account_id=number,
            session_id=number,
            name=f"{role}-{number}",
            full_name="Alice Alvarez" if is_agent else "Robin Roe",
            role=role,
            reach=reach or Reach(),
            agent="alice" if is_agent else None,
            agent_id=agent_id,
            language=language,
        )
        return {f"leaseline-{self.crm.config.ports.console}": token}

    async def let_in(self, context: BrowserContext, role: Role, language: str = "en") -> None:
        """Signs a browser in."""
        [(name, value)] = self.sign_in(role, language).items()
        await context.add_cookies(
            [{"name": name, "value": value, "url": self.url, "httpOnly": True, "sameSite": "Lax"}]
        )


def new_crm(folder: Path, port: int = 0) -> Crm:
    """The demo office, with what the modules of kinds add to it."""
    config = Config(folder / "home", ports=Ports(console=port) if port else Ports(), timezone="America/Chicago")
    for made in config.folders:
        made.mkdir(parents=True)
    migrate.upgrade(config.database_url)
    crm = Crm(config, Store(config.database_url), Secrets(config.secrets_file), lambda: NOW)
    drawn = demo_listings.draw(config)
    with crm.store.writing() as session:
        directory.load_demo(session, config, crm.secrets, BY)
        demo_listings.load(session, config, crm.secrets, BY, drawn)
    return crm


@contextlib.asynccontextmanager
async def running_desk(folder: Path) -> AsyncIterator[Desk]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    crm = new_crm(folder, port)
    values: dict[str, object] = {}
    for module in modules():
        fill: Callable[[Crm], Mapping[str, object]] | None = getattr(module, "fill", None)
        if fill is not None:
            values.update(fill(crm))
    desk = Desk(crm, f"http://127.0.0.1:{port}", values)

    def find(session: Session, token: str, now: datetime) -> SignedIn | None:
        return desk._people.get(token)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sessions, "find", find)
        async with serving(crm.config, build(crm), "console"):
            yield desk
    crm.store.close()
