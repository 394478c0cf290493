"""What a call's records wait for pages that another process writes, on one SQLite file.

Bursts of facts, as a call reports them, are recorded one after another: alone, which is the control, then beside a
process in which people of the office add, put off and finish tasks, so many acts a second.
`script/bench two_writers`; the figures are milliseconds from a burst to its commit.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench.ledger import NOW, bursts, furnish
from crm.config import Config
from crm.services import tasks
from crm.services.audit import By
from crm.services.calls.ledger import Ledger
from crm.store import migrate
from crm.store.models import Lead
from crm.store.session import Store

BY = By("bench", NOW)
ACTS_PER_SECOND = (10, 30, 100)


def pages(url: str, acts_per_second: float) -> None:
    """The other process: acts until it is killed."""
    store = Store(url)
    config = Config(Path(tempfile.gettempdir()))

    def act(session: Session) -> int:
        lead = session.scalar(select(func.min(Lead.id)))
        return tasks.add(session, config, BY, str(lead), "bench", NOW + timedelta(hours=1), "agent-1").id

    print("begins", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            began = time.perf_counter()
            id = store.run_blocking(act)
            store.run_blocking(tasks.snooze, BY, id, NOW + timedelta(hours=2))
            store.run_blocking(tasks.finish, BY, id, "done")
            time.sleep(max(0.0, 3 / acts_per_second - (time.perf_counter() - began)))


def _figures(took: list[float]) -> list[str]:
    return [f"{1000 * one:.1f}" for one in (quantile(took, 0.5), quantile(took, 0.99), max(took))]


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def calls(store: Store, ledger: Ledger, numbers: range) -> list[float]:
    took = []
    for number in numbers:
        for facts in bursts(number):
            began = time.perf_counter()
            await store.run(ledger.record, facts, NOW)
            took.append(time.perf_counter() - began)
            await asyncio.sleep(0.01)
    return took


async def measure(url: str, folder: Path, count: int) -> None:
    migrate.upgrade(url)
    store = Store(url)
    furnish(store)
    ledger = Ledger(Config(folder))
    table = Table("", "p50 ms", "p99 ms", "longest ms")
    await calls(store, ledger, range(20))
    table.add_row("alone", *_figures(await calls(store, ledger, range(1000, 1000 + count))))
    for acts in ACTS_PER_SECOND:
        words = [sys.executable, "-m", "bench.two_writers", "--pages", url, "--acts", str(acts)]
        child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - nothing else runs
        assert child.stdout
        assert child.stdout.readline() == "begins\n"
        took = await calls(store, ledger, range(acts * 10_000, acts * 10_000 + count))
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)
        table.add_row(f"beside {acts} acts a second", *_figures(took))
    Console(width=100).print(table)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=150)
    parser.add_argument("--pages", default="", help=argparse.SUPPRESS)
    parser.add_argument("--acts", type=float, default=10.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.pages:
        pages(options.pages, options.acts)
        return
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(measure(f"sqlite:///{home}/leaseline.db", Path(home), options.calls))


if __name__ == "__main__":
    main()
