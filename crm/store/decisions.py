"""Routing decisions as they are stored: once, compactly, and completely enough to be explained and replayed.

Default values are left out. Agents, of whom there may be thousands, are identified by their positions in a list of all
the office's agents, the roster; it is stored once until somebody is hired or leaves. The reasons' sentences have their
own column. Decisions from older versions, which contain everything, can still be read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import Session

from crm.domain.calls import Routed
from crm.domain.route_inputs import RoutingInputs
from crm.domain.route_plan import Path, RoutePlan
from crm.store.models import Roster, RoutingDecision

_FORMER = {"message": Path.VOICEMAIL.value}
"""Paths by the names that older versions gave them."""
_PEOPLE = ("subteam", "sisters", "everyone", "available", "busy", "free", "after_hours")


def told(fact_id: str, call_id: str, at: datetime, inputs: RoutingInputs, plan: RoutePlan) -> Routed:
    """The fact that a call was decided about."""
    roster = inputs.people.roster
    known, decided = _lean(replace(inputs, people=replace(inputs.people, roster=()))), _lean(plan)
    for holder, name in _names(known, decided):
        holder[name] = _in_runs(tuple(holder[name]), roster) if roster else holder[name]
    decided["reasons"] = [f"{one.rule}/{one.about}" for one in plan.reasons]
    return Routed(
        fact_id,
        call_id,
        at,
        rule=plan.rule.value,
        path=plan.path.value,
        reasons=tuple(reason.text for reason in plan.reasons),
        stages=tuple(stage.name.value for stage in plan.stages),
        inputs=known,
        plan=decided,
        roster=roster,
    )


def add_all(connection: Connection, facts: Sequence[Routed], known: Collection[str] = ()) -> set[str]:
    """Stores the decisions contained in facts. `known` are ids of rosters that are on record; returns those of all
    that the facts have named."""
    lists = {_id_of(fact.roster): fact.roster for fact in facts if fact.roster}
    if asked := lists.keys() - set(known):
        there = set(connection.execute(select(Roster.id).where(Roster.id.in_(asked))).scalars())
        if missing := sorted(asked - there):
            connection.execute(insert(Roster), [{"id": id, "agents": list(lists[id])} for id in missing])
    if facts:
        connection.execute(insert(RoutingDecision), [values_of(fact) for fact in facts])
    return set(lists)


def values_of(fact: Routed) -> dict[str, Any]:
    """The values of a row's columns."""
    return {
        "id": fact.id,
        "call_id": fact.call_id,
        "at": fact.at,
        "rule": fact.rule[:40],
        "reasons": list(fact.reasons),
        "stages": list(fact.stages),
        "path": _FORMER.get(fact.path, fact.path)[:20],
        "inputs": fact.inputs,
        "plan": fact.plan,
        "roster": _id_of(fact.roster) if fact.roster else None,
    }


def rosters(session: Session, decisions: Sequence[RoutingDecision]) -> dict[str, list[str]]:
    """The rosters these decisions refer to."""
    wanted = {one.roster for one in decisions if one.roster}
    found = session.execute(select(Roster.id, Roster.agents).where(Roster.id.in_(wanted))) if wanted else ()
    return {row.id: row.agents for row in found}


def inputs_of(row: RoutingDecision, rosters: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What was known, with everybody's slugs, as `crm.domain.route_inputs` has it; what is left out has its default."""
    inputs = _named(row.inputs, rosters.get(row.roster or "", ()))
    if "place" in inputs:
        inputs["property"] = inputs.pop("place")  # As older versions called it.
    return inputs


def plan_of(row: RoutingDecision, rosters: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What was decided, in the same way, and whole; {} when only the sentences are known."""
    if not row.plan:
        return {}
    plan = _named(row.plan, rosters.get(row.roster or "", ()))
    if plan.get("path") in _FORMER:
        plan["path"] = _FORMER[plan["path"]]
    if "otherwise" in plan:
        plan["otherwise"] = [_FORMER.get(one, one) for one in plan["otherwise"]]
    told = plan.get("reasons", ())
    if not all(isinstance(one, str) for one in told):
        return plan
    plan["reasons"] = [
        {**dict(zip(("rule", "about"), one.split("/"), strict=True)), "text": text}
        for one, text in zip(told, row.reasons, strict=False)
    ]
    try:
        whole: dict[str, Any] = msgspec.to_builtins(msgspec.convert(plan, RoutePlan))
    except msgspec.ValidationError:
        return plan
    return whole


# --- agents by position ---


def _names(inputs: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Where agents are named: the object that holds the list, and its name there."""
    holders = [(inputs.get("people", {}), _PEOPLE), (plan, ("queue",))]
    holders += [(one, ("agents",)) for one in (*inputs.get("desks", {}).values(), *plan.get("stages", ()))]
    for holder, names in holders:
        yield from ((holder, name) for name in names if holder.get(name) is not None)


def _named(stored: Mapping[str, Any], roster: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = _copied(stored)
    for holder, name in _names(found, found):
        if isinstance(holder[name], str):
            holder[name] = _from_runs(holder[name], roster)
    return found


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(one) for name, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


@lru_cache(maxsize=4)
def _positions(roster: tuple[str, ...]) -> dict[str, int]:
    return {slug: position for position, slug in enumerate(roster)}


@lru_cache(maxsize=4)
def _id_of(roster: tuple[str, ...]) -> str:
    return sha256("\n".join(roster).encode()).hexdigest()[:16]


@lru_cache(maxsize=32)
def _in_runs(slugs: tuple[str, ...], roster: tuple[str, ...]) -> str | tuple[str, ...]:
    """As "0-11,14": in order, from the first to the last of each run. The slugs themselves where one is not known."""
    positions = _positions(roster)
    runs: list[list[int]] = []
    for slug in slugs:
        position = positions.get(slug)
        if position is None:
            return slugs
        if runs and runs[-1][1] == position - 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in runs)


def _from_runs(runs: str, roster: Sequence[str]) -> list[str]:
    found: list[str] = []
    for run in filter(None, runs.split(",")):
        first, _, last = run.partition("-")
        found += roster[int(first) : int(last or first) + 1]
    return found


# --- without defaults ---


def _lean(value: Any) -> Any:
    """As JSON, without the default values of dataclasses."""
    kind = type(value)
    if kind is str or value is None:
        return value
    if is_dataclass(kind):
        defaults = _defaults(kind)
        return {name: _lean(now) for name, default in defaults if (now := getattr(value, name)) != default}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, frozenset):
        return _in_order(value)
    if isinstance(value, tuple):
        return value if value and type(value[0]) is str else [_lean(one) for one in value]
    if isinstance(value, dict):
        return {_lean(name): _lean(one) for name, one in value.items()}
    return value


@lru_cache(maxsize=8)
def _in_order(slugs: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(slugs))


@cache
def _defaults(kind: Any) -> list[tuple[str, object]]:
    """By field, in order."""
    return [
        (one.name, one.default_factory() if one.default_factory is not MISSING else one.default) for one in fields(kind)
    ]
