"""How long finding people takes among 100,000 leads with 1,000,000 timeline entries.

Each of Leaseline's reads takes turns with a control, which reads the same data with its own statement on the same
database and connection; the difference is our overhead. A list is imported beside another process that writes.
`script/bench leads`, or `script/bench leads --postgres` on its own server. The table is also written to bench/results
as JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import multiprocessing
import os
import platform
import random
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from sqlalchemy import bindparam, text, update
from sqlalchemy.orm import Session

from bench.data import AGENTS, DAYS, PROPERTIES, Size, fill, insert_rows, number_of
from crm.commands.lead import files as lead_files
from crm.config import Config
from crm.context import Crm
from crm.domain.leads import LeadFilter
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.people.identity import who_is
from crm.store import migrate
from crm.store import statistics as planner
from crm.store.models import Activity, Lead, LeadEmail
from crm.store.search import VECTOR
from crm.store.session import Store
from crm.views import leads, search
from tests.postgres import running_postgres

RESULTS = Path(__file__).parent / "results"
ENTRIES = 1_000_000
BEGINNINGS = (
    "an",
    "be",
    "ca",
    "el",
    "fe",
    "ga",
    "ha",
    "jo",
    "ka",
    "li",
    "ma",
    "no",
    "ol",
    "ri",
    "sa",
    "to",
    "vi",
    "we",
)
ENDINGS = ("bell", "dorf", "ferr", "gato", "hill", "jonn", "kova", "lund", "mann", "pell", "quin", "reyes", "vance")
TALKS = ("parking", "balcony", "dog", "cat", "laundry", "pool", "lease", "voucher", "garage", "garden", "stairs", "gym")
GOALS = {
    "caller by number": 2,
    "filtered page": 10,
    "timeline": 5,
    "full text, newest 50": 15,
    "part of a name": 10,
    "last digits": 10,
}
"""99th percentile, in milliseconds."""


def enrich(store: Store, size: Size, now: datetime) -> None:
    """Gives the leads of `bench.data` different names and addresses, and timelines with `ENTRIES` entries in total."""
    chance = random.Random(2)

    def name() -> str:
        first, last = (chance.choice(BEGINNINGS) + chance.choice(ENDINGS) for _ in range(2))
        return f"{first.title()} {last.title()}{chance.choice(ENDINGS)}"

    named = update(Lead.__table__).where(Lead.id == bindparam("of")).values(name=bindparam("called"))  # type: ignore[arg-type]
    with store.writing() as session:
        session.connection().execute(named, [{"of": n, "called": name()} for n in range(1, size.leads + 1)])
        insert_rows(
            session, LeadEmail, ({"lead_id": n, "address": f"pat{n}@example.com"} for n in range(1, size.leads + 1, 2))
        )
    with store.writing() as session:
        insert_rows(
            session,
            Activity,
            (
                {
                    "key": f"note:bench:{n}",
                    "lead_id": 1 + n % size.leads,
                    "at": now - timedelta(days=DAYS * chance.random()),
                    "kind": "Note",
                    "text": f"Asked about the {chance.choice(TALKS)} and the {chance.choice(TALKS)}, case {n}.",
                }
                for n in range(ENTRIES - size.calls)
            ),
        )


Read = Callable[[Session], object]


def pairs(sqlite: bool, size: Size, now: datetime, chance: random.Random) -> dict[str, Iterator[tuple[Read, Read]]]:
    """Yields our read and its control for each kind of read, with another person, word or filter every time."""

    def whose() -> int:
        return 1 + chance.randrange(size.leads)

    def rows(statement: str, **values: object) -> Read:
        return lambda session: session.execute(text(statement), values).all()

    def callers() -> Iterator[tuple[Read, Read]]:
        while True:
            number = number_of(whose())
            control = "SELECT l.id, l.name FROM lead_phone p JOIN lead l ON l.id = p.lead_id WHERE p.number = :number"
            yield (lambda session, n=number: who_is(session, n)), rows(control, number=number)

    def pages() -> Iterator[tuple[Read, Read]]:
        while True:
            agent, property = chance.randrange(AGENTS), chance.randrange(PROPERTIES)
            wanted = (
                LeadFilter(status="in_progress", property=f"p{property}")
                if chance.random() < 0.5
                else LeadFilter(status="new", agent=f"agent-{agent}")
            )
            control = (
                "SELECT l.id, l.name FROM lead l JOIN interest i ON i.lead_id = l.id WHERE l.status = 'in_progress'"
                " AND i.property_id = :p ORDER BY l.created_at DESC, l.id DESC LIMIT 50"
            )
            yield (lambda session, w=wanted: leads.listed(session, now, w)), rows(control, p=1 + property)

    def timelines() -> Iterator[tuple[Read, Read]]:
        while True:
            lead = whose()
            control = "SELECT at, kind, text FROM activity WHERE lead_id = :lead ORDER BY at"
            yield (lambda session, n=lead: leads.timeline(session, n)), rows(control, lead=lead)

    def words() -> Iterator[tuple[Read, Read]]:
        while True:
            one, other = chance.choice(TALKS), chance.choice(TALKS)
            if sqlite:
                control = (
                    "SELECT activity.lead_id, activity.text FROM activity"
                    " JOIN search_activity ON search_activity.rowid = activity.id"
                    " WHERE search_activity MATCH :words ORDER BY search_activity.rowid DESC LIMIT 50"
                )
                asked = f'"{one}" "{other}"*'
            else:
                control = (
                    f"SELECT lead_id, text FROM activity WHERE {VECTOR}"
                    " @@ to_tsquery('simple', :words) ORDER BY id DESC LIMIT 50"
                )
                asked = f"{one} & {other}:*"
            yield (
                (lambda session, w=f"{one} {other}": search.found(session, w, now)),
                rows(control, words=asked),
            )

    def parts(of: Callable[[], str], where: str) -> Iterator[tuple[Read, Read]]:
        table_name, column = where.split(".")
        while True:
            part = of()
            if sqlite:
                control = (
                    f"SELECT rowid FROM search_{table_name} WHERE search_{table_name} MATCH :part"
                    " ORDER BY rowid DESC LIMIT 50"
                )
                asked = f'"{part}"'
            else:
                control = f"SELECT id FROM {table_name} WHERE lower({column}) LIKE :part ORDER BY id DESC LIMIT 50"
                asked = f"%{part}%"
            yield (lambda session, p=part: search.found(session, p, now)), rows(control, part=asked)

    return {
        "caller by number": callers(),
        "filtered page": pages(),
        "timeline": timelines(),
        "full text, newest 50": words(),
        "part of a name": parts(lambda: chance.choice(ENDINGS)[:3] + chance.choice(BEGINNINGS)[:1], "lead.name"),
        "last digits": parts(lambda: f"{2_000_000 + whose():07d}"[-5:], "lead_phone.number"),
    }


def measured(store: Store, sqlite: bool, size: Size, now: datetime, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Returns the milliseconds of each read, ours and the control's, run in turns: by the clock, and of this process's
    CPU, which says more beside other work; of PostgreSQL it is the part that is not in its server."""
    found: dict[str, dict[str, list[float]]] = {}
    for name, some in pairs(sqlite, size, now, random.Random(3)).items():
        spent = found[name] = {"ours": [], "control": [], "ours, CPU": [], "control, CPU": []}
        for _ in range(rounds):
            for whose, act in zip(("ours", "control"), next(some), strict=True):
                began, cpu = time.perf_counter(), time.process_time()
                with store.reading() as session:
                    act(session)
                spent[f"{whose}, CPU"].append((time.process_time() - cpu) * 1000)
                spent[whose].append((time.perf_counter() - began) * 1000)
    return found


def exported(store: Store, now: datetime) -> dict[str, float]:
    """Returns the speed of the CSV export, in leads per second of wall clock and CPU, and its peak memory in MB."""
    by = By("bench", now)
    with tempfile.TemporaryDirectory() as folder:
        # As the command line does once it has started.
        gc.collect()
        gc.freeze()
        began, cpu = time.perf_counter(), time.process_time()
        count = lead_files.write(store, Path(folder) / "all.csv", by, LeadFilter(), "csv", False, lambda done: None)
        spent, cpu = time.perf_counter() - began, time.process_time() - cpu
        tracemalloc.start()
        lead_files.write(store, Path(folder) / "again.csv", by, LeadFilter(), "csv", False, lambda done: None)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return {"leads": count, "a second": count / spent, "a second of CPU": count / cpu, "MB": most / 1e6}


IMPORTED, PAUSE_SECONDS = 5_000, 0.02


def imported(url: str, store: Store, now: datetime, amount: int) -> dict[str, Any]:
    """Returns the speed of an import, and the milliseconds for which another process waits for each of its own
    transactions: alone (the control), and beside the import. Also how long each slice takes from its first statement
    to its commit."""
    with tempfile.TemporaryDirectory() as folder:
        path, config = Path(folder) / "list.csv", Config(Path(folder) / "home")
        for one in config.folders:
            one.mkdir(parents=True)
        with path.open("w") as file:
            file.write("name,email,phone,property,source,created,note\n")
            for n in range(amount):
                file.write(
                    f"Sam {n},sam{n}@example.net,512-{700 + n // 10_000}-{n % 10_000:04d},p{n % PROPERTIES},fair,"
                    f"2026-01-02,Asked for a {TALKS[n % len(TALKS)]}.\n"
                )
        crm = Crm(config, store, Secrets(config.secrets_file), lambda: now)
        gc.collect()
        gc.freeze()
        alone = _beside(url, lambda: time.sleep(10))
        held: list[float] = []
        run = store.run_blocking

        def timed(act: Any, *args: Any, **how: Any) -> Any:
            began = 0.0

            def noted(session: Session, *args: Any, **how: Any) -> Any:
                nonlocal began
                began = time.perf_counter()
                return act(session, *args, **how)

            try:
                return run(noted, *args, **how)
            finally:
                held.append((time.perf_counter() - began) * 1000)

        store.run_blocking = timed  # type: ignore[method-assign]
        began, cpu = time.perf_counter(), time.process_time()

        def whole() -> None:
            lead_files.read(
                crm, By("bench", now), path, "bench", rejects=None, dry_run=False, progress=lambda done, total: None
            )

        beside = _beside(url, whole)
        spent, cpu = time.perf_counter() - began, time.process_time() - cpu
        store.run_blocking = run  # type: ignore[method-assign]
    return {
        "a second": amount / spent,
        "a second of CPU": amount / cpu,
        "slices": len(held),
        "held": _spread(held),
        "another waits, alone": _spread(alone),
        "another waits, beside": _spread(beside),
    }


def _spread(some: list[float]) -> tuple[float, float, float]:
    """Median, 99 of 100 and the most."""
    ordered = sorted(some)
    return statistics.median(ordered), ordered[len(ordered) * 99 // 100], ordered[-1]


def _beside(url: str, act: Callable[[], object]) -> list[float]:
    """Runs `act` while another process writes; returns how long each of its transactions took."""
    context = multiprocessing.get_context("spawn")
    ended, waits = context.Event(), context.Queue()
    other = context.Process(target=_write_on, args=(url, ended, waits))
    other.start()
    waits.get()
    try:
        act()
    finally:
        ended.set()
    found: list[float] = waits.get()
    other.join()
    return found


def _write_on(url: str, ended: Any, waits: Any) -> None:
    store = Store(url)

    def note(session: Session) -> None:
        session.execute(update(Lead).where(Lead.id == 1).values(source="bench"))

    store.run_blocking(note)
    waits.put(None)
    found = []
    while not ended.is_set():
        began = time.perf_counter()
        store.run_blocking(note)
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(PAUSE_SECONDS)
    store.close()
    waits.put(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=300, help="how often each read is done")
    parser.add_argument("--postgres", action="store_true", help="use a PostgreSQL server of its own instead of SQLite")
    parser.add_argument("--imported", type=int, default=IMPORTED, help="lines of the list that is imported")
    options = parser.parse_args()
    size = Size(options.leads, options.leads * 3 // 2, options.leads * 3 // 2, 0, 0)
    where, now = "PostgreSQL" if options.postgres else "SQLite", datetime.now(UTC)
    with contextlib.ExitStack() as stack:
        if options.postgres:
            server = stack.enter_context(running_postgres())
            server.run_sql("CREATE DATABASE large")
            url = server.url("large")
        else:
            url = f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory())}/large.db"
        migrate.upgrade(url)
        store = Store(url)
        stack.callback(store.close)
        fill(store, size, now)
        enrich(store, size, now)
        store.run_blocking(planner.renew)
        found: dict[str, Any] = {
            "reads": measured(store, not options.postgres, size, now, options.rounds),
            "export": exported(store, now),
            "import": imported(url, store, now, options.imported),
        }
    what = f"{where}: {size.leads:,} leads, {ENTRIES:,} entries; ms: median, p99"
    table = Table(what, "clock", "control", "CPU", "control", "goal (p99)")
    summary: dict[str, dict[str, tuple[float, float]]] = {}
    for name, spent in found["reads"].items():
        of = {whose: (statistics.median(some), sorted(some)[len(some) * 99 // 100]) for whose, some in spent.items()}
        summary[name] = of
        cells = [f"{of[one][0]:.2f}, {of[one][1]:.2f}" for one in ("ours", "control", "ours, CPU", "control, CPU")]
        table.add_row(name, *cells, str(GOALS[name]))
    out = found["export"]
    table.add_row(
        "CSV export, leads per second", f"{out['a second']:,.0f}", "", f"{out['a second of CPU']:,.0f}", "", "50,000"
    )
    table.add_row("  peak memory of Python, MB", f"{out['MB']:.0f}", "", "", "", "")
    for name, value in found["import"].items():
        if isinstance(value, tuple):
            middle, p99, most = value
            table.add_row(f"import: {name}", f"{middle:.0f}, {p99:.0f}, at most {most:.0f}", "", "", "", "100 at most")
        else:
            table.add_row(f"import: {name}", f"{value:,.0f}", "", "", "", "")
    console = Console(width=110)
    console.print(table)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"leads-{where.lower()}-{now:%Y%m%d-%H%M%S}.json"
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()}
    report = {
        "date": now.isoformat(timespec="seconds"),
        "machine": machine,
        "size": vars(size),
        "found": {"reads": summary, "export": out, "import": found["import"]},
    }
    path.write_bytes(msgspec.json.format(json.dumps(report).encode(), indent=1) + b"\n")
    console.print(str(path.relative_to(Path.cwd())))


if __name__ == "__main__":
    main()
