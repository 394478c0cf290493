"""Rows of lists about people and properties: portfolios, agents, phones, subteams, properties and their answers, lines,
contacts and desks. Each function returns whether its row is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.domain.dialing import DialPurpose, DialRefused
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.imports import ListKind, Row
from crm.domain.ringing import DeviceKind
from crm.services.listings import answers
from crm.services.office import holidays, numbering, subteams
from crm.services.people import contacts
from crm.services.phones import answering, dialing, lines
from crm.services.routing import desks
from crm.services.system.imports.writing import Writing
from crm.store.models import (
    Agent,
    Device,
    Line,
    Portfolio,
    Property,
    Subteam,
)


def portfolio(writing: Writing, session: Session, row: Row) -> bool:
    found, is_new = writing.upsert(session, Portfolio, row, ("name",))
    writing.compare(session, row, found)
    return is_new


def agent(writing: Writing, session: Session, row: Row) -> bool:
    if extension := row.values.get("extension"):
        try:
            numbering.check_extension(session, writing.config, extension, agent=row.values["slug"])
        except Conflict as error:
            writing.tell(row, "extension", str(error))
            # Others may name the agent.
            row = replace(row, values={**row.values, "extension": None})
    found, is_new = writing.upsert(session, Agent, row, ("name", "extension", "email"))
    writing.compare(session, row, found)
    return is_new


def device(writing: Writing, session: Session, row: Row) -> bool:
    agent = writing.named(session, row, "agent")
    location = writing.named(session, row, "location")
    if agent is None or "kind" in row.unread:
        _mobile_number(writing, session, row, None)
        return False
    values, device = row.values, writing.of_row(session, Device, row)
    kind = values.get("kind") or (device.kind if device else DeviceKind.DESK)
    is_mobile = kind == DeviceKind.MOBILE
    if device and is_mobile != (device.kind == DeviceKind.MOBILE):
        was = "a mobile" if device.kind == DeviceKind.MOBILE else "a phone with an account"
        writing.tell(row, "slug", f"{device.slug} is {was}: remove it and add another.")
        return False
    if is_mobile and location:
        writing.tell(row, "location", "a mobile's own network knows where it is: leave it empty.")
    if not is_mobile and values.get("number"):
        writing.tell(row, "number", "only a mobile has a number: write mobile as its kind.")
    is_new = device is None
    if device is None:
        device = writing.all(session, Device)[values["slug"]] = Device(slug=values["slug"], location=None)
        session.add(device)
    device.agent_id, device.kind = agent.id, kind
    if "location" in values and not is_mobile:
        device.location = location
    if is_mobile and (is_new or values.get("number")):
        device.number = _mobile_number(writing, session, row, agent)
    writing.compare(session, row, device)
    return is_new


def _mobile_number(writing: Writing, session: Session, row: Row, agent: Agent | None) -> str | None:
    """The number of a row as E.164; None, with a problem, if it may not be dialed."""
    number, slug = row.values.get("number", ""), agent.slug if agent else None
    if not number and agent is None:
        return None
    try:
        return dialing.check(session, writing.config, number=number, purpose=DialPurpose.FORWARD, agent=slug)
    except DialRefused as refused:
        writing.tell(row, "number", str(refused))
        return None


def subteam(writing: Writing, session: Session, row: Row) -> bool:
    subteam, is_new = writing.upsert(session, Subteam, row, ("name", "strategy"))
    if "members" in row.values:
        subteam.members = writing.all_named(session, row, "members", row.values["members"])
    if "answering_service" in row.values:
        try:
            number = answering.checked(session, writing.config, row.values["answering_service"])
            subteam.answering_service = number
        except DialRefused as refused:
            writing.tell(row, "answering_service", str(refused))
    writing.compare(session, row, subteam)
    return is_new


def sisters(writing: Writing, session: Session, rows: Sequence[Row]) -> None:
    """Called when all subteams of the list exist, since they refer to each other."""
    for row in rows:
        if "sisters" not in row.values:
            continue
        wanted = writing.all_named(session, row, "sisters", row.values["sisters"])
        try:
            own = writing.of_row(session, Subteam, row)
            subteams.put_sisters(session, own, wanted)
            writing.compare(session, row, own)
        except Invalid as error:
            writing.tell(row, "sisters", str(error))


def property(writing: Writing, session: Session, row: Row) -> bool:
    found, is_new = writing.upsert(session, Property, row, ("name", "area", "listings_url", "timezone"))
    if "holidays" in row.values:
        try:
            found.holidays = holidays.known_region(row.values["holidays"])
        except Invalid as error:
            writing.tell(row, "holidays", str(error))
    if "portfolio" in row.values:
        found.portfolio = writing.named(session, row, "portfolio")
    if "subteam" in row.values:
        found.subteam = writing.named(session, row, "subteam")
    writing.compare(session, row, found)
    return is_new


def answer(writing: Writing, session: Session, row: Row) -> bool:
    property = writing.named(session, row, "property")
    topic, language = row.values["topic"], row.values["language"]
    before = answers.latest(session, property.id if property else None, topic, language)
    try:
        slug = property.slug if property else None
        version = answers.give(session, writing.by, slug, topic, row.values["text"], language, despite=writing.despite)
    except (Conflict, Invalid) as error:
        writing.tell(row, "text", str(error))
        return False
    if before and before.version != version:
        writing.count_change(row)
    return before is None


def line(writing: Writing, session: Session, row: Row) -> bool:
    values, column = row.values, "number"
    try:
        number = lines.read_number(values["number"], writing.config.region, writing.config.area_code)
        numbering.check_line(session, writing.config, number)
        column = "language"
        language = lines.check_language(values.get("language") or "en")
        column = "greeting"
        greeting = lines.check_greeting(values.get("greeting", ""), language)
    except (Conflict, Invalid) as error:
        writing.tell(row, column, str(error))
        writing.check_names(session, row)
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
        line.property = writing.named(session, row, "property")
    if "portfolio" in row.values:
        line.portfolio = writing.named(session, row, "portfolio")
    if line.property and line.portfolio:
        what = "a line is for one property or for a portfolio, not both: leave one empty."
        writing.tell(row, "portfolio", what)
    writing.compare(session, row, line)
    # The next row may be the same number in another notation.
    session.flush()
    return is_new


def desk(writing: Writing, session: Session, row: Row) -> bool:
    values = row.values
    property = writing.named(session, row, "property")
    desk = desks.of(session, values["kind"], property)
    before = (desk.target, desk.confirm, list(desk.hours)) if desk else None
    try:
        desks.put_in(
            session,
            writing.config,
            values["kind"],
            values["target"],
            property=property,
            hours=values.get("hours", ()),
            confirm=values.get("confirm", "yes") == "yes",
        )
    except NotFound as error:
        kind = ListKind.AGENTS if values["target"].startswith("agent:") else ListKind.SUBTEAMS
        if writing.is_known(kind):
            writing.tell(row, "target", str(error))
    except (Invalid, DialRefused) as error:
        writing.tell(row, "target", str(error))
    if desk and before != (desk.target, desk.confirm, list(desk.hours)):
        writing.count_change(row)
    return desk is None


class Contacts:
    """Writes a list of contacts."""

    def __init__(self, writing: Writing, session: Session, rows: Sequence[Row]) -> None:
        self._writing = writing
        numbers = (row.values["number"] for row in rows)
        self._listed = contacts.ListedNumbers(session, numbers, writing.config)
        self._numbers: dict[str, str] = {}
        """Where each contact's number is in the list."""

    def write(self, session: Session, row: Row) -> bool:
        property = self._writing.named(session, row, "property")
        try:
            # Contacts that the list itself adds are found in `_numbers`; they are written all at once.
            number, found = self._listed.read(row.values["number"])
        except Invalid as error:
            self._writing.tell(row, "number", str(error))
            return False
        if number in self._numbers:
            # In another notation, which reading the list does not notice.
            self._writing.tell(row, "number", f"{number} is already in {self._numbers[number]}.")
            return False
        self._numbers[number] = row.locations["number"]
        if "property" not in row.values and found:
            property = found.property
        name = row.values.get("name")
        contacts.put(
            session, found, number, kind=row.values["kind"], name=name, property=property, at=self._writing.by.now
        )
        if found:
            self._writing.compare(session, row, found)
        return found is None
