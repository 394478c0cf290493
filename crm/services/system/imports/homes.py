"""Rows of lists about what is to let: units with their listings, and the details of properties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain import listings
from crm.domain.errors import Conflict, Invalid
from crm.domain.imports import ListKind, Row
from crm.domain.listings import Home, Picture
from crm.services.listings import homes, profiles
from crm.services.listings.versions import HOMES, PROPERTIES, Versions
from crm.services.system.imports.writing import Writing
from crm.store.models import (
    Listing,
    PictureFile,
    Property,
    PropertyProfile,
    Unit,
)
from crm.store.queries import names
from crm.store.queries.office import zone


class Homes:
    """Writes units and their listings, and what is offered with their properties."""

    def __init__(self, writing: Writing, rows: Sequence[Row]) -> None:
        self._writing = writing
        self._rows = rows
        self._homes: dict[int, _HomesThere] = {}
        self._new_homes: list[tuple[Unit, Home, Row]] = []
        self._written_homes: list[tuple[Listing, Versions[Listing, Home], Row]] = []
        self._hashes: set[str] | None = None

    def offer(self, session: Session, rows: Sequence[Row]) -> None:
        """Writes the details of the properties in the list, and publishes them as it says."""
        session.flush()
        ids = [property.id for row in rows if (property := self._writing.of_row(session, Property, row))]
        there = select(PropertyProfile).where(PropertyProfile.property_id.in_(ids))
        by_property = {one.property_id: one for one in session.scalars(there)}
        versions = Versions(session, self._writing.by, PROPERTIES, by_property.values())
        for row in rows:
            cells = {column: text for column, text in row.values.items() if column in listings.PROPERTY_COLUMNS}
            wish = row.values.get("published")
            property = self._writing.of_row(session, Property, row)
            profile = by_property.get(property.id)
            if profile is None:
                if not any(cells.values()) and not row.values.get("pictures") and wish != "yes":
                    continue
                profile = PropertyProfile(property_id=property.id, latest=0, published=None)
            try:
                content = listings.read_property(cells, versions.latest(profile) if profile.latest else None)
                if "pictures" in row.values:
                    content = replace(content, pictures=self._pictures(session, row))
                before = profile.latest, profile.published
                profiles.put(session, versions, profile, content)
                if wish == "yes":
                    profiles.publish_it(versions, profile, property.slug, despite=self._writing.despite)
                elif wish == "no" and profile.published is not None:
                    versions.unpublish(profile)
                if (profile.latest, profile.published) != before:
                    self._writing.count_change(row)
            except (Conflict, Invalid) as error:
                self._writing.tell(row, "published" if wish else "slug", str(error))

    def unit(self, session: Session, row: Row) -> bool:
        property = self._writing.named(session, row, "property")
        if property is None:
            self._read(row, None)
            return False
        there = self._homes_of(session, property)
        name = row.values["name"]
        unit = there.units.get(name) or self._renamed(there, row)
        listing = there.listings.get(unit.id) if unit else None
        home = self._read(row, there.versions.latest(listing) if listing else None)
        if home is None:
            return False
        if "pictures" in row.values:
            home = replace(home, pictures=self._pictures(session, row))
        if unit is None:
            unit = there.units[name] = Unit(property_id=property.id, name=name)
            session.add(unit)
        homes.describe(unit, home)
        if listing is None:
            self._new_homes.append((unit, home, row))
        else:
            self._writing.compare(session, row, unit)
            if there.versions.append(listing, home).is_new:
                self._writing.count_change(row)
            self._written_homes.append((listing, there.versions, row))
        return listing is None

    def _read(self, row: Row, before: Home | None) -> Home | None:
        """The home that a row describes; None, with a problem, if its cells do not make one."""
        cells = {column: text for column, text in row.values.items() if column in listings.HOME_COLUMNS}
        try:
            return listings.read_home(cells, before)
        except Invalid as error:
            self._writing.tell(row, "name", str(error))
            return None

    def start(self, session: Session) -> None:
        """Creates the listings of homes that are new, all at once, since each step needs the ids from the one
        before."""
        session.flush()
        started = [(homes.started(unit, home, self._writing.by), home, row) for unit, home, row in self._new_homes]
        session.add_all(listing for listing, _, _ in started)
        session.flush()
        versions = Versions(session, self._writing.by, HOMES, ())
        for listing, home, row in started:
            versions.begin(listing, home)
            self._written_homes.append((listing, versions, row))

    def publish(self, session: Session) -> None:
        """Publishes or unpublishes homes, where the list says so."""
        public = set(session.scalars(select(PropertyProfile.property_id).where(PropertyProfile.published.is_not(None))))
        zones = {
            property.id: zone(self._writing.config.tz, property)
            for property in self._writing.all(session, Property).values()
        }
        for listing, versions, row in self._written_homes:
            wish, last_day = row.values.get("published"), row.values.get("last_day")
            before = listing.published, listing.expires_at
            try:
                if wish == "yes":
                    if listing.property_id not in public:
                        raise homes.property_unpublished(row.values["property"])
                    until = homes.day_ends(last_day, zones[listing.property_id]) if last_day else None
                    versions.publish(listing, despite=self._writing.despite, until=until)
                elif wish == "no" and listing.published is not None:
                    versions.unpublish(listing)
            except (Conflict, Invalid) as error:
                # Read whole, the property might be public with the list.
                if not self._writing.is_wrong(ListKind.PROPERTIES, row.values["property"]):
                    self._writing.tell(row, "published", str(error))
            if (listing.published, listing.expires_at) != before:
                self._writing.count_change(row)

    def _homes_of(self, session: Session, property: Property) -> _HomesThere:
        """Those of a property's homes that the rows name, read once: nobody else writes while a list is being
        written."""
        if property.id not in self._homes:
            named = {
                row.values["name"]
                for row in self._rows
                if self._writing.find(session, Property, row.values["property"]) is property
            }
            found = select(Unit).where(Unit.property_id == property.id, Unit.name.in_(named))
            units = {unit.name: unit for unit in session.scalars(found)}
            renamed = names.renamed_all(session, Unit, property_id=property.id)
            ids = {unit.id for unit in units.values()} | {renamed[name].id for name in named & renamed.keys()}
            offers = session.scalars(select(Listing).where(Listing.unit_id.in_(ids))).all()
            self._homes[property.id] = _HomesThere(
                units,
                renamed,
                {listing.unit_id: listing for listing in offers},
                Versions(session, self._writing.by, HOMES, offers),
            )
        return self._homes[property.id]

    def _renamed(self, there: _HomesThere, row: Row) -> Unit | None:
        """The home that had the row's name before, unless the list has it under its present one."""
        unit = there.renamed.get(row.values["name"])
        if unit and self._writing.has_row(property=row.values["property"], name=unit.name):
            return None
        return unit

    def _pictures(self, session: Session, row: Row) -> tuple[Picture, ...]:
        """The pictures of a row. A picture whose file is missing is a problem."""
        if self._hashes is None:
            self._hashes = {*session.scalars(select(PictureFile.hash)), *self._writing.hashes}
        wanted: tuple[Picture, ...] = row.values["pictures"]
        for picture in wanted:
            if picture.hash not in self._hashes:
                self._writing.tell(row, "pictures", f"picture {picture.hash[:12]}... is not in this home.")
        return wanted


@dataclass(frozen=True)
class _HomesThere:
    """The homes of one property."""

    units: dict[str, Unit]
    """By name."""
    renamed: dict[str, Unit]
    """By names that they had before."""
    listings: dict[int, Listing]
    """By unit id."""
    versions: Versions[Listing, Home]
