"""Who calls reached, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.errors import NotFound
from crm.domain.rehearsals import Rehearsal, Replay
from crm.domain.route_plan import as_it_went, owner_now
from crm.domain.routing import RoutePlan
from crm.store import decisions
from crm.store.models import Call, RoutingDecision
from crm.views import calls, tasks
from crm.views.calls import LegEntry


class ReasonEntry(msgspec.Struct):
    """Why part of the plan is as it is."""

    about: str
    """language, caller, property, path, hears, rings, otherwise, record, task or texts."""
    rule: str
    text: str


class StageEntry(msgspec.Struct):
    """People who ring together, or an outside number."""

    name: str
    agents: list[str]
    number: str | None
    """E.164."""
    seconds: float
    strategy: str
    """ring_all or round_robin."""


class PlanEntry(msgspec.Struct, kw_only=True):
    """What was decided."""

    path: str
    """live, desk, link, tour, voicemail, question, queue, refuse, or ask for a question."""
    rule: str
    """What decided the path."""
    language: str
    kind: str
    """prospect, resident, owner or vendor."""
    property: str
    """Slug; empty: none, or the office as a whole."""
    stages: list[StageEntry]
    otherwise: list[str]
    """What follows if nobody answers, in this order."""
    record: str
    """lead, contact or none."""
    task: str
    """Kind of the next action if the call ends unfinished."""
    owner: str
    """Slug of its owner, or subteam:SLUG; empty: the admin. Of a call on record: of who got it, if there is one; the
    reasons say who was to."""
    due_at: datetime | None
    texts: list[str]
    """What is texted unless the call ends differently."""
    reasons: list[ReasonEntry]

    @classmethod
    def of(cls, plan: RoutePlan) -> PlanEntry:
        return cls.stored(msgspec.to_builtins(plan))

    @classmethod
    def stored(cls, plan: Mapping[str, Any]) -> PlanEntry:
        """From the plan as it was stored with a call; fields added later are empty."""
        task = plan.get("task") or {}
        due_at = task.get("due_at")
        return cls(
            path=plan.get("path", ""),
            rule=plan.get("rule", ""),
            language=plan.get("language", ""),
            kind=plan.get("kind", ""),
            property=plan.get("property", ""),
            otherwise=list(plan.get("otherwise", ())),
            stages=[
                StageEntry(
                    stage["name"],
                    list(stage["agents"]),
                    (stage.get("forward") or {}).get("number"),
                    stage["seconds"],
                    stage.get("strategy", ""),
                )
                for stage in plan.get("stages", ())
            ],
            record=plan.get("record", ""),
            task=task.get("kind", ""),
            owner=task.get("owner", ""),
            due_at=datetime.fromisoformat(due_at) if due_at else None,
            texts=list(plan.get("texts", ())),
            reasons=[
                ReasonEntry(reason.get("about", "path"), reason["rule"], reason["text"])
                for reason in plan.get("reasons", ())
            ],
        )


class KeyedEntry(msgspec.Struct):
    """A caller's answer to a question."""

    question: str
    keys: str
    """Empty: no valid answer."""


class DecisionEntry(msgspec.Struct):
    """One decision of a call, in the order they were taken."""

    at: datetime
    keyed: list[KeyedEntry]
    """What the caller had keyed until then."""
    plan: PlanEntry


class PlannedTaskEntry(msgspec.Struct):
    """The next action that the call actually led to."""

    id: int
    kind: str
    owner: str
    """Slug of an agent, or subteam:SLUG while nobody of it has taken it."""
    due_at: datetime
    done_at: datetime | None
    why: str


class Explanation(msgspec.Struct):
    """How a call was routed, and what followed."""

    call: str
    outcome: str | None
    """null while it is up."""
    decisions: list[DecisionEntry]
    legs: list[LegEntry]
    """Phones that rang."""
    tasks: list[PlannedTaskEntry]


class TurnEntry(msgspec.Struct):
    """A question, and the keys pressed."""

    question: str
    hears: list[str]
    keys: list[str]
    """The keys that would be accepted; empty: any digits."""
    pressed: list[str]
    """One per attempt; an empty text is silence."""


class RingEntry(msgspec.Struct):
    """The phones of a stage."""

    stage: str
    phones: list[list[str]]
    """Slugs of devices, or outside numbers. Those in a list ring together, and the lists one after the other. Empty:
    none can ring."""


class OfferedTourEntry(msgspec.Struct):
    """A tour that would be booked."""

    starts_at: datetime
    kind: str
    """accompanied, self_guided or remote."""


class TestEntry(msgspec.Struct):
    """What would happen to a call; none was made."""

    line: str
    """Its number."""
    label: str
    caller: str | None
    at: datetime
    turns: list[TurnEntry]
    hears: list[str]
    """After the last turn."""
    tour: OfferedTourEntry | None
    """The tour that would be booked; null: none."""
    plan: PlanEntry
    rings: list[RingEntry]
    """The phones that would ring, by stage of the plan."""

    @classmethod
    def of(cls, found: Rehearsal) -> TestEntry:
        return cls(
            line=found.line,
            label=found.label,
            caller=found.caller,
            at=found.at,
            turns=[TurnEntry(one.question, list(one.hears), list(one.keys), list(one.pressed)) for one in found.turns],
            hears=list(found.hears),
            tour=OfferedTourEntry(found.tour.starts_at, found.tour.kind.value) if found.tour else None,
            plan=PlanEntry.of(found.plan),
            rings=[RingEntry(stage, phones) for stage, phones in found.rings.items()],
        )


class ChangedEntry(msgspec.Struct):
    """A decision that would have been different."""

    call: str
    at: datetime
    before: PlanEntry
    after: PlanEntry


class CountEntry(msgspec.Struct):
    """How often one decision became another; in words, e.g. "live (subteam): subteam 20 s"."""

    before: str
    after: str
    calls: int


class ReplayEntry(msgspec.Struct):
    """Past calls under changed rules."""

    calls: int
    """How many were looked at."""
    decisions: int
    unreadable: int
    """Decisions recorded without their inputs, which cannot be replayed."""
    counts: list[CountEntry]
    changed: list[ChangedEntry]

    @classmethod
    def of(cls, found: Replay) -> ReplayEntry:
        return cls(
            found.calls,
            found.decisions,
            found.unreadable,
            [CountEntry(*count) for count in found.counts],
            [
                ChangedEntry(one.call_id, one.at, PlanEntry.of(one.before), PlanEntry.of(one.after))
                for one in found.changed
            ],
        )


def explained(session: Session, call_id: str, now: datetime) -> Explanation:
    """Each decision about a call, and what followed. Raises NotFound."""
    found = session.execute(select(Call.id, Call.outcome).where(Call.id == call_id)).first()
    if found is None:
        raise NotFound(f"There is no call {call_id}.", code="call_unknown", call=call_id)
    taken = select(RoutingDecision).where(RoutingDecision.call_id == call_id).order_by(RoutingDecision.at)
    rows = session.scalars(taken).all()
    rosters = decisions.rosters(session, rows)
    led_to = [
        PlannedTaskEntry(one.id, one.kind, one.owner or f"subteam:{one.team}", one.due_at, one.done_at, one.why)
        for one in tasks.of_call(session, call_id, now)
    ]
    taken_all = [_decision(row, rosters) for row in rows]
    for one in taken_all:
        _tell_owner(one.plan, [(task.kind, task.owner) for task in led_to])
    return Explanation(found.id, found.outcome, taken_all, calls.legs(session, call_id), led_to)


def _tell_owner(plan: PlanEntry, led_to: Sequence[tuple[str, str]]) -> None:
    plan.owner = owner_now(plan.task, plan.owner, led_to)
    for reason in plan.reasons:
        reason.text = as_it_went(reason.text, led_to)


def known(session: Session, call_id: str) -> list[str]:
    """What was known at each decision about a call, as it is on record: JSON."""
    taken = select(RoutingDecision.inputs).where(RoutingDecision.call_id == call_id).order_by(RoutingDecision.at)
    return [msgspec.json.format(msgspec.json.encode(inputs)).decode() for inputs in session.scalars(taken)]


def dialled(session: Session, call_id: str) -> str:
    """Our number that was called; empty: there is no such call."""
    return session.scalar(select(Call.did).where(Call.id == call_id)) or ""


def _decision(row: RoutingDecision, rosters: Mapping[str, Sequence[str]]) -> DecisionEntry:
    keyed = [KeyedEntry(one["question"], one["keys"]) for one in row.inputs.get("answers", ())]
    plan = PlanEntry.stored(decisions.plan_of(row, rosters))
    if not row.plan:
        # A decision of Asterisk or of an older version, which stored only the sentences.
        plan.path, plan.rule = row.path, row.rule
        plan.reasons = [ReasonEntry("path", row.rule, text) for text in row.reasons]
    return DecisionEntry(row.at, keyed, plan)
