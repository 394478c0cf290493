"""How long lists, reports and the follow-up tick take with ten times the data of a large office.

100,000 leads, 150,000 calls, 150,000 texts and 1,000,000 events, created by bulk inserts and deleted afterwards;
`script/bench data`, or `script/bench data --postgres` on its own server. The table is also written to bench/results as
JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine, Integer, event, insert, text
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain import imports
from crm.domain.imports import ListKind
from crm.domain.leads import LeadFilter
from crm.secrets import Secrets
from crm.services import follow_ups, lost_callers
from crm.services.audit import By
from crm.services.system import imports as service
from crm.services.texts import messages as texting
from crm.store import migrate
from crm.store import statistics as planner
from crm.store.models import (
    Activity,
    Agent,
    Base,
    Call,
    CallEvent,
    Interest,
    Lead,
    LeadPhone,
    Leg,
    Line,
    Message,
    Organization,
    Property,
    Subteam,
    Task,
    TaskCall,
)
from crm.store.queries import calls as calls_queries
from crm.store.session import Store
from crm.views import calls, leads, messages, reports, search, tasks
from tests.postgres import running_postgres

RESULTS = Path(__file__).parent / "results"
AGENTS, PROPERTIES = 40, 100
BATCH = 5000
DAYS = 365
EVENTS = ("CallArrived", "LineFound", "MenuAnswered", "Routed", "LegRang", "LegEnded", "CallEnded")
OUTCOMES = {"talked": 60, "gave_up": 15, "left_voicemail": 10, "got_link": 10, "not_reached": 4, "blocked": 1}
STAGES = ("contacted", "showing_desired", "showing_booked", "still_deciding", "applied", "leased", "unresponsive")
STATES = {"delivered": 90, "sent": 8, "failed": 1, "blocked": 1}
OPEN_TASKS = 0.1
REPLIES = 2000
WENT = ("talked about a home with two bedrooms", "gave up in line", "left a voicemail about parking", "got the link")


Clock = Callable[[], float]


@dataclass(frozen=True)
class Size:
    leads: int
    calls: int
    texts: int
    events: int
    rows: int
    """Rows of each imported list."""


def number_of(lead: int) -> str:
    return f"+1201{2_000_000 + lead:07d}"


def fill(store: Store, size: Size, now: datetime) -> None:
    chance = random.Random(1)
    with store.writing() as session:
        _office(session)
    makers = (_leads, _calls, _texts)
    for make in makers:
        with store.writing() as session:
            make(session, size, now, chance)
    with store.writing() as session:
        if session.get_bind().dialect.name == "postgresql":
            # The rows have explicit ids; further ones continue after them.
            for table in Base.metadata.sorted_tables:
                if table.primary_key.columns.keys() == ["id"] and isinstance(table.c.id.type, Integer):
                    latest = f"(SELECT coalesce(max(id), 1) FROM {table.name})"
                    session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {latest})"))


def _office(session: Session) -> None:
    agents = [Agent(slug=f"agent-{n}", name=f"Agent {n}") for n in range(AGENTS)]
    session.add_all(agents)
    session.flush()
    session.add(Organization(name="Large", admin_agent_id=agents[0].id))
    teams = [Subteam(slug=f"t{n}", name=f"Team {n}", members=agents[n * 4 : n * 4 + 4]) for n in range(AGENTS // 4)]
    for n in range(PROPERTIES):
        property = Property(slug=f"p{n}", name=f"Property {n}", subteam=teams[n % len(teams)])
        session.add_all(
            (property, Line(number=f"+1512555{1000 + n:04d}", label=f"Sign {n}", source="sign", property=property))
        )


def insert_rows(session: Session, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            session.execute(insert(table), batch)
            batch = []
    if batch:
        session.execute(insert(table), batch)


def _leads(session: Session, size: Size, now: datetime, chance: random.Random) -> None:
    ids = range(1, size.leads + 1)
    made = {n: now - timedelta(days=DAYS * (1 - n / size.leads)) for n in ids}
    statuses = {n: chance.choices(("new", "in_progress", "closed"), (2, 5, 3))[0] for n in ids}
    insert_rows(
        session,
        Lead,
        (
            {
                "id": n,
                "name": f"Person {n}",
                "status": statuses[n],
                "source": "sign",
                "assigned_agent_id": 1 + n % AGENTS,
                "created_at": made[n],
            }
            for n in ids
        ),
    )
    insert_rows(session, LeadPhone, ({"lead_id": n, "number": number_of(n)} for n in ids))
    insert_rows(
        session,
        Interest,
        (
            {
                "lead_id": n,
                "property_id": 1 + n % PROPERTIES,
                "stage": chance.choice(STAGES),
                "stage_since": made[n],
                "updated_at": made[n],
            }
            for n in ids
        ),
    )


def _calls(session: Session, size: Size, now: datetime, chance: random.Random) -> None:
    def started(n: int) -> datetime:
        return now - timedelta(days=DAYS * (1 - n / size.calls), minutes=5)

    ids = range(size.calls)
    names, weights = list(OUTCOMES), list(OUTCOMES.values())
    outcomes = [chance.choices(names, weights)[0] for _ in ids]
    # Outgoing calls are all old: a list of them has to find them behind all others.
    outcomes = ["talked" if one == "not_reached" and n > size.calls // 10 else one for n, one in enumerate(outcomes)]
    whose = [1 + chance.randrange(size.leads) for _ in ids]
    agents = [1 + chance.randrange(AGENTS) for _ in ids]

    def row(n: int) -> dict[str, Any]:
        at, is_out = started(n), outcomes[n] == "not_reached"
        return {
            "id": f"c{n}",
            "direction": "out" if is_out else "in",
            "did": f"+1512555{1000 + whose[n] % PROPERTIES:04d}",
            "line_id": 1 + whose[n] % PROPERTIES,
            "property_id": 1 + whose[n] % PROPERTIES,
            "agent_id": agents[n] if is_out else None,
            "caller": number_of(whose[n]),
            "lead_id": whose[n],
            "started_at": at,
            "talk_started_at": at + timedelta(seconds=20) if outcomes[n] == "talked" else None,
            "ended_at": at + timedelta(seconds=120),
            "outcome": outcomes[n],
            "step": "talk",
        }

    insert_rows(session, Call, (row(n) for n in ids))
    insert_rows(
        session,
        Leg,
        (
            {
                "id": f"c{n}-l",
                "call_id": f"c{n}",
                "device": f"agent-{agents[n]}",
                "agent_id": agents[n],
                "stage": "subteam",
                "started_at": started(n) + timedelta(seconds=10),
                "answered_at": started(n) + timedelta(seconds=20) if outcomes[n] == "talked" else None,
                "ended_at": started(n) + timedelta(seconds=120),
                "status": "ANSWER" if outcomes[n] == "talked" else "NOANSWER",
            }
            for n in ids
        ),
    )
    insert_rows(
        session,
        CallEvent,
        (
            {
                "call_id": f"c{n % size.calls}",
                "number": n // size.calls,
                "id": f"e{n}",
                "at": started(n % size.calls) + timedelta(seconds=n // size.calls),
                "kind": EVENTS[n // size.calls % len(EVENTS)],
                "data": {"line": "+15125551000", "keys": ["2"]},
            }
            for n in range(size.events)
        ),
    )
    left = [n for n in ids if outcomes[n] in ("gave_up", "left_voicemail", "got_link", "not_reached")]
    insert_rows(
        session,
        Task,
        (
            {
                "id": number + 1,
                "key": f"call:c{n}",
                "kind": "call_back",
                "owner_id": agents[n],
                "lead_id": whose[n],
                "call_id": f"c{n}",
                "why": "They gave up.",
                "due_at": started(n) + timedelta(hours=1),
                "created_at": started(n),
                "done_at": None if chance.random() < OPEN_TASKS else started(n) + timedelta(hours=2),
            }
            for number, n in enumerate(left)
        ),
    )
    insert_rows(session, TaskCall, ({"call_id": f"c{n}", "task_id": number + 1} for number, n in enumerate(left)))
    insert_rows(
        session,
        Task,
        (
            {
                "id": len(left) + 1 + number,
                "key": f"reply:+1301{2_000_000 + number}:{number}",
                "kind": "reply",
                "person": f"writer:+1301{2_000_000 + number}",
                "owner_id": 1 + number % AGENTS,
                "why": "They wrote.",
                "due_at": now,
                "created_at": now,
            }
            for number in range(REPLIES)
        ),
    )
    insert_rows(
        session,
        Activity,
        (
            {
                "key": f"call:c{n}",
                "lead_id": whose[n],
                "at": started(n),
                "kind": "CallFromProspect",
                "text": f"Called Property {whose[n] % PROPERTIES} and {chance.choice(WENT)}.",
                "call_id": f"c{n}",
            }
            for n in ids
        ),
    )


def _texts(session: Session, size: Size, now: datetime, chance: random.Random) -> None:
    names, weights = list(STATES), list(STATES.values())

    def row(n: int) -> dict[str, Any]:
        whose, at = 1 + chance.randrange(size.leads), now - timedelta(days=DAYS * (1 - n / size.texts), minutes=5)
        ours, theirs = f"+1512555{1000 + whose % PROPERTIES:04d}", number_of(whose)
        incoming = chance.random() < 0.3
        return {
            "key": f"text:{n}",
            "direction": "in" if incoming else "out",
            "purpose": "inbound" if incoming else "listings_link",
            "to_number": ours if incoming else theirs,
            "from_number": theirs if incoming else ours,
            "body": "I would like to see a home.",
            "state": "received" if incoming else chance.choices(names, weights)[0],
            "created_at": at,
            "sent_at": None if incoming else at,
            "lead_id": whose,
        }

    insert_rows(session, Message, (row(n) for n in range(size.texts)))


@contextlib.contextmanager
def lock_times() -> Iterator[list[tuple[float, float]]]:
    """Yields the seconds of each write transaction, wall clock and CPU; on SQLite nobody else can write meanwhile."""
    found: list[tuple[float, float]] = []

    def on_begin(connection: Connection) -> None:
        connection.info["since"] = time.perf_counter(), time.thread_time()

    def on_end(connection: Connection) -> None:
        if connection.get_execution_options().get("writes") and "since" in connection.info:
            clock, cpu = connection.info["since"]
            found.append((time.perf_counter() - clock, time.thread_time() - cpu))

    listeners = {"begin": on_begin, "commit": on_end}
    for name, listener in listeners.items():
        event.listen(Engine, name, listener)
    try:
        yield found
    finally:
        for name, listener in listeners.items():
            event.remove(Engine, name, listener)


def reads(store: Store, config: Config, now: datetime, rounds: int, clock: Clock) -> dict[str, list[float]]:
    """Returns the milliseconds of every round of each read; the first has cold caches."""
    month = now - timedelta(days=30)
    acts: dict[str, Callable[[Session], object]] = {
        "call list": lambda session: calls.listed(session),
        "call list --direction out": lambda session: calls.listed(session, direction="out"),
        "task list --owner": lambda session: tasks.listed(session, now, owner="agent-7"),
        "report lost": lambda session: reports.lost(session, config, now),
        "message list --state failed": lambda session: messages.listed(session, state="failed"),
        "last caller of an agent": lambda session: calls_queries.last_caller_of(session, "agent-7"),
        "lead list": lambda session: leads.listed(session, datetime.now(UTC)),
        "lead list --status open --light red --property": lambda session: leads.listed(
            session, now, LeadFilter(status="open", light="red", property="p7")
        ),
        "lead show, with its timeline": lambda session: leads.one(session, 777, now),
        "lead search, by three letters of a name": lambda session: search.found(session, "ead", now),
        "lead search, by the last digits": lambda session: search.found(session, "2000500", now),
        "lead search, by two words of a text": lambda session: search.found(session, "two bedro", now),
        "open reply": lambda session: texting.open_reply(session, None, "+13012000500"),
        "report metrics --since 30d": lambda session: reports.figures(session, config, month, now, None),
    }
    found: dict[str, list[float]] = {}
    for name, act in acts.items():
        for _ in range(rounds):
            began = clock()
            with store.reading() as session:
                act(session)
            found.setdefault(name, []).append((clock() - began) * 1000)
    return found


LISTS: dict[ListKind, tuple[str, Callable[[int], str]]] = {
    ListKind.CONTACTS: ("number,name,kind,property", lambda n: f"+1401{2_000_000 + n},Person {n},resident,p{n % 100}"),
    ListKind.UNITS: ("property,name,bedrooms,bathrooms,rent", lambda n: f"p{n % 100},{n},2,1,1500"),
}


def imported(store: Store, config: Config, rows: int) -> dict[str, tuple[float, list[tuple[float, float]]]]:
    """Returns how long the import of each list took, and each of its transactions in wall clock and CPU; seconds."""
    found = {}
    for kind, (heads, row) in LISTS.items():
        lists = imports.read_csv("\n".join((heads, *map(row, range(rows)))), kind)
        began = time.perf_counter()
        with lock_times() as locked:
            service.load(store, config, Secrets(config.home / "secrets.json"), By("bench", datetime.now(UTC)), lists)
        found[kind.value] = time.perf_counter() - began, locked
    return found


async def ticks(crm: Crm) -> tuple[list[float], list[int], tuple[float, float]]:
    """Returns the seconds of the first tick and of one with nothing new, the texts each queued, and the longest write
    lock."""
    seconds, queued = [], []
    with lock_times() as locked:
        for _ in range(2):
            began = time.perf_counter()
            queued.append(await follow_ups.tick(crm))
            seconds.append(time.perf_counter() - began)
    return seconds, queued, (max(clock for clock, _ in locked), max(cpu for _, cpu in locked))


async def measure(url: str, size: Size, rounds: int, with_ticks: bool) -> dict[str, Any]:
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        config = Config(home)
        await asyncio.to_thread(migrate.upgrade, url)
        store = Store(url)
        try:
            began = time.perf_counter()
            fill(store, size, now)
            store.run_blocking(planner.renew)
            found: dict[str, Any] = {"filled in": time.perf_counter() - began}
            # As the app does every hour; here it is the first time.
            began = time.perf_counter()
            await lost_callers.look(Crm(config, store, Secrets(home / "secrets.json"), lambda: now))
            found["first look for lost callers"] = time.perf_counter() - began
            # SQLite runs in this thread, so its CPU time says more than a clock on a machine shared with others.
            clock = time.thread_time if url.startswith("sqlite") else time.perf_counter
            found["reads"] = reads(store, config, now, rounds, clock)
            if size.rows:
                found["imports"] = await asyncio.to_thread(imported, store, config, size.rows)
            if with_ticks:
                crm = Crm(config, store, Secrets(home / "secrets.json"), lambda: now)
                found["ticks"] = await ticks(crm)
            return found
        finally:
            store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=150_000)
    parser.add_argument("--texts", type=int, default=150_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=50_000, help="rows of each imported list")
    parser.add_argument("--rounds", type=int, default=7, help="how often each list is read")
    parser.add_argument("--postgres", action="store_true", help="use a PostgreSQL server of its own instead of SQLite")
    parser.add_argument("--no-tick", action="store_true", help="skip the follow-ups, which may take minutes")
    options = parser.parse_args()
    size = Size(options.leads, options.calls, options.texts, options.events, options.rows)
    where, now = "PostgreSQL" if options.postgres else "SQLite", datetime.now(UTC)
    with contextlib.ExitStack() as stack:
        if options.postgres:
            server = stack.enter_context(running_postgres())
            server.run_sql("CREATE DATABASE large")
            url = server.url("large")
        else:
            url = f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory())}/large.db"
        found = asyncio.run(measure(url, size, options.rounds, not options.no_tick))
    clock = "time" if options.postgres else "CPU of lists"
    title = f"{where}: {size.leads:,} leads, {size.calls:,} calls; {clock}"
    table = Table(title, "median ms", "most ms", "goal ms")
    for name, spent in found["reads"].items():
        goal = "500" if name.startswith("report metrics") else "10"
        table.add_row(name, f"{statistics.median(spent):.1f}", f"{max(spent):.1f}", goal)
    for name, (seconds, locked) in found.get("imports", {}).items():
        table.add_row(f"import of {size.rows:,} {name}", f"{seconds * 1000:.0f}", "", "")
        # All of them would be thousands of lines.
        found["imports"][name] = kept = {"seconds": seconds, "transactions": len(locked)}
        for what, spent in zip(("clock", "CPU"), map(sorted, zip(*locked, strict=True)), strict=True):
            kept[what] = {"median": statistics.median(spent), "99 %": spent[len(spent) * 99 // 100], "most": spent[-1]}
            median, most = (f"{kept[what][of] * 1000:.0f}" for of in ("median", "most"))
            table.add_row(f"  each transaction, {what}", median, most, "100")
    if not options.no_tick:
        (first, again), queued, locked = found["ticks"]
        table.add_row("follow-up tick, the first", f"{first * 1000:.0f}", "", "")
        table.add_row("follow-up tick, nothing new", f"{again * 1000:.0f}", "", "")
        table.add_row("  texts queued by the first", str(queued[0]), "", "0: long past")
        for what, seconds in zip(("clock", "CPU"), locked, strict=True):
            table.add_row(f"  longest write lock, {what}", f"{seconds * 1000:.0f}", "", "100")
    console = Console(width=110)
    console.print(table)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"data-{where.lower()}-{now:%Y%m%d-%H%M%S}.json"
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()}
    report = {"date": now.isoformat(timespec="seconds"), "machine": machine, "size": vars(size), "found": found}
    path.write_bytes(msgspec.json.format(json.dumps(report).encode(), indent=1) + b"\n")
    console.print(str(path.relative_to(Path.cwd())))


if __name__ == "__main__":
    main()
