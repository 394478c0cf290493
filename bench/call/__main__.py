"""What a call costs: Leaseline compared with the same call in plain dialplan, FastAGI, asyncari and forked AGI scripts.

All of them get the same callers and phones (SIPp) in one run, in turns. Without arguments all figures are measured, one
after the other; the table is also written to bench/results as JSON. `script/bench call cost key --rounds 3`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from bench.call.figures import FIGURES, Options, Row
from bench.call.rig import allow_files

RESULTS = Path(__file__).parents[1] / "results"


def machine() -> dict[str, Any]:
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    return {
        "processor": cpu.partition(": ")[2] or platform.processor(),
        "cores": os.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": os.getloadavg(),
    }


def commit() -> str:
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return said.stdout.strip()


def main() -> None:
    allow_files()
    # However this process ends, everything it started ends with it.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"some of: {', '.join(FIGURES)}")
    parser.add_argument("--rounds", type=int, default=3, help="cost: rounds of all implementations; idle: starts")
    parser.add_argument("--calls", type=int, default=24, help="cost, counts: calls per round and implementation")
    parser.add_argument("--agents", type=int, default=40, help="agents in the office; rate: at least 200, with phones")
    parser.add_argument("--large", type=int, default=2000, help="key: agents in the large office")
    parser.add_argument("--probes", type=int, default=100, help="key: calls per office and implementation")
    parser.add_argument("--step-seconds", type=float, default=5, help="rate: how long callers arrive at each rate")
    parser.add_argument("--talks", type=int, default=200, help="talks: how many at the same time")
    parser.add_argument("--hold", type=float, default=60, help="talks: seconds each is held")
    parser.add_argument("--idle", type=float, default=30, help="idle: seconds to measure")
    parser.add_argument("--in-a-row", type=int, default=100, help="row: calls one after the other")
    given = vars(parser.parse_args())
    names = given.pop("figures") or list(FIGURES)
    if unknown := set(names) - set(FIGURES):
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    began, code, now = machine(), commit(), datetime.now(UTC)
    failed = False
    rows: list[Row] = []
    found: dict[str, Any] = {}
    console = Console(width=150)
    for name in names:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        try:
            new, found[name] = asyncio.run(FIGURES[name](Options(**given)))
        except Exception as error:  # noqa: BLE001 - whatever one figure fails of, the others are measured and shown
            if not isinstance(error, AssertionError | TimeoutError):
                traceback.print_exc()
            new, failed = [Row(name, f"not measured: {error or type(error).__name__}")], True
        rows += new
        for row in new:
            console.print(f"[dim]{row.what}: {row.found}[/dim]", highlight=False)
    table = Table("figure", "found", "goal")
    for row in rows:
        table.add_row(row.what, row.found, row.goal)
    console.print(table)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"call-{now:%Y%m%d-%H%M%S}.json"
    report = {
        "date": now.isoformat(timespec="seconds"),
        "machine": began,
        "commit": code,
        "options": given,
        "table": [vars(row) for row in rows],
        "found": found,
    }
    path.write_text(json.dumps(report, indent=1) + "\n")
    console.print(str(path.relative_to(Path.cwd())))
    sys.exit(failed)


if __name__ == "__main__":
    main()
