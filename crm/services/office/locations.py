"""Locations: where phones stand, as the emergency service has to hear of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.edge import numbers
from crm.services.audit import By, changing, note
from crm.store.models import Device, Location
from crm.store.session import Store


@dataclass(frozen=True)
class LocationEntry:
    """A location and the phones that stand there."""

    location: Location
    devices: tuple[str, ...]
    """Slugs."""


async def find_all(store: Store) -> list[LocationEntry]:
    async with store.read() as session:
        found = (await session.scalars(select(Location).order_by(Location.slug))).all()
        return [LocationEntry(one, await _devices(session, one)) for one in found]


async def add(store: Store, config: Config, by: By, slug: str, *, address: str, callback_number: str) -> Location:
    async with changing(store) as session:
        if await session.scalar(select(Location).where(Location.slug == fields.slug(slug))):
            raise Conflict(f"There is a location {slug} already: change it with `leaseline location set {slug}`.")
        made = Location(slug=slug, address=_address(address), callback_number=_callback(config, callback_number))
        session.add(made)
        note(session, by, f"location {slug} added")
    return made


async def change(
    store: Store, config: Config, by: By, slug: str, *, address: str | None = None, callback_number: str | None = None
) -> None:
    """Changes what is given; None leaves a field as it is."""
    async with changing(store) as session:
        location = await named(session, slug)
        if address is not None:
            location.address = _address(address)
        if callback_number is not None:
            location.callback_number = _callback(config, callback_number)
        note(session, by, f"location {slug} changed")


async def remove(store: Store, by: By, slug: str) -> None:
    """Removes a location where no phone stands any more."""
    async with changing(store) as session:
        location = await named(session, slug)
        if devices := await _devices(session, location):
            raise Conflict(
                f"{', '.join(devices)} stand at {slug}: give them another location with `leaseline device set`."
            )
        await session.delete(location)
        note(session, by, f"location {slug} removed")


async def named(session: AsyncSession, slug: str) -> Location:
    found = await session.scalar(select(Location).where(Location.slug == fields.slug(slug)))
    if found is None:
        raise NotFound(f"There is no location {slug}: `leaseline location list` shows those there are.")
    return found


async def _devices(session: AsyncSession, location: Location) -> tuple[str, ...]:
    found = select(Device.slug).where(Device.location_id == location.id).order_by(Device.slug)
    return tuple((await session.scalars(found)).all())


def _address(raw: str) -> str:
    return fields.text(raw, "address", 300, required=True)


def _callback(config: Config, raw: str) -> str:
    number = numbers.parse(raw, config.region)
    if number is None:
        raise Invalid(
            "The callback number is no telephone number: write the one that the carrier has registered for this "
            "address, such as (512) 555-0100."
        )
    return number
