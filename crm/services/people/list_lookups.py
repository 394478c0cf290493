"""What the lines of a list name, and whose their numbers and addresses are, as the database knows it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, exists, func, literal_column, null, or_, select, union_all
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import lead_rows
from crm.edge import numbers
from crm.services.people import contact_details, erasing
from crm.store.models import (
    Agent,
    ErasedIdentity,
    Erasure,
    FormerName,
    Lead,
    LeadEmail,
    LeadPhone,
    OptOut,
    Property,
    Unit,
)

MOST_DETAILS = 40
"""Numbers, addresses and opt-outs in one line: databases limit how many values a statement has."""


@dataclass(frozen=True, slots=True)
class ListLine:
    """A line of the list."""

    number: int
    """Of the file, where it begins; the names of the columns are in line 1."""
    cells: list[str]
    values: Mapping[str, str]
    """By column, without empty values."""

    @property
    def is_of_ours(self) -> bool:
        """Whether it comes from an export of ours, in which empty cells say that there is nothing."""
        return "id" in self.values and "created" in self.values

    def details(self, column: str) -> list[str]:
        """What a cell with several values has, up to a limit that a check holds the whole line to."""
        return list(lead_rows.several(self.values.get(column, "")))[: MOST_DETAILS + 1]


def nobody(id: str | int, created: datetime) -> str:
    """What identifies somebody without number and address in our own exports."""
    return f"{id} of {created.isoformat()}"


@dataclass(frozen=True)
class ToLookUp:
    """What has to be looked up for a slice."""

    numbers: Mapping[str, str]
    """E.164 by how it is written; "" when it is none."""
    addresses: frozenset[str]
    """In lower case, without the office's own mailboxes."""
    our_mailboxes: frozenset[str]
    hashes: Mapping[str, str]
    """Numbers and addresses by what is kept of those who were erased."""
    properties: frozenset[str]
    units: frozenset[str]
    agents: frozenset[str]
    ids: frozenset[int]
    has_opt_outs: bool

    @functools.cached_property
    def statement(self) -> CompoundSelect[Any]:
        """All of it in one, since each costs about as much as the rows of a short slice. Built once: that takes as long
        as to run it."""
        return union_all(*_parts(self))

    @classmethod
    def by(cls, config: Config, some: Iterable[ListLine]) -> ToLookUp:
        some = list(some)
        written = {raw for line in some for column in ("phones", "opted_out") for raw in line.details(column)}
        addresses = {raw.lower() for line in some for column in ("emails", "opted_out") for raw in line.details(column)}
        read = {raw: numbers.typed(raw, config.region, config.area_code) or "" for raw in written}
        named = [one for line in some for one in lead_rows.interests(line.values)]
        ids = {line.values.get("id", "") for line in some}
        return cls(
            read,
            frozenset(one for one in addresses if "@" in one),
            frozenset(contact_details.our_mailboxes(config, addresses)),
            erasing.hashes(config, {*filter(None, read.values()), *addresses}),
            frozenset(property.lower() for property, _, _ in named),
            frozenset(name for _, unit, _ in named if unit for name in (unit, unit.lower())),
            frozenset(line.values["agent"] for line in some if "agent" in line.values),
            frozenset(int(id) for id in ids if id.isdecimal() and len(id) < 10),
            any("opted_out" in line.values for line in some),
        )

    def with_first_erasure(self, config: Config) -> ToLookUp:
        """The same with those who were erased, too, where nobody had been when this was made."""
        if self.hashes or not (
            hashes := erasing.hashes(config, {*filter(None, self.numbers.values()), *self.addresses})
        ):
            return self
        return replace(self, hashes=hashes)


@dataclass(slots=True)
class LookedUp:
    """What the database answered. Two are equal when a slice means the same to both."""

    rows: frozenset[tuple[Any, ...]]
    ours: set[str] = field(default_factory=set, compare=False)
    """Numbers and addresses of the office."""
    owners: dict[str, int] = field(default_factory=dict, compare=False)
    """Ids of leads by number, by address in lower case, and as `nobody`."""
    erased: dict[str, datetime] = field(default_factory=dict, compare=False)
    """When those were erased whose numbers and addresses these are."""
    refused: set[str] = field(default_factory=set, compare=False)
    """Numbers and addresses with an opt-out in force."""
    agents: dict[str, int] = field(default_factory=dict, compare=False)
    properties: dict[str, int] = field(default_factory=dict, compare=False)
    """Ids by slug."""
    names: dict[str, int] = field(default_factory=dict, compare=False)
    """Those of properties by name in lower case."""
    former: dict[str, int] = field(default_factory=dict, compare=False)
    """Those of properties by slugs that they had before."""
    property_names: dict[int, str] = field(default_factory=dict, compare=False)
    units: dict[tuple[int, str], int] = field(default_factory=dict, compare=False)
    """By property, and name in lower case."""

    @classmethod
    def read(cls, session: Session, asked: ToLookUp) -> LookedUp:
        rows = [tuple(row) for row in session.connection().execute(asked.statement)]
        known = cls(frozenset(rows), ours=set(asked.our_mailboxes))
        # What somebody had as a name before counts only where nothing has it now, and the newest most.
        had = [row for row in rows if row[0] in _FORMER]
        for what, text, id, of, at in sorted(had, key=lambda row: (row[4], row[2])):
            known._note(_FORMER[what], text, id, of, at, asked)
        for what, text, id, of, at in rows:
            if what not in _FORMER:
                known._note(what, text, id, of, at, asked)
        return known

    def property_id(self, named: str) -> int | None:
        """Of the property with this slug, or else this name, or else whose slug it was before."""
        for known in (self.properties, self.names, self.former):
            if (found := known.get(named.lower())) is not None:
                return found
        return None

    def _note(self, what: str, text: str, id: int, of: int, at: datetime | None, asked: ToLookUp) -> None:
        match what:
            case "erased" if at is not None:
                who = asked.hashes[text]
                self.erased[who] = max(at, self.erased.get(who, at))
            case "nobody" if at is not None:
                self.owners[nobody(id, at)] = id
            case "owner":
                self.owners[text] = id
            case "ours":
                self.ours.add(text)
            case "refused":
                self.refused.add(text)
            case "agent":
                self.agents[text] = id
            case "slug":
                self.properties[text] = id
            case "name":
                self.names.setdefault(text.lower(), id)
                self.property_names[id] = text
            case "former slug":
                self.former[text] = id
            case "unit":
                self.units[of, text.lower()] = id


def _parts(asked: ToLookUp) -> Iterator[Select[Any]]:
    read = sorted({number for number in asked.numbers.values() if number})
    addresses = sorted(asked.addresses)
    # This one comes first, and always, because a union has the types of its first part.
    erased = _part("erased", ErasedIdentity.hash, at=Erasure.at).join(Erasure, Erasure.id == ErasedIdentity.erasure_id)
    yield erased.where(ErasedIdentity.hash.in_(sorted(asked.hashes)))
    if read:
        yield _part("owner", LeadPhone.number, LeadPhone.lead_id).where(LeadPhone.number.in_(read))
        for ours in contact_details.our_numbers(read):
            yield _of(ours)
    if addresses:
        yield _part("owner", LeadEmail.address, LeadEmail.lead_id).where(LeadEmail.address.in_(addresses))
        for ours in contact_details.our_addresses(addresses):
            yield _of(ours)
    if asked.has_opt_outs:
        in_force = OptOut.ended_at.is_(None)
        yield _part("refused", OptOut.number).where(OptOut.number.in_(read), in_force)
        yield _part("refused", OptOut.address).where(OptOut.address.in_(addresses), OptOut.address != "", in_force)
    if asked.properties:
        had = select(FormerName.row_id).where(FormerName.kind == "property", FormerName.name.in_(asked.properties))
        named = or_(
            Property.slug.in_(asked.properties), func.lower(Property.name).in_(asked.properties), Property.id.in_(had)
        )
        yield _had("former slug", Property).where(FormerName.name.in_(asked.properties))
        yield _part("slug", Property.slug, Property.id).where(named)
        yield _part("name", Property.name, Property.id).where(named)
        if asked.units:
            units = _part("unit", Unit.name, Unit.id, Unit.property_id).join(Property, Property.id == Unit.property_id)
            yield units.where(named, or_(Unit.name.in_(asked.units), func.lower(Unit.name).in_(asked.units)))
            yield _had("former unit", Unit, Unit.property_id).where(func.lower(FormerName.name).in_(asked.units))
    if asked.agents:
        yield _part("agent", Agent.slug, Agent.id).where(Agent.slug.in_(asked.agents))
        yield _had("former agent", Agent).where(FormerName.name.in_(asked.agents))
    if asked.ids:
        nameless = ~exists().where(LeadPhone.lead_id == Lead.id), Lead.email == ""
        yield _part("nobody", Lead.email, Lead.id, at=Lead.created_at).where(Lead.id.in_(asked.ids), *nameless)


_NONE: ColumnElement[int] = literal_column("0")


def _part(what: str, text: Any, id: Any = _NONE, of: Any = _NONE, at: Any = None) -> Select[Any]:
    return select(literal_column(f"'{what}'"), text, id, of, null() if at is None else at)


_FORMER = {"former slug": "former slug", "former unit": "unit", "former agent": "agent"}
"""Names that something had before, and as what they are noted."""


def _had(what: str, model: Any, of: Any = _NONE) -> Select[Any]:
    """Names that those in use had before."""
    had = _part(what, FormerName.name, model.id, of, FormerName.until)
    return had.join(model, model.id == FormerName.row_id).where(
        FormerName.kind == model.__tablename__, model.retired_at.is_(None)
    )


def _of(ours: Select[Any]) -> Select[Any]:
    return ours.with_only_columns(
        literal_column("'ours'"), *ours.selected_columns, _NONE, _NONE, null(), maintain_column_froms=True
    )
