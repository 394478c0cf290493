"""How long the app takes to be ready after it was killed, and what it uses while nobody calls.

"Ready" is when run/app.json says that it is connected to Asterisk, as `leaseline up` and the tests wait for:
`script/bench app_start --rounds 5 --idle 30`.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import psutil

from bench.call.processes import cpu_seconds
from tests.system import running_system, spoken_prompts


async def main(rounds: int, idle: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running_system(Path(folder), spoken_prompts()) as system:
            ready: list[float] = []
            spent: list[float] = []
            for _ in range(rounds):
                await system.kill_app()
                began = time.perf_counter()
                await system.start_app()
                ready.append(time.perf_counter() - began)
                assert system.app.process is not None
                spent.append(cpu_seconds(system.app.process.pid))
            print(
                f"ready after {statistics.median(ready):.2f} s (median of {rounds}; {min(ready):.2f}-{max(ready):.2f})"
            )
            assert system.app.process is not None
            print(f"CPU until then {statistics.median(spent):.2f} s (least {min(spent):.2f})")
            app = psutil.Process(system.app.process.pid)
            await asyncio.sleep(10)  # Texts, mail and holidays are loaded after the start.
            before, began = app.cpu_times(), time.perf_counter()
            await asyncio.sleep(idle)
            after, seconds = app.cpu_times(), time.perf_counter() - began
            busy = after.user + after.system - before.user - before.system
            print(f"idle: {100 * busy / seconds:.1f} % of a core, {app.memory_info().rss / 2**20:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--idle", type=float, default=30)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.rounds, arguments.idle))
