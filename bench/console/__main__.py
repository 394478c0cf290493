"""The console's figures: the phone in a page, pages, events in browsers, and what they cost a call.

Without arguments all parts are measured, one after the other, each with its control in the same run where it has one.
`script/bench console events phone`. The table is also written to bench/results as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.call.__main__ import commit, machine
from bench.call.rig import allow_files
from bench.console import call, events, pages, phone, reach
from bench.console.figure import Figure

RESULTS = Path(__file__).parents[1] / "results"


@dataclass(frozen=True)
class Options:
    browsers: int
    events: int
    leads: int
    rounds: int
    calls: int
    times: int
    postgres: bool


PARTS: dict[str, Callable[[Options], Awaitable[list[Figure]]]] = {
    "phone": lambda asked: phone.figures(asked.times),
    "events": lambda asked: events.figures(asked.browsers, asked.events),
    "pages": lambda asked: pages.figures(asked.leads, asked.rounds, asked.times, postgres=asked.postgres),
    "call": lambda asked: call.figures(asked.browsers, asked.calls),
    "reach": lambda asked: reach.figures(),
}


def main() -> None:
    allow_files()
    # However this process ends, everything it started ends with it.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {', '.join(PARTS)}")
    parser.add_argument("--browsers", type=int, default=50, help="events, call: how many watch")
    parser.add_argument("--events", type=int, default=1000, help="events: how many are told")
    parser.add_argument("--leads", type=int, default=100_000, help="pages: in the office")
    parser.add_argument("--rounds", type=int, default=200, help="pages: how often each is asked for")
    parser.add_argument("--postgres", action="store_true", help="pages: a PostgreSQL server of its own, not SQLite")
    parser.add_argument("--calls", type=int, default=200, help="call: with browsers, and as many without")
    parser.add_argument("--times", type=int, default=10, help="phone: calls, reloads and tabs; pages: browsers")
    given = vars(parser.parse_args())
    names = given.pop("parts") or list(PARTS)
    if unknown := set(names) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    began, now = machine(), datetime.now(UTC)
    found: list[Figure] = []
    failed: list[str] = []
    console = Console(width=150)
    for name in names:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        try:
            new = asyncio.run(PARTS[name](Options(**given)))  # type: ignore[arg-type]
        except Exception:  # noqa: BLE001 - whatever one part fails of, the others are measured and shown
            traceback.print_exc()
            failed.append(name)
            continue
        found += new
        for one in new:
            console.print(f"[dim]{one.what}: {one.text}[/dim]", highlight=False)
    table = Table("figure", "found", "goal", "")
    for one in found:
        goal = f"{one.goal:g}" if one.is_ratio else f"{one.goal:g} {one.unit}"
        table.add_row(one.what, one.text, f"{one.of} {goal}", "" if one.is_reached else "missed")
    for name in failed:
        table.add_row(name, "not measured", "", "missed")
    console.print(table)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"console-{now:%Y%m%d-%H%M%S}.json"
    report = {
        "date": now.isoformat(timespec="seconds"),
        "machine": began,
        "commit": commit(),
        "options": given,
        "table": [
            {"what": one.what, "found": round(one.found, 3), "of": one.of, "goal": one.goal, "text": one.text}
            for one in found
        ],
        "values": {one.what: [round(value, 3) for value in one.values[:5000]] for one in found},
    }
    path.write_text(json.dumps(report, indent=1) + "\n")
    console.print(str(path.relative_to(Path.cwd())))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
