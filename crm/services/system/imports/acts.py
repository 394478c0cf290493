"""Imported lists written: all of a file or nothing, and a long list in slices."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import imports
from crm.domain.counting import counted
from crm.domain.errors import Conflict
from crm.domain.imports import ListKind, Lists, Problem, Row, Wrong
from crm.domain.ringing import DeviceKind
from crm.edge import numbers
from crm.edge.pictures import StoredPicture
from crm.secrets import Secrets
from crm.services import audit
from crm.services.audit import By
from crm.services.listings import pictures
from crm.services.phones import devices
from crm.services.system.imports import office, times
from crm.services.system.imports.homes import Homes
from crm.services.system.imports.writing import Progress, Writing
from crm.store import slices
from crm.store.models import Property, PropertyProfile
from crm.store.session import Store
from crm.store.slices import SliceSize

SLICE, MOST_SLICE = 20, 100
"""Rows in the first transaction of a long list, and at most in a later one."""
LONG = (ListKind.PROPERTIES, ListKind.UNITS, ListKind.ANSWERS, ListKind.CONTACTS)
"""Lists that may be so long that they are written in slices."""
BEFORE_PROPERTIES = (ListKind.PORTFOLIOS, ListKind.AGENTS, ListKind.SUBTEAMS)
"""Lists that properties may name; beside them, properties are few."""
BELONGS_TO = ("portfolio", "subteam")
"""The columns in which they do."""


@dataclass(frozen=True)
class Imported:
    """The result for one list."""

    kind: ListKind
    added: int
    changed: int


def load(
    store: Store,
    config: Config,
    secrets: Secrets,
    by: By,
    lists: Lists,
    taken: Sequence[StoredPicture] = (),
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
    despite: str = "",
) -> list[Imported]:
    """Does `take_over`, in as many transactions as a long list needs: all of it is rehearsed first, slice by slice, and
    then written. Others can write in between.

    An unforeseeable change, such as a property that somebody removes meanwhile, ends the import halfway with Conflict;
    importing the list again continues from there.
    """
    long = _long(lists)
    if not long:
        return store.run_blocking(
            take_over, config, secrets, by, lists, taken, progress=progress, despite=despite, dry_run=dry_run
        )
    hashes = frozenset(picture.hash for picture in taken)
    short = Lists({kind: rows for kind, rows in lists.rows.items() if kind not in long})
    problems = lists.problems + _twice(long.get(ListKind.CONTACTS, ()), config)
    total = sum(len(rows) for rows in lists.rows.values())
    done = _Done(progress, 2 * total)
    slices.begin()
    public = store.read_blocking(_public)
    size = SliceSize(SLICE, MOST_SLICE)
    for part in itertools.chain((short,), *(_sliced(kind, rows, size) for kind, rows in long.items())):
        known = _with_properties(part, lists, public)
        try:
            written = store.run_blocking(
                size.timed(rehearse), config, by, known, despite=despite, whole=lists, hashes=hashes
            )
        except Wrong as wrong:
            problems += wrong.problems
            written = []
        count = sum(len(rows) for rows in part.rows.values())
        if part is not short:
            size.done(count)
        done.add([one for one in written if one.kind in part.rows], count)
        store.make_room()
        if len(problems) >= imports.MOST_PROBLEMS:
            break
    if problems:
        raise Wrong(imports.first_first(problems))
    if dry_run:
        return done.all(lists)
    done.forget()
    size = SliceSize(SLICE, MOST_SLICE)
    pictures_left = iter(taken)
    while some := list(itertools.islice(pictures_left, size.rows)):
        store.run_blocking(size.timed(_record_pictures), by, some)
        size.done(len(some))
        store.make_room()
    rows_written = 0
    for part in _parts(lists, long, size):
        is_slice = not part.rows.keys().isdisjoint(long)
        try:
            if is_slice:
                written = store.run_blocking(size.timed(_write), config, by, part, None, despite, lists)
            else:
                written = store.run_blocking(write, config, secrets, by, part, despite=despite)
        except Wrong as wrong:
            if not rows_written:
                raise
            raise Conflict(
                f"Only {rows_written} of {total} rows were written, because something they name was changed meanwhile: "
                f"{wrong.problems[0]} Import the list again.",
                code="import_cut_short",
                written=rows_written,
                total=total,
            ) from wrong
        count = sum(len(rows) for rows in part.rows.values())
        if is_slice:
            size.done(count)
        rows_written += count
        done.add(written, count)
        store.make_room()
    store.run_blocking(_record_long, by, done.all(Lists(dict(long))))
    return done.all(lists)


def _long(lists: Lists) -> dict[ListKind, list[Row]]:
    """The lists to be written in slices: none, unless they are long together."""
    kinds = [kind for kind in LONG if lists.rows.get(kind)]
    if any(lists.rows.get(kind) for kind in BEFORE_PROPERTIES):
        kinds = [kind for kind in kinds if kind is not ListKind.PROPERTIES]
    found = {kind: lists.rows[kind] for kind in kinds}
    return found if sum(map(len, found.values())) > SLICE else {}


def _record_pictures(session: Session, by: By, taken: Sequence[StoredPicture]) -> None:
    for picture in taken:
        pictures.recorded(session, by, picture)


def _record_long(session: Session, by: By, done: Sequence[Imported]) -> None:
    audit.record(session, by, f"imported {_told(done)}")


def _told(done: Sequence[Imported]) -> str:
    """`1 unit, 12 special days`."""
    counts = []
    for one in done:
        many = str(one.kind).replace("_", " ")
        single = "property" if one.kind is ListKind.PROPERTIES else many.removesuffix("s")
        counts.append(counted(one.added + one.changed, single, many))
    return ", ".join(counts)


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


def _sliced(kind: ListKind, rows: Sequence[Row], size: SliceSize) -> Iterator[Lists]:
    """The rows in slices, each as large as `size` says when it is asked for."""
    # Sorted, because a property's records are read once per slice.
    ordered = iter(sorted(rows, key=lambda row: row.values.get("property") or ""))
    while some := list(itertools.islice(ordered, size.rows)):
        yield Lists({kind: some})


def _parts(lists: Lists, long: Mapping[ListKind, Sequence[Row]], size: SliceSize) -> Iterator[Lists]:
    """All lists in the order in which they are written: slices of the long ones, and as one what is between them."""
    short: dict[ListKind, list[Row]] = {}
    for kind in ListKind:
        if kind not in long:
            short |= {kind: rows} if (rows := lists.rows.get(kind)) else {}
            continue
        if short:
            yield Lists(short)
            short = {}
        yield from _sliced(kind, long[kind], size)
    if short:
        yield Lists(short)


def _public(session: Session) -> set[str]:
    """Slugs of the properties that are public."""
    of = PropertyProfile.property_id == Property.id
    return set(
        session.scalars(select(Property.slug).join(PropertyProfile, of).where(PropertyProfile.published.is_not(None)))
    )


def _with_properties(part: Lists, lists: Lists, public: set[str]) -> Lists:
    """The part, and what the lists say of those properties it names that may be new, or public only with the lists, or
    no longer."""
    if ListKind.PROPERTIES in part.rows:
        return part
    named = {row.values.get("property") for rows in part.rows.values() for row in rows}
    rows = [
        row
        for row in lists.rows.get(ListKind.PROPERTIES, ())
        if (slug := row.values.get("slug")) in named and (slug not in public or row.values.get("published") == "no")
    ]
    # What properties belong to is rehearsed with them.
    bare = [
        replace(row, values={column: value for column, value in row.values.items() if column not in BELONGS_TO})
        for row in rows
    ]
    return Lists({ListKind.PROPERTIES: bare, **part.rows}) if bare else part


def _twice(rows: Sequence[Row], config: Config) -> list[Problem]:
    """Numbers of contacts that are repeated in another notation, which reading the list does not notice."""
    locations: dict[str, str] = {}
    problems: list[Problem] = []
    for row in rows:
        number = numbers.typed(row.values.get("number", ""), config.region, config.area_code)
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
    audit.record(session, by, f"imported {_told(done) or 'nothing'}")
    for row in lists.rows.get(ListKind.DEVICES, ()):
        # Created before the commit: a password without a device does no harm, a device without a password would.
        if row.values.get("kind") != DeviceKind.MOBILE:
            secrets.ensure(devices.secret_name(devices.named(session, row.values["slug"]).slug))
    return done


def take_over(
    session: Session,
    config: Config,
    secrets: Secrets,
    by: By,
    lists: Lists,
    taken: Sequence[StoredPicture] = (),
    *,
    progress: Progress | None = None,
    despite: str = "",
    dry_run: bool = False,
) -> list[Imported]:
    """Records the pictures that were taken in, and writes the lists that show them, in one transaction; nothing is kept
    of a dry run. Raises Wrong with every mistake found."""
    if dry_run:
        hashes = frozenset(picture.hash for picture in taken)
        return rehearse(session, config, by, lists, progress=progress, despite=despite, hashes=hashes)
    _record_pictures(session, by, taken)
    session.flush()
    return write(session, config, secrets, by, lists, progress=progress, despite=despite)


def rehearse(
    session: Session,
    config: Config,
    by: By,
    lists: Lists,
    *,
    progress: Progress | None = None,
    despite: str = "",
    whole: Lists | None = None,
    hashes: frozenset[str] = frozenset(),
) -> list[Imported]:
    """Does the same as `write`, and keeps nothing of it; `whole` are the lists of which these are a part, `hashes`
    those of pictures that will have been recorded. Raises Wrong with every mistake found."""
    before = session.begin_nested()
    try:
        return _write(session, config, by, lists, progress, despite, whole, hashes)
    finally:
        before.rollback()


def _write(
    session: Session,
    config: Config,
    by: By,
    lists: Lists,
    progress: Progress | None,
    despite: str,
    whole: Lists | None = None,
    hashes: frozenset[str] = frozenset(),
) -> list[Imported]:
    total = sum(len(rows) for rows in lists.rows.values())
    writing = Writing(config, by, progress, total, despite, whole or lists, hashes)
    done = [_written(session, writing, kind, rows) for kind in ListKind if (rows := lists.rows.get(kind))]
    if problems := lists.problems + writing.problems:
        raise Wrong(imports.first_first(problems))
    return done


def _written(session: Session, writing: Writing, kind: ListKind, listed: Sequence[Row]) -> Imported:
    writing.begin_list(kind)
    rows = []
    for row in listed:
        if tried := row.rehearsed(kind):
            rows.append(tried)
        else:
            writing.check_names(session, row)
            writing.step()
    homes = Homes(writing, rows if kind is ListKind.UNITS else ())
    replace_all = {
        ListKind.HOURS: times.hours,
        ListKind.AGENT_HOURS: times.agent_hours,
        ListKind.TOUR_HOURS: times.tour_hours,
    }.get(kind)
    new: set[int] = set()
    if replace_all:
        replace_all(writing, session, rows)
    else:
        write_row = _write_row(session, writing, kind, rows, homes)
        for row in rows:
            # What a row changed shows until it is flushed.
            with session.no_autoflush:
                if write_row(session, row):
                    new.add(id(row))
            writing.step()
    if kind is ListKind.SUBTEAMS:
        office.sisters(writing, session, rows)
    if kind is ListKind.PROPERTIES:
        homes.offer(session, rows)
    if kind is ListKind.UNITS:
        homes.start(session)
        homes.publish(session)
    session.flush()
    return Imported(kind, len(new), writing.changed(row for row in rows if id(row) not in new))


def _write_row(
    session: Session, writing: Writing, kind: ListKind, rows: Sequence[Row], homes: Homes
) -> Callable[[Session, Row], bool]:
    if kind is ListKind.UNITS:
        return homes.unit
    if kind is ListKind.CONTACTS:
        return office.Contacts(writing, session, rows).write
    return functools.partial(_ROWS[kind], writing)


_ROWS: dict[ListKind, Callable[[Writing, Session, Row], bool]] = {
    ListKind.PORTFOLIOS: office.portfolio,
    ListKind.AGENTS: office.agent,
    ListKind.DEVICES: office.device,
    ListKind.SUBTEAMS: office.subteam,
    ListKind.PROPERTIES: office.property,
    ListKind.ANSWERS: office.answer,
    ListKind.LINES: office.line,
    ListKind.SPECIAL_DAYS: times.special_day,
    ListKind.DESKS: office.desk,
}
