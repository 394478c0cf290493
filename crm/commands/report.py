"""`leaseline report`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from datetime import datetime

import click
import msgspec

from crm.commands import output
from crm.commands.command import Failure, Group, System, many, with_system
from crm.domain import fields, metrics
from crm.domain.metrics import DEFINITIONS, Figures
from crm.services import reports

_MEANINGS = "\n\n".join(f"{name}: {text}" for name, text in DEFINITIONS.items())

since_option = click.option(
    "--since", default="7d", show_default=True, metavar="WHEN", help="From then on: 30d, today, or a date."
)
csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print CSV, with the keys of --json as its heads.")


class MetricsEntry(msgspec.Struct):
    """The figures of one group; the last one, all, is of everything."""

    name: str
    calls: int
    qualified: int
    answer_median_seconds: float | None
    answer_p90_seconds: float | None
    first_pass: int
    first_pass_share: float | None
    """0 to 1, of the qualified calls."""
    transferred: int
    tours: int
    leads: int
    leads_complete: int
    complete_share: float | None
    """0 to 1, of the leads."""

    @classmethod
    def of(cls, found: Figures) -> MetricsEntry:
        return cls(
            found.name, found.calls, found.qualified, found.answer_median_seconds, found.answer_p90_seconds,
            found.first_pass, found.first_pass_share, found.transferred, found.tours, found.leads,
            found.leads_complete, found.complete_share,
        )  # fmt: skip


class SourceEntry(msgspec.Struct):
    """What one source of callers brought."""

    name: str
    calls: int
    leads: int
    """People who were new."""
    tours: int
    applications: int
    """People who got as far as an application."""


class LostEntry(msgspec.Struct):
    """A caller with neither an outcome nor an owned next action."""

    call: str
    started_at: datetime
    why: str


@click.group(cls=Group, examples=("report metrics --since 30d --by property", "report sources", "report lost"))
def report() -> None:
    """What calls, leads and tours add up to."""


@report.command(
    "metrics", json=many(MetricsEntry),
    help=f"Show how quickly and how well callers were served.\n\n{_MEANINGS}",
    examples=("report metrics", "report metrics --since 30d --by property", "report metrics --by hour --csv"),
)  # fmt: skip
@since_option
@click.option("--by", type=click.Choice([group.value for group in metrics.Group]), help="Told apart by this.")
@csv_option
@with_system
async def metrics_(system: System, since: str, by: str | None, as_csv: bool, as_json: bool) -> None:
    start = fields.since(since, system.config.tz, system.now)
    calls = await reports.calls(system.store, start, system.now)
    found = metrics.figures(calls, metrics.Group(by) if by else None, system.config.tz)
    entries = [MetricsEntry.of(one) for one in found]
    if as_json or as_csv:
        _print(entries, MetricsEntry, as_csv=as_csv)
        return
    output.print_table(
        (by or "", "calls", "qualified", "answered in (median)", "90 %", "first pass", "transferred", "tours",
         "leads complete"),
        (
            (one.name, one.calls, one.qualified, _seconds(one.answer_median_seconds), _seconds(one.answer_p90_seconds),
             _share(one.first_pass, one.qualified), one.transferred, one.tours, _share(one.leads_complete, one.leads))
            for one in entries
        ),
        empty="",
    )  # fmt: skip


@report.command(json=many(SourceEntry), examples=("report sources --since 30d", "report sources --csv"))
@since_option
@csv_option
@with_system
async def sources(system: System, since: str, as_csv: bool, as_json: bool) -> None:
    """Show calls, new leads, tours and applications by where callers saw the number."""
    start = fields.since(since, system.config.tz, system.now)
    entries = [
        SourceEntry(one.name, one.calls, one.leads, one.tours, one.applications)
        for one in await reports.sources(system.store, start, system.now)
    ]
    if as_json or as_csv:
        _print(entries, SourceEntry, as_csv=as_csv)
        return
    output.print_table(
        ("source", "calls", "new leads", "tours", "applications"),
        ((one.name, one.calls, one.leads, one.tours, one.applications) for one in entries),
        empty="Nobody has called.",
    )


@report.command(json=many(LostEntry), examples=("report lost", "report lost --json"))
@with_system
async def lost(system: System, as_json: bool) -> None:
    """Show callers with neither an outcome nor an owned next action. There must be none; exit status 1 if there are."""
    entries = [LostEntry(one.call_id, one.started_at, one.why) for one in await reports.lost(system.store, system.now)]
    if as_json:
        output.print_json(entries)
    else:
        output.print_table(
            ("call", "at", "why"),
            ((one.call, output.local(one.started_at, system.config.tz), one.why) for one in entries),
            empty="Nobody is lost.",
        )
    if entries:
        raise Failure(f"{len(entries)} callers may be lost: look at each with `leaseline call show`.")


def _print(entries: Sequence[msgspec.Struct], schema: type[msgspec.Struct], *, as_csv: bool) -> None:
    if not as_csv:
        output.print_json(entries)
        return
    writer = csv.DictWriter(sys.stdout, schema.__struct_fields__, lineterminator="\n")
    writer.writeheader()
    for entry in entries:
        writer.writerow({key: _cell(value) for key, value in msgspec.to_builtins(entry).items()})


def _cell(value: object) -> object:
    """Names come from people; a spreadsheet would take one that begins like a formula for one."""
    if isinstance(value, str):
        shown = output.safe(value)
        return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") else shown
    return value


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else "0 of 0"
