"""A Leaseline for the bench: a home, an office with any number of agents, Asterisk, and the app."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text

from ari_app import heartbeat, supervisor
from ari_app.child import Child
from asterisk_conf.prompts import speech, tones
from bench.call.sipp import CALLERS_ADDRESS, PHONES_ADDRESS, Phones, phones
from crm import config as settings
from crm import context
from crm.config import Config
from crm.context import Crm
from crm.services.audit import By
from crm.services.phones import devices, publish, trunks
from crm.services.system import homes
from crm.store.models import Agent, Call, Device, Hours, Line, Property, Subteam
from crm.store.session import Store
from tests.system import port_block, spoken_prompts

PHONES_PORT, CALLERS_PORT = 20, 22
"""Offsets from the first of the home's ports for demo phones."""
RECORDED_SECONDS = 120.0
"""How long recording may lag behind the last call."""
PASSWORD = "of-the-bench-alone"

SETTINGS = """
[sip]
bind = "127.0.0.1"

[limits]
calls = 10000
trunk_calls = 10000
trunk_new_per_second = 0

[talk]
# No phone of the bench sends sound.
lost_seconds = 0
# Talks last 1.5 s, and are talks.
shortest_seconds = 0
"""


def line_of(number: int) -> str:
    return f"+1512555{101 + number:04d}"


def agent_of(number: int) -> str:
    return f"agent-{101 + number:04d}"


@dataclass
class Office:
    """One home; its Asterisk and its app are started on demand."""

    crm: Crm
    agents: int
    folder: Path
    asterisk: Child
    app: Child
    phones: Phones | None = None

    @property
    def config(self) -> Config:
        return self.crm.config

    @property
    def lines(self) -> list[str]:
        return [line_of(number) for number in range(self.agents)]

    @property
    def report(self) -> Path:
        """The file with the counts of `measured`."""
        return self.folder / "measured.json"

    @contextlib.asynccontextmanager
    async def running_asterisk(self, registered: int) -> AsyncIterator[None]:
        """Runs Asterisk, with registered phones for the first agents, or without any."""
        await self.asterisk.start()
        try:
            accounts = [(agent_of(number), PASSWORD) for number in range(registered)]
            port = self.config.ports.demo + PHONES_PORT
            await _until_booted(self.config)
            if not accounts:
                yield
                return
            async with phones(accounts, self.config.ports.sip, port, self.folder) as self.phones:
                yield
        finally:
            await self.asterisk.stop()

    @contextlib.asynccontextmanager
    async def running_app(self, *, measured: bool = False) -> AsyncIterator[None]:
        """Runs the app; `measured` adds the counters of bench/call/measured.py."""
        plain, since = self.app, datetime.now(UTC)
        if measured:
            # The same parts, in the place of cli.py.
            command = [sys.executable, "-m", "bench.call.measured", str(self.report), *plain.command[2:]]
            self.app = replace(plain, command=command)
        try:
            await self.app.start()
            await until(lambda: heartbeat.is_connected(self.config, since) or not self.app.is_alive, "the app is ready")
            assert self.app.is_alive, self.app.last_words
            await asyncio.sleep(3)  # Some of its work starts with a delay.
            yield
        finally:
            await self.app.stop()
            self.app = plain

    async def counted(self) -> dict[str, Any]:
        """Returns the counts of `measured` since the last time."""
        before = self.report.stat().st_mtime_ns if self.report.exists() else 0
        assert self.app.process
        self.app.process.send_signal(signal.SIGRTMIN)
        await until(lambda: self.report.exists() and self.report.stat().st_mtime_ns > before, "the counters")
        counted: dict[str, Any] = json.loads(self.report.read_text())
        return counted

    def calls(self) -> int:
        with self.crm.store.reading() as session:
            return session.scalar(select(func.count(Call.id))) or 0

    def without_record(self, numbers: Sequence[str]) -> set[str]:
        """Which of these callers are not on record."""
        with self.crm.store.reading() as session:
            return set(numbers) - set(session.scalars(select(Call.caller).where(Call.caller.is_not(None))))

    def behind(self, expected: int) -> int:
        """Returns how many of the calls have no outcome on record yet."""
        with self.crm.store.reading() as session:
            ended = session.scalar(select(func.count(Call.id)).where(Call.outcome.is_not(None))) or 0
        return expected - ended

    async def recorded(self, expected: int) -> float:
        """Waits until this many calls have an outcome and the journal is empty; returns how many seconds that took."""
        began = time.monotonic()
        facts = self.config.journal_folder / "facts.jsonl"

        def is_so() -> bool:
            return self.behind(expected) <= 0 and not (facts.exists() and facts.stat().st_size)

        await until(is_so, f"{expected} calls on record", RECORDED_SECONDS)
        return time.monotonic() - began

    def database_bytes(self) -> int:
        with self.crm.store.reading() as session:
            pages, size, free = (
                session.scalar(text(f"PRAGMA {name}")) or 0 for name in ("page_count", "page_size", "freelist_count")
            )
        return (pages - free) * size

    def bytes_by_table(self) -> dict[str, int]:
        """Bytes of the pages of each table and index."""
        with self.crm.store.reading() as session:
            rows = session.execute(text("SELECT name, sum(pgsize) AS size FROM dbstat GROUP BY name"))
            return {row.name: row.size for row in rows}


@contextlib.asynccontextmanager
async def office(folder: Path, agents: int, *, rtp: tuple[int, int]) -> AsyncIterator[Office]:
    """Sets up a home, in which nothing runs yet."""
    by = By("bench", datetime.now(UTC))
    folder.mkdir(parents=True)
    with port_block() as first:
        home = folder / "home"
        await homes.create(home, by, name="Bench", ports_from=first)
        toml = (home / "leaseline.toml").read_text()
        for name, port in zip(("rtp_first", "rtp_last"), rtp, strict=True):
            old = next(row for row in toml.splitlines() if row.startswith(name))
            toml = toml.replace(old, f"{name} = {port}")
        (home / "leaseline.toml").write_text(toml + SETTINGS)
        config = settings.load(home)
        crm = context.opened(config)
        try:
            _fill(crm.store, agents)
            await crm.store.run(
                trunks.add,
                crm.secrets,
                by,
                "bench",
                host=PHONES_ADDRESS,
                port=config.ports.demo + PHONES_PORT,
                auth="address",
                addresses=[CALLERS_ADDRESS],
            )
            _give_passwords(crm, agents)
            prompts = spoken_prompts()
            for entry in (*speech.languages(), tones.FILE, tones.MUSIC):
                (config.prompts_folder / entry).symlink_to(prompts / entry)
            (config.prompts_folder / "greetings").mkdir(exist_ok=True)
            await publish.publish(crm)
            asterisk, app, *_ = supervisor.children(config)
            yield Office(crm, agents, folder, asterisk, app)
        finally:
            crm.store.close()


def _fill(store: Store, count: int) -> None:
    """Adds agents, each with a phone and the only one of a property that has a line."""
    with store.writing() as session:
        for number in range(count):
            slug = agent_of(number)
            agent = Agent(slug=slug, name=f"Agent {number}", devices=[Device(slug=slug, kind="desk")])
            property = Property(slug=f"p{number}", name=f"Property {number}")
            property.subteam = Subteam(slug=f"t{number}", name=f"Team {number}", members=[agent])
            session.add_all(
                (property, Line(number=line_of(number), label=f"Sign {number}", source="sign", property=property))
            )
        session.add_all(Hours(weekday=day, opens="00:00", closes="24:00") for day in range(7))


def _give_passwords(crm: Crm, count: int) -> None:
    """Writes all passwords at once: one at a time, 2,000 agents would rewrite the file 2,000 times."""
    path = crm.secrets.path
    known: Mapping[str, str] = json.loads(path.read_text())
    own = {devices.secret_name(agent_of(number)): PASSWORD for number in range(count)}
    path.write_text(json.dumps({**known, **own}))


async def until(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds:g} s: {what}"
        await asyncio.sleep(0.05)


async def _until_booted(config: Config) -> None:
    """Waits for AMI, the last of the ports the bench needs to open."""
    deadline = time.monotonic() + 60
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", config.ports.ami)
        except OSError:
            assert time.monotonic() < deadline, "Asterisk does not start"
            await asyncio.sleep(0.05)
        else:
            writer.close()
            await asyncio.sleep(1)
            return
