"""How soon what happens in calls is in the browsers that watch, beside a bare fan-out of the same bytes.

The console's web part runs in a process of its own, as in an office; this process is the app that tells of calls, and
the browsers. The control is a process that passes each line it gets on to the same number of sockets. Both take turns
in one run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ari_app.live.server import LiveServer
from bench.console.figure import Figure
from crm.config import Config
from crm.config.file import port_block as ports_from
from crm.context import Crm
from crm.domain.access import Role
from crm.edge.live_state import SECRET, CallNow, LiveAsk, LiveDelta, LiveWhole, PartyNow
from crm.secrets import Secrets
from crm.services.access import accounts, sessions
from crm.services.audit import By
from crm.services.system import directory
from crm.store import migrate
from crm.store.session import Store
from crm.web.app import serving
from crm.web.console import cookies
from crm.web.console.app import build, frame_of, looks_of
from crm.web.console.board import Board
from crm.worker import Troubles
from tests.system import port_block

GOAL_MILLISECONDS = 25
ROUNDS = 5
STARTS_SECONDS = 180.0
PAUSE_SECONDS = 0.02
"""Between two events: fifty steps of calls a second."""
CALLS = 40
"""Going on at once."""


class App:
    """What the app tells of calls."""

    def __init__(self) -> None:
        self.on_change: Callable[[LiveDelta], None] = lambda delta: None
        self.number = 0
        self.calls: dict[str, CallNow] = {}

    @property
    def whole(self) -> LiveWhole:
        return LiveWhole("bench", self.number, tuple(self.calls.values()), ())

    async def do(self, asked: LiveAsk) -> str:
        return ""

    def step(self, number: int) -> str:
        """A call comes to its next step; returns what its row has in it alone."""
        now, mark = datetime.now(UTC), f"caller {number}"
        id = f"leaseline-{number % CALLS}.1"
        call = CallNow(
            id,
            "in",
            "talk" if number // CALLS % 2 else "ring",
            now,
            now,
            property="elm",
            property_id=1,
            property_name="Elm Street Apartments",
            number="+15125550188",
            name=mark,
            parties=(PartyNow("alice-desk", "talks"),),
        )
        self.calls[id] = call
        self.number += 1
        self.on_change(LiveDelta(self.number, calls=(call,)))
        return mark


@dataclass
class Browser:
    """A socket that notes when it gets what."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    at: dict[bytes, float] = field(default_factory=dict)
    """When each event's mark came, by perf_counter."""

    async def read(self) -> None:
        while line := await self.reader.readline():
            came = time.perf_counter()
            found = line.find(b"caller ")
            if found >= 0:
                end = found + 7
                while line[end : end + 1].isdigit():
                    end += 1
                self.at.setdefault(line[found:end], came)


async def watch_console(port: int, cookie: str, after: str) -> Browser:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    writer.write(
        f"GET /events?after={after} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n"
        "Sec-Fetch-Dest: empty\r\nAccept: text/event-stream\r\n\r\n".encode()
    )
    status = await reader.readline()
    assert b" 200 " in status, status
    while (line := await reader.readline()) != b"retry: 1000\n":
        assert line, "the stream has ended"
    return Browser(reader, writer)


async def watch_control(port: int) -> Browser:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    return Browser(reader, writer)


# --- the other processes ---


async def serve_console(home: Path, first: int) -> None:
    crm = crm_of(home, first)
    board = Board(crm, looks_of(crm))
    async with serving(crm.config, build(crm, board), "console"):
        await board.run()


async def serve_control(port: int) -> None:
    """Passes what comes from the first to connect on to all others, and does nothing else."""
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if writers:
            writers.append(writer)
            return
        writers.append(writer)
        while line := await reader.readline():
            for one in writers[1:]:
                one.write(line)

    server = await asyncio.start_server(connected, "127.0.0.1", port, limit=1 << 22)
    await server.serve_forever()


def crm_of(home: Path, first: int) -> Crm:
    config = Config(home, ports=ports_from(first), timezone="America/Chicago")
    return Crm(config, Store(config.database_url), Secrets(config.secrets_file), lambda: datetime.now(UTC))


def make(home: Path, first: int, browsers: int) -> list[str]:
    """The demo office, and the cookies of those who watch; half of them are agents, and half read Spanish."""
    crm, by = crm_of(home, first), By("bench", datetime.now(UTC))
    for folder in crm.config.folders:
        folder.mkdir(parents=True)
    migrate.upgrade(crm.config.database_url)
    with crm.store.writing() as session:
        directory.load_demo(session, crm.config, crm.secrets, by)
        made = []
        for number in range(browsers):
            account = accounts.add(
                session,
                by,
                f"person{number}",
                "Robin Roe",
                (Role.MANAGER, Role.AGENT)[number % 2],
                language=("en", "es")[number // 2 % 2],
            )
            made.append(sessions.begin(session, crm.config, by.now, account.id, address="127.0.0.1", browser="bench"))
    name = cookies.name(frame_of(crm))
    crm.store.close()
    return [f"{name}={token}" for token in made]


# --- measuring ---


@contextlib.asynccontextmanager
async def process(*words: str) -> AsyncIterator[None]:
    started = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.console.events", *words)
    try:
        yield
    finally:
        started.terminate()
        await started.wait()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(STARTS_SECONDS):
        while not condition():  # noqa: ASYNC110 - what it waits for comes from other processes
            await asyncio.sleep(0.01)


async def connected(port: int) -> None:
    async def is_there() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    async with asyncio.timeout(STARTS_SECONDS):
        while not await is_there():  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)


def late(sent: dict[bytes, float], browsers: list[Browser]) -> list[float]:
    """Milliseconds from telling to reading, of each event in each browser."""
    return [(browser.at[mark] - at) * 1000 for mark, at in sent.items() for browser in browsers]


async def measure(browsers: int, events: int, rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"console": [], "control": []}
    with tempfile.TemporaryDirectory() as scratch, port_block() as first:
        home = Path(scratch) / "home"
        cookie = make(home, first, browsers)
        crm = crm_of(home, first)
        app, troubles = App(), Troubles(lambda: datetime.now(UTC), lambda *_: None)
        server = LiveServer(crm.config.ports.live, crm.secrets.ensure(SECRET), app, app, troubles)  # type: ignore[arg-type]
        running = [asyncio.create_task(server.run())]
        bare = first + 250
        async with (
            process("--serve-console", str(home), "--first", str(first)),
            process("--serve-control", "--first", str(bare)),
        ):
            await connected(crm.config.ports.console)
            await until(lambda: bool(server._readers))
            watching = [await watch_console(crm.config.ports.console, one, "") for one in cookie]
            await asyncio.sleep(1)
            while True:
                with contextlib.suppress(OSError):
                    _, teller = await asyncio.open_connection("127.0.0.1", bare)
                    break
                await asyncio.sleep(0.05)
            plain = [await watch_control(bare) for _ in cookie]
            running += [asyncio.create_task(one.read()) for one in (*watching, *plain)]
            number = 0
            for round_number in range(rounds + 1):
                for kind, who in (("console", watching), ("control", plain)):
                    sent: dict[bytes, float] = {}
                    for _ in range(events):
                        number += 1
                        mark = f"caller {number}".encode()
                        sent[mark] = time.perf_counter()
                        if kind == "console":
                            app.step(number)
                        else:
                            # As much as a row.
                            teller.write(b"x" * 1500 + mark + b" \n")
                        await asyncio.sleep(PAUSE_SECONDS)
                    await until(lambda sent=sent, who=who: all(sent.keys() <= one.at.keys() for one in who))
                    if round_number:  # The first one warms up.
                        found[kind] += late(sent, who)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        crm.store.close()
    return found


async def figures(browsers: int, events: int) -> list[Figure]:
    found = await measure(browsers, max(events // ROUNDS, 1), ROUNDS)
    what = f"event to {browsers} browsers, beside a bare fan-out"
    return [Figure(what, found["console"], GOAL_MILLISECONDS, control=found["control"])]


def main() -> None:
    """The other processes, which `process` starts."""
    options = argparse.ArgumentParser()
    options.add_argument("--serve-console")
    options.add_argument("--serve-control", action="store_true")
    options.add_argument("--first", type=int)
    asked = options.parse_args()
    if asked.serve_console:
        asyncio.run(serve_console(Path(asked.serve_console), asked.first))
    else:
        asyncio.run(serve_control(asked.first))


if __name__ == "__main__":
    main()
