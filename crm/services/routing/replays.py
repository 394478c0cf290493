"""Decides past calls again under other rules, from what was known then. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path as File
from typing import Any

import msgspec
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from crm import config as settings
from crm.config import Config, ConfigError
from crm.domain import fields
from crm.domain.errors import Invalid
from crm.domain.hours import Schedule, weekly
from crm.domain.rehearsals import Changed, Replay
from crm.domain.routing import OfficeFacts, OfficeState, Path, RoutePlan, RoutingInputs, decide
from crm.services.routing.routes import SETTINGS
from crm.store import decisions
from crm.store.models import Property, RoutingDecision
from crm.store.queries import office
from crm.store.session import Store

PAGE = 500
DUE = {"due_minutes": "due_at", "question_minutes": "fast_due_at"}
"""Settings in [tasks] that a decision depends on, and the matching fields of RoutingInputs."""
OFFICE = "office"
"""Key in [hours] for every property not listed there."""

Progress = Callable[[int, int], None]


def from_stored(stored: Mapping[str, Any]) -> RoutingInputs | None:
    """The inputs as they were then (`decisions.inputs_of`). None when they cannot be read."""
    try:
        return msgspec.convert(stored, RoutingInputs, strict=True)
    except msgspec.ValidationError:
        return None


@dataclass(frozen=True)
class Changes:
    """Rules to decide by instead of those in force then; anything not named stays as it was."""

    rules: Mapping[str, Any] = field(default_factory=dict)
    """Fields of Rules."""
    due: Mapping[str, float] = field(default_factory=dict)
    """Minutes by field of RoutingInputs."""
    hours: Mapping[str, tuple[tuple[int, str, str], ...]] = field(default_factory=dict)
    """Openings by property, or OFFICE."""

    def hours_of(self, property_slug: str) -> tuple[tuple[int, str, str], ...] | None:
        return self.hours.get(property_slug, self.hours.get(OFFICE))


def read(config: Config, path: File) -> Changes:
    """Reads the routing changes in a file that has sections of leaseline.toml and optionally [hours]. Raises
    ConfigError."""
    table = settings.read_toml(path)
    hours = _hours(table.pop("hours", {}), path)
    wanted = {(section, key): name for name, (section, key) in SETTINGS.items()} | {
        ("tasks", key): name for key, name in DUE.items()
    }
    found: dict[str, Any] = {}
    new = settings.changed(config, table, path)
    for section, keys in table.items():
        for key in keys if isinstance(keys, dict) else [""]:
            if (section, key) not in wanted:
                known = ", ".join(f"{one}.{two}" for one, two in sorted(wanted))
                given = f"{section}.{key}" if key else section
                raise ConfigError(f"{path}: {given} does not affect routing: use {known}, or [hours].")
            found[wanted[section, key]] = getattr(getattr(new, section), key)
    return Changes(
        {name: value for name, value in found.items() if name in SETTINGS},
        {name: value for name, value in found.items() if name in DUE.values()},
        hours,
    )


def _hours(section: object, path: File) -> dict[str, tuple[tuple[int, str, str], ...]]:
    if not isinstance(section, dict):
        raise ConfigError(f"{path}: [hours] is a table: write office = ['mon-fri 09:00-18:00'] below it.")
    found = {}
    for name, openings in section.items():
        if not isinstance(openings, list) or not all(isinstance(one, str) for one in openings):
            raise ConfigError(f"{path}: hours.{name} is a list: write ['mon-fri 09:00-18:00'].")
        try:
            found[str(name)] = tuple(fields.openings(openings))
        except Invalid as error:
            raise ConfigError(f"{path}: hours.{name}: {error}") from None
    return found


def replay(store: Store, config: Config, changes: Changes, since: datetime, progress: Progress | None = None) -> Replay:
    """Finds every decision since then that would have been different under the changed rules. Raises Invalid.

    Each is also decided again under its own rules, so that differences between versions of Leaseline do not show up as
    effects of the changed rules.
    """
    found = Replay()
    calls: set[str] = set()
    schedules = store.read_blocking(_schedules, config, changes)
    total = store.read_blocking(_count, since)
    last: tuple[datetime, str] | None = None
    while True:
        # One read per page: a month of calls must not hold a transaction open.
        rows, rosters = store.read_blocking(_page, since, last)
        for row in rows:
            calls.add(row.call_id)
            found.decisions += 1
            inputs = from_stored(decisions.inputs_of(row, rosters))
            if inputs is None:
                found.unreadable += 1
                continue
            before, after = decide(inputs), decide(under(inputs, changes, schedules))
            if _differ(before, after):
                found.changed.append(Changed(row.call_id, row.at, before, after))
        if progress:
            progress(found.decisions, total)
        if len(rows) < PAGE:
            break
        last = (rows[-1].at, rows[-1].id)
    found.calls = len(calls)
    return found


def _count(session: Session, since: datetime) -> int:
    query = select(func.count()).select_from(RoutingDecision).where(RoutingDecision.at >= since)
    return session.scalar(query) or 0


def _page(
    session: Session, since: datetime, after: tuple[datetime, str] | None
) -> tuple[Sequence[RoutingDecision], dict[str, list[str]]]:
    query = select(RoutingDecision).where(RoutingDecision.at >= since)
    if after:
        query = query.where(tuple_(RoutingDecision.at, RoutingDecision.id) > after)
    rows = session.scalars(query.order_by(RoutingDecision.at, RoutingDecision.id).limit(PAGE)).all()
    return rows, decisions.rosters(session, rows)


def under(inputs: RoutingInputs, changes: Changes, schedules: Mapping[str, Schedule]) -> RoutingInputs:
    """The inputs as they would have been under the changed rules. `schedules` are by property; "" is the office."""
    property = inputs.property.slug if inputs.property else ""
    schedule = schedules.get(property) or schedules.get("")
    known: dict[str, Any] = {"rules": replace(inputs.rules, **changes.rules)}
    if schedule and changes.hours_of(property) is not None and not inputs.office.holiday:
        # Holidays and other special dates stay as they were.
        is_open = schedule.is_open(inputs.now)
        closed = OfficeFacts(OfficeState.CLOSED, opens_at=schedule.next_open(inputs.now))
        known["office"] = OfficeFacts() if is_open else closed
    if schedule and inputs.line_known:
        known |= {name: schedule.due_time(inputs.now, minutes) for name, minutes in changes.due.items()}
    return replace(inputs, **known)


def _schedules(session: Session, config: Config, changes: Changes) -> dict[str, Schedule]:
    """The changed hours of each property, or its present ones if they do not change. "" is the office."""
    if not changes.hours and not changes.due:
        return {}
    listed = office.schedules(session, config.tz, session.scalars(select(Property)).all())
    found = {property.slug: schedule for property, schedule in listed if property}
    found[""] = office.schedule(session, config.tz)
    if unknown := sorted(set(changes.hours) - set(found) - {OFFICE}):
        raise Invalid(
            f"[hours] names {', '.join(unknown)}, which is not a property.",
            code="replay_properties_unknown",
            properties=list(unknown),
        )
    for slug, schedule in found.items():
        if (openings := changes.hours_of(slug)) is not None:
            found[slug] = replace(schedule, openings=weekly(openings, schedule.tz).openings)
    return found


def _differ(before: RoutePlan, after: RoutePlan) -> bool:
    """Whether two plans differ, ignoring their reasons, and the queue of a call that never waits in it."""
    return _told_apart(before) != _told_apart(after)


def _told_apart(plan: RoutePlan) -> RoutePlan:
    waits = Path.QUEUE in (plan.path, *plan.otherwise)
    return replace(plan, reasons=(), queue=plan.queue if waits else ())
