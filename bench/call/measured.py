"""The unmodified app, with counters around it.

`python -m bench.call.measured REPORT ...` takes the arguments of `leaseline serve`. On SIGRTMIN it writes the counts
since the previous signal to the file REPORT.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import panoramisk
from sqlalchemy import Connection, Engine, event

import cli
from ari_app import main as app
from ari_app.edge.http import AriAnswer, Http

LAG_SECONDS = 0.005
"""How often the event loop's lag is sampled."""
_NAMED = re.compile(r"(?<=/)[^/]*\d[^/]*|(?<=/PJSIP/)[^/]+")
"""The parts of a path that name one channel, bridge or phone."""

counts: dict[str, Counter[str]] = {
    name: Counter() for name in ("statements", "transactions", "ari", "ami", "thread hops")
}
lags: list[float] = []


def count_sql() -> None:
    @event.listens_for(Engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        counts["transactions"]["write" if writes else "read"] += 1

    @event.listens_for(Engine, "before_cursor_execute")
    def on_execute(connection: Connection, cursor: Any, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            counts["statements"][" ".join(statement.split())[:160]] += 1


def count_ari() -> None:
    request = Http.request

    async def counted(self: Http, method: str, target: str, body: bytes = b"") -> AriAnswer:
        path = target.removeprefix("/ari").partition("?")[0]
        counts["ari"][f"{method} {_NAMED.sub('*', path)}"] += 1
        return await request(self, method, target, body)

    Http.request = counted  # type: ignore[method-assign]


def count_ami() -> None:
    send = panoramisk.Manager.send_action

    def counted(self: panoramisk.Manager, action: dict[str, str], *args: Any, **options: Any) -> Any:
        counts["ami"][action.get("Action", "?")] += 1
        return send(self, action, *args, **options)

    panoramisk.Manager.send_action = counted


def count_hops() -> None:
    submit = ThreadPoolExecutor.submit

    def counted(self: ThreadPoolExecutor, *args: Any, **options: Any) -> Any:
        counts["thread hops"][(self._thread_name_prefix or "default").rstrip("-_0123456789")] += 1
        return submit(self, *args, **options)

    ThreadPoolExecutor.submit = counted  # type: ignore[method-assign]


def watch_loop() -> None:
    serve: Callable[..., Awaitable[None]] = app.serve

    async def watch() -> None:
        while True:
            due = time.perf_counter() + LAG_SECONDS
            await asyncio.sleep(LAG_SECONDS)
            lags.append(time.perf_counter() - due)

    async def watched(*args: Any, **options: Any) -> None:
        watching = asyncio.create_task(watch())
        try:
            await serve(*args, **options)
        finally:
            watching.cancel()

    app.serve = watched


def report_to(path: Path) -> None:
    def report(*_: object) -> None:
        ordered = sorted(lags) or [0.0]
        told: dict[str, Any] = {name: dict(counter.most_common()) for name, counter in counts.items()}
        told["lag"] = {
            "median": ordered[len(ordered) // 2],
            "p99.9": ordered[int(len(ordered) * 0.999)],
            "most": ordered[-1],
        }
        for counter in counts.values():
            counter.clear()
        lags.clear()
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(told))
        fresh.replace(path)

    signal.signal(signal.SIGRTMIN, report)


if __name__ == "__main__":
    report_to(Path(sys.argv.pop(1)))
    for begin in (count_sql, count_ari, count_ami, count_hops, watch_loop):
        begin()
    cli.main()
