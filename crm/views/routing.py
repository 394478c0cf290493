"""Whom calls reached, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from crm.domain.errors import NotFound
from crm.domain.routing import RoutePlan
from crm.store.models import Call, RoutingDecision
from crm.views import calls, tasks
from crm.views.calls import LegEntry


class ReasonEntry(msgspec.Struct):
    """Why a part of the plan is as it is."""

    about: str
    """language, caller, property, path, hears, rings, otherwise, record, task or texts."""
    rule: str
    text: str


class StageEntry(msgspec.Struct):
    """Who rings together, or a number outside."""

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
    """live, desk, link, tour, message, question, queue, refuse, or ask for a question."""
    rule: str
    """What decided the path."""
    language: str
    kind: str
    """prospect, resident, owner or vendor."""
    property: str
    """Slug; empty: none, or the office as a whole."""
    stages: list[StageEntry]
    otherwise: list[str]
    """What follows in this order when nobody answers."""
    record: str
    """lead, contact or none."""
    task: str
    """Kind of the next action if the call ends unfinished."""
    owner: str
    """Whose it is: a slug; empty is the admin's."""
    due_at: datetime | None
    texts: list[str]
    """What is texted unless the call is finished otherwise."""
    reasons: list[ReasonEntry]

    @classmethod
    def of(cls, plan: RoutePlan) -> PlanEntry:
        return cls.stored(msgspec.to_builtins(plan))

    @classmethod
    def stored(cls, plan: Mapping[str, Any]) -> PlanEntry:
        """From the plan as it is kept with a call; fields that came later are empty."""
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
    """An answer of the caller's."""

    question: str
    keys: str
    """Empty: nothing of use."""


class DecisionEntry(msgspec.Struct):
    """One decision of a call, in the order they were taken."""

    at: datetime
    keyed: list[KeyedEntry]
    """What the caller had keyed until then."""
    plan: PlanEntry


class PlannedTaskEntry(msgspec.Struct):
    """The next action that the call really left."""

    id: int
    kind: str
    owner: str
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


def explained(session: Session, call_id: str, now: datetime) -> Explanation:
    """Each decision about a call, and what followed. Raises NotFound."""
    found = session.execute(select(Call.id, Call.outcome).where(Call.id == call_id)).first()
    if found is None:
        raise NotFound(f"There is no call {call_id}.", code="call_unknown", call=call_id)
    decisions = select(
        RoutingDecision.at,
        RoutingDecision.inputs,
        RoutingDecision.plan,
        RoutingDecision.path,
        RoutingDecision.rule,
        RoutingDecision.reasons,
    ).where(RoutingDecision.call_id == call_id)
    return Explanation(
        found.id,
        found.outcome,
        [_decision(row) for row in session.execute(decisions.order_by(RoutingDecision.at))],
        calls.legs(session, call_id),
        [
            PlannedTaskEntry(one.id, one.kind, one.owner, one.due_at, one.done_at, one.why)
            for one in tasks.of_call(session, call_id, now)
        ],
    )


def _decision(row: Row[*tuple[Any, ...]]) -> DecisionEntry:
    keyed = [KeyedEntry(one["question"], one["keys"]) for one in row.inputs.get("answers", ())]
    plan = PlanEntry.stored(row.plan)
    if not row.plan:
        # Asterisk's or an older version's, which kept the sentences only.
        plan.path, plan.rule = row.path, row.rule
        plan.reasons = [ReasonEntry("path", row.rule, text) for text in row.reasons]
    return DecisionEntry(row.at, keyed, plan)
