"""The measurements, one function for each figure. Each returns rows for the table and all its data."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.call.offices import Office, until
from bench.call.probe import probe
from bench.call.processes import cpu_seconds, memory
from bench.call.rig import EVERY, LEASELINE, Rig, rig
from bench.call.sipp import Calls
from tests.system import port_block

STAY_SECONDS = 1.9
"""Time from the key to the end of the call: 0.2 s of ringing, what the control takes, and some 1.5 s of talk."""
REACH_SECONDS = 2.3
"""How long a caller waits for an agent while the highest rate is searched for."""
RATE_AGENTS = 200
"""While the highest rate is searched for: Leaseline rings nobody who talks, so fewer would be busy before anything else
is at its limit; 40 are at 17 calls a second."""
HURRIED_RATE = 4.0
"""Calls per second that every control can handle."""
MICRO_RATE = 8.0
WARM_CALLS = 12
WORK_OVER_SECONDS = 30.0
"""After a start or calls, until the app has done what they leave: it is not idle while it sends texts, nor while it
looks for garbage once, ten seconds after its start."""
UNHEARD_SECONDS = 60.0
"""After this time everybody is on record who will ever be: that an INVITE was ignored is known after 35."""
RATES = {
    LEASELINE: (2, 4, 6, 8, 10, 12, 14, 17, 20, 25, 30, 35, 40, 50, 60, 80),
    "dialplan": (40, 80, 120, 160, 200, 240, 280, 320, 360, 400),
    "asyncari": (5, 10, 15, 20, 25, 30, 40, 60),
}


@dataclass(frozen=True)
class Options:
    rounds: int
    calls: int
    agents: int
    large: int
    probes: int
    step_seconds: float
    talks: int
    hold: float
    idle: float
    in_a_row: int


@dataclass(frozen=True)
class Row:
    what: str
    found: str
    goal: str = ""


Found = tuple[list[Row], dict[str, Any]]


async def cost(options: Options) -> Found:
    """CPU of a whole call and of a micro-call, Leaseline and the controls in turns."""
    registered = min(40, options.agents)
    costs: dict[str, dict[str, list[tuple[float, float]]]] = {}
    async with _rig(options.agents, registered) as bench, bench.leaseline.running_app():
        for way in EVERY:
            await _whole(bench, way, WARM_CALLS, HURRIED_RATE, STAY_SECONDS, registered)
        for _ in range(options.rounds):
            for scenario, rate in (("caller", HURRIED_RATE), ("leaver", MICRO_RATE)):
                for way in EVERY:
                    spent = await _cost(bench, way, scenario, options.calls, rate, registered)
                    costs.setdefault(scenario, {}).setdefault(way, []).append(spent)
    goals = {
        "caller": "at most 3 times dialplan, half of forked AGI; below asyncari",
        "leaver": "at most 5 times dialplan",
    }
    names = {"caller": "whole call", "leaver": "micro-call"}
    rows = []
    for scenario, of_way in costs.items():
        medians = {way: [statistics.median(part) for part in zip(*spent, strict=True)] for way, spent in of_way.items()}
        control = sum(medians["dialplan"])
        for way, (asterisk, beside) in medians.items():
            total = asterisk + beside
            text = f"{asterisk:.1f} + {beside:.1f} = {total:.1f} ms, {total / control:.1f} x dialplan"
            goal = goals[scenario] if way == LEASELINE else ""
            rows.append(Row(f"{names[scenario]}, Asterisk + app: {way}", text, goal))
    return rows, {names[scenario]: of_way for scenario, of_way in costs.items()}


async def _cost(bench: Rig, way: str, scenario: str, count: int, rate: float, registered: int) -> tuple[float, float]:
    """Returns the milliseconds per call of Asterisk, and of the app or the control's program."""
    before, begun = bench.cpu(way), bench.leaseline.calls()
    calls = await bench.run(way, scenario, count, rate, STAY_SECONDS, registered)
    assert not calls.failed, f"{way}: {calls}"
    assert scenario != "caller" or calls.reached == count, f"{way}: {calls}"
    if way == LEASELINE:
        await bench.leaseline.recorded(begun + count)
    await asyncio.sleep(0.5)
    after = bench.cpu(way)
    return (after[0] - before[0]) / count * 1000, (after[1] - before[1]) / count * 1000


async def _whole(bench: Rig, way: str, count: int, rate: float, stay: float, registered: int) -> Calls:
    """Places whole calls, and waits until they are recorded."""
    begun = bench.leaseline.calls()
    calls = await bench.run(way, "caller", count, rate, stay, registered)
    if way == LEASELINE:
        await bench.leaseline.recorded(begun + count)
    return calls


async def counts(options: Options) -> Found:
    """Statements, transactions, requests, actions and thread hops of a whole call and of a micro-call."""
    registered, seconds = min(40, options.agents), 10.0
    kinds = ("statements", "transactions", "ari", "ami", "thread hops")
    rows: list[Row] = []
    found: dict[str, Any] = {}
    async with _rig(options.agents, registered) as bench, bench.leaseline.running_app(measured=True):
        ours = bench.leaseline
        await _whole(bench, LEASELINE, WARM_CALLS, HURRIED_RATE, STAY_SECONDS, registered)
        await asyncio.sleep(2)
        await ours.counted()
        await asyncio.sleep(seconds)
        idle = await ours.counted()
        for what, scenario, pace in (("whole call", "caller", HURRIED_RATE), ("micro-call", "leaver", MICRO_RATE)):
            began, begun = time.monotonic(), ours.calls()
            calls = await bench.run(LEASELINE, scenario, options.calls, pace, STAY_SECONDS, registered)
            assert not calls.failed, calls
            await ours.recorded(begun + options.calls)
            await asyncio.sleep(1)
            busy, spent = await ours.counted(), time.monotonic() - began
            found[what] = {kind: _beyond(busy[kind], idle[kind], spent / seconds, options.calls) for kind in kinds}
            rows += _counted_rows(what, found[what])
    return rows, {"per call": found, "idle per second": _per_second(idle, seconds)}


def _beyond(busy: dict[str, int], idle: dict[str, int], share: float, calls: int) -> dict[str, float]:
    """Counts per call, without what happens while nobody calls, the most frequent first."""
    counted = {name: busy.get(name, 0) - idle.get(name, 0) * share for name in {*busy, *idle}}
    ordered = sorted(counted.items(), key=lambda one: -one[1])
    return {name: round(count / calls, 2) for name, count in ordered if count > 0}


def _counted_rows(what: str, found: dict[str, dict[str, float]]) -> list[Row]:
    total = {kind: sum(of_kind.values()) for kind, of_kind in found.items()}
    written, is_whole = found["transactions"], what == "whole call"
    return [
        Row(f"SQL statements in a {what}", f"{total['statements']:.0f}", "at most 25" if is_whole else ""),
        Row(
            f"transactions in a {what}, write + read",
            f"{written.get('write', 0):.1f} + {written.get('read', 0):.1f}",
            "at most 3" if is_whole else "",
        ),
        Row(f"ARI requests in a {what}", f"{total['ari']:.1f}", "at most 16" if is_whole else ""),
        *(Row(f"  {name}", f"{count:.1f}") for name, count in found["ari"].items() if count >= 0.5),
        Row(f"AMI actions in a {what}", f"{total['ami']:.1f}"),
        Row(f"thread hops in a {what}", f"{total['thread hops']:.0f}"),
    ]


async def key(options: Options) -> Found:
    """Time from the key until the INVITE reaches the phone, in a small and a large office."""
    rows, found = [], {}
    for agents, allowed in ((options.agents if options.agents <= 40 else 40, 15), (options.large, 25)):
        spent: dict[str, list[float]] = {LEASELINE: [], "dialplan": []}
        async with _rig(agents, 0) as bench, bench.leaseline.running_app(), contextlib.AsyncExitStack() as stack:
            probes = {way: await stack.enter_async_context(probe(bench.office(way))) for way in spent}
            for number in range(options.probes + 3):
                for way, one in probes.items():
                    seconds = await one.key_to_invite(bench.lines(way)[0])
                    if number >= 3:  # The first ones are for warming up.
                        spent[way].append(seconds * 1000)
                await until(lambda: bench.leaseline.behind(bench.leaseline.calls()) <= 0, "the call is on record")
        for way, milliseconds in spent.items():
            p99 = _quantile(milliseconds, 0.99)
            text = f"p50 {statistics.median(milliseconds):.1f}, p99 {p99:.1f} ms"
            goal = f"p99 at most {allowed} ms above dialplan" if way == LEASELINE else ""
            rows.append(Row(f"key to INVITE with {agents} agents: {way}", text, goal))
        found[f"{agents} agents"] = spent
    return rows, found


async def rate(options: Options) -> Found:
    """The highest rate without a failed call, and how far the recording is behind at that rate."""
    agents, best, steps = max(options.agents, RATE_AGENTS), {}, []
    behind, late = 0, 0.0
    callers: list[str] = []
    heard: set[str] = set()
    async with _rig(agents, agents) as bench, bench.leaseline.running_app():
        for way in RATES:
            await _whole(bench, way, WARM_CALLS, HURRIED_RATE, STAY_SECONDS, agents)
        for way, rates in RATES.items():
            for pace in rates:
                count, begun = round(pace * options.step_seconds), bench.leaseline.calls()
                calls = await bench.run(way, "caller", count, pace, REACH_SECONDS, agents)
                step: dict[str, Any] = {
                    "way": way,
                    "rate": pace,
                    "failed": calls.failed,
                    "reached": calls.reached,
                    "error": calls.error,
                }
                if way == LEASELINE:
                    step["behind"] = bench.leaseline.behind(begun + count)
                    step["seconds behind"] = await bench.leaseline.recorded(bench.leaseline.calls())
                    callers += calls.numbers
                    heard |= calls.heard
                steps.append(step)
                if calls.failed or calls.reached < count:
                    break
                best[way] = pace
                if way == LEASELINE:
                    behind, late = step["behind"], step["seconds behind"]
                await asyncio.sleep(2)
        lost = await _without_record(bench.leaseline, callers)
    goals = {LEASELINE: "at least 40/s or 1/4 of dialplan; twice asyncari"}
    rows = [
        Row(f"highest rate without a failed call, {agents} agents: {way}", f"{best.get(way, 0)}/s", goals.get(way, ""))
        for way in RATES
    ]
    rows.append(Row("record behind at that rate, calls and seconds", f"{behind}, {late:.1f} s", "at most 1 s"))
    found = f"{len(lost)} of {len(callers)}, of which reached Asterisk: {len(lost & heard)}"
    rows.append(Row("callers without a record", found, "0"))
    return rows, {"steps": steps, "without record": {caller: caller in heard for caller in sorted(lost)}}


async def _without_record(ours: Office, callers: Sequence[str]) -> set[str]:
    """Which callers are not on record once there has been time to find all that failed."""
    with contextlib.suppress(AssertionError):
        await until(lambda: not ours.without_record(callers), "all callers are on record", UNHEARD_SECONDS)
    return ours.without_record(callers)


async def talks(options: Options) -> Found:
    """Many talks at the same time, held for a while."""
    count, pace = options.talks, 5.0
    stay = options.hold + count / pace + 5
    async with _rig(count, count) as bench, bench.leaseline.running_app(measured=True):
        ours = bench.leaseline
        assert ours.app.process
        pid = ours.app.process.pid
        await _whole(bench, LEASELINE, WARM_CALLS, HURRIED_RATE, STAY_SECONDS, count)
        await asyncio.sleep(2)
        before, begun = memory(pid), ours.calls()
        run = asyncio.create_task(bench.run(LEASELINE, "caller", count, pace, stay, count))
        await asyncio.sleep(count / pace + 4)
        await ours.counted()
        spent, held = cpu_seconds(pid), memory(pid)
        await asyncio.sleep(options.hold)
        spent = cpu_seconds(pid) - spent
        counted = await ours.counted()
        calls = await run
        await ours.recorded(begun + count)
        await asyncio.sleep(3)
        # The first have shown how much room so many take, which Python keeps; only a leak grows again.
        first = memory(pid)
        await bench.run(LEASELINE, "caller", count, pace, count / pace + 5, count)
        await ours.recorded(begun + 2 * count)
        await asyncio.sleep(3)
        kept = memory(pid) - first
    lag = {name: seconds * 1000 for name, seconds in counted["lag"].items()}
    share = spent / options.hold
    what = f"{count} talks held {options.hold:g} s"
    rows = [
        Row(f"{what}: lost", str(max(calls.failed, count - calls.reached)), "0"),
        Row(f"{what}: app CPU", f"{share:.1%} of a core", "at most 5 %"),
        Row(f"{what}: loop lag", f"p99.9 {lag['p99.9']:.1f}, most {lag['most']:.1f} ms", "p99.9 below 10 ms"),
        Row(
            f"{what}: memory while held, kept by as many again",
            f"{(held - before) / count / 1000:.0f}, {kept / count / 1000:.0f} kB a call",
            "below 30 kB a call",
        ),
    ]
    return rows, {"lag": lag, "cpu share": share, "memory": [before, held, first, kept], "calls": str(calls)}


async def idle(options: Options) -> Found:
    """The app while nobody calls, its start, and two commands."""
    registered = min(40, options.agents)
    async with _rig(options.agents, registered) as bench:
        ours = bench.leaseline
        async with ours.running_app():
            await _whole(bench, LEASELINE, WARM_CALLS, HURRIED_RATE, STAY_SECONDS, registered)
            assert ours.app.process
            pid = ours.app.process.pid
            await asyncio.sleep(WORK_OVER_SECONDS)
            spent = cpu_seconds(pid)
            await asyncio.sleep(options.idle)
            share = (cpu_seconds(pid) - spent) / options.idle
            listed = await _seconds(["call", "list"], ours)
            helped = await _seconds(["status", "--help"], ours)
        async with ours.running_app(measured=True):
            await asyncio.sleep(WORK_OVER_SECONDS)
            await ours.counted()
            await asyncio.sleep(options.idle)
            counted = await ours.counted()
    ready = await _ready(max(3, options.rounds))
    statements = sum(counted["statements"].values()) / options.idle
    rows = [
        Row("idle app", f"{share:.2%} of a core", "below 0.5 %"),
        Row("idle app: statements a second", f"{statements:.2f}", "0"),
        Row("warm script/up to ready, seconds", _spread(ready), "below 2.5 s"),
        Row("leaseline call list, seconds", _spread(listed), "below 0.35 s"),
        Row("leaseline status --help, seconds", _spread(helped), "below 0.2 s"),
    ]
    per_second = _per_second(counted, options.idle)
    return rows, {"share": share, "per second": per_second, "up": ready, "call list": listed, "help": helped}


async def _seconds(words: Sequence[str], ours: Office, times: int = 9) -> list[float]:
    """Returns the run times of a command."""
    program = [str(Path(sys.executable).parent / "leaseline"), "--home", str(ours.config.home), *words]
    found = []
    for _ in range(times):
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(*program, stdout=subprocess.DEVNULL)
        assert await process.wait() == 0, words
        found.append(time.perf_counter() - began)
    return found


async def _ready(times: int) -> list[float]:
    """Returns the seconds until script/up says that all is up; the first start, which creates the home, does not
    count."""
    found = []
    with tempfile.TemporaryDirectory() as folder, port_block() as first:
        for _ in range(times + 1):
            began = time.perf_counter()
            process = await asyncio.create_subprocess_exec(
                *("script/up", "--home", f"{folder}/home", "--ports-from", str(first)),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
            assert process.stdout
            async with asyncio.timeout(120):
                async for line in process.stdout:
                    if b"Leaseline is up" in line:
                        break
                else:
                    raise AssertionError("script/up ended")
            found.append(time.perf_counter() - began)
            process.send_signal(signal.SIGINT)
            await process.communicate()
    return found[1:]


async def row(options: Options) -> Found:
    """Many calls one after the other: what grows."""
    registered = min(40, options.agents)
    async with _rig(options.agents, registered) as bench, bench.leaseline.running_app():
        ours = bench.leaseline
        assert ours.app.process
        pid = ours.app.process.pid
        # What the first calls of each kind need is loaded and compiled once, and not kept of each.
        begun = ours.calls()
        await bench.run(LEASELINE, "leaver", WARM_CALLS, MICRO_RATE, STAY_SECONDS, registered)
        await ours.recorded(begun + WARM_CALLS)
        await _whole(bench, LEASELINE, max(WARM_CALLS, options.in_a_row // 5), HURRIED_RATE, STAY_SECONDS, registered)
        await asyncio.sleep(2)
        bytes_before, tables_before, kept = ours.database_bytes(), ours.bytes_by_table(), [memory(pid)]
        half = options.in_a_row // 2
        for count in (half, options.in_a_row - half):
            await _whole(bench, LEASELINE, count, HURRIED_RATE, STAY_SECONDS, registered)
            await asyncio.sleep(2)
            kept.append(memory(pid))
        grown, of_late = (kept[2] - kept[0]) / options.in_a_row, (kept[2] - kept[1]) / (options.in_a_row - half)
        written = (ours.database_bytes() - bytes_before) / options.in_a_row
        tables = {
            name: round((size - tables_before.get(name, 0)) / options.in_a_row)
            for name, size in ours.bytes_by_table().items()
        }
    what = f"{options.in_a_row} calls in a row"
    rows = [
        Row(
            f"{what}: growth of the app a call, of the second half alone",
            f"{grown / 1000:.1f}, {of_late / 1000:.1f} kB",
            "below 1 kB",
        ),
        Row(f"{what}: database a call", f"{written / 1000:.1f} kB", "below 4 kB"),
    ]
    grown_most = sorted(((name, size) for name, size in tables.items() if size), key=lambda one: -one[1])
    rows += [Row(f"  {name}", f"{size / 1000:.2f} kB") for name, size in grown_most[:12]]
    return rows, {"memory": grown, "second half": of_late, "database": written, "tables": dict(grown_most)}


FIGURES = {"cost": cost, "counts": counts, "key": key, "rate": rate, "talks": talks, "idle": idle, "row": row}


@contextlib.asynccontextmanager
async def _rig(agents: int, registered: int) -> AsyncIterator[Rig]:
    with tempfile.TemporaryDirectory() as folder:
        async with rig(Path(folder), agents, registered) as made:
            yield made


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def _per_second(counted: dict[str, Any], seconds: float) -> dict[str, dict[str, float]]:
    return {
        kind: {name: round(count / seconds, 2) for name, count in counted[kind].items()}
        for kind in counted
        if kind != "lag"
    }
