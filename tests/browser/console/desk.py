"""The console of the demo office on loopback, and people who have signed in to it."""

from __future__ import annotations

import contextlib
import importlib
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from playwright.async_api import BrowserContext

from crm.config import Api, Config, Console, Ports
from crm.context import Crm
from crm.domain.access import Role
from crm.edge.live_state import SECRET
from crm.secrets import Secrets
from crm.services.access import accounts, sessions
from crm.services.audit import By
from crm.services.system import demo_listings, directory
from crm.store import migrate
from crm.store.session import Store
from crm.web.app import serving
from crm.web.console import cookies
from crm.web.console.app import build, frame_of, looks_of
from crm.web.console.board import Board
from tests.browser.console.kind import Kind
from tests.browser.console.kinds.board import CALLS, PHONES
from tests.web.console.live import App, followed

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
    told: App
    """What happens in calls."""
    board: Board

    def where(self, kind: Kind) -> str:
        return kind.path.format(**self.values)

    def sign_in(self, role: Role, language: str = "en") -> dict[str, str]:
        """The cookies of somebody who has signed in; the agent is Alice, the manager Bob."""
        name, agent = f"{role}-{language}", {Role.AGENT: "alice", Role.MANAGER: "bob"}.get(role)
        with self.crm.store.writing() as session:
            account = accounts.find(session, name)
            if account is None:
                # One account may be an agent; in the other language they are no agent.
                is_first = language == "en"
                account = accounts.add(
                    session, BY, name, "Robin Roe", role, agent=agent if is_first else None, language=language
                )
            token = sessions.begin(session, self.crm.config, NOW, account.id, address="127.0.0.1", browser="test")
        return {cookies.name(frame_of(self.crm)): token}

    async def let_in(self, context: BrowserContext, role: Role, language: str = "en") -> None:
        """Signs a browser in."""
        [(name, value)] = self.sign_in(role, language).items()
        await context.add_cookies(
            [{"name": name, "value": value, "url": self.url, "httpOnly": True, "sameSite": "Lax"}]
        )


def new_crm(folder: Path, port: int = 0, live: int = 0) -> Crm:
    """The demo office, with what the modules of kinds add to it."""
    config = Config(
        folder / "home",
        ports=Ports(console=port, live=live) if port else Ports(),
        timezone="America/Chicago",
        # A push service of the tests' own.
        console=Console(push_hosts=("127.0.0.1",)),
        api=Api(webhook_networks=("127.0.0.0/8",)),
    )
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
    with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as another:
        port, live = int(free.getsockname()[1]), int(another.getsockname()[1])
    crm = new_crm(folder, port, live)
    values: dict[str, object] = {}
    for module in modules():
        fill: Callable[[Crm], Mapping[str, object]] | None = getattr(module, "fill", None)
        if fill is not None:
            values.update(fill(crm))
    board = Board(crm, looks_of(crm))
    desk = Desk(crm, f"http://127.0.0.1:{port}", values, App(), board)
    desk.told.calls = {one.id: one for one in CALLS}
    desk.told.phones = {one.device: one for one in PHONES}
    async with (
        desk.told.running(live, crm.secrets.ensure(SECRET)),
        followed(board),
        serving(crm.config, build(crm, board), "console"),
    ):
        yield desk
    crm.store.close()
