"""Locations: where phones are, which emergency services have to know."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.edge import numbers
from crm.services import audit
from crm.services.audit import By
from crm.services.office import numbering, retiring
from crm.store.models import Device, Location
from crm.store.queries import names


@dataclass(frozen=True)
class LocationRecord:
    """A location, and the phones that are there."""

    location: Location
    devices: tuple[str, ...]
    """Slugs."""


def find_all(session: Session) -> list[LocationRecord]:
    found = session.scalars(select(Location).order_by(Location.slug)).all()
    return [LocationRecord(one, _devices(session, one)) for one in found]


def add(session: Session, config: Config, by: By, slug: str, *, address: str, callback_number: str) -> Location:
    _check_free(session, slug)
    made = Location(slug=slug, address=_address(address), callback_number=_callback(config, callback_number))
    session.add(made)
    audit.record(session, by, f"location {slug} added")
    return made


def change(
    session: Session,
    config: Config,
    by: By,
    slug: str,
    *,
    address: str | None = None,
    callback_number: str | None = None,
) -> None:
    """Changes what is given; None leaves a field as it is."""
    location = named(session, slug)
    if address is not None:
        location.address = _address(address)
    if callback_number is not None:
        location.callback_number = _callback(config, callback_number)
    audit.record(session, by, f"location {slug} changed")


def retire(session: Session, by: By, slug: str) -> None:
    """Takes a location out of use. Raises Conflict while phones are there, NotFound."""
    location = empty(session, slug)
    retiring.retire(session, by, location, f"location {slug}")


def restore(session: Session, by: By, slug: str) -> Location:
    """Takes the location back that was retired last under this name. Raises Conflict if the name is in use;
    NotFound."""
    _check_free(session, slug)
    location: Location = retiring.latest(session, Location.slug, fields.slug(slug))
    location.retired_at = None
    audit.record(session, by, f"location {slug} restored")
    return location


def remove(session: Session, by: By, slug: str) -> None:
    """Deletes a location where no phone has been, such as one added by mistake. Raises Conflict, NotFound."""
    location = empty(session, slug)
    retiring.check_unused(session, location, f"location {slug}")
    session.delete(location)
    audit.record(session, by, f"location {slug} deleted")


def empty(session: Session, slug: str) -> Location:
    """The location. Raises Conflict while phones are there; NotFound."""
    location = named(session, slug)
    if devices := _devices(session, location):
        raise Conflict(
            f"{', '.join(devices)} {'is' if len(devices) == 1 else 'are'} at {slug}.",
            code="location_in_use",
            location=slug,
            devices=list(devices),
        )
    return location


def _check_free(session: Session, slug: str) -> None:
    if session.scalar(select(Location.id).where(Location.slug == fields.slug(slug))):
        raise Conflict(f"Location {slug} already exists.", code="location_exists", location=slug)


def named(session: Session, slug: str) -> Location:
    found = session.scalar(select(Location).where(Location.slug == fields.slug(slug)))
    found = found or names.renamed(session, Location, slug)
    if found is None:
        raise NotFound(f"There is no location {slug}.", code="location_unknown", location=slug)
    return found


def _devices(session: Session, location: Location) -> tuple[str, ...]:
    found = select(Device.slug).where(Device.location_id == location.id).order_by(Device.slug)
    return tuple(session.scalars(found).all())


def _address(raw: str) -> str:
    return fields.text(raw, "address", 300, required=True)


def _callback(config: Config, raw: str) -> str:
    number = numbers.typed(raw, config.region, config.area_code)
    if number is None:
        numbering.check_area_code(raw, config.region, config.area_code)
        raise Invalid(
            "The callback number is not a phone number: write the one that the carrier has registered for this "
            "address, such as (512) 555-0100.",
            code="callback_number_invalid",
        )
    return number
