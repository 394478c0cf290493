"""Contacts: residents, owners and vendors, known by their number."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.route_inputs import CONTACT_KINDS, CallerKind
from crm.edge import numbers
from crm.services import audit
from crm.services.audit import By
from crm.services.office import numbering, properties
from crm.services.people.identity import Identity, who_is
from crm.store.models import Agent, Contact, Device, Line, Property
from crm.store.queries import contacts as queries
from crm.store.queries.office import HasTeam

LOOKED_UP_AT_ONCE = 500
"""Numbers in one statement."""


def add(
    session: Session,
    config: Config,
    by: By,
    number: str,
    *,
    kind: str,
    name: str = "",
    property_slug: str | None = None,
) -> str:
    """Adds a contact and returns their number as it is stored: one person has one entry, however the number was
    written.

    Raises Invalid, NotFound, Conflict.
    """
    stored, known = read_number(session, config, number)
    if existing := known.contact:
        raise Conflict(
            f"{stored} is already {existing.name or f'known as {existing.kind}'}.", code="contact_exists", number=stored
        )
    property = properties.named(session, property_slug) if property_slug else None
    put(session, None, stored, kind=kind, name=name, property=property, at=by.now)
    audit.record(session, by, f"contact added: {kind}")
    return stored


def put(
    session: Session,
    found: Contact | None,
    number: str,
    *,
    kind: str,
    name: str | None,
    property: Property | None,
    at: datetime,
) -> Contact:
    """Creates a contact whose number `read_number` has parsed, or updates one from a list. Nothing else does.

    A name of None keeps the existing name. Raises Invalid.
    """
    if found is None:
        found = Contact(number=number, created_at=at, property=None)
        session.add(found)
    found.kind = read_kind(kind)
    if name is not None:
        found.name = fields.text(name, "name", 200)
    found.property = property
    return found


def change(
    session: Session,
    config: Config,
    by: By,
    number: str,
    *,
    kind: str | None = None,
    name: str | None = None,
    property_slug: str | None = None,
    new_number: str | None = None,
) -> str:
    """Changes the given fields and returns the number. None leaves a field as it is; an empty name or property clears
    it."""
    found = named(session, config, number)
    if kind is not None:
        found.kind = read_kind(kind)
    if name is not None:
        found.name = fields.text(name, "name", 200)
    if property_slug is not None:
        found.property_id = properties.named(session, property_slug).id if property_slug else None
    if new_number is not None:
        stored, known = read_number(session, config, new_number)
        other = known.contact
        if other is not None and other.id != found.id:
            raise Conflict(
                f"{stored} is already {other.name or f'known as {other.kind}'}: remove that one first.",
                code="contact_number_taken",
                number=stored,
            )
        found.number = stored
    audit.record(session, by, f"contact {found.id} changed")
    return found.number


def remove(session: Session, config: Config, by: By, number: str) -> str:
    """Removes a contact: from now on, calls from their number count as a prospect's. Past calls stay on record."""
    found = named(session, config, number)
    session.delete(found)
    audit.record(session, by, f"contact {found.id} removed: {found.kind}")
    return found.number


def named(session: Session, config: Config, raw: str) -> Contact:
    """The contact with this number, however it is written. Raises NotFound."""
    number = numbers.typed(raw, config.region, config.area_code)
    found = queries.by_number(session, number) if number else None
    if found is None:
        numbering.check_area_code(raw, config.region, config.area_code)
        raise NotFound("No contact has that number.", code="contact_unknown")
    return found


def read_number(session: Session, config: Config, raw: str) -> tuple[str, Identity]:
    """Returns a person's number as it is stored (E.164), and whose it is. Raises Invalid, also for our own numbers."""
    number = _parsed(raw, config)
    known = who_is(session, number)
    _check_not_ours(number, known.is_line, known.colleague)
    return number, known


class ListedNumbers:
    """The numbers of a list, looked up for all of them at once."""

    def __init__(self, session: Session, raws: Iterable[str], config: Config) -> None:
        self._config = config
        found = sorted(filter(None, {numbers.typed(raw, config.region, config.area_code) for raw in raws}))
        self._contacts: dict[str, Contact] = {}
        for begin in range(0, len(found), LOOKED_UP_AT_ONCE):
            some = found[begin : begin + LOOKED_UP_AT_ONCE]
            named = select(Contact).where(Contact.number.in_(some)).options(selectinload(Contact.property))
            self._contacts |= {contact.number: contact for contact in session.scalars(named)}
        self._lines = frozenset(session.scalars(select(Line.number)))
        mobiles = select(Device.number, Agent.slug).join(Agent, Agent.id == Device.agent_id)
        mobiles = mobiles.where(Device.number.is_not(None)).order_by(Device.id.desc())
        self._mobiles = dict(session.execute(mobiles).all())

    def read(self, raw: str) -> tuple[str, Contact | None]:
        """Like `read_number`, with the contact it belongs to."""
        number = _parsed(raw, self._config)
        _check_not_ours(number, number in self._lines, self._mobiles.get(number))
        return number, self._contacts.get(number)


def _parsed(raw: str, config: Config) -> str:
    number = numbers.typed(raw, config.region, config.area_code)
    if number is None:
        numbering.check_area_code(raw, config.region, config.area_code)
        raise Invalid(
            f"{raw.strip()[:40]!a} is not a phone number: write one like (512) 555-0100.",
            code="contact_number_invalid",
        )
    return number


def _check_not_ours(number: str, is_line: bool, colleague: str | None) -> None:
    if is_line or colleague:
        what = "one of our own lines" if is_line else f"a mobile of {colleague}"
        raise Invalid(
            f"{number} is {what}: write the person's number.", code="contact_number_is_ours", number=number, what=what
        )


def read_kind(raw: str) -> str:
    """Raises Invalid."""
    if raw not in CONTACT_KINDS:
        raise Invalid(
            f"{raw[:40]!a} is not a kind of contact: use {', '.join(CONTACT_KINDS)}.",
            code="contact_kind_unknown",
            known=list(CONTACT_KINDS),
        )
    return raw


def who(contact: Contact | None, kind: str, property: HasTeam | None) -> str:
    """Describes somebody who is not a prospect, as the beginning of a sentence: "Resident Pat of Elm Street", "A
    vendor"."""
    article = "An" if kind == CallerKind.OWNER else "A"
    called = f"{kind.capitalize()} {contact.name}" if contact and contact.name else f"{article} {kind}"
    return f"{called} of {property.name}" if property else called
