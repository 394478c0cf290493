"""`leaseline call`."""

from __future__ import annotations

from datetime import datetime

import click

from crm.commands import output, placing
from crm.commands.command import (
    CodeChoice,
    Group,
    System,
    cut,
    limit_option,
    many,
    one,
    since_option,
    until_option,
    with_system,
)
from crm.domain import fields
from crm.domain.calls import CallDirection, CallStep, Outcome
from crm.services.phones import lines
from crm.views import call_stories, calls, known
from crm.views.calls import CallDetail, CallEntry
from crm.words.codes import in_words

DIRECTIONS = tuple(direction.value for direction in CallDirection)


def _person(entry: CallEntry) -> str:
    if entry.direction == CallDirection.INTERNAL:
        return "a colleague"
    if entry.contact and entry.contact != entry.caller:
        return f"{entry.contact}, {entry.caller}"
    return entry.caller or entry.caller_digits or "withheld"


@click.group(cls=Group, examples=("call list --since today", "call start --agent alice --to 1", "call missed"))
def call() -> None:
    """Calls and what happened in them."""


call.add_command(placing.start)
call.add_command(placing.back)
call.add_command(placing.missed)
call.add_command(placing.note)


@call.command(
    "list",
    json=many(CallEntry),
    examples=(
        "call list --since today",
        "call list --agent alice --since 3/1/2026 --until 3/31/2026",
        "call list --outcome gave_up --since 7d --json",
    ),
)
@since_option
@until_option
@click.option("--outcome", type=CodeChoice(Outcome), help="Only calls with this outcome.")
@click.option("--direction", type=click.Choice(DIRECTIONS), help="Only calls in this direction.")
@click.option("--line", metavar="NUMBER", help="Only calls to this line, or that showed it.")
@click.option("--agent", metavar="SLUG", help="Only calls that this agent answered or placed.")
@click.option("--up", "in_progress", is_flag=True, help="Only calls in progress.")
@limit_option()
@with_system
def list_(
    system: System,
    since: str | None,
    until: str | None,
    outcome: str | None,
    direction: str | None,
    line: str | None,
    agent: str | None,
    in_progress: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List calls, newest first, and who answered them."""
    start = system.since(since)
    end = system.until(until, start)
    did = lines.read_number(line, system.config.region, system.config.area_code) if line else None
    system.read(known.check, line=did)
    found = system.read(
        calls.listed,
        since=start,
        until=end,
        did=did,
        agent=agent,
        outcome=outcome,
        direction=direction,
        in_progress=in_progress,
        limit=limit + 1,
    )
    entries = cut(found, limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("call", "at", "way", "person", "line", "answered by", "outcome", "seconds", "lead"),
        (
            (
                one.id,
                output.local(one.started_at, system.config.tz),
                one.direction,
                _person(one),
                one.line or one.did,
                _answered_by(one),
                _outcome(one) + (", no number" if one.unreachable else ""),
                one.seconds,
                one.lead,
            )
            for one in entries
        ),
        # Who answered says as much as how it ended.
        first_out=("seconds", "way", "lead", "line", "outcome"),
        empty="No calls found.",
    )


def _outcome(entry: CallEntry) -> str:
    return in_words(Outcome, entry.outcome) or f"up: {in_words(CallStep, entry.step)}"


def _answered_by(entry: CallEntry) -> str:
    """Who answered; for a call of ours, who placed it."""
    if entry.direction == CallDirection.OUT:
        return f"({entry.agent})" if entry.agent else ""
    if entry.answered_by:
        return entry.answered_by_name or entry.answered_by
    return _INSTEAD.get(entry.outcome, "nobody") if entry.outcome else ""


_INSTEAD: dict[str, str] = {
    Outcome.ANSWERED: "the voice agent",
    Outcome.LEFT_VOICEMAIL: "voicemail",
    Outcome.HANDED_OVER: "somebody outside",
}
"""Who answered when none of our phones was."""


@call.command(json=one(CallDetail), examples=("call show 1773000000.12", "call show 1773000000.12 --json"))
@click.argument("id")
@with_system
def show(system: System, id: str, as_json: bool) -> None:
    """Tell the call ID as a story: what happened when, who rang and why, who answered, and what followed.

    Times are on the office's clock. --json has all of it as data, with every fact as it is on record.
    """
    wanted = fields.text(id, "call's id", 80, required=True)
    config = system.config
    with system.store.reading() as session:
        detail = calls.one(session, wanted)
        if as_json:
            output.print_json(detail)
            return
        story = call_stories.told(session, detail, now=system.now, tz=config.tz, region=config.region)
    _print(detail, system)
    for day, happened in call_stories.days(story, config.tz):
        output.print_heading(day)
        for line in happened:
            output.say(f"{_clock(line.at, system)} {line.text}")
    if detail.routing:
        output.say("")
        output.say(f"`leaseline route explain {detail.id}` says more about who was rung, and why.")


def _print(detail: CallDetail, system: System) -> None:
    """What is not told in the story."""
    output.print_entry(
        (
            ("call", detail.id),
            ("outcome", _outcome(detail)),
            ("person", _person(detail) + (" (not a phone number)" if detail.caller_digits else "")),
            ("line", _line(detail)),
            ("property", detail.property),
            ("lead", detail.lead),
            ("caller is", None if detail.kind == "prospect" else detail.kind),
            ("destination", detail.desk or None),
            ("attestation", detail.attestation),
            ("to do", "nothing: the caller left neither a number nor a message" if detail.unreachable else None),
            ("voicemail", detail.voicemail and system.config.recordings_folder / detail.voicemail),
            ("note", detail.remark or None),
        )
    )


def _line(detail: CallDetail) -> str:
    if detail.line is None:
        return f"{detail.did}, not one of our lines"
    return detail.did if detail.line == detail.did else f"{detail.line} ({detail.did})"


def _clock(at: datetime | None, system: System) -> str:
    return at.astimezone(system.config.tz).strftime("%H:%M:%S") if at else ""
