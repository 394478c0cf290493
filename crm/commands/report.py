"""`leaseline report`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
import msgspec
from sqlalchemy.orm import Session

from crm.commands import output
from crm.commands import review as review_commands
from crm.commands.command import (
    ID,
    CodeChoice,
    Failure,
    FilePath,
    Group,
    System,
    WrongInput,
    many,
    until_option,
    with_system,
)
from crm.commands.placing import say_unreachable
from crm.domain import fields, metrics
from crm.domain.metrics import DEFINITIONS, ReportKind
from crm.domain.periods import PeriodKind
from crm.edge import chart
from crm.edge.chart import Bars, Panel
from crm.services import report_schedules
from crm.views import report_schedules as schedules_view
from crm.views import reports
from crm.views.report_schedules import ReportScheduleEntry
from crm.views.reports import LostEntry, MetricsEntry, SourceEntry
from crm.words.sheet import csv_text

_MEANINGS = "\n\n".join(f"{name}: {text}" for name, text in DEFINITIONS.items())

since_option = click.option(
    "--since", default="7d", show_default=True, metavar="WHEN", help="Only from then on: 30d ago, today, or a date."
)
csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for a spreadsheet.")
plot_option = click.option("--plot", type=FilePath(), metavar="PNG", help="Also draw a bar chart into this file.")


@click.group(cls=Group, examples=("report metrics --since 30d --by property", "report weekly", "report lost"))
def report() -> None:
    """What calls, leads and tours add up to."""


@report.command(
    "metrics",
    json=many(MetricsEntry),
    help=f"Show how quickly and how well callers were served.\n\n{_MEANINGS}",
    examples=(
        "report metrics",
        "report metrics --since 30d --by property",
        "report metrics --since 2026-01-01 --until 2026-03-31 --by month --csv",
        "report metrics --by agent --plot agents.png",
    ),
)
@since_option
@until_option
@click.option("--by", type=CodeChoice(metrics.MetricGroup), help="Group by this.")
@csv_option
@plot_option
@with_system
def metrics_(
    system: System, since: str, until: str | None, by: str | None, as_csv: bool, plot: Path | None, as_json: bool
) -> None:
    start, end = _span(system, since, until)
    group = metrics.MetricGroup(by) if by else None
    entries = system.read(reports.figures, system.config, start, end, group)
    if plot is not None:
        groups = entries[:-1] if by and len(entries) > 1 else entries
        title = f"Calls since {output.local(start, system.config.tz)}"
        _draw(plot, title, [one.name for one in groups], by or "", _panels(groups))
    if as_json or as_csv:
        _print(entries, MetricsEntry, as_csv=as_csv)
        return
    output.print_table(
        (
            by or "",
            "calls",
            "qualified",
            "answered in (median)",
            "(90 %)",
            "first pass",
            "transferred",
            "tours",
            "leads complete",
        ),
        (
            (
                one.name,
                one.calls,
                one.qualified,
                _seconds(one.answer_median_seconds),
                _seconds(one.answer_p90_seconds),
                _share(one.first_pass, one.qualified),
                one.transferred,
                one.tours,
                _share(one.leads_complete, one.leads),
            )
            for one in entries
        ),
        empty="",
    )
    if any(one.leads for one in entries):
        output.print_heading("Captured on callers' records, typed by nobody")
        output.print_table(
            (by or "", "records", "name", "number", "source", "property", "move-in or bedrooms", "all"),
            (
                (
                    one.name,
                    one.leads,
                    *(
                        _percent(share)
                        for share in (
                            one.name_share,
                            one.number_share,
                            one.source_share,
                            one.property_share,
                            one.wish_share,
                            one.complete_share,
                        )
                    ),
                )
                for one in entries
            ),
            empty="",
        )


@report.command(
    json=many(SourceEntry),
    examples=(
        "report sources --since 30d",
        "report sources --since 90d --by month",
        "report sources --csv",
        "report sources --plot sources.png",
    ),
)
@since_option
@until_option
@click.option("--by", type=click.Choice(["week", "month"]), help="For each week or month.")
@csv_option
@plot_option
@with_system
def sources(
    system: System, since: str, until: str | None, by: str | None, as_csv: bool, plot: Path | None, as_json: bool
) -> None:
    """Show calls, new leads, tours and applications by where callers saw the number."""
    if by and plot:
        raise WrongInput("A chart shows one time as a whole: give --by or --plot, not both.")
    start, end = _span(system, since, until)
    entries = system.read(reports.sources, system.config, start, end, PeriodKind(by) if by else None)
    if plot is not None:
        title = f"What sources brought since {output.local(start, system.config.tz)}"
        bars = [
            _bars(name, values)
            for name, values in (
                ("calls", [one.calls for one in entries]),
                ("new leads", [one.leads for one in entries]),
                ("tours", [one.tours for one in entries]),
                ("applications", [one.applications for one in entries]),
            )
        ]
        panel = Panel("From the call to the application", "count", bars)
        _draw(plot, title, [one.name for one in entries], "source", [panel])
    if as_json or as_csv:
        _print(entries, SourceEntry, as_csv=as_csv)
        return
    output.print_table(
        (*((by,) if by else ()), "source", "calls", "new leads", "tours", "applications"),
        (
            (*((one.period,) if by else ()), one.name, one.calls, one.leads, one.tours, one.applications)
            for one in entries
        ),
        empty="There were no calls.",
    )


@report.command(json=many(LostEntry), examples=("report lost", "report lost --json"))
@with_system
def lost(system: System, as_json: bool) -> None:
    """Show callers with neither an outcome nor an owned next action. There must be none; the exit status is 1 if there
    are any."""
    entries = system.read(reports.lost, system.config, system.now)
    if as_json:
        output.print_json(entries)
    else:
        output.print_table(
            ("call", "at", "why"),
            ((one.call, output.local(one.started_at, system.config.tz), one.why) for one in entries),
            empty="No caller is lost.",
        )
        say_unreachable(system)
    if entries:
        raise Failure(f"{output.counted(len(entries), 'caller')} may be lost: look at each with `leaseline call show`.")


@report.group(
    "schedule",
    examples=("report schedule add metrics --every month --to boss@maple.example", "report schedule list"),
)
def schedule() -> None:
    """Reports by email, whenever a day, a week or a month is over."""


@schedule.command(
    examples=(
        "report schedule add metrics --every month --to boss@maple.example",
        "report schedule add metrics --every week --by property --to boss@maple.example --to north@maple.example",
        "report schedule add sources --every day --to marketing@maple.example",
        "report schedule add metrics --every day",
    )
)
@click.argument("report", type=CodeChoice(ReportKind))
@click.option("--every", type=CodeChoice(PeriodKind), required=True)
@click.option(
    "--to", "addresses", multiple=True, metavar="ADDRESS", help="Repeatable.  [default: whoever is the admin then]"
)
@click.option("--by", type=CodeChoice(metrics.MetricGroup), help="Of metrics: group by this.")
@with_system
def add(system: System, report: str, every: str, addresses: tuple[str, ...], by: str | None) -> None:
    """Send a report by email, at 7 in the morning on the office's clock on the day after each day, week or month.

    The admin of a new office gets the metrics of each week, until `report schedule remove`. The first one is of the
    period that is under way. Was Leaseline off when one was due, it sends the latest, once.
    """
    kind, group = ReportKind(report), metrics.MetricGroup(by) if by else None
    if group and kind is not ReportKind.METRICS:
        raise WrongInput("--by goes with metrics: leave it out.")

    def add_all(session: Session) -> datetime:
        made = [
            report_schedules.add(
                session, system.config, system.by, report=kind, every=PeriodKind(every), to=to, group=group
            )
            for to in dict.fromkeys(addresses) or (None,)
        ]
        return made[0].next_at

    first = system.run(add_all)
    output.say(f"The first one is sent on {output.local(first, system.config.tz)}.")
    if not system.config.mail.server:
        output.hint("No mail server is set yet: see mail.server and mail.from_address in `leaseline config show`.")


@schedule.command("list", json=many(ReportScheduleEntry), examples=("report schedule list",))
@with_system
def list_(system: System, as_json: bool) -> None:
    """List who gets which report, and when the next one is sent."""
    entries = system.read(schedules_view.listed)
    if as_json:
        output.print_json(entries)
        return
    tz = system.config.tz
    output.print_table(
        ("schedule", "report", "by", "every", "to", "next", "last"),
        (
            (
                one.id,
                one.report,
                one.group,
                one.every,
                one.to_address or "the admin",
                output.local(one.next_at, tz),
                output.local(one.last_at, tz),
            )
            for one in entries
        ),
        empty="No report is sent by email.",
    )


@schedule.command(examples=("report schedule remove 1",))
@click.argument("schedule", type=ID)
@with_system
def remove(system: System, schedule: int) -> None:
    """No longer send the reports of SCHEDULE."""
    system.run(report_schedules.remove, system.by, schedule)
    output.say("Removed.")


report.add_command(review_commands.weekly)
report.add_command(review_commands.review)


def _span(system: System, since: str, until: str | None) -> tuple[datetime, datetime]:
    """Raises Invalid, and WrongInput for a time that ends before it begins."""
    start = fields.since(since, system.config.tz, system.now)
    end = system.until(until, start) or system.now
    if end < start:
        raise WrongInput("--since is still to come: give an earlier beginning.")
    return start, end


def _print(entries: Sequence[msgspec.Struct], schema: type[msgspec.Struct], *, as_csv: bool) -> None:
    if as_csv:
        click.echo(csv_text(entries, schema, in_words=True), nl=False)
    else:
        output.print_json(entries)


def _draw(plot: Path, title: str, groups: Sequence[str], axis: str, panels: Sequence[Panel]) -> None:
    if not groups:
        raise WrongInput("There is nothing to draw: there were no calls in that time.")
    try:
        chart.draw(plot, title, groups, axis, panels)
    except chart.ChartError as error:
        raise WrongInput(str(error)) from None
    output.hint(f"The chart is in {plot}.")


def _panels(entries: Sequence[MetricsEntry]) -> list[Panel]:
    waits = [("median", [one.answer_median_seconds for one in entries])]
    waits.append(("90 %", [one.answer_p90_seconds for one in entries]))
    first_pass = [(one.first_pass, one.qualified) for one in entries]
    complete = [(one.leads_complete, one.leads) for one in entries]
    return [
        Panel(
            "Calls",
            "calls",
            [
                _bars("all", [one.calls for one in entries]),
                _bars("talked to", [one.qualified for one in entries]),
            ],
        ),
        Panel(
            "Time to the first live answer",
            "seconds",
            [
                Bars(name, values, ["" if value is None else f"{value:.0f}" for value in values])
                for name, values in waits
            ],
        ),
        Panel("Routed right on the first pass", "% of those talked to", [_shares(first_pass)], most=100),
        Panel("Transferred by hand", "calls", [_bars("", [one.transferred for one in entries])]),
        Panel("Tours booked", "tours", [_bars("", [one.tours for one in entries])]),
        Panel("Records completed automatically", "% of leads", [_shares(complete)], most=100),
    ]


def _bars(name: str, values: Sequence[int]) -> Bars:
    return Bars(name, values, [str(value) for value in values])


def _shares(parts: Sequence[tuple[int, int]]) -> Bars:
    values = [100 * part / whole if whole else None for part, whole in parts]
    return Bars("", values, [f"{part}/{whole}" if whole else "" for part, whole in parts])


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else "0 of 0"
