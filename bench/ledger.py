"""What recording a call costs: statements, transactions and CPU from its facts to its rows.

Facts of whole calls (greeting, key, one phone rings, a talk) go through the journal and the ledger, in the bursts in
which a call reports them: first one call alone, then many whose bursts are interleaved. The last figures are for calls
one after another, and the memory that is kept: `script/bench ledger`; `--url` names an empty PostgreSQL database.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, event

from crm.config import Config
from crm.domain.calls import (
    CallArrived,
    CallEnded,
    CallStep,
    DialStatus,
    EndedBy,
    Fact,
    KeyPressed,
    LegEnded,
    LegRang,
    Routed,
    StepTaken,
    TalkEnded,
    TalkStarted,
)
from crm.services.calls.journal import Journal
from crm.services.calls.ledger import Ledger
from crm.store import migrate
from crm.store.models import Agent, Device, Line, Organization, Property, Subteam
from crm.store.session import Store

NOW = datetime(2026, 3, 2, 16, tzinfo=UTC)
LINE = "+15125550100"
AGENTS = 40


def bursts(number: int) -> Iterator[list[Fact]]:
    """Yields the facts of a whole call, in the bursts in which they are reported."""
    call, leg = f"bench-{number}.1", f"bench-{number}-leg"
    agent = f"agent-{number % AGENTS}"
    numbers = itertools.count()

    def fact(kind: type[Fact], seconds: float, **fields: Any) -> Fact:
        return kind(id=f"{call}/{next(numbers)}", call_id=call, at=NOW + timedelta(seconds=seconds), **fields)

    inputs = {"people": [f"agent-{one}" for one in range(AGENTS)]}
    yield [
        fact(CallArrived, 0, did=LINE, caller=f"+1512{5_000_000 + number}", trunk="carrier"),
        fact(StepTaken, 0, step=CallStep.MENU),
    ]
    yield [
        fact(KeyPressed, 2, key="2"),
        fact(Routed, 2, rule="subteam", reasons=("why",), stages=("subteam",), path="ring", inputs=inputs, plan={}),
        fact(StepTaken, 2, step=CallStep.RING),
        fact(LegRang, 2, leg_id=leg, device=f"{agent}-desk", agent=agent, stage="subteam"),
        fact(TalkStarted, 2.4, leg_id=leg),
        fact(StepTaken, 2.4, step=CallStep.TALK),
    ]
    yield [
        fact(TalkEnded, 4, leg_id=leg),
        fact(LegEnded, 4, leg_id=leg, status=DialStatus.ANSWER),
        fact(CallEnded, 4, by=EndedBy.CALLER),
    ]


@dataclass
class Counted:
    statements: Counter[str] = field(default_factory=Counter)
    writes: int = 0
    cpu: float = 0.0
    seconds: float = 0.0


@contextmanager
def counting(store: Store) -> Iterator[Counted]:
    counted = Counted()

    def on_statement(connection: Any, cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "SELECT pg_notify")):
            counted.statements[statement] += 1

    def on_commit(connection: object) -> None:
        counted.writes += 1

    event.listen(Engine, "before_cursor_execute", on_statement)
    event.listen(Engine, "commit", on_commit)
    cpu, began = time.process_time(), time.perf_counter()
    try:
        yield counted
    finally:
        counted.cpu, counted.seconds = time.process_time() - cpu, time.perf_counter() - began
        event.remove(Engine, "before_cursor_execute", on_statement)
        event.remove(Engine, "commit", on_commit)


def furnish(store: Store) -> None:
    with store.writing() as session:
        agents = [
            Agent(slug=f"agent-{one}", name=f"Agent {one}", devices=[Device(slug=f"agent-{one}-desk", kind="desk")])
            for one in range(AGENTS)
        ]
        session.add_all(agents)
        session.flush()
        session.add(Organization(name="Oak Homes", listings_url="https://oak.example", admin_agent_id=agents[0].id))
        team = Subteam(slug="east", name="East", strategy="round_robin", members=agents)
        maple = Property(slug="maple", name="Maple Court", listings_url="https://maple.example", subteam=team)
        session.add(Line(number=LINE, label="Maple sign", source="sign", property=maple))


async def _calls(journal: Journal, numbers: range) -> None:
    """Records calls with their bursts interleaved; a range of one call records it alone."""
    for together in zip(*(bursts(number) for number in numbers), strict=True):
        for fact in itertools.chain(*together):
            journal.append(fact)
        await journal.drained()


def _memory() -> int:
    """Returns the resident bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def measure(url: str, folder: Path, calls: int, row: int) -> None:
    console = Console(width=110)
    table = Table("calls", "statements/call", "transactions/call", "CPU ms/call", "ms until all are recorded")
    config = Config(folder)
    migrate.upgrade(url)
    store = Store(url)
    furnish(store)
    record = Ledger(config).record

    async def apply(facts: Sequence[Fact]) -> None:
        await store.run(record, facts, NOW)

    async with Journal(config.journal_folder, apply) as journal:
        await _calls(journal, range(10))  # Warms up the caches.
        shown: list[tuple[str, int]] = []
        for name, numbers in (("1", range(10, 11)), (f"{calls}, interleaved", range(1000, 1000 + calls))):
            with counting(store) as counted:
                await _calls(journal, numbers)
            count = len(numbers)
            table.add_row(
                name,
                f"{counted.statements.total() / count:.1f}",
                f"{counted.writes / count:.2f}",
                f"{counted.cpu * 1000 / count:.2f}",
                f"{counted.seconds * 1000:.0f}",
            )
            shown = shown or list(counted.statements.items())
        console.print(table)
        if row:
            before = 0
            for first in range(10_000, 10_000 + row, calls):
                await _calls(journal, range(first, min(first + calls, 10_000 + row)))
                if first >= 10_000 + row // 4:  # Caches are full by then.
                    before = before or _memory()
            grown = (_memory() - before) * 4 / 3
            size = sum(file.stat().st_size for file in config.journal_folder.iterdir())
            console.print(
                f"{row} calls in a row: {grown / row:.0f} bytes of memory per call; the journal has {size} bytes"
            )
    store.close()
    for statement, times in shown:
        console.print(f"{times} x {' '.join(statement.split())[:150]}", highlight=False, markup=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100, help="calls at once")
    parser.add_argument("--row", type=int, default=0, help="calls in a row, to see how much memory is kept")
    parser.add_argument("--url", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        url = options.url or f"sqlite:///{home}/leaseline.db"
        asyncio.run(measure(url, Path(home), options.calls, options.row))


if __name__ == "__main__":
    main()
