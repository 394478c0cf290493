"""The rows that the voice agent may speak from, and the one read that each turn of a talk is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, false, func, select
from sqlalchemy.orm import Session, aliased

from crm.config import Config
from crm.domain import listings, policy, understanding
from crm.domain.conversation import Began, Happening, LinkKind, Turn, Utterance
from crm.domain.intents import Wish
from crm.domain.leads import LeasingStage
from crm.domain.places import PlaceName, Places
from crm.domain.route_inputs import CallerKind
from crm.domain.talk import (
    AnswerFact,
    CallerNow,
    CallerStage,
    Facts,
    HomeFact,
    HoursFact,
    PropertyFact,
    RowsWanted,
    TalkState,
)
from crm.domain.understanding import Mind, Understanding
from crm.services.outbox import destinations
from crm.services.people import identity
from crm.services.people.identity import Identity
from crm.services.tours import times
from crm.store import marks, snapshot
from crm.store.models import (
    Agent,
    Answer,
    ContentVersion,
    FormerName,
    Interest,
    Listing,
    Property,
    PropertyProfile,
    Unit,
)
from crm.store.queries import listings as queries
from crm.store.queries import names
from crm.store.snapshot import KnownProperty, Snapshot

MOST_HOMES = 6
"""Homes read for one answer; two are spoken."""
MOST_ANSWERS = 200
MOST_TIMES = 200
"""Free tour times looked at for one answer."""


@dataclass(frozen=True)
class TalkOf:
    """What is known of the call that a talk belongs to."""

    did: str
    """The line's number, as in the routing decision."""
    caller: str | None
    """E.164; None: withheld, or none."""
    is_withheld: bool = False
    recorded: bool = False
    """It is recorded, which the first sentence has to say."""
    property: str = ""
    """Slug of the property that the call is about, where the line does not say."""


@dataclass(frozen=True)
class ThoughtOut:
    """A turn by the rules, and what it rests on."""

    heard: Understanding
    facts: Facts
    turn: Turn[TalkState]


def step(
    session: Session, config: Config, mind: Mind, state: TalkState, happening: Happening, call: TalkOf, now: datetime
) -> Turn[TalkState]:
    """What follows from a happening, as the rows stand now. Reads only."""
    return think(session, config, mind, state, happening, call, now).turn


def think(
    session: Session,
    config: Config,
    mind: Mind,
    state: TalkState,
    happening: Happening,
    call: TalkOf,
    now: datetime,
    chosen: str = "",
) -> ThoughtOut:
    """`step`, with what was understood and read for it. `chosen` is the intent of words that the rules did not
    understand."""
    office = snapshot.now(session)
    heard = hear(session, config, mind, state, happening, call, now, office)
    if chosen:
        heard = replace(heard, wishes=(Wish(chosen),))
    wanted = wanted_for(session, state, heard, call, office)
    known = facts_for(session, config, wanted, heard.language, call, now, office)
    return ThoughtOut(heard, known, policy.turn(mind, state, heard, known))


def hear(
    session: Session,
    config: Config,
    mind: Mind,
    state: TalkState,
    happening: Happening,
    call: TalkOf,
    now: datetime,
    office: Snapshot,
) -> Understanding:
    line = office.lines.get(call.did)
    language = line.language if line else "en"
    if isinstance(happening, Began):
        person = identity.who_is(session, call.caller)
        chosen = person.contact.language if person.contact else person.lead.language if person.lead else ""
        language = chosen if chosen in mind.dialogues else language
    today = now.astimezone(config.tz).date()
    colleagues = session.scalars(select(Agent.name)).all() if isinstance(happening, Utterance) else ()
    return understanding.hear(mind, state, happening, places(session, office), today, language, colleagues)


def wanted_for(session: Session, state: TalkState, heard: Understanding, call: TalkOf, office: Snapshot) -> RowsWanted:
    """Which rows the turn that answers this may speak from."""
    ours = _of_line(office, call)
    known = places(session, office).by_slug
    return understanding.wants(state, heard, ours.slug if ours else "", next(iter(known)) if len(known) == 1 else "")


def _of_line(office: Snapshot, call: TalkOf) -> KnownProperty | None:
    """The property whose number was dialed."""
    line = office.lines.get(call.did)
    return line.property if line and line.property else office.properties.get(call.property)


def facts_for(
    session: Session,
    config: Config,
    wanted: RowsWanted,
    language: str,
    call: TalkOf,
    now: datetime,
    office: Snapshot,
) -> Facts:
    """Everything that may be said in one turn."""
    line = office.lines.get(call.did)
    ours = _of_line(office, call)
    property = office.properties.get(wanted.property)
    focus = _home(session, wanted.listing, now) if wanted.listing is not None else None
    if property is None and focus is not None and not wanted.among:
        property = office.properties.get(focus.place.slug)
    place = _place(session, property) if property else None
    homes, total = _homes(session, wanted, property, office, now) if wanted.homes else ([], 0)
    near = [office.properties[slug] for slug in wanted.among if slug in office.properties]
    if property is None and not near and len(office.properties) == 2:
        near = list(office.properties.values())
    schedule = office.schedule(config.tz, property)
    today = schedule.windows(_midnight(now, schedule.tz), 1) if not schedule.always_open else []
    return Facts(
        now=now,
        tz=times.zone(config, property) if property else config.tz,
        office=office.organization.name if office.organization else "",
        caller=caller_now(session, config, call),
        language=line.language if line else "en",
        recorded=call.recorded,
        line_property=ours.slug if ours else "",
        place=place,
        properties=tuple(PropertyFact(one.id, one.slug, one.name, one.area) for one in near),
        homes=tuple(homes),
        homes_total=total,
        focus=focus,
        answers=_answers(session, property.id if property else None, language),
        hours=HoursFact(
            property.id if property else 0,
            tuple(schedule.week),
            tuple((_clock(opens, schedule.tz), _closing(closes, schedule.tz)) for opens, closes in today),
        ),
        tours=tuple(times.free(session, config, property.slug, now, limit=MOST_TIMES))
        if property and wanted.tours
        else (),
        links=_links(config, office, property),
    )


# --- who calls ---

_BEYOND = frozenset(
    {
        LeasingStage.SHOWING_BOOKED,
        LeasingStage.APPLICATION_SENT,
        LeasingStage.APPLIED,
        LeasingStage.APPROVED,
        LeasingStage.LEASED,
    }
)


def caller_now(session: Session, config: Config, call: TalkOf) -> CallerNow:
    """The caller as the rows know them at this moment."""
    person = identity.who_is(session, call.caller)
    reachable = bool(call.caller) and not call.is_withheld and not person.is_line
    return CallerNow(
        number=call.caller,
        name=person.lead.name if person.lead else "",
        stage=_stage(session, person),
        language=person.lead.language if person.lead else "",
        can_be_texted=reachable and not destinations.refusal(config, call.caller or ""),
    )


def _stage(session: Session, person: Identity) -> CallerStage:
    if person.contact:
        return {
            CallerKind.RESIDENT: CallerStage.RESIDENT,
            CallerKind.OWNER: CallerStage.OWNER,
            CallerKind.VENDOR: CallerStage.VENDOR,
        }.get(person.contact.kind, CallerStage.EARLY)
    if person.lead is None:
        return CallerStage.EARLY
    found = select(Interest.id).where(Interest.lead_id == person.lead.id, Interest.stage.in_(_BEYOND)).limit(1)
    return CallerStage.BEYOND if session.scalar(found) is not None else CallerStage.EARLY


# --- what people call the properties ---

_kept: tuple[Snapshot, str, Places] | None = None
"""Of the last office that was asked about: there is one in a process, but in tests."""


def places(session: Session, office: Snapshot) -> Places:
    """The office's properties by what people call them; read again after a change."""
    global _kept
    mark = marks.SITE.read(session)
    if _kept is not None and _kept[0] is office and _kept[1] == mark:
        return _kept[2]
    street = (
        select(PropertyProfile.property_id, ContentVersion.content)
        .join(
            ContentVersion,
            and_(
                ContentVersion.property_id == PropertyProfile.property_id,
                ContentVersion.version == PropertyProfile.published,
            ),
        )
        .where(PropertyProfile.published.is_not(None))
    )
    streets = {row.property_id: str(row.content.get("street", "")) for row in session.execute(street)}
    found = Places(
        (PlaceName(one.slug, one.name, streets.get(one.id, ""), one.area) for one in office.properties.values()),
        names.said_of_properties(session),
    )
    _kept = office, mark, found
    return found


# --- homes and properties ---

_Own = aliased(ContentVersion)
_Shared = aliased(ContentVersion)
_PUBLIC = (
    select(
        Listing.id,
        Unit.name.label("unit"),
        Property.id.label("property_id"),
        Property.slug,
        Property.name.label("property_name"),
        Property.area,
        _Own.version.label("version"),
        _Own.content.label("own"),
        _Shared.version.label("property_version"),
        _Shared.content.label("shared"),
    )
    .join(Unit, Unit.id == Listing.unit_id)
    .join(Property, Property.id == Listing.property_id)
    .join(PropertyProfile, PropertyProfile.property_id == Listing.property_id)
    .join(_Own, and_(_Own.listing_id == Listing.id, _Own.version == Listing.published))
    .join(_Shared, and_(_Shared.property_id == Listing.property_id, _Shared.version == PropertyProfile.published))
)


def _homes(
    session: Session, wanted: RowsWanted, property: KnownProperty | None, office: Snapshot, now: datetime
) -> tuple[list[HomeFact], int]:
    """The public homes that fit, the lowest rent first, and how many there are with a date."""
    found = _PUBLIC.where(queries.is_public(now))
    ids = [office.properties[slug].id for slug in wanted.among if slug in office.properties]
    if property is not None:
        found = found.where(Listing.property_id == property.id)
    elif ids:
        found = found.where(Listing.property_id.in_(ids))
    if wanted.unit:
        found = found.where(_is_called(session, wanted.unit))
    elif wanted.bedrooms is not None:
        found = found.where(Listing.bedrooms == wanted.bedrooms)
    if wanted.rent_to is not None:
        found = found.where(Listing.rent <= wanted.rent_to)
    if wanted.available_by is not None:
        found = found.where(Listing.available_on <= wanted.available_by)
    if wanted.pets:
        own, shared = getattr(Listing, wanted.pets), getattr(PropertyProfile, wanted.pets)
        found = found.where(func.coalesce(own, shared, false()))
    # Those without a date are not offered, and so come last.
    ordered = found.order_by(Listing.available_on.is_(None), Listing.rent, Listing.id).limit(MOST_HOMES)
    homes = [_fact(row) for row in session.execute(ordered)]
    if len(homes) < MOST_HOMES:
        return homes, sum(one.home.available_on is not None for one in homes)
    return homes, _count(session, found)


def _is_called(session: Session, said: str) -> ColumnElement[bool]:
    """Whether a home has this number on its door, or had it last, in a property where no other has it now."""
    had = select(Unit.property_id, Unit.id).join(FormerName, FormerName.row_id == Unit.id)
    had = had.where(FormerName.kind == Unit.__tablename__, _as_said(FormerName.name) == said)
    last = dict(session.execute(had.where(Unit.retired_at.is_(None)).order_by(FormerName.until, FormerName.id)).all())
    if not last:
        return _as_said(Unit.name) == said
    other = aliased(Unit)
    taken = select(other.property_id).where(_as_said(other.name) == said, other.retired_at.is_(None))
    return (_as_said(Unit.name) == said) | (Unit.id.in_(last.values()) & Unit.property_id.not_in(taken))


def _as_said(name: Any) -> ColumnElement[str]:
    return func.upper(func.replace(name, " ", ""))


def _count(session: Session, found: Select[*tuple[Any, ...]]) -> int:
    with_date = found.where(Listing.available_on.is_not(None)).with_only_columns(func.count(Listing.id))
    return int(session.execute(with_date).scalar_one())


def _home(session: Session, listing_id: int, now: datetime) -> HomeFact | None:
    row = session.execute(_PUBLIC.where(Listing.id == listing_id, queries.is_public(now))).one_or_none()
    return _fact(row) if row is not None else None


def _fact(row: Row[*tuple[Any, ...]]) -> HomeFact:
    content = queries.property_content(row.shared)
    place = PropertyFact(row.property_id, row.slug, row.property_name, row.area, row.property_version, content)
    return HomeFact(row.id, row.version, row.unit, listings.with_terms_of(queries.home(row.own), content), place)


def _place(session: Session, property: KnownProperty) -> PropertyFact:
    found = (
        select(ContentVersion.version, ContentVersion.content)
        .join(
            PropertyProfile,
            and_(
                PropertyProfile.property_id == ContentVersion.property_id,
                PropertyProfile.published == ContentVersion.version,
            ),
        )
        .where(ContentVersion.property_id == property.id)
    )
    row = session.execute(found).one_or_none()
    if row is None:
        return PropertyFact(property.id, property.slug, property.name, property.area)
    content = queries.property_content(row.content)
    return PropertyFact(property.id, property.slug, property.name, property.area, row.version, content)


def _answers(session: Session, property_id: int | None, language: str) -> tuple[AnswerFact, ...]:
    """The latest of each topic: the property's, else the office's."""
    mine: ColumnElement[bool] = Answer.property_id.is_(None)
    if property_id is not None:
        mine = mine | (Answer.property_id == property_id)
    found = select(Answer).where(mine, Answer.language == language).order_by(Answer.version.desc()).limit(MOST_ANSWERS)
    latest: dict[tuple[str, bool], Answer] = {}
    for one in session.scalars(found):
        latest.setdefault((one.topic, one.property_id is None), one)
    given = {key: one for key, one in latest.items() if one.text}
    chosen = {topic: one for (topic, is_office), one in sorted(given.items(), key=lambda pair: not pair[0][1])}
    return tuple(AnswerFact(one.id, topic, one.text, one.version) for topic, one in sorted(chosen.items()))


# --- hours and links ---


def _midnight(now: datetime, tz: Any) -> datetime:
    return now.astimezone(tz).replace(hour=0, minute=0, second=0, microsecond=0)


def _clock(at: datetime, tz: Any) -> str:
    return f"{at.astimezone(tz):%H:%M}"


def _closing(at: datetime, tz: Any) -> str:
    """The same of an end, which may be midnight."""
    return "24:00" if (clock := _clock(at, tz)) == "00:00" else clock


def _links(config: Config, office: Snapshot, property: KnownProperty | None) -> frozenset[str]:
    """Which links can be texted: pages of the public site need its address; listings may be anywhere."""
    found = set()
    if office.listings_url(property) or config.site.public_url:
        found.add(LinkKind.LISTINGS.value)
    if config.site.public_url:
        found |= {LinkKind.TOURS.value, LinkKind.APPLICATION.value, LinkKind.HOME.value}
    return frozenset(found)
