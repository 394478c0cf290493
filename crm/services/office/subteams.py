"""Subteams: agents who lease the same properties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session, selectinload

from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.mailboxes import BoxKind, box
from crm.domain.ringing import Strategy
from crm.services import audit
from crm.services.audit import By
from crm.services.office import agents, owners, retiring
from crm.store.models import Property, Subteam, SubteamSister, Task, Voicemail
from crm.store.queries import contacts, names

STRATEGIES = tuple(strategy.value for strategy in Strategy)


@dataclass(frozen=True)
class SubteamRecord:
    """A subteam with its members, and the slugs of the properties it leases."""

    subteam: Subteam
    properties: tuple[str, ...]


def find_all(session: Session) -> list[SubteamRecord]:
    found = session.scalars(_whole.order_by(Subteam.slug)).all()
    leased: dict[int | None, list[str]] = {}
    for team_id, slug in session.execute(select(Property.subteam_id, Property.slug).order_by(Property.slug)):
        leased.setdefault(team_id, []).append(slug)
    return [SubteamRecord(one, tuple(leased.get(one.id, ()))) for one in found]


def add(session: Session, by: By, slug: str, *, name: str | None = None, strategy: str = "ring_all") -> None:
    _check_free(session, slug)
    session.add(
        Subteam(
            slug=slug,
            name=fields.text(slug if name is None else name, "name", 200, required=True),
            strategy=_strategy(strategy),
        )
    )
    audit.record(session, by, f"subteam {slug} added")


def change(
    session: Session,
    by: By,
    slug: str,
    *,
    name: str | None = None,
    strategy: str | None = None,
    sisters: Sequence[str] | None = None,
) -> Subteam:
    """Changes what is given, and returns the subteam; None leaves a field as it is."""
    subteam = named(session, slug)
    if name is not None:
        subteam.name = fields.text(name, "name", 200, required=True)
    if strategy is not None:
        subteam.strategy = _strategy(strategy)
    if sisters is not None:
        put_sisters(session, subteam, [named(session, sister) for sister in dict.fromkeys(sisters)])
    audit.record(session, by, f"subteam {slug} changed")
    return subteam


def retire(session: Session, by: By, slug: str) -> None:
    """Takes a subteam out of use; its voicemail passes on to the office, and tasks that nobody has taken to the admin.
    Raises Conflict while it leases properties or has desks; NotFound."""
    subteam = replaceable(session, slug)
    slug = subteam.slug
    _pass_on(session, (Task.subteam_id == subteam.id) & Task.done_at.is_(None))
    retiring.pass_on(session, box(BoxKind.SUBTEAM, slug))
    retiring.retire(session, by, subteam, f"subteam {slug}")


def restore(session: Session, by: By, slug: str) -> Subteam:
    """Takes the subteam back that was retired last under this name, with its members who are still here. Raises
    Conflict if the name is in use; NotFound."""
    _check_free(session, slug)
    subteam: Subteam = retiring.latest(session, Subteam.slug, fields.slug(slug))
    subteam.retired_at = None
    audit.record(session, by, f"subteam {slug} restored")
    return subteam


def remove(session: Session, by: By, slug: str) -> None:
    """Deletes a subteam of which nothing is on record, such as one added by mistake. Raises Conflict, NotFound."""
    subteam = replaceable(session, slug)
    slug = subteam.slug
    retiring.check_unused(session, subteam, f"subteam {slug}", besides=("subteam_member", "subteam_sister"))
    if session.scalar(select(Voicemail.call_id).where(Voicemail.mailbox == box(BoxKind.SUBTEAM, slug)).limit(1)):
        raise retiring.in_use(f"subteam {slug}")
    session.delete(subteam)
    audit.record(session, by, f"subteam {slug} deleted")


def replaceable(session: Session, slug: str) -> Subteam:
    """The subteam. Raises Conflict while it leases properties or has desks; NotFound."""
    subteam = named(session, slug)
    slug = subteam.slug
    if leased := _leased(session, subteam):
        raise Conflict(
            f"Subteam {slug} leases {', '.join(leased)}.",
            code="subteam_has_properties",
            subteam=slug,
            properties=list(leased),
        )
    if desks := contacts.served_by(session, box(BoxKind.SUBTEAM, slug)):
        raise Conflict(
            f"Calls for {', '.join(desks)} go to subteam {slug}.",
            code="subteam_has_desks",
            subteam=slug,
            desks=list(desks),
        )
    return subteam


def add_members(session: Session, by: By, slug: str, members: Sequence[str]) -> None:
    """Adds agents, given by slug; those already in the subteam stay."""
    subteam = named(session, slug)
    for member in members:
        agent = agents.named(session, member)
        if agent not in subteam.members:
            subteam.members.append(agent)
    audit.record(session, by, f"subteam {slug}: {', '.join(members)} added")


def remove_members(session: Session, by: By, slug: str, members: Sequence[str]) -> None:
    subteam = named(session, slug)
    for member in members:
        agent = agents.named(session, member)
        if agent not in subteam.members:
            raise NotFound(
                f"Agent {member} is not in subteam {slug}.", code="subteam_member_unknown", agent=member, subteam=slug
            )
        subteam.members.remove(agent)
    if not subteam.members:
        _pass_on(session, (Task.subteam_id == subteam.id) & Task.done_at.is_(None))
    audit.record(session, by, f"subteam {slug}: {', '.join(members)} removed")


def _pass_on(session: Session, tasks: ColumnElement[bool]) -> None:
    """Gives tasks to the admin which nobody of the subteam has taken, because nobody is left who could."""
    if session.scalar(select(Task.id).where(tasks).limit(1)):
        session.execute(update(Task).where(tasks).values(owner_id=owners.admin(session).id, subteam_id=None))


def named(session: Session, slug: str) -> Subteam:
    """The subteam with its members and sisters. Raises Invalid, NotFound."""
    found = session.scalar(_whole.where(Subteam.slug == fields.slug(slug)))
    found = found or names.renamed(session, Subteam, slug)
    if found is None:
        raise NotFound(f"There is no subteam {slug}.", code="subteam_unknown", subteam=slug)
    return found


def _check_free(session: Session, slug: str) -> None:
    if session.scalar(select(Subteam.id).where(Subteam.slug == fields.slug(slug))):
        raise Conflict(f"Subteam {slug} already exists.", code="subteam_exists", subteam=slug)


def put_sisters(session: Session, subteam: Subteam, sisters: Sequence[Subteam]) -> None:
    """Replaces the subteams that help this one out, in order of preference. Raises Invalid."""
    if subteam in sisters:
        raise Invalid(f"Subteam {subteam.slug} cannot be its own sister.", code="sister_is_self", subteam=subteam.slug)
    session.flush()
    helping = select(SubteamSister.sister_id).where(SubteamSister.subteam_id == subteam.id)
    if session.scalars(helping.order_by(SubteamSister.position)).all() == [sister.id for sister in sisters]:
        return
    session.execute(delete(SubteamSister).where(SubteamSister.subteam_id == subteam.id))
    session.add_all(
        SubteamSister(subteam_id=subteam.id, sister_id=sister.id, position=position)
        for position, sister in enumerate(sisters)
    )
    session.flush()


_whole = select(Subteam).options(selectinload(Subteam.members), selectinload(Subteam.sisters))


def _leased(session: Session, subteam: Subteam) -> tuple[str, ...]:
    slugs = select(Property.slug).where(Property.subteam_id == subteam.id).order_by(Property.slug)
    return tuple(session.scalars(slugs))


def _strategy(raw: str) -> str:
    if raw not in STRATEGIES:
        raise Invalid(
            f"{raw!r} is not a way to ring a subteam: use {' or '.join(STRATEGIES)}.",
            code="strategy_unknown",
            known=list(STRATEGIES),
        )
    return raw
