"""Listings: homes offered for rent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields, listings
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.listings import Home
from crm.edge.pictures import StoredPicture
from crm.services import audit
from crm.services.audit import By
from crm.services.listings import pictures
from crm.services.listings.versions import HOMES, Versions, Written
from crm.services.office import properties, retiring
from crm.store.models import FormerName, Listing, Property, PropertyProfile, Unit
from crm.store.queries import office as queries


def add(session: Session, by: By, property_slug: str, unit_name: str, cells: Mapping[str, str]) -> Listing:
    """Adds a listing, which is not public yet. `cells` are texts by column (listings.HOME_COLUMNS). Raises Invalid,
    NotFound, Conflict."""
    property = properties.named(session, property_slug)
    name = fields.text(unit_name, "unit", 40, required=True)
    home = listings.read_home(cells)
    unit = session.scalar(select(Unit).where(Unit.property_id == property.id, Unit.name == name))
    if unit is None:
        unit = Unit(property_id=property.id, name=name)
        session.add(unit)
    else:
        known = session.scalar(select(Listing.id).where(Listing.unit_id == unit.id))
        if known is not None:
            raise Conflict(
                f"Unit {name} of {property.slug} is listing {known} already.", code="listing_exists", listing=known
            )
    describe(unit, home)
    session.flush()
    listing = started(unit, home, by)
    session.add(listing)
    session.flush()
    Versions(session, by, HOMES, ()).begin(listing, home)
    audit.record(session, by, f"listing {listing.id} added: {property.slug} {name}")
    return listing


def started(unit: Unit, home: Home, by: By) -> Listing:
    """A new listing, still without its first version."""
    return Listing(
        unit_id=unit.id,
        property_id=unit.property_id,
        latest=1,
        published=None,
        rent=home.rent,
        bedrooms=home.bedrooms,
        created_at=by.now,
    )


def describe(unit: Unit, home: Home) -> None:
    """Copies to the unit what is true of it whether or not it is offered."""
    unit.bedrooms, unit.bathrooms, unit.square_feet = home.bedrooms, home.bathrooms, home.square_feet


def change(session: Session, by: By, listing_id: int, cells: Mapping[str, str]) -> Written:
    """Changes what is given, as the next version; an empty text removes what was there. Raises Invalid, NotFound."""
    listing, versions = _found(session, by, listing_id)
    home = listings.read_home(cells, versions.latest(listing))
    written = versions.append(listing, home)
    describe(session.get_one(Unit, listing.unit_id), home)
    if written.is_new:
        audit.record(session, by, f"listing {listing_id} changed: version {written.version}")
    return written


def publish(
    session: Session,
    config: Config,
    by: By,
    listing_ids: Sequence[int],
    *,
    until: date | None = None,
    despite: str = "",
) -> int:
    """Publishes the latest version of each listing, through the day `until`, and returns how many changed. All or none.

    Raises Conflict for words that somebody has to decide about, unless `despite` gives the reason to keep them, and for
    a property that is not public; Invalid, NotFound.
    """
    changed = 0
    for listing_id in listing_ids:
        listing, versions = _found(session, by, listing_id)
        check_property(session, listing)
        ends = end_of(session, config, listing, until) if until else None
        if versions.publish(listing, despite=despite, until=ends):
            changed += 1
            told = f", despite its words: {despite}" if despite else ""
            audit.record(session, by, f"listing {listing_id} published: version {listing.published}{told}")
    return changed


def check_property(session: Session, listing: Listing) -> None:
    """Raises Conflict if the property is not public: a listing is shown with its address and terms."""
    profile = session.get(PropertyProfile, listing.property_id)
    if profile is None or profile.published is None:
        raise property_unpublished(session.get_one(Property, listing.property_id).slug)


def property_unpublished(slug: str) -> Conflict:
    return Conflict(
        f"Property {slug} is not published, and its listings need it.", code="property_unpublished", property=slug
    )


def unpublish(session: Session, by: By, listing_ids: Sequence[int]) -> int:
    """Unpublishes each listing, and returns how many were public. Raises NotFound."""
    changed = 0
    for listing_id in listing_ids:
        listing, versions = _found(session, by, listing_id)
        if versions.unpublish(listing):
            changed += 1
            audit.record(session, by, f"listing {listing_id} unpublished")
    return changed


def retire(session: Session, by: By, listing_id: int) -> Unit:
    """Takes a home out of use, off the site: interests and applications go on naming it, and its name can be another
    home's. Raises NotFound."""
    listing, versions = _found(session, by, listing_id)
    versions.unpublish(listing)
    unit = listing.unit
    retiring.retire(session, by, unit, f"listing {listing_id}, unit {unit.name} of {listing.property.slug},")
    return unit


def restore(session: Session, by: By, listing_id: int) -> Unit:
    """Takes a retired home back, not published. Raises Conflict if the property has another of the same name, or is
    retired itself; NotFound."""
    listing = session.get(Listing, listing_id)
    if listing is None or listing.unit.retired_at is None:
        raise NotFound(f"No retired listing has the number {listing_id}.", code="retired_unknown", name=listing_id)
    unit, property = listing.unit, listing.property
    if property.retired_at is not None:
        raise Conflict(f"Property {property.slug} is retired.", code="property_retired", property=property.slug)
    check_free(session, property, unit.name)
    unit.retired_at = None
    audit.record(session, by, f"listing {listing_id}, unit {unit.name} of {property.slug}, restored")
    return unit


def remove(session: Session, by: By, listing_id: int) -> Unit:
    """Deletes a home that has never been public and that nobody asked about, such as a mistake. Raises Conflict,
    NotFound."""
    listing, _ = _found(session, by, listing_id)
    unit = listing.unit
    named = f"listing {listing_id}, unit {unit.name} of {listing.property.slug},"
    retiring.check_unused(session, unit, named.rstrip(","), besides=("listing",))
    retiring.check_unused(session, listing, named.rstrip(","), besides=("content_version",))
    session.delete(listing)
    session.flush()
    session.delete(unit)
    audit.record(session, by, f"{named} deleted")
    return unit


def rename(session: Session, by: By, listing_id: int, new: str) -> str:
    """Gives a home another name, and returns the one it had, which goes on meaning it until another home of the
    property gets it. Raises Conflict, Invalid, NotFound."""
    listing, _ = _found(session, by, listing_id)
    unit, property = listing.unit, listing.property
    old, new = unit.name, fields.text(new, "unit", 40, required=True)
    if new == old:
        raise Invalid(f"Unit {old} has that name already.", code="unit_name_unchanged", unit=old)
    check_free(session, property, new)
    unit.name = new
    session.add(FormerName(kind=Unit.__tablename__, name=old, row_id=unit.id, until=by.now))
    audit.record(session, by, f"listing {listing_id}, unit {old} of {property.slug}, renamed {new}")
    return old


def check_free(session: Session, property: Property, name: str) -> None:
    """Raises Conflict if the property has a home with this name."""
    taken = select(Unit.id).where(Unit.property_id == property.id, Unit.name == name)
    if session.scalar(taken) is not None:
        raise Conflict(f"{property.slug} has another unit {name}.", code="unit_exists", unit=name)


def expire(session: Session, config: Config, by: By, listing_ids: Sequence[int], on: date | None) -> None:
    """Sets the last day on which each listing is public; None: there is none. Raises Conflict for a listing that is not
    public; Invalid, NotFound."""
    for listing_id in listing_ids:
        listing, versions = _found(session, by, listing_id)
        if not versions.is_public(listing):
            raise Conflict(f"Listing {listing_id} is not published.", code="listing_unpublished", listing=listing_id)
        ends = end_of(session, config, listing, on) if on else None
        if ends and ends <= by.now:
            raise Invalid("That day is over.", code="expiry_over")
        listing.expires_at = ends
        audit.record(session, by, f"listing {listing_id} expires after {on or 'no day'}")


def end_of(session: Session, config: Config, listing: Listing, day: date) -> datetime:
    """When a day ends where the home is."""
    return day_ends(day, queries.zone(config.tz, session.get_one(Property, listing.property_id)))


def day_ends(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone)


def set_pictures(
    session: Session, by: By, listing_id: int, change: pictures.Change, taken: StoredPicture | None = None
) -> Written:
    """Adds, removes, moves or describes pictures, as the next version; `taken` is one that was just taken in. Raises
    Invalid, NotFound."""
    if taken is not None:
        pictures.recorded(session, by, taken)
    listing, versions = _found(session, by, listing_id)
    home = versions.latest(listing)
    written = versions.append(listing, replace(home, pictures=listings.checked_pictures(change(home.pictures))))
    if written.is_new:
        audit.record(session, by, f"pictures of listing {listing_id} changed: version {written.version}")
    return written


def named(session: Session, listing_id: int) -> Listing:
    """Raises NotFound."""
    listing = session.get(Listing, listing_id)
    if listing is None or listing.unit.retired_at is not None or listing.property.retired_at is not None:
        raise NotFound(f"There is no listing {listing_id}.", code="listing_unknown", listing=listing_id)
    return listing


def _found(session: Session, by: By, listing_id: int) -> tuple[Listing, Versions[Listing, Home]]:
    listing = named(session, listing_id)
    return listing, Versions(session, by, HOMES, [listing])
