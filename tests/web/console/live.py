"""The app, as the console hears of it; and a browser's stream of events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ari_app.live.server import LiveServer
from crm.edge.live_state import SECRET, CallNow, LiveAsk, LiveDelta, LiveWhole, PartyNow, PhoneNow
from crm.web.console.board import Board
from crm.worker import Troubles
from tests.waiting import until
from tests.web.console.people import NOW, ConsoleOffice, Person


def call(id: str = "leaseline-1.1", **fields: Any) -> CallNow:
    """A caller of Elm Street, in a talk with Alice unless something else is said."""
    usual: dict[str, Any] = {
        "direction": "in",
        "step": "talk",
        "since": NOW,
        "began": NOW,
        "property": "elm",
        "property_id": 1,
        "property_name": "Elm Street Apartments",
        "number": "+15125550188",
        "parties": (PartyNow("alice-desk", "talks"),),
    }
    return CallNow(id, **(usual | fields))


class App:
    """What the app tells, and what it was asked to do."""

    def __init__(self) -> None:
        self.on_change: Callable[[LiveDelta], None] = lambda delta: None
        self.instance = "one"
        self.number = 0
        self.calls: dict[str, CallNow] = {}
        self.phones: dict[str, PhoneNow] = {}
        self.asked: list[LiveAsk] = []
        self.answer = ""

    @property
    def whole(self) -> LiveWhole:
        return LiveWhole(self.instance, self.number, tuple(self.calls.values()), tuple(self.phones.values()))

    def has(self, *calls: CallNow) -> None:
        self.calls |= {one.id: one for one in calls}
        self._tell(calls=calls)

    def ends(self, id: str = "leaseline-1.1") -> None:
        del self.calls[id]
        self._tell(gone=(id,))

    def has_phones(self, *phones: PhoneNow) -> None:
        self.phones |= {one.device: one for one in phones}
        self._tell(phones=phones)

    def _tell(self, **what: Any) -> None:
        self.number += 1
        self.on_change(LiveDelta(self.number, **what))

    async def do(self, asked: LiveAsk) -> str:
        self.asked.append(asked)
        return self.answer

    @contextlib.asynccontextmanager
    async def running(self, port: int, secret: str) -> AsyncIterator[None]:
        troubles = Troubles(lambda: datetime.now(UTC), lambda *_: None)
        serves = asyncio.create_task(LiveServer(port, secret, self, self, troubles).run())  # type: ignore[arg-type]
        try:
            yield
        finally:
            serves.cancel()
            await asyncio.gather(serves, return_exceptions=True)


@contextlib.asynccontextmanager
async def followed(board: Board) -> AsyncIterator[None]:
    """The board follows the app, and has heard of all that there is."""
    running = asyncio.create_task(board.run())
    try:
        await until(lambda: board.is_connected and bool(board.agents) and board._mark is not None)
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@dataclass
class LiveOffice(ConsoleOffice):
    board: Board = field(kw_only=True)
    told: App = field(default_factory=App)

    @contextlib.asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """The console follows the app, and has heard of all that there is."""
        async with (
            self.told.running(self.crm.config.ports.live, self.crm.secrets.ensure(SECRET)),
            followed(self.board),
        ):
            yield

    async def until(self, condition: Callable[[], bool]) -> None:
        await until(condition)


class Listener:
    """The stream of one browser."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        """Kind, mark and content."""
        self.is_over = False
        self._heard = asyncio.Event()
        self._rest = b""

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self._rest += message.get("body", b"")
            self.is_over = not message.get("more_body", False)
            *whole, self._rest = self._rest.split(b"\n\n")
            for one in whole:
                lines = dict(line.split(": ", 1) for line in one.decode().splitlines() if not line.startswith(":"))
                if "event" in lines:
                    self.events.append((lines["event"], lines.get("id", ""), json.loads(lines["data"])))
        self._heard.set()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [said for one, _, said in self.events if one == kind]

    async def until(self, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(60):
                while not condition():
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            raise AssertionError(f"{self.status}, {self.is_over}, {self.events}") from None

    async def hears(self, kind: str, /, **said: Any) -> dict[str, Any]:
        def found() -> list[dict[str, Any]]:
            return [one for one in self.of(kind) if all(one.get(name) == value for name, value in said.items())]

        await self.until(lambda: bool(found()))
        return found()[-1]


@contextlib.asynccontextmanager
async def listening(office: ConsoleOffice, person: Person, path: str, **headers: str) -> AsyncIterator[Listener]:
    """Opens /events as a browser does that has the person's cookies."""
    listener, gone = Listener(), asyncio.Event()
    cookie = "; ".join(f"{name}={value}" for name, value in person.http.cookies.items())
    url = urlsplit(path)
    sent = {"host": "127.0.0.1", "cookie": cookie, "sec-fetch-dest": "empty", **headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": url.path,
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    running = asyncio.create_task(office.app(scope, receive, listener.send))
    try:
        await listener.until(lambda: bool(listener.status))
        yield listener
    finally:
        gone.set()
        await asyncio.wait_for(running, 10)
