"""Attacks a Leaseline of its own, on loopback alone, and tells what came of it."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tests.gauntlet import floods, fraud, torture, webhooks, words
from tests.gauntlet.scene import Scene, leaseline, sample
from tests.gauntlet.witnesses import Result, watched
from tests.system import System

SHORT, LONG = 600, 20_000
"""Broken SIP messages of the two forms; of the other attacks the short form tries a part, too."""
SAMPLE_LEAST = 20
"""So many billable legs the sample configuration must cost at least, or the list does not bite."""
PARTS = ("fraud", "torture", "floods", "webhooks", "words", "sample")


class Progress:
    """What goes on, on one line of the terminal; a line for each attack where there is none."""

    def __init__(self, quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._last = 0.0

    def attack(self, name: str) -> None:
        self._console.print(f"== {name}")

    def __call__(self, what: str) -> None:
        if self._console.is_terminal and time.monotonic() - self._last > 0.1:
            self._last = time.monotonic()
            self._console.print(what[:100].encode("ascii", "replace").decode(), end="\r", markup=False)


async def run(folder: Path, parts: tuple[str, ...], *, is_long: bool, progress: Progress) -> list[Result]:
    """The attacks that are named, each with its result."""
    found: list[Result] = []
    size = 1 if is_long else 5
    if set(parts) - {"sample"}:
        async with leaseline(folder / "ours") as (system, scene):
            for part in parts:
                if part != "sample":
                    found += [result async for result in _attacks(part, system, scene, size, is_long, progress)]
    if "sample" in parts:
        progress.attack("toll fraud against a sample configuration")
        async with sample(folder / "sample") as scene, fraud.attackers(scene) as who:
            result = Result("the same toll fraud, sample configuration", 0)
            result.attempts = await fraud.attack(who, progress, one_of=size)
            result.billable = len(scene.billable)
            found.append(result)
    return found


async def _attacks(
    part: str, system: System, scene: Scene, size: int, is_long: bool, progress: Progress
) -> AsyncIterator[Result]:
    match part:
        case "fraud":
            async with fraud.attackers(scene) as who, _watched(system, scene, "toll fraud", progress) as result:
                result.attempts = await fraud.attack(who, progress, one_of=1 if is_long else 2)
            yield result
        case "torture":
            async with _watched(system, scene, "broken SIP: UDP, TCP, TLS", progress) as result:
                result.attempts = await torture.attack(system, scene, LONG if is_long else SHORT, progress)
            yield result
        case "floods":
            async with _watched(system, scene, "calls nobody confirms", progress) as result:
                result.attempts = await floods.calls_without_ack(scene, 750 // size, progress)
            yield result
            async with _watched(system, scene, "idle HTTP connections", progress) as result:
                result.attempts, failed = await floods.idle_connections(system, 650 // size, progress)
                result.crashes += failed
            yield result
            async with _watched(system, scene, "wrong passwords", progress) as result:
                result.attempts = await floods.wrong_passwords(scene, 500 // size, progress)
            yield result
        case "webhooks":
            async with _watched(system, scene, "forged and broken webhooks", progress) as result:
                result.attempts, taken, failed = await webhooks.attack(system, 2000 // size, progress)
                result.billable += taken
                result.crashes += failed
            yield result
        case "words":
            async with _watched(system, scene, "hostile text", progress) as result:
                result.attempts, failed = await words.attack(system, scene, progress)
                result.crashes += failed
            yield result


@asynccontextmanager
async def _watched(system: System, scene: Scene, name: str, progress: Progress) -> AsyncIterator[Result]:
    progress.attack(name)
    async with watched(system, scene, name) as result:
        yield result


def failures(results: list[Result]) -> list[str]:
    """What is not as it has to be, one sentence each."""
    wrong = []
    for result in results:
        if "sample" in result.attack:
            if result.billable < SAMPLE_LEAST:
                wrong.append(f"The list does not bite: the sample configuration cost {result.billable} legs.")
        elif not result.is_good:
            wrong.append(f"{result.attack}: {', '.join(result.remarks[:8]) or 'see the table'}")
    return wrong


def show(results: list[Result], console: Console) -> None:
    table = Table("attack", "attempts", "billable legs", "crashes", "channels left", "callers harmed", "of callers")
    for result in results:
        numbers = (result.attempts, result.billable, result.crashes, result.channels, result.harmed, result.calls)
        table.add_row(result.attack, *map(str, numbers))
    console.print(table)


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  script/gauntlet                        everything, some ten minutes
  script/gauntlet --short                a part of everything, about a minute
  script/gauntlet --only fraud --only sample
  script/gauntlet --short --json | jq '.[] | select(.harmed > 0)'
""",
)
@click.option("--short", is_flag=True, help="A part of each attack, as script/test does.")
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="This attack alone; may be given again.")
@click.option("--json", "as_json", is_flag=True, help="The results as JSON.")
@click.option("--quiet", is_flag=True, help="No progress.")
def main(short: bool, only: tuple[str, ...], as_json: bool, quiet: bool) -> None:
    """Attacks a Leaseline that is started for it, with an office, carriers and callers of its own; nothing leaves this
    machine. Toll fraud, broken SIP, floods, forged webhooks and hostile text, each beside one legitimate call a second,
    and the same toll fraud against a sample configuration, to show that the list bites.

    The table says what came of it; the exit status is 1 unless all is as it has to be: no billable leg, no crash, no
    channel left, and no legitimate caller unanswered or missing on record.
    """
    where = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="gauntlet-", dir=where) as folder:
        results = asyncio.run(run(Path(folder), only or PARTS, is_long=not short, progress=Progress(quiet)))
    if as_json:
        click.echo(json.dumps([asdict(result) for result in results], indent=2))
    else:
        show(results, Console(width=120))
    wrong = failures(results)
    for sentence in wrong:
        click.echo(sentence.encode("ascii", "backslashreplace").decode(), err=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
