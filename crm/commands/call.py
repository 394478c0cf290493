"""`leaseline call`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
import msgspec

from crm.commands import output, placing
from crm.commands.command import Group, System, limit_option, many, one, since_option, tell_of_more, with_system
from crm.domain import fields
from crm.domain.calls import Direction, Outcome
from crm.domain.errors import NotFound
from crm.store.models import Call, CallEvent, Leg, Message, Recording, RoutingDecision, Task
from crm.store.queries import aftermath, calls


class CallEntry(msgspec.Struct, kw_only=True):
    """A caller's whole story."""

    id: str
    direction: str
    """in, out, or internal between colleagues."""
    started_at: datetime
    did: str
    """Our number: the one dialled, or the one that was shown; E.164 where it is a telephone number."""
    line: str | None
    """Label of the line, or its number; null is none of our lines."""
    property: str | None
    """Slug of what it was about: the line's, or the one that was chosen by key."""
    trunk: str
    agent: str | None
    """Slug of who placed a call of ours."""
    caller: str | None
    """The person outside, E.164; null is withheld or malformed, or a colleague."""
    attestation: str
    """STIR/SHAKEN: what the trunk says of the caller's number, such as TN-Validation-Passed-A; empty: nothing."""
    kind: str
    """Who the person is: prospect, resident, owner or vendor."""
    contact: str | None
    """Name of the resident, owner or vendor, or their number; null: they are none that is known."""
    desk: str
    """The desk it was for, beside leasing: resident, owner, vendor, maintenance or concern; empty: none."""
    lead: int | None
    outcome: str | None
    """talked, not_reached, left_message, got_link, gave_up, ...; null while the call is up."""
    step: str
    """The step of the flow it is in or ended in."""
    talk_started_at: datetime | None
    ended_at: datetime | None
    ended_by: str
    """caller, agent or system; empty while the call is up."""
    seconds: int | None
    """From arrival to end; null while the call is up."""
    without_app: bool
    """Asterisk's last resort had a part in it."""
    remark: str
    """What the agent wrote after it, a line for each note."""
    voicemail: str | None
    """File of the message the caller left, in the home's recordings folder."""

    @classmethod
    def of(cls, call: Call) -> CallEntry:
        return cls(**_of(call))


class LegEntry(msgspec.Struct):
    """One phone that rang."""

    device: str
    agent: str | None
    stage: str
    """agent, subteam, everyone, office, last_resort, or what rang it otherwise."""
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    status: str
    """How ringing ended, in Asterisk's words: ANSWER, NOANSWER, CANCEL, BUSY, ..."""
    announced_at: datetime | None
    """When it heard to the end that the talk is recorded."""
    number: str | None
    """E.164 of a phone outside; null for one of ours."""

    @classmethod
    def of(cls, leg: Leg) -> LegEntry:
        return cls(
            leg.device,
            leg.agent.slug if leg.agent else None,
            leg.stage,
            leg.started_at,
            leg.answered_at,
            leg.ended_at,
            leg.status,
            leg.announced_at,
            leg.number,
        )


class RecordingEntry(msgspec.Struct):
    """Audio of the talk, across its transfers."""

    file: str
    """Name in the recordings folder."""
    mode: str
    """announced, or demand: an agent keyed the code."""
    started_at: datetime
    ended_at: datetime | None
    seconds: int
    deleted_at: datetime | None
    """When the file was removed because it had been kept long enough."""

    @classmethod
    def of(cls, found: Recording) -> RecordingEntry:
        return cls(found.file, found.mode, found.started_at, found.ended_at, found.seconds, found.deleted_at)


class EventEntry(msgspec.Struct):
    """One fact as it was noted."""

    at: datetime
    kind: str
    data: dict[str, object]

    @classmethod
    def of(cls, event: CallEvent) -> EventEntry:
        return cls(event.at, event.kind, event.data)


class RoutingEntry(msgspec.Struct):
    """Why the call rang whom it rang."""

    at: datetime
    path: str
    """live, message, link, ..."""
    rule: str
    reasons: list[str]
    stages: list[str]

    @classmethod
    def of(cls, decision: RoutingDecision) -> RoutingEntry:
        return cls(decision.at, decision.path, decision.rule, decision.reasons, decision.stages)


class CallDetail(CallEntry, kw_only=True):
    """A call with everything that happened in it."""

    legs: list[LegEntry]
    recordings: list[RecordingEntry]
    events: list[EventEntry]
    routing: list[RoutingEntry]
    tasks: list[int]
    """Ids of the tasks that came of it."""
    messages: list[int]
    """Ids of the texts that came of it."""


DIRECTIONS = tuple(direction.value for direction in Direction)


def _person(entry: CallEntry) -> str:
    if entry.direction == Direction.INTERNAL:
        return "a colleague"
    if entry.contact and entry.contact != entry.caller:
        return f"{entry.contact}, {entry.caller}"
    return entry.caller or "withheld"


def _of(call: Call) -> dict[str, Any]:
    seconds = round((call.ended_at - call.started_at).total_seconds()) if call.ended_at else None
    return {
        "id": call.id,
        "direction": call.direction,
        "started_at": call.started_at,
        "did": call.did,
        "line": (call.line.label or call.line.number) if call.line else None,
        "trunk": call.trunk,
        "property": call.property.slug if call.property else None,
        "agent": call.agent.slug if call.agent else None,
        "caller": call.caller,
        "lead": call.lead_id,
        "attestation": call.attestation,
        "kind": call.kind,
        "desk": call.desk,
        "contact": (call.contact.name or call.contact.number) if call.contact else None,
        "outcome": call.outcome,
        "step": call.step,
        "talk_started_at": call.talk_started_at,
        "seconds": seconds,
        "ended_at": call.ended_at,
        "ended_by": call.ended_by,
        "without_app": call.without_app,
        "remark": call.remark,
        "voicemail": call.voicemail.file if call.voicemail else None,
    }


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
@click.option("--outcome", type=click.Choice([outcome.value for outcome in Outcome]), help="Only calls that ended so.")
@click.option("--direction", type=click.Choice(DIRECTIONS), help="Only calls that went this way.")
@click.option("--up", "in_progress", is_flag=True, help="Only calls without an outcome yet.")
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
    """List calls, the newest first."""
    start = fields.since(since, system.config.tz, system.now) if since else None
    with system.store.reading() as session:
        found = calls.listed(
            session, since=start, outcome=outcome, direction=direction, in_progress=in_progress, limit=limit + 1
        )
    entries = [CallEntry.of(one) for one in found[:limit]]
    tell_of_more(len(found), limit)
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
                one.outcome or f"up ({one.step})",
                one.seconds,
                one.lead,
            )
            for one in entries
        ),
        empty="There are no such calls.",
    )


@call.command(json=one(CallDetail), examples=("call show 1773000000.12", "call show 1773000000.12 --json"))
@click.argument("id")
@with_system
def show(system: System, id: str, as_json: bool) -> None:
    """Show the call ID: who rang, what happened, and what came of it."""
    wanted = fields.text(id, "call's id", 80, required=True)
    with system.store.reading() as session:
        found = calls.by_id(session, wanted)
        if found is None:
            raise NotFound(f"There is no call {wanted}: `leaseline call list` shows those there are.")
        decisions = calls.decisions(session, wanted)
        tasks, texts = aftermath.tasks(session, wanted), aftermath.texts(session, wanted)
    detail = CallDetail(
        **_of(found),
        legs=[LegEntry.of(leg) for leg in found.legs],
        recordings=[RecordingEntry.of(recording) for recording in found.recordings],
        events=[EventEntry.of(event) for event in found.events],
        routing=[RoutingEntry.of(decision) for decision in decisions],
        tasks=[task.id for task in tasks],
        messages=[text.id for text in texts],
    )
    if as_json:
        output.print_json(detail)
    else:
        _print(detail, tasks, texts, system)


def _block_list(detail: CallDetail) -> str:
    """What the block list had to do with the call, and why."""
    for event in detail.events:
        if event.kind == "CallerBlocked":
            return f"kept out by {event.data['entry']}"
        if event.kind == "CallerSpared":
            return f"let in despite {event.data['entry']}, because {event.data['why']}"
    return ""


def _print(detail: CallDetail, tasks: Sequence[Task], texts: Sequence[Message], system: System) -> None:
    tz = system.config.tz
    output.print_entry(
        (
            ("call", detail.id),
            ("arrived", output.local(detail.started_at, tz, seconds=True)),
            ("ended", output.local(detail.ended_at, tz, seconds=True)),
            ("direction", detail.direction),
            ("agent", detail.agent),
            ("person", _person(detail)),
            ("line", f"{detail.line} ({detail.did})" if detail.line else f"{detail.did}, none of our lines"),
            ("property", detail.property),
            ("who called", None if detail.kind == "prospect" else detail.kind),
            ("destination", detail.desk or None),
            ("attestation", detail.attestation),
            ("block list", _block_list(detail)),
            ("trunk", detail.trunk),
            ("lead", detail.lead),
            ("outcome", detail.outcome or "still up"),
            ("last step", detail.step),
            ("ended by", detail.ended_by),
            ("note", detail.remark or None),
            ("message", detail.voicemail and system.config.recordings_folder / detail.voicemail),
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
    output.print_heading("What happened")
    output.print_table(
        ("at", "fact", "with"),
        (
            (_clock(event.at, system), event.kind, ", ".join(f"{key}={value}" for key, value in event.data.items()))
            for event in detail.events
            if event.kind != "Routed"  # It is told above.
        ),
        empty="Nothing is on record.",
    )
    if tasks or texts:
        output.print_heading("What came of it")
    for task in tasks:
        output.say(f"task {task.id} ({task.owner.slug}, due {output.local(task.due_at, tz)}): {task.why}", indent=2)
    for text in texts:
        output.say(f"text {text.id} to {text.to_number} ({text.state}): {text.body}", indent=2)


def _clock(at: datetime | None, system: System) -> str:
    return at.astimezone(system.config.tz).strftime("%H:%M:%S") if at else ""
