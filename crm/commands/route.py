"""`leaseline route`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path

import click

from crm.commands import output
from crm.commands.command import (
    FilePath,
    Group,
    System,
    WrongInput,
    limit_option,
    one,
    tell_of_more,
    with_system,
)
from crm.domain import fields
from crm.domain.calls import DialStatus, Outcome
from crm.domain.rehearsals import Changed, told_plan
from crm.domain.ringing import StageName, Strategy
from crm.domain.route_plan import About, Rule, who_has
from crm.domain.route_plan import Path as RoutePath
from crm.domain.tasks import TaskKind
from crm.domain.texts import TextPurpose
from crm.domain.tours import TourKind
from crm.edge import numbers
from crm.services.phones import lines
from crm.services.routing import rehearsals, replays
from crm.services.routing.rehearsals import RehearsedPhones
from crm.views import routing
from crm.views.routing import Explanation, PlanEntry, ReplayEntry, TestEntry
from crm.words.codes import in_words
from crm.words.console import sentences

CALLER = "+15125550199"
"""The caller in a test that names none: a number reserved for fiction."""


@click.group(
    cls=Group,
    examples=(
        "route explain 1773000000.12",
        "route test --line 512-555-0100 --at 'Sat 21:10' --press 2",
        "route replay --since 30d --with new.toml",
    ),
)
def route() -> None:
    """Who calls reach, and why."""


@route.command(json=one(Explanation), examples=("route explain 1773000000.12", "route explain 1773000000.12 --json"))
@click.argument("call")
@with_system
def explain(system: System, call: str, as_json: bool) -> None:
    """Explain each decision about the CALL: what was known, what was decided by which rule, and what followed."""
    wanted = fields.text(call, "call's id", 80, required=True)
    told = system.read(routing.explained, wanted, system.now)
    if as_json:
        output.print_json(told)
        return
    tz = system.config.tz
    output.say(f"Call {told.call}, {in_words(Outcome, told.outcome) or 'still up'}")
    if not told.decisions:
        output.say(
            "No decision is on record: the call ended before one was made, or Asterisk handled it alone.", indent=2
        )
    for decision in told.decisions:
        output.print_heading(f"Decided at {output.local(decision.at, tz, seconds=True)}")
        for keyed in decision.keyed:
            output.say(f"{keyed.question}: the caller keyed {keyed.keys or 'nothing'}", indent=2)
        _print_plan(decision.plan, tz)
    output.print_heading("What followed")
    for leg in told.legs:
        who = f"{leg.agent}: {leg.device}" if leg.agent else leg.number or leg.device
        output.say(
            f"{who} rang ({in_words(StageName, leg.stage)}): {in_words(DialStatus, leg.status) or 'ringing'}",
            indent=2,
        )
    for task in told.tasks:
        done = f", done {output.local(task.done_at, tz)}" if task.done_at else ""
        due = output.local(task.due_at, tz)
        kind, whose = in_words(TaskKind, task.kind), who_has(task.owner)
        output.say(
            f"task {task.id} ({kind}) belongs to {whose}, due {due}{done}: {task.why}",
            indent=2,
        )
    if not told.legs and not told.tasks:
        output.say("No phone rang, and nothing is left to do.", indent=2)


@route.command(
    json=one(TestEntry),
    examples=(
        "route test --line 512-555-0100 --at 'Sat 21:10' --press 2",
        "route test --line 512-555-0102 --from 512-555-0123 --press 2 --press 352 --press 1",
        "route test --line 512-555-0100 --press 2 --busy alice --busy bob --waiting 3",
        "route test --line 512-555-0100 --press 2 --offline alice-desk",
        "route test --line 512-555-0100 --at '2026-12-25 10:00' --json",
    ),
)
@click.option("--line", required=True, metavar="NUMBER", help="The number dialed.")
@click.option("--from", "caller", default=CALLER, show_default=True, metavar="NUMBER", help="The caller, or withheld.")
@click.option(
    "--at",
    default="now",
    show_default=True,
    metavar="WHEN",
    help="On the clock of the line's property: now, 'sat 21:10', '2026-12-25 10:00'.",
)
@click.option(
    "--press",
    multiple=True,
    metavar="KEYS",
    help="Keys pressed at the next question; repeatable. After the last one: silence.",
)
@click.option("--busy", multiple=True, metavar="AGENT", help="This device is on a call; repeatable.")
@click.option("--offline", multiple=True, metavar="DEVICE", help="This device is not registered; repeatable.")
@click.option(
    "--waiting", type=click.IntRange(0, 1000), default=0, help="How many callers are already waiting in line."
)
@with_system
def test(
    system: System,
    line: str,
    caller: str,
    at: str,
    press: tuple[str, ...],
    busy: tuple[str, ...],
    offline: tuple[str, ...],
    waiting: int,
    as_json: bool,
) -> None:
    """Show what would happen to a call; none is made, and nothing is booked.

    Phones count as registered and free, except those named by --busy and --offline.
    """
    config = system.config
    number = lines.read_number(line, config.region, config.area_code)
    parsed = None if caller.strip().lower() == "withheld" else numbers.typed(caller, config.region, config.area_code)
    if parsed is None and caller.strip().lower() != "withheld":
        raise WrongInput("That cannot be a caller's number: write one like +15125550199, or withheld.")
    for keys in press:
        if not keys or len(keys) > 10 or not set(keys) <= set("0123456789*#"):
            raise WrongInput("--press takes the keys of a phone: 0 to 9, * and #.")
    found = system.read(
        rehearsals.rehearse, config, number, parsed, at, press, system.now, RehearsedPhones(busy, offline, waiting)
    )
    told = TestEntry.of(found)
    if as_json:
        output.print_json(told)
        return
    output.say(f"{told.caller or 'withheld'} calls {told.line} {f'({told.label})' if told.label else ''}")
    output.say(f"{found.at.astimezone(found.tz):%A %Y-%m-%d %H:%M} in {found.tz.key}")
    for turn in told.turns:
        output.print_heading(turn.question)
        for sentence in turn.hears:
            output.say(f"hears: {sentence}", indent=2)
        for keys in turn.pressed:
            output.say(f"keys:  {keys or '(nothing)'}", indent=2)
    for sentence in told.hears:
        output.say(f"hears: {sentence}", indent=2)
    output.print_heading("Then")
    if told.tour:
        output.say(
            f"would book: {output.local(told.tour.starts_at, found.tz)}, {in_words(TourKind, told.tour.kind)}",
            indent=2,
        )
    _print_plan(told.plan, found.tz, found.rings)


@route.command(
    json=one(ReplayEntry),
    examples=("route replay --since 30d --with new.toml", "route replay --since 2026-03-01 --with new.toml --json"),
)
@click.option("--since", default="30d", show_default=True, metavar="WHEN", help="2h, 3d, today, or a date.")
@click.option(
    "--with",
    "file",
    required=True,
    type=FilePath(),
    metavar="FILE",
    help="The changes: sections of leaseline.toml ([ring], [queue], [menu], [tasks]), and optionally [hours].",
)
@limit_option()
@with_system
def replay(system: System, since: str, file: Path, limit: int, as_json: bool) -> None:
    """Replay the decisions of past calls under changed rules, and show what would have changed; nothing is written.

    In [hours], office = ['mon-fri 09:00-18:00'] applies to all properties, elm = [...] to one.
    """
    start = fields.since(since, system.config.tz, system.now)
    changes = replays.read(system.config, file)
    with output.progress("Replaying") as tell:
        found = replays.replay(system.store, system.config, changes, start, tell)
    if as_json:
        output.print_json(ReplayEntry.of(found))
        return
    if found.unreadable:
        output.hint(f"{found.unreadable} decisions were recorded without their inputs; they are left out.")
    if not found.changed:
        beginning = output.local(start, system.config.tz)
        output.say(f"Nothing would have changed in {output.counted(found.calls, 'call')} since {beginning}.")
        return
    output.say(f"{len(found.changed)} of {output.counted(found.decisions, 'decision')} would have been different.")
    output.print_heading("How often")
    output.print_table(("before", "after", "times"), found.counts, empty="")
    output.print_heading("Which")
    output.print_table(
        ("call", "at", "before", "after", "due before", "due after"),
        (
            (
                one.call_id,
                output.local(one.at, system.config.tz),
                told_plan(one.before),
                told_plan(one.after),
                *_due(one, system.config.tz),
            )
            for one in found.changed[:limit]
        ),
        empty="",
    )
    tell_of_more(len(found.changed), limit)


def _due(one: Changed, tz: tzinfo) -> tuple[str, str]:
    before, after = one.before.task.due_at, one.after.task.due_at
    return ("", "") if before == after else (output.local(before, tz), output.local(after, tz))


def _few(agents: list[str]) -> list[str]:
    """Shortens a list to what fits on a line; --json has all of it."""
    return agents if len(agents) <= 8 else [*agents[:7], f"{len(agents) - 7} more"]


def _print_plan(plan: PlanEntry, tz: tzinfo, rings: Mapping[str, list[list[str]]] | None = None) -> None:
    due = output.local(plan.due_at, tz) or "at once"
    output.print_entry(
        (
            ("path", f"{in_words(RoutePath, plan.path)}, decided by: {in_words(Rule, plan.rule)}"),
            ("property", plan.property),
            ("caller", plan.kind),
            ("language", plan.language),
            ("otherwise", ", then ".join(in_words(RoutePath, path) for path in plan.otherwise)),
            ("recorded as", plan.record),
            (
                "if unfinished",
                f"{in_words(TaskKind, plan.task)} for {who_has(plan.owner)}, due {due}" if plan.task else "",
            ),
            ("texts", [in_words(TextPurpose, purpose) for purpose in plan.texts]),
        )
    )
    if plan.stages:
        output.say("")
        rows = (
            (
                in_words(StageName, one.name),
                one.number or _few(one.agents),
                f"{one.seconds:g}",
                in_words(Strategy, one.strategy) if one.agents else "outside",
                *([_in_turn(rings[one.name])] if rings is not None else ()),
            )
            for one in plan.stages
        )
        phones = ("phones",) if rings is not None else ()
        output.print_table(("rings", "who", "seconds", "how", *phones), rows, empty="")
    output.say("")
    output.print_table(
        ("about", "rule", "reason"),
        (
            (in_words(About, one.about), in_words(Rule, one.rule), sentences.told(one.text, "en"))
            for one in plan.reasons
        ),
        empty="The reason is not on record.",
    )


def _in_turn(batches: list[list[str]]) -> str:
    return ", then ".join(_few([" and ".join(_few(batch)) for batch in batches])) or "none can ring"
