"""Retiring a property: what ends with it, who is told, and what is left to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.mailboxes import OFFICE, BoxKind, box
from crm.domain.tasks import TaskKind
from crm.domain.tours import TourState
from crm.secrets import Secrets
from crm.services import audit, follow_ups
from crm.services.audit import By
from crm.services.listings import profiles
from crm.services.office import owners, properties, retiring
from crm.services.tours import booking, times
from crm.store.models import Lead, Listing, Property, PropertyProfile, Task, Tour, TourSlot, Voicemail
from crm.store.queries import listings as listing_queries
from crm.store.queries import office


@dataclass(frozen=True)
class WoundUp:
    """What ends with a property."""

    listings: int
    """That are public now."""
    tours: int
    """Booked and still to come."""
    voicemails: int
    passes_to: str
    """The mailbox that they go to."""


def ends(session: Session, by: By, slug: str) -> WoundUp:
    """What `retire` would end. Raises Conflict while lines are for the property; NotFound."""
    found = properties.named(session, slug)
    slug = found.slug
    properties.check_without_lines(session, found)
    homes = listing_queries.public_homes(by.now).where(Listing.property_id == found.id)
    voicemails = select(func.count()).select_from(Voicemail)
    mine = voicemails.where(Voicemail.mailbox == box(BoxKind.PROPERTY, slug), Voicemail.deleted_at.is_(None))
    return WoundUp(
        len(session.scalars(homes).all()),
        len(_tours_to_come(session, by, found)),
        session.scalar(mine) or 0,
        box(BoxKind.SUBTEAM, found.subteam.slug) if found.subteam else OFFICE,
    )


def retire(session: Session, config: Config, secrets: Secrets, by: By, slug: str) -> WoundUp:
    """Takes a property and its homes out of use: they leave the site, tours to come are canceled, and planned
    follow-ups end. Whoever had a tour is told, and the owner of their lead has a task to offer them another home.

    Its open tasks stay. Raises Conflict while lines are for it; NotFound.
    """
    found = properties.named(session, slug)
    slug = found.slug
    ended = ends(session, by, slug)
    profile = session.get(PropertyProfile, found.id)
    if profile is not None and profile.published is not None:
        profiles.unpublish(session, by, slug)
    for tour in _tours_to_come(session, by, found):
        booking.cancel(session, config, secrets, by, tour.id)
        _leave_task(session, config, by, tour, found)
    follow_ups.end_all_about(session, by, found)
    retiring.pass_on(session, box(BoxKind.PROPERTY, slug), ended.passes_to)
    retiring.retire(session, by, found, f"property {slug}")
    return ended


@dataclass(frozen=True)
class Restored:
    """A property that is back, off the site."""

    without: tuple[str, ...]
    """What it had and is retired by now, in words."""


def restore(session: Session, by: By, slug: str) -> Restored:
    """Takes the property back that was retired last under this name, with its homes, hours and texts. Raises Conflict
    if the name is in use; NotFound."""
    properties.check_free(session, slug)
    found: Property = retiring.latest(session, Property.slug, slug)
    without = []
    if found.subteam and found.subteam.retired_at:
        without.append(f"subteam {found.subteam.slug}")
        found.subteam = None
    if found.portfolio and found.portfolio.retired_at:
        without.append(f"portfolio {found.portfolio.slug}")
        found.portfolio = None
    found.retired_at = None
    audit.record(session, by, f"property {slug} restored")
    return Restored(tuple(without))


def _tours_to_come(session: Session, by: By, found: Property) -> Sequence[Tour]:
    booked = select(Tour).join(TourSlot, TourSlot.id == Tour.slot_id).order_by(TourSlot.starts_at, Tour.id)
    booked = booked.where(Tour.state == TourState.BOOKED, TourSlot.property_id == found.id)
    return session.scalars(booked.where(TourSlot.starts_at > by.now)).all()


def _leave_task(session: Session, config: Config, by: By, tour: Tour, found: Property) -> None:
    key = f"tour:{tour.id}:property_retired"
    if session.scalar(select(exists().where(Task.key == key))):
        return
    lead = session.get_one(Lead, tour.lead_id)
    due_at = office.schedule(session, config.tz, found).due_time(by.now, config.tasks.due_minutes)
    when = booking.in_words(tour.slot.starts_at, times.zone(config, found), "en")
    session.add(
        Task(
            key=key,
            kind=TaskKind.TO_DO,
            held_by=owners.owner(session, lead, found, due_at.astimezone(config.tz)),
            lead_id=lead.id,
            property_id=found.id,
            why=f"Their tour of {found.name} on {when} was canceled, because it is not leased any more: "
            "offer them another home.",
            due_at=due_at,
            created_at=by.now,
            result="",
        )
    )
