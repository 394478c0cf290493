"""Desks: where calls from residents, owners and vendors, emergencies and concerns are put through to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.dialing import DialPurpose
from crm.domain.errors import Invalid, NotFound
from crm.domain.hours import Opening, Schedule
from crm.domain.mailboxes import BoxKind, box
from crm.domain.ringing import Strategy
from crm.domain.route_inputs import DeskKind, DeskRoute
from crm.services import audit
from crm.services.audit import By
from crm.services.office import owners, properties
from crm.services.phones import dialing
from crm.store import snapshot
from crm.store.models import Agent, Desk, Organization, Property, Subteam
from crm.store.queries import agents, names
from crm.store.queries.agents import Workload
from crm.store.queries.office import HasTeam
from crm.store.snapshot import KnownAgent, KnownDesk, KnownProperty, KnownTeam, Snapshot

KINDS = tuple(kind.value for kind in DeskKind)
_NEVER = datetime.min.replace(tzinfo=UTC)
WHERE = "write agent:alice, subteam:north, or a phone number"


# --- setting desks ---


def put(
    session: Session,
    config: Config,
    by: By,
    kind: str,
    target: str,
    *,
    property_slug: str | None = None,
    hours: Sequence[str] = (),
    confirm: bool = True,
) -> str:
    """Creates or replaces a desk, and returns its target as stored.

    Raises Invalid, NotFound, DialRefused.
    """
    property = properties.named(session, property_slug) if property_slug else None
    stored = put_in(session, config, kind, target, property=property, hours=hours, confirm=confirm)
    audit.record(session, by, f"desk {kind}{f' of {property.slug}' if property else ''} set to {stored}")
    return stored


def put_in(
    session: Session,
    config: Config,
    kind: str,
    target: str,
    *,
    property: Property | None,
    hours: Sequence[str],
    confirm: bool,
) -> str:
    """Like `put`, without the audit entry, as part of a larger change."""
    # No constraint in the database prevents two desks of a kind without a property.
    session.execute(select(Organization.id).with_for_update())
    stored = read_target(session, config, target)
    if not confirm and not stored.startswith("+"):
        raise Invalid("Only an outside number can be connected straight.", code="desk_not_straight")
    if hours and kind == DeskKind.MAINTENANCE:
        raise Invalid(
            "Emergencies ring at any hour: leave out the hours for maintenance.", code="desk_hours_of_emergencies"
        )
    fields.openings(hours)
    row = of(session, kind, property)
    if row is None:
        row = Desk(kind=DeskKind(kind).value, property_id=property.id if property else None)
        session.add(row)
    row.target, row.confirm, row.hours = stored, confirm, [" ".join(one.split()) for one in hours]
    session.flush()
    return stored


def remove(session: Session, by: By, kind: str, *, property_slug: str | None = None) -> None:
    """Raises NotFound."""
    property = properties.named(session, property_slug) if property_slug else None
    row = of(session, kind, property)
    if row is None:
        whose = f" of {property.slug}" if property else " for all properties"
        raise NotFound(f"There is no desk {kind}{whose}.", code="desk_unknown", kind=kind)
    session.delete(row)
    audit.record(session, by, f"desk {kind}{f' of {property.slug}' if property else ''} removed")


def read_target(session: Session, config: Config, raw: str) -> str:
    """Checks that a target exists or may be dialed, and returns it as stored. Raises Invalid, NotFound, DialRefused."""
    what, _, slug = raw.strip().partition(":")
    if slug and what in (BoxKind.AGENT, BoxKind.SUBTEAM):
        model: Any = Agent if what == BoxKind.AGENT else Subteam
        found = session.scalar(select(model).where(model.slug == fields.slug(slug)))
        found = found or names.renamed(session, model, slug)
        if found is None:
            raise NotFound(f"There is no {what} {slug}.", code="desk_target_unknown", what=what, slug=slug)
        return box(BoxKind(what), found.slug)
    if not any(character.isdigit() for character in raw) or ":" in raw:
        raise Invalid(f"A call cannot go there: {WHERE}.", code="desk_target_invalid")
    return dialing.check(session, config, number=raw, purpose=DialPurpose.OFFICE, agent=None)


def of(session: Session, kind: str, property: Property | None) -> Desk | None:
    """A property's own desk, or without a property the one for all. Raises Invalid."""
    if kind not in KINDS:
        raise Invalid(
            f"{kind[:40]!a} is not a kind of desk: use {', '.join(KINDS)}.", code="desk_kind_unknown", known=list(KINDS)
        )
    mine = Desk.property_id == property.id if property else Desk.property_id.is_(None)
    return session.scalars(select(Desk).where(Desk.kind == kind, mine)).first()


# --- reading desks ---


def known(
    office: Snapshot, property: KnownProperty | None, schedule: Schedule, now: datetime
) -> dict[DeskKind, DeskRoute]:
    """The desks of a property at this moment, falling back on those for all; without a property, kinds that only some
    properties have are marked `by_property`.

    `schedule` is the property's, else the office's. The agents are added by `staffed`.
    """
    found = {
        DeskKind(desk.kind): _desk(desk, schedule, now) for desk in office.desks(property.id if property else None)
    }
    if property is None:
        for kind in office.desks_by_property:
            found[DeskKind(kind)] = replace(found.get(DeskKind(kind), DeskRoute()), by_property=True)
    return found


def _desk(desk: KnownDesk, schedule: Schedule, now: datetime) -> DeskRoute:
    own = schedule.with_week(tuple(Opening.parse(*opening) for opening in fields.openings(desk.hours)))
    is_open = not desk.hours or own.is_open(now)
    if desk.target.startswith("+"):
        return DeskRoute(number=desk.target, confirm=desk.confirm, is_open=is_open)
    at_any_hour = bool(desk.hours) or desk.kind == DeskKind.MAINTENANCE
    return DeskRoute(is_open=is_open, at_any_hour=at_any_hour, mailbox=desk.target)


def staffed(session: Session, office: Snapshot, desk: DeskRoute, due: datetime, *, has: int | None = None) -> DeskRoute:
    """Adds a desk's agents, how they ring, and the owner of a task due at `due`, on the office's clock. `has` as in
    `least_busy`."""
    what, _, slug = desk.mailbox.partition(":")
    if what == BoxKind.AGENT:
        return replace(desk, agents=(slug,), owner=slug)
    team = office.teams.get(slug) if what == BoxKind.SUBTEAM else None
    if team is None:
        return desk
    first = least_busy(session, team.members, due, has=has)
    theirs = box(BoxKind.SUBTEAM, slug) if team.members else ""
    return replace(
        desk,
        agents=tuple(one.slug for one in team.members),
        strategy=Strategy(team.strategy),
        owner=first.slug if first else theirs,
    )


def least_busy(
    session: Session, among: Iterable[KnownAgent], due: datetime | None = None, *, has: int | None = None
) -> KnownAgent | None:
    """Like `crm.store.queries.agents.least_busy`, among agents from the snapshot. `has` is the id of the agent who has
    the task that is dealt again: it does not count for them."""
    found = {one.id: one for one in among if one.on_duty and (due is None or one.works(due))}
    if len(found) < 2:
        return next(iter(found.values()), None)
    work = agents.workloads(session, found.keys())
    if known := [found[id] for id in work if id in found]:
        return min(known, key=lambda one: (*_busy(work[one.id], one.id == has), one.slug))
    return min(found.values(), key=lambda one: one.slug)


def _busy(work: Workload, has_it: bool) -> tuple[int, datetime]:
    return work.open_tasks - has_it, work.last_talk_ended_at or _NEVER


def deal(
    session: Session, office: Snapshot, property: KnownProperty | None, due: datetime, *, has: int | None = None
) -> KnownAgent | KnownTeam | None:
    """Like `crm.services.office.owners.owner` for somebody without an agent of their own; None when there are no
    agents. `has` as in `least_busy`."""
    team = property.subteam if property else None
    if team and team.members:
        return least_busy(session, team.members, due, has=has) or team
    everybody = office.agents.values()
    found = least_busy(session, everybody, due, has=has) or least_busy(session, everybody, has=has)
    return found or office.admin()


def owner(
    session: Session, kind: str, property: HasTeam | None, due: datetime, *, has: int | None = None
) -> Agent | Subteam:
    """The owner of a task from a call for this desk, due at `due` on the office's clock: the desk's agent, else one of
    its subteam, or all of it when nobody is on duty then; else the same as for any call about the property. `has` as
    in `least_busy`."""
    office = snapshot.now(session)
    target = next((desk.target for desk in office.desks(property.id if property else None) if desk.kind == kind), "")
    found = staffed(session, office, DeskRoute(mailbox=target), due, has=has)
    what, _, slug = found.owner.rpartition(":")
    if what:
        return session.scalars(select(Subteam).where(Subteam.slug == slug)).one()
    agent = agents.by_slug(session, found.owner) if found.owner else None
    return agent or owners.owner(session, None, property, due)
