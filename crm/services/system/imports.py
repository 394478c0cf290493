"""Writes imported lists: all of a file, or nothing.

Existing records are changed in the columns that a list has; what it does not name stays as it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain import fields, imports, listings
from crm.domain.dialing import DialRefused
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.imports import ListKind, Lists, Problem, Row, Wrong
from crm.domain.listings import Home, Picture
from crm.domain.ringing import DeviceKind
from crm.domain.tours import TourKind
from crm.edge import numbers
from crm.edge.pictures import StoredPicture
from crm.secrets import Secrets
from crm.services import audit
from crm.services.audit import By
from crm.services.listings import answers, homes, pictures, profiles
from crm.services.listings.versions import HOMES, PROPERTIES, Versions
from crm.services.office import holidays, hours, subteams
from crm.services.people import contacts
from crm.services.phones import answering, devices, lines
from crm.services.routing import desks
from crm.services.tours import times
from crm.store.models import (
    Agent,
    Device,
    Line,
    Listing,
    PictureFile,
    Portfolio,
    Property,
    PropertyProfile,
    Subteam,
    Unit,
)
from crm.store.queries.office import zone
from crm.store.session import Store
from crm.store.slices import SliceSize

LONGEST_FILE = 100_000_000
"""Bytes."""

SLICE, MOST_SLICE = 50, 100
"""Rows in the first transaction of a long list, and at most in a later one."""
LONG = (ListKind.UNITS, ListKind.CONTACTS)
"""Lists that nothing else in an import depends on, so that they are written last."""

Progress = Callable[[int, int], None]
"""Called with how many rows are done, and how many there are."""


@dataclass(frozen=True)
class Imported:
    """The result for one list."""

    kind: ListKind
    added: int
    changed: int


def read(path: Path, kind: str | None = None) -> Lists:
    """Reads the lists of a CSV or TOML file, or of all such files in a folder. A CSV file's name says its kind, unless
    that is given.

    Raises Invalid, or Wrong with every mistake found.
    """
    if not path.is_dir():
        return _read_file(path, kind)
    whole = Lists()
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in (".csv", ".toml"))
    if not files:
        raise Invalid(
            f"{path} has no CSV or TOML files in it: name another folder.", code="import_folder_empty", path=str(path)
        )
    problems: list[Problem] = []
    for file in files:
        try:
            lists = _read_file(file, kind)
        except Wrong as wrong:
            problems += [Problem(f"{file.name}, {one.where}", one.what) for one in wrong.problems]
        except Invalid as invalid:
            problems.append(Problem(file.name, str(invalid)))
        else:
            try:
                whole.add(file.name, lists)
            except Wrong as wrong:
                problems += wrong.problems
    if problems:
        raise Wrong(tuple(dict.fromkeys(problems)))
    return whole


def _read_file(file: Path, kind: str | None) -> Lists:
    try:
        if file.stat().st_size > LONGEST_FILE:
            raise Invalid(
                f"{file} is larger than {LONGEST_FILE // 1_000_000} MB: split it.",
                code="import_file_too_large",
                path=str(file),
            )
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid(
            f"{file} cannot be read ({error.strerror}): name another file.",
            code="import_file_unreadable",
            path=str(file),
        ) from None
    except UnicodeDecodeError as error:
        raise Invalid(
            f"{file} is not UTF-8 at byte {error.start}: save it as CSV UTF-8.",
            code="import_file_not_utf8",
            path=str(file),
            byte=error.start,
        ) from None
    if file.suffix.lower() == ".toml":
        return imports.read_toml(text)
    named = kind or next((one.value for one in ListKind if one.value == file.stem.lower()), None)
    if named is None:
        raise Invalid(f"{file.name} does not say what it lists.", code="import_kind_missing", path=file.name)
    return imports.read_csv(text, ListKind(named))


def load(
    store: Store,
    config: Config,
    secrets: Secrets,
    by: By,
    lists: Lists,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
    despite: str = "",
) -> list[Imported]:
    """Does `write`, or with `dry_run` `rehearse`, in as many transactions as a long list needs: all of it is rehearsed
    first, slice by slice, and then written. Others can write in between.

    An unforeseeable change, such as a property that somebody removes meanwhile, ends the import halfway with Conflict;
    importing the list again continues from there. Homes of properties that the same import adds cannot be rehearsed.
    """
    long = {kind: rows for kind in LONG if len(rows := lists.rows.get(kind, [])) > SLICE}
    if not long:
        if dry_run:
            return store.run_blocking(rehearse, config, by, lists, progress=progress, despite=despite)
        return store.run_blocking(write, config, secrets, by, lists, progress=progress, despite=despite)
    short = Lists({kind: rows for kind, rows in lists.rows.items() if kind not in long})
    total = sum(len(rows) for rows in lists.rows.values())
    done = _Done(progress, 2 * total)
    problems = _twice(long.get(ListKind.CONTACTS, ()), config)
    new = store.read_blocking(_new_properties, short)
    size = SliceSize(SLICE, MOST_SLICE)
    for part in itertools.chain((short,), _sliced(long, size)):
        known = Lists(
            {kind: [row for row in rows if _property_of(kind, row) not in new] for kind, rows in part.rows.items()}
        )
        try:
            of = short if part is short else known
            written = store.run_blocking(size.timed(rehearse), config, by, of, despite=despite)
        except Wrong as wrong:
            problems += wrong.problems
            written = []
        count = sum(len(rows) for rows in part.rows.values())
        if part is not short:
            size.done(count)
        done.add(written, count)
        for kind, rows in part.rows.items() if part is not short else ():
            done.count(kind, len(rows) - len(known.rows[kind]))
        store.make_room()
        if len(problems) >= imports.MOST_PROBLEMS:
            break
    if problems:
        raise Wrong(list(dict.fromkeys(problems))[: imports.MOST_PROBLEMS])
    if dry_run:
        return done.all(lists)
    done.forget()
    written = store.run_blocking(write, config, secrets, by, short, despite=despite)
    done.add(written, sum(len(rows) for rows in short.rows.values()))
    size = SliceSize(SLICE, MOST_SLICE)
    for part in _sliced(long, size):
        store.make_room()
        try:
            written = store.run_blocking(size.timed(_write), config, by, part, None, despite)
            count = sum(len(rows) for rows in part.rows.values())
            size.done(count)
            done.add(written, count)
        except Wrong as wrong:
            count = sum(one.added + one.changed for one in done.all(lists))
            raise Conflict(
                f"Only {count} of {total} rows were written, because something they name was changed meanwhile: "
                f"{wrong.problems[0]} Import the list again.",
                code="import_cut_short",
                written=count,
                total=total,
            ) from wrong
    store.run_blocking(_record_long, by, done.all(Lists(dict(long))))
    return done.all(lists)


def _record_long(session: Session, by: By, done: Sequence[Imported]) -> None:
    audit.record(session, by, f"imported {', '.join(f'{one.added + one.changed} {one.kind}' for one in done)}")


class _Done:
    """What has been done so far in a long import."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._rows = progress, total, 0
        self._counts: dict[ListKind, tuple[int, int]] = {}

    def add(self, written: Sequence[Imported], rows: int) -> None:
        for one in written:
            self.count(one.kind, one.added, one.changed)
        self._rows += rows
        if self._progress:
            self._progress(self._rows, self._total)

    def count(self, kind: ListKind, added: int, changed: int = 0) -> None:
        before = self._counts.get(kind, (0, 0))
        self._counts[kind] = (before[0] + added, before[1] + changed)

    def forget(self) -> None:
        """Forgets what was only rehearsed."""
        self._counts = {}

    def all(self, lists: Lists) -> list[Imported]:
        return [Imported(kind, *self._counts.get(kind, (0, 0))) for kind in ListKind if lists.rows.get(kind)]


def _sliced(long: Mapping[ListKind, Sequence[Row]], size: SliceSize) -> Iterator[Lists]:
    """The rows in slices, each as large as `size` says when it is asked for."""
    for kind, rows in long.items():
        # Sorted, because a property's records are read once per slice.
        ordered = iter(sorted(rows, key=lambda row: row.values.get("property") or ""))
        while some := list(itertools.islice(ordered, size.rows)):
            yield Lists({kind: some})


def _property_of(kind: ListKind, row: Row) -> str:
    return (row.values.get("property") or "") if kind in LONG else ""


def _new_properties(session: Session, lists: Lists) -> set[str]:
    """Slugs of the properties that the lists add."""
    named = {row.values["slug"] for row in lists.rows.get(ListKind.PROPERTIES, ())}
    return named - set(session.scalars(select(Property.slug))) if named else set()


def _twice(rows: Sequence[Row], config: Config) -> list[Problem]:
    """Numbers of contacts that are repeated in another notation, which reading the list does not notice."""
    locations: dict[str, str] = {}
    problems: list[Problem] = []
    for row in rows:
        number = numbers.parse(row.values["number"], config.region)
        if number in locations:
            problems.append(row.problem("number", f"{number} is already in {locations[number]}."))
        elif number:
            locations[number] = row.locations["number"]
    return problems


def write(
    session: Session,
    config: Config,
    secrets: Secrets,
    by: By,
    lists: Lists,
    *,
    progress: Progress | None = None,
    despite: str = "",
) -> list[Imported]:
    """Writes all lists. Raises Wrong with every mistake found, including words that somebody has to decide about,
    unless `despite` gives the reason to keep them."""
    done = _write(session, config, by, lists, progress, despite)
    told = ", ".join(f"{one.added + one.changed} {one.kind}" for one in done)
    audit.record(session, by, f"imported {told or 'nothing'}")
    for row in lists.rows.get(ListKind.DEVICES, ()):
        # Created before the commit: a password without a device does no harm, a device without a password would.
        secrets.ensure(devices.secret_name(row.values["slug"]))
    return done


def take_over(
    session: Session,
    config: Config,
    secrets: Secrets,
    by: By,
    lists: Lists,
    taken: Sequence[StoredPicture],
    *,
    progress: Progress | None = None,
    despite: str = "",
    dry_run: bool = False,
) -> list[Imported]:
    """Records the pictures that were taken in, and writes the lists that show them; nothing is kept of a dry run.
    Raises Wrong with every mistake found."""
    before = session.begin_nested() if dry_run else None
    try:
        for picture in taken:
            pictures.recorded(session, by, picture)
        session.flush()
        if dry_run:
            return _write(session, config, by, lists, progress, despite)
        return write(session, config, secrets, by, lists, progress=progress, despite=despite)
    finally:
        if before is not None:
            before.rollback()


def rehearse(
    session: Session, config: Config, by: By, lists: Lists, *, progress: Progress | None = None, despite: str = ""
) -> list[Imported]:
    """Does the same as `write`, and keeps nothing of it. Raises Wrong with every mistake found."""
    before = session.begin_nested()
    try:
        return _write(session, config, by, lists, progress, despite)
    finally:
        before.rollback()


def _write(
    session: Session, config: Config, by: By, lists: Lists, progress: Progress | None, despite: str
) -> list[Imported]:
    importer = _Importer(config, by, progress, sum(len(rows) for rows in lists.rows.values()), despite)
    for kind in ListKind:
        if rows := lists.rows.get(kind):
            importer.write(session, kind, rows)
    if importer.problems:
        raise Wrong(importer.problems)
    return importer.done


class _Importer:
    def __init__(self, config: Config, by: By, progress: Progress | None, total: int, despite: str) -> None:
        self._config = config
        self._by = by
        self._progress = progress
        self._total = total
        self._count = 0
        self._known: dict[type, dict[str, Any]] = {}
        self._homes: dict[int, _Homes] = {}
        self._new_homes: list[tuple[Unit, Home, Row]] = []
        self._written_homes: list[tuple[Listing, Versions[Listing, Home], Row]] = []
        self._hashes: set[str] | None = None
        self._listed: contacts.ListedNumbers | None = None
        self._numbers: dict[str, str] = {}
        """Where each contact's number is in the list."""
        self.problems: list[Problem] = []
        self.done: list[Imported] = []
        self._despite = despite

    def write(self, session: Session, kind: ListKind, rows: Sequence[Row]) -> None:
        write_row = {
            ListKind.PORTFOLIOS: self._portfolio,
            ListKind.AGENTS: self._agent,
            ListKind.DEVICES: self._device,
            ListKind.SUBTEAMS: self._subteam,
            ListKind.PROPERTIES: self._property,
            ListKind.UNITS: self._unit,
            ListKind.ANSWERS: self._answer,
            ListKind.LINES: self._line,
            ListKind.SPECIAL_DAYS: self._special_day,
            ListKind.CONTACTS: self._contact,
            ListKind.DESKS: self._desk,
        }.get(kind)
        replace_all = {
            ListKind.HOURS: self._hours,
            ListKind.AGENT_HOURS: self._agent_hours,
            ListKind.TOUR_HOURS: self._tour_hours,
        }.get(kind)
        self._known = {}
        if kind is ListKind.CONTACTS:
            self._listed = contacts.ListedNumbers(session, (row.values["number"] for row in rows), self._config.region)
        if replace_all:
            added, changed = replace_all(session, rows)
        else:
            assert write_row is not None
            added = 0
            for row in rows:
                added += write_row(session, row)
                self._step()
            changed = len(rows) - added
        if kind is ListKind.SUBTEAMS:
            self._sisters(session, rows)
        if kind is ListKind.PROPERTIES:
            self._offer(session, rows)
        if kind is ListKind.UNITS:
            self._start_listings(session)
            self._publish(session)
        session.flush()
        self.done.append(Imported(kind, added, changed))

    def _step(self) -> None:
        self._count += 1
        if self._progress:
            self._progress(self._count, self._total)

    # --- finding what is named ---

    def _named(self, session: Session, model: Any, row: Row, column: str, what: str) -> Any:
        """The record that a cell names; None if the cell is empty, or, with a problem, if there is no such record."""
        slug = row.values.get(column)
        if not slug:
            return None
        found = self._all(session, model).get(slug)
        if found is None:
            self.problems.append(row.problem(column, f"there is no {what} {slug}."))
        return found

    def _all(self, session: Session, model: Any) -> dict[str, Any]:
        """All records of a model by slug, read once per list: lists are long, and there are few of these records."""
        if model not in self._known:
            query = select(model)
            if model is Subteam:
                query = query.options(selectinload(Subteam.members))
            self._known[model] = {one.slug: one for one in session.scalars(query)}
        return self._known[model]

    def _homes_of(self, session: Session, property: Property) -> _Homes:
        """A property's homes, read once: nobody else writes while a list is being written."""
        if property.id not in self._homes:
            units = session.scalars(select(Unit).where(Unit.property_id == property.id)).all()
            offers = session.scalars(select(Listing).where(Listing.property_id == property.id)).all()
            self._homes[property.id] = _Homes(
                {unit.name: unit for unit in units},
                {listing.unit_id: listing for listing in offers},
                Versions(session, self._by, HOMES, offers),
            )
        return self._homes[property.id]

    def _upsert(self, session: Session, model: Any, row: Row, columns: Sequence[str]) -> tuple[Any, bool]:
        """The record with the row's slug, created if it is new, and whether it is; these columns are set from the
        row."""
        known = self._all(session, model)
        slug = row.values["slug"]
        record: Any = known.get(slug)
        is_new = record is None
        if record is None:
            record = known[slug] = model(slug=slug, name=row.values.get("name") or slug)
            if model is Subteam:
                record.members = []
            session.add(record)
        for column in columns:
            if column in row.values and not (column == "name" and not row.values[column]):
                setattr(record, column, row.values[column])
        return record, is_new

    # --- one row each; True when it is new ---

    def _portfolio(self, session: Session, row: Row) -> bool:
        return self._upsert(session, Portfolio, row, ("name",))[1]

    def _agent(self, session: Session, row: Row) -> bool:
        if extension := row.values.get("extension"):
            others = self._all(session, Agent)
            taken = next((one for one in others.values() if one.extension == extension), None)
            if taken is not None and taken.slug != row.values["slug"]:
                self.problems.append(row.problem("extension", f"{extension} is {taken.slug}'s."))
                return False
        return self._upsert(session, Agent, row, ("name", "extension", "email"))[1]

    def _device(self, session: Session, row: Row) -> bool:
        agent = self._named(session, Agent, row, "agent", "agent")
        if agent is None:
            return False
        slug, kind = row.values["slug"], row.values.get("kind")
        device = self._all(session, Device).get(slug)
        if device is None:
            session.add(Device(slug=slug, kind=kind or "desk", agent_id=agent.id))
            return True
        if device.kind == DeviceKind.MOBILE:
            self.problems.append(row.problem("slug", f"{slug} is a mobile, which is not one of our phones."))
            return False
        device.agent_id, device.kind = agent.id, kind or device.kind
        return False

    def _subteam(self, session: Session, row: Row) -> bool:
        subteam, is_new = self._upsert(session, Subteam, row, ("name", "strategy"))
        if "members" in row.values:
            everybody = self._all(session, Agent)
            unknown = [slug for slug in row.values["members"] if slug not in everybody]
            if unknown:
                self.problems.append(row.problem("members", f"there is no agent {', '.join(unknown)}."))
            subteam.members = [everybody[slug] for slug in row.values["members"] if slug in everybody]
        if "answering_service" in row.values:
            try:
                number = answering.checked(session, self._config, row.values["answering_service"])
                subteam.answering_service = number
            except DialRefused as refused:
                self.problems.append(row.problem("answering_service", str(refused)))
        return is_new

    def _sisters(self, session: Session, rows: Sequence[Row]) -> None:
        """Called when all subteams of the list exist, since they refer to each other."""
        known = self._all(session, Subteam)
        for row in rows:
            if "sisters" not in row.values:
                continue
            wanted = list(dict.fromkeys(row.values["sisters"]))
            if unknown := [slug for slug in wanted if slug not in known]:
                self.problems.append(row.problem("sisters", f"there is no subteam {', '.join(unknown)}."))
                continue
            try:
                subteams.put_sisters(session, known[row.values["slug"]], [known[slug] for slug in wanted])
            except Invalid as error:
                self.problems.append(row.problem("sisters", str(error)))

    def _property(self, session: Session, row: Row) -> bool:
        found, is_new = self._upsert(session, Property, row, ("name", "area", "listings_url", "timezone"))
        if "holidays" in row.values:
            try:
                found.holidays = holidays.known_region(row.values["holidays"])
            except Invalid as error:
                self.problems.append(row.problem("holidays", str(error)))
        if "portfolio" in row.values:
            found.portfolio = self._named(session, Portfolio, row, "portfolio", "portfolio")
        if "subteam" in row.values:
            found.subteam = self._named(session, Subteam, row, "subteam", "subteam")
        return is_new

    def _offer(self, session: Session, rows: Sequence[Row]) -> None:
        """Writes the details of the properties in the list, and publishes them as it says."""
        session.flush()
        by_property = {one.property_id: one for one in session.scalars(select(PropertyProfile))}
        versions = Versions(session, self._by, PROPERTIES, by_property.values())
        known = self._all(session, Property)
        for row in rows:
            cells = {column: text for column, text in row.values.items() if column in listings.PROPERTY_COLUMNS}
            wish = row.values.get("published")
            slug = row.values["slug"]
            profile = by_property.get(known[slug].id)
            if profile is None:
                if not any(cells.values()) and not row.values.get("pictures") and wish != "yes":
                    continue
                profile = PropertyProfile(property_id=known[slug].id, latest=0, published=None)
            try:
                content = listings.read_property(cells, versions.latest(profile) if profile.latest else None)
                if "pictures" in row.values:
                    content = replace(content, pictures=self._pictures(session, row))
                profiles.put(session, versions, profile, content)
                if wish == "yes":
                    profiles.publish_it(versions, profile, slug, despite=self._despite)
                elif wish == "no" and profile.published is not None:
                    versions.unpublish(profile)
            except (Conflict, Invalid) as error:
                self.problems.append(row.problem("published" if wish else "slug", str(error)))

    def _unit(self, session: Session, row: Row) -> bool:
        property = self._named(session, Property, row, "property", "property")
        if property is None:
            return False
        there = self._homes_of(session, property)
        name = row.values["name"]
        unit = there.units.get(name)
        listing = there.listings.get(unit.id) if unit else None
        cells = {column: text for column, text in row.values.items() if column in listings.HOME_COLUMNS}
        try:
            home = listings.read_home(cells, there.versions.latest(listing) if listing else None)
        except Invalid as error:
            self.problems.append(row.problem("name", str(error)))
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
            there.versions.append(listing, home)
            self._written_homes.append((listing, there.versions, row))
        return listing is None

    def _start_listings(self, session: Session) -> None:
        """Creates the listings of homes that are new, all at once, since each step needs the ids from the one
        before."""
        session.flush()
        started = [(homes.started(unit, home, self._by), home, row) for unit, home, row in self._new_homes]
        session.add_all(listing for listing, _, _ in started)
        session.flush()
        versions = Versions(session, self._by, HOMES, ())
        for listing, home, row in started:
            versions.begin(listing, home)
            self._written_homes.append((listing, versions, row))

    def _publish(self, session: Session) -> None:
        """Publishes or unpublishes homes, where the list says so."""
        public = set(session.scalars(select(PropertyProfile.property_id).where(PropertyProfile.published.is_not(None))))
        zones = {property.id: zone(self._config.tz, property) for property in self._all(session, Property).values()}
        for listing, versions, row in self._written_homes:
            wish, last_day = row.values.get("published"), row.values.get("last_day")
            try:
                if wish == "yes":
                    if listing.property_id not in public:
                        raise homes.property_unpublished(row.values["property"])
                    until = homes.day_ends(last_day, zones[listing.property_id]) if last_day else None
                    versions.publish(listing, despite=self._despite, until=until)
                elif wish == "no" and listing.published is not None:
                    versions.unpublish(listing)
            except (Conflict, Invalid) as error:
                self.problems.append(row.problem("published", str(error)))

    def _pictures(self, session: Session, row: Row) -> tuple[Picture, ...]:
        """The pictures of a row. A picture whose file is missing is a problem."""
        if self._hashes is None:
            self._hashes = set(session.scalars(select(PictureFile.hash)))
        wanted: tuple[Picture, ...] = row.values["pictures"]
        for picture in wanted:
            if picture.hash not in self._hashes:
                self.problems.append(row.problem("pictures", f"picture {picture.hash[:12]}... is not in this home."))
        return wanted

    def _answer(self, session: Session, row: Row) -> bool:
        property = self._named(session, Property, row, "property", "property")
        if row.values.get("property") and property is None:
            return False
        topic, language = row.values["topic"], row.values["language"]
        before = answers.latest(session, property.id if property else None, topic, language)
        try:
            slug = property.slug if property else None
            answers.give(session, self._by, slug, topic, row.values["text"], language, despite=self._despite)
        except (Conflict, Invalid) as error:
            self.problems.append(row.problem("text", str(error)))
        return before is None

    def _line(self, session: Session, row: Row) -> bool:
        try:
            number = lines.read_number(row.values["number"], self._config.region)
            language = lines.check_language(row.values.get("language") or "en")
            greeting = lines.check_greeting(row.values.get("greeting", ""), language)
        except Invalid as error:
            self.problems.append(row.problem("number", str(error)))
            return False
        whole = (selectinload(Line.property), selectinload(Line.portfolio))
        line = session.scalar(select(Line).where(Line.number == number).options(*whole))
        is_new = line is None
        if line is None:
            line = Line(number=number, property=None, portfolio=None)
            session.add(line)
        for column in ("label", "source"):
            if column in row.values:
                setattr(line, column, row.values[column])
        if "language" in row.values or is_new:
            line.language = language
        if "greeting" in row.values:
            line.greeting = greeting
        if "property" in row.values:
            line.property = self._named(session, Property, row, "property", "property")
        if "portfolio" in row.values:
            line.portfolio = self._named(session, Portfolio, row, "portfolio", "portfolio")
        if line.property and line.portfolio:
            what = "a line is for one property or for a portfolio, not both: leave one empty."
            self.problems.append(row.problem("portfolio", what))
        return is_new

    def _special_day(self, session: Session, row: Row) -> bool:
        property = self._named(session, Property, row, "property", "property")
        if row.values.get("property") and property is None:
            return False
        return holidays.put(
            session, row.values["day"], row.values.get("open", ""), row.values.get("name", ""), property
        )

    def _contact(self, session: Session, row: Row) -> bool:
        property = self._named(session, Property, row, "property", "property")
        try:
            assert self._listed is not None
            # Contacts that the list itself adds are found in `_numbers`; they are written all at once.
            number, found = self._listed.read(row.values["number"])
        except Invalid as error:
            self.problems.append(row.problem("number", str(error)))
            return False
        if number in self._numbers:
            # In another notation, which reading the list does not notice.
            self.problems.append(row.problem("number", f"{number} is already in {self._numbers[number]}."))
            return False
        self._numbers[number] = row.locations["number"]
        if "property" not in row.values and found:
            property = found.property
        name = row.values.get("name")
        contacts.put(session, found, number, kind=row.values["kind"], name=name, property=property, at=self._by.now)
        return found is None

    def _desk(self, session: Session, row: Row) -> bool:
        values = row.values
        property = self._named(session, Property, row, "property", "property")
        if values.get("property") and property is None:
            return False
        is_new = desks.of(session, values["kind"], property) is None
        try:
            desks.put_in(
                session,
                self._config,
                values["kind"],
                values["target"],
                property=property,
                hours=values.get("hours", ()),
                confirm=values.get("confirm", "yes") == "yes",
            )
        except (Invalid, NotFound, DialRefused) as error:
            self.problems.append(row.problem("target", str(error)))
        return is_new

    # --- lists that replace what was there ---

    def _hours(self, session: Session, rows: Sequence[Row]) -> tuple[int, int]:
        by_property: dict[str, list[Row]] = {}
        for row in rows:
            by_property.setdefault(row.values.get("property") or "", []).append(row)
        for slug, mine in by_property.items():
            property = self._named(session, Property, mine[0], "property", "property")
            week = self._week(mine)
            if property is not None or not slug:
                hours.put(session, property, week)
        return 0, len(rows)

    def _agent_hours(self, session: Session, rows: Sequence[Row]) -> tuple[int, int]:
        by_agent: dict[str, list[Row]] = {}
        for row in rows:
            by_agent.setdefault(row.values["agent"], []).append(row)
        for mine in by_agent.values():
            agent = self._named(session, Agent, mine[0], "agent", "agent")
            week = self._week(mine)
            if agent is not None:
                hours.put_agent(session, agent, week)
        return 0, len(rows)

    def _week(self, rows: Sequence[Row]) -> list[tuple[int, str, str]]:
        """The openings of rows that belong together; where they overlap is a problem."""
        whole: list[str] = []
        week: list[tuple[int, str, str]] = []
        for row in rows:
            whole += row.values["openings"]
            try:
                week = fields.openings(whole)
            except Invalid as error:
                self.problems.append(row.problem("openings", str(error)))
                return []
            self._step()
        return week

    def _tour_hours(self, session: Session, rows: Sequence[Row]) -> tuple[int, int]:
        for row in rows:
            property = self._named(session, Property, row, "property", "property")
            agent = self._named(session, Agent, row, "agent", "agent")
            if property is None:
                continue
            values = row.values
            try:
                times.put_hours(
                    session,
                    property,
                    agent,
                    TourKind(values.get("kind") or TourKind.ACCOMPANIED),
                    fields.openings(values["openings"]),
                    minutes=values.get("minutes", 30),
                    buffer_minutes=values.get("buffer_minutes", 0),
                    capacity=values.get("capacity", 1),
                )
            except Invalid as error:
                self.problems.append(row.problem("openings", str(error)))
            self._step()
        return 0, len(rows)


@dataclass(frozen=True)
class _Homes:
    """The homes of one property."""

    units: dict[str, Unit]
    """By name."""
    listings: dict[int, Listing]
    """By unit id."""
    versions: Versions[Listing, Home]
