"""`leaseline call`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from crm.commands import output, placing
from crm.commands.command import Group, System, cut, limit_option, many, one, since_option, with_system
from crm.domain import fields
from crm.domain.calls import CallDirection, Outcome
from crm.views import calls, messages, tasks
from crm.views.calls import CallDetail, CallEntry, VoiceTalkEntry
from crm.views.messages import MessageEntry
from crm.views.tasks import TaskEntry

DIRECTIONS = tuple(direction.value for direction in CallDirection)


def _person(entry: CallEntry) -> str:
    if entry.direction == CallDirection.INTERNAL:
        return "a colleague"
    if entry.contact and entry.contact != entry.caller:
        return f"{entry.contact}, {entry.caller}"
    return entry.caller or entry.caller_digits or "withheld"


@click.group(cls=Group, examples=("call list --since today", "call start --agent alice --to 12", "call missed"))
def call() -> None:
    """Calls and what happened in them."""


call.add_command(placing.start)
call.add_command(placing.back)
call.add_command(placing.missed)
call.add_command(placing.note)


@call.command(
    "list", json=many(CallEntry), examples=("call list --since today", "call list --outcome gave_up --since 7d --json")
)
@since_option
@click.option(
    "--outcome", type=click.Choice([outcome.value for outcome in Outcome]), help="Only calls with this outcome."
)
@click.option("--direction", type=click.Choice(DIRECTIONS), help="Only calls in this direction.")
@click.option("--up", "in_progress", is_flag=True, help="Only calls in progress.")
@limit_option()
@with_system
def list_(
    system: System,
    since: str | None,
    outcome: str | None,
    direction: str | None,
    in_progress: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List calls, newest first."""
    start = system.since(since)
    found = system.read(
        calls.listed, since=start, outcome=outcome, direction=direction, in_progress=in_progress, limit=limit + 1
    )
    entries = cut(found, limit)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("call", "at", "direction", "person", "kind", "line", "agent", "outcome", "seconds", "lead"),
        (
            (
                one.id,
                output.local(one.started_at, system.config.tz),
                one.direction,
                _person(one),
                one.kind,
                one.line or one.did,
                one.agent,
                (one.outcome or f"up ({one.step})") + (", no number" if one.unreachable else ""),
                one.seconds,
                one.lead,
            )
            for one in entries
        ),
        empty="No calls found.",
    )


@call.command(json=one(CallDetail), examples=("call show 1773000000.12", "call show 1773000000.12 --json"))
@click.argument("id")
@with_system
def show(system: System, id: str, as_json: bool) -> None:
    """Show the call ID: whose phones rang, what happened, and what came of it."""
    wanted = fields.text(id, "call's id", 80, required=True)
    with system.store.reading() as session:
        detail = calls.one(session, wanted)
        if as_json:
            output.print_json(detail)
            return
        left, written = tasks.of_call(session, wanted, system.now), messages.of_call(session, wanted)
    _print(detail, left, written, system)


def _block_list(detail: CallDetail) -> str:
    """Returns how the block list affected the call, and why; empty if it did not."""
    for event in detail.events:
        if event.kind == "CallerBlocked":
            return f"kept out by {event.data['entry']}"
        if event.kind == "CallerSpared":
            return f"let in despite {event.data['entry']}, because {event.data['why']}"
    return ""


def _print(detail: CallDetail, left: Sequence[TaskEntry], written: Sequence[MessageEntry], system: System) -> None:
    tz = system.config.tz
    output.print_entry(
        (
            ("call", detail.id),
            ("arrived", output.local(detail.started_at, tz, seconds=True)),
            ("ended", output.local(detail.ended_at, tz, seconds=True)),
            ("direction", detail.direction),
            ("agent", detail.agent),
            ("person", _person(detail) + (" (not a phone number)" if detail.caller_digits else "")),
            ("line", f"{detail.line} ({detail.did})" if detail.line else f"{detail.did}, not one of our lines"),
            ("property", detail.property),
            ("caller is", None if detail.kind == "prospect" else detail.kind),
            ("destination", detail.desk or None),
            ("attestation", detail.attestation),
            ("block list", _block_list(detail)),
            ("trunk", detail.trunk),
            ("lead", detail.lead),
            ("outcome", detail.outcome or "still up"),
            ("to do", "nothing: the caller left neither a number nor a message" if detail.unreachable else None),
            ("last step", detail.step),
            ("ended by", detail.ended_by),
            ("note", detail.remark or None),
            ("voicemail", detail.voicemail and system.config.recordings_folder / detail.voicemail),
            ("without app", detail.without_app or None),
        )
    )
    for decision in detail.routing:
        rings = f", rings {', then '.join(decision.stages)}" if decision.stages else ""
        output.say(f"Routed by {decision.rule}: {decision.path or 'as planned'}{rings}.")
    if detail.routing:
        output.say(f"`leaseline route explain {detail.id}` says why.")
    if detail.legs:
        output.print_heading("Phones that rang")
        output.print_table(
            ("device", "number", "agent", "stage", "from", "answered", "until", "ended as"),
            (
                (
                    leg.device,
                    leg.number,
                    leg.agent,
                    leg.stage,
                    _clock(leg.started_at, system),
                    _clock(leg.answered_at, system),
                    _clock(leg.ended_at, system),
                    leg.status,
                )
                for leg in detail.legs
            ),
            empty="",
        )
    if detail.recordings:
        output.print_heading("Recordings of the talk")
        output.print_table(
            ("from", "seconds", "recorded", "file"),
            (
                (
                    _clock(one.started_at, system),
                    one.seconds,
                    one.mode,
                    "deleted" if one.deleted_at else system.config.recordings_folder / one.file,
                )
                for one in detail.recordings
            ),
            empty="",
        )
        for one in detail.recordings:
            if one.summary:
                output.say(f"In short: {one.summary}.", indent=2)
            if one.transcript:
                output.say(one.transcript, indent=2)
    if detail.voice_talk:
        _print_voice_talk(detail.voice_talk)
    output.print_heading("What happened")
    output.print_table(
        ("at", "fact", "with"),
        (
            (_clock(event.at, system), event.kind, ", ".join(f"{key}={value}" for key, value in event.data.items()))
            for event in detail.events
            if event.kind not in ("Routed", "VoiceTurnTaken")  # They are told above.
        ),
        empty="Nothing was recorded.",
    )
    if left or written:
        output.print_heading("What came of it")
    for task in left:
        output.say(f"task {task.id} ({task.owner}, due {output.local(task.due_at, tz)}): {task.why}", indent=2)
    for text in written:
        output.say(f"text {text.id} to {text.to_number} ({text.state}): {text.body}", indent=2)


def _print_voice_talk(talk: VoiceTalkEntry) -> None:
    output.print_heading("With the voice agent")
    output.print_table(
        ("second", "who", "said or done", "confidence", "template", "from", "went"),
        (
            (
                f"{turn.started:.1f}",
                turn.who,
                turn.text or "(deleted)",
                None if turn.confidence is None else f"{turn.confidence:.2f}",
                turn.template,
                [f"{one.kind} {one.id} v{one.version}" for one in turn.cites],
                turn.result,
            )
            for turn in talk.turns
        ),
        empty="Nothing was said.",
    )
    if talk.summary:
        output.say(talk.summary, indent=2)


def _clock(at: datetime | None, system: System) -> str:
    return at.astimezone(system.config.tz).strftime("%H:%M:%S") if at else ""
