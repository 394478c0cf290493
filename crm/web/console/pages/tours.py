"""Tours: a calendar by property and agent, each tour on its property's clock; booking, moving and what came of them."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from crm.config import Config
from crm.domain.access import Act, Reach
from crm.domain.errors import Conflict, CrmError, Invalid, NotFound
from crm.domain.tours import OFFERED_DAYS, TourKind, TourState
from crm.services.audit import By
from crm.services.tours import booking, feeds, times
from crm.services.tours.booking import HowTold
from crm.views import agents as agents_view
from crm.views import choices
from crm.views import leads as leads_view
from crm.views import properties as properties_view
from crm.views import tours as view
from crm.views.leads import LeadCard
from crm.views.tours import CalendarTour, FeedEntry
from crm.web.console import cursors
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words.console.tours import WORDS

MOST = 400
"""Tours in one calendar; an office with more looks at a property or an agent."""
VIEWS = ("week", "day", "list")
FIRST_HOUR, LAST_HOUR = 8, 18
"""Shown even when nothing is on."""
LISTED_DAYS = 28
_FAR = timedelta(hours=15)
"""Clocks of properties are at most so far from the office's that a day there may begin so much earlier or later."""
_LONGEST_KEY = 40


@dataclass(frozen=True)
class PlacedTour:
    """A tour on its property's clock."""

    tour: CalendarTour
    begins: datetime
    ends: datetime
    zone: str
    """Its abbreviation, such as MST; empty where it is the office's."""


@dataclass(frozen=True)
class ToursAsked:
    """What the address says."""

    shown: str
    on: date
    property: str
    agent: str

    def query(self, **changes: object) -> str:
        values = {"view": self.shown, "on": self.on, "property": self.property, "agent": self.agent, **changes}
        return urlencode({name: str(value) for name, value in values.items() if value})


def _asked(visit: ConsoleVisit) -> ToursAsked:
    today = visit.crm.now().astimezone(visit.looks.tz).date()
    try:
        on = date.fromisoformat(visit.query.get("on", ""))
    except ValueError:
        on = today
    if not 2000 < on.year < 2200:
        on = today
    shown = visit.query.get("view", "")
    return ToursAsked(
        shown if shown in VIEWS else "week", on, visit.query.get("property", "")[:60], visit.query.get("agent", "")[:60]
    )


async def _calendar(visit: ConsoleVisit) -> Response:
    asked = _asked(visit)
    if asked.shown == "week":
        first, days = asked.on - timedelta(days=asked.on.weekday()), 7
    else:
        first, days = asked.on, 1 if asked.shown == "day" else LISTED_DAYS
    found, options = await visit.read(_found, visit.crm.config, asked, first, days, visit.who.reach)
    dates = [first + timedelta(days=number) for number in range(days)]
    here = [one for one in found if first <= one.begins.date() <= dates[-1]]
    hours = [one.begins.hour for one in here]
    cells: dict[tuple[date, int], list[PlacedTour]] = {}
    for one in here:
        cells.setdefault((one.begins.date(), one.begins.hour), []).append(one)
    return visit.page(
        "tours",
        WORDS,
        asked=asked,
        dates=dates,
        today=visit.crm.now().astimezone(visit.looks.tz).date(),
        hours=range(min([FIRST_HOUR, *hours]), max([LAST_HOUR, *hours]) + 1),
        cells=cells,
        placed=here,
        is_cut=len(found) >= MOST,
        agents=options[0],
        properties=options[1],
        views=VIEWS,
        earlier=asked.query(on=first - timedelta(days=days)),
        later=asked.query(on=first + timedelta(days=days)),
        may_change=visit.may(Act.WORK),
        now=visit.crm.now(),
        kinds=TourKind,
        states=TourState,
        clock=lambda hour: visit.looks.time(datetime.combine(first, time(hour), UTC), ZoneInfo("UTC")),
    )


def _found(
    session: Session, config: Config, asked: ToursAsked, first: date, days: int, reach: Reach
) -> tuple[list[PlacedTour], tuple[choices.Choices, choices.Choices]]:
    property_id = agent_id = None
    if asked.property:
        property = properties_view.named(session, asked.property)
        if not reach.holds(property.id):
            raise NotFound(f"There is no property {asked.property}.", code="property_unknown", property=asked.property)
        property_id = property.id
    if asked.agent:
        agent_id = agents_view.number_of(session, asked.agent)
    begin = datetime.combine(first, time(), config.tz) - _FAR
    end = datetime.combine(first + timedelta(days=days), time(), config.tz) + _FAR
    found = view.between(session, begin, end, property_id=property_id, agent_id=agent_id, limit=MOST, reach=reach)
    options = choices.agents(session), choices.properties(session, reach)
    return [_placed(one, config) for one in found], options


def _placed(tour: CalendarTour, config: Config) -> PlacedTour:
    tz = ZoneInfo(tour.timezone) if tour.timezone else config.tz
    begins = tour.at.astimezone(tz)
    differs = begins.utcoffset() != tour.at.astimezone(config.tz).utcoffset()
    return PlacedTour(tour, begins, tour.until.astimezone(tz), str(begins.tzname()) if differs else "")


# --- one tour ---


@dataclass(frozen=True)
class TourShown:
    placed: PlacedTour
    free: list[tuple[str, datetime]]
    """Times it can be moved to, as they are sent and on the property's clock."""
    told: HowTold | None
    """How the person hears of a change; None: nothing can be changed any more."""


async def _one(visit: ConsoleVisit) -> Response:
    return await _one_page(visit)


async def _one_page(visit: ConsoleVisit, status: int = 200, wrong: str = "") -> Response:
    found = await visit.read(_shown, visit.crm.config, visit.crm.now(), _id(visit), visit.who.reach)
    return visit.page(
        "tour",
        WORDS,
        status,
        shown=found,
        placed=found.placed,
        tour=found.placed.tour,
        is_over=found.placed.tour.at <= visit.crm.now(),
        may_change=visit.may(Act.WORK),
        told=_told(visit, found.told) if found.told else "",
        wrong=wrong,
        kinds=TourKind,
        states=TourState,
    )


def _shown(session: Session, config: Config, now: datetime, tour_id: int, reach: Reach) -> TourShown:
    tour = view.in_calendar(session, tour_id, reach)
    placed = _placed(tour, config)
    if tour.state != TourState.BOOKED:
        return TourShown(placed, [], None)
    tz = placed.begins.tzinfo
    slots = times.free_on(session, config, tour.property, now, now, OFFERED_DAYS, TourKind(tour.kind))
    starts = dict.fromkeys(one.starts_at for one in slots)
    free = [(at.isoformat(), at.astimezone(tz)) for at in starts]
    return TourShown(placed, free[:200], booking.how_told(session, config, tour.lead, now))


def _told(visit: ConsoleVisit, told: HowTold) -> str:
    ways = [visit.looks.say(WORDS, "told_text")] * told.by_text + [visit.looks.say(WORDS, "told_mail")] * told.by_mail
    if ways:
        return visit.looks.say(WORDS, "told", ways=visit.looks.say(WORDS, "and").join(ways))
    return visit.looks.say(WORDS, "told_opted_out" if told.opted_out else "told_nobody")


def _id(visit: ConsoleVisit) -> int:
    return cursors.number(str(visit.request.path_params["tour"]))


async def _times(visit: ConsoleVisit) -> Response:
    """For the calendar: where a tour can be moved to in the days that it shows, and what is asked before it is."""
    try:
        first = date.fromisoformat(visit.query.get("first", ""))
        days = min(max(int(visit.query.get("days", "")), 1), 7)
    except ValueError:
        raise Invalid("This is not a day.", code="day_invalid") from None
    config, now, id, reach = visit.crm.config, visit.crm.now(), _id(visit), visit.who.reach

    def read(session: Session) -> tuple[PlacedTour, list[datetime], HowTold]:
        tour = view.in_calendar(session, id, reach)
        placed = _placed(tour, config)
        if tour.state != TourState.BOOKED:
            raise Conflict(f"Tour {id} is already {tour.state}.", code="tour_over", tour=id, state=tour.state)
        tz = placed.begins.tzinfo
        begin = datetime.combine(first, time(), tz)
        found = times.free_on(session, config, tour.property, now, begin, days - 1, TourKind(tour.kind))
        starts = dict.fromkeys(one.starts_at for one in found)
        last = first + timedelta(days=days)
        here = [at.astimezone(tz) for at in starts if at.astimezone(tz).date() < last]
        return placed, here, booking.how_told(session, config, tour.lead, now)

    placed, free, told = await visit.read(read)
    tz = ZoneInfo(placed.tour.timezone) if placed.tour.timezone else visit.looks.tz
    told_words = _told(visit, told)
    return JSONResponse(
        {
            "version": placed.tour.version,
            "times": [
                {
                    "at": at.astimezone(UTC).isoformat(),
                    "day": at.date().isoformat(),
                    "hour": at.hour,
                    "label": visit.looks.moment(at, tz),
                    "ask": f"{visit.looks.say(WORDS, 'move_ask', at=visit.looks.moment(at, tz))} {told_words}",
                }
                for at in free
            ],
        }
    )


async def _move(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    id, reach = _id(visit), visit.who.reach
    config, secrets = visit.crm.config, visit.crm.secrets
    at, version = _moment(fields, "at"), cursors.number(str(fields.get("version", "")))

    def act(session: Session, by: By) -> None:
        view.in_calendar(session, id, reach)
        booking.move(session, config, secrets, by, id, at, version=version)

    try:
        await visit.run(act, visit.by)
    except (Conflict, Invalid) as error:
        return await _one_page(visit, 409, _why(visit, error))
    found = await visit.read(view.in_calendar, id, reach)
    placed = _placed(found, config)
    tz = ZoneInfo(found.timezone) if found.timezone else None
    return visit.see_other(
        visit.back(f"/tours/{id}"), visit.looks.say(WORDS, "moved", at=visit.looks.moment(placed.begins, tz))
    )


async def _cancel(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    id, reach = _id(visit), visit.who.reach
    config, secrets = visit.crm.config, visit.crm.secrets
    version = cursors.number(str(fields.get("version", "")))

    def act(session: Session, by: By) -> None:
        view.in_calendar(session, id, reach)
        booking.cancel(session, config, secrets, by, id, version=version)

    try:
        await visit.run(act, visit.by)
    except Conflict as error:
        return await _one_page(visit, 409, _why(visit, error))
    return visit.see_other(f"/tours/{id}", visit.looks.say(WORDS, "cancelled"))


async def _close(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    id, reach = _id(visit), visit.who.reach
    config, secrets = visit.crm.config, visit.crm.secrets
    raw = str(fields.get("state", ""))
    state = TourState(raw) if raw in tuple(TourState) else TourState.BOOKED

    def act(session: Session, by: By) -> None:
        view.in_calendar(session, id, reach)
        booking.close(session, config, secrets, by, id, state)

    try:
        await visit.run(act, visit.by)
    except Conflict as error:
        return await _one_page(visit, 409, _why(visit, error))
    return visit.see_other(f"/tours/{id}", visit.looks.say(WORDS, f"closed_{state}"))


def _why(visit: ConsoleVisit, error: CrmError) -> str:
    known = f"wrong_{error.code}"
    return visit.looks.say(WORDS, known) if known in WORDS["en"] else visit.refusal(error)


def _moment(fields: FormData, name: str) -> datetime:
    """Raises Invalid."""
    at: datetime | None
    try:
        at = datetime.fromisoformat(str(fields.get(name, "")))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not 2000 < at.year < 2200:
        raise Invalid("Choose a time.", code="tour_time_missing")
    return at.astimezone(UTC)


# --- booking ---


async def _new(visit: ConsoleVisit) -> Response:
    return await _new_page(visit, visit.query)


async def _new_page(visit: ConsoleVisit, sent: dict[str, str], status: int = 200, wrong: str = "") -> Response:
    """Two steps: the property, then one of its free times and who comes, unless the page of a lead has said so."""
    config, now, reach, slug = visit.crm.config, visit.crm.now(), visit.who.reach, sent.get("property", "")[:60]
    lead, told = await visit.read(_comes, visit, sent.get("lead", ""))

    def read(session: Session) -> tuple[choices.Choices, str, list[tuple[str, datetime, str]], ZoneInfo]:
        options = choices.properties(session, reach)
        if not slug:
            return options, "", [], config.tz
        property = properties_view.named(session, slug)
        if not reach.holds(property.id):
            raise NotFound(f"There is no property {slug}.", code="property_unknown", property=slug)
        tz = times.zone(config, property)
        found = times.free_on(session, config, slug, now, now, OFFERED_DAYS)
        slots = {(one.starts_at, one.kind): None for one in found}
        return options, property.name, [(f"{at.isoformat()}/{kind}", at, str(kind)) for at, kind in slots][:300], tz

    options, name, slots, tz = await visit.read(read)
    return visit.page(
        "tour_new",
        WORDS,
        status,
        properties=options,
        property=slug,
        name=name,
        slots=slots,
        tz=tz,
        key=uuid.uuid4().hex,
        lead=lead,
        told=_told(visit, told) if told else visit.looks.say(WORDS, "told_new"),
        sent=sent,
        wrong=wrong,
        kinds=TourKind,
        may_set=visit.may(Act.SETTINGS),
    )


def _comes(session: Session, visit: ConsoleVisit, raw: str) -> tuple[LeadCard | None, HowTold | None]:
    """The lead whose page led here, and how they hear of their tour. Raises NotFound."""
    if not raw:
        return None, None
    lead_id, now = leads_view.surviving(session, cursors.number(raw), visit.who.reach), visit.crm.now()
    card = leads_view.card(session, lead_id, now, visit.who.reach)
    return card, booking.how_told(session, visit.crm.config, lead_id, now)


async def _book(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    sent = {name: str(value) for name, value in fields.items()}
    config, secrets, reach, who = visit.crm.config, visit.crm.secrets, visit.who.reach, visit.who.account_id
    key, person, slug = (
        sent.get("key", "")[:_LONGEST_KEY],
        sent.get("person", "").strip()[:200],
        sent.get("property", ""),
    )
    raw, _, kind = sent.get("at", "").partition("/")

    def act(session: Session, by: By) -> int:
        whom: str | int = person
        if sent.get("lead"):
            whom = leads_view.surviving(session, cursors.number(sent["lead"]), reach)
        if not key.isalnum() or not whom:
            raise Invalid("Say who comes: a phone number, an email address or a lead.", code="tour_who_missing")
        at = _moment(FormData({"at": raw}), "at")
        property = properties_view.named(session, slug)
        if not reach.holds(property.id):
            raise NotFound(f"There is no property {slug[:60]}.", code="property_unknown", property=slug[:60])
        if whom == person and person.isascii() and person.isdigit() and len(person) < 7:
            # By a number that somebody might guess, nobody beyond reach is found.
            leads_view.surviving(session, int(person), reach)
        booked = booking.book(
            session,
            config,
            secrets,
            by,
            person=whom,
            property_slug=slug,
            at=at,
            key=f"console:{who}:{key}",
            kind=TourKind(kind) if kind in tuple(TourKind) else None,
            remark=sent.get("note", ""),
        )
        return booked.tour.id

    try:
        id = await visit.run(act, visit.by)
    except (Invalid, Conflict) as error:
        return await _new_page(visit, sent, 422, _why(visit, error))
    return visit.see_other(f"/tours/{id}", visit.looks.say(WORDS, "booked"))


# --- calendars to subscribe to ---


async def _feeds(visit: ConsoleVisit) -> Response:
    def read(session: Session) -> tuple[list[FeedEntry], choices.Choices, choices.Choices]:
        found = view.feeds(session, visit.who.account_id)
        return found, choices.agents(session), choices.properties(session, visit.who.reach)

    found, agents, properties = await visit.read(read)
    base = visit.crm.config.console.public_url.rstrip("/") or str(visit.request.base_url).rstrip("/")
    return visit.page("tour_feeds", WORDS, feeds=found, agents=agents, properties=properties, base=base)


async def _add_feed(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    kind, _, slug = str(fields.get("of", "")).partition("/")
    await visit.run(
        feeds.add,
        visit.by,
        visit.who.account_id,
        property_slug=slug if kind == "property" else "",
        agent=slug if kind == "agent" else "",
        reach=visit.who.reach,
    )
    return visit.see_other("/tours/feeds", visit.looks.say(WORDS, "feed_made"))


async def _revoke_feed(visit: ConsoleVisit) -> Response:
    await visit.form()
    id = cursors.number(str(visit.request.path_params["feed"]))
    await visit.run(feeds.revoke, visit.by, visit.who.account_id, id)
    return visit.see_other("/tours/feeds", visit.looks.say(WORDS, "feed_revoked"))


async def _feed(visit: ConsoleVisit) -> Response:
    """The file that calendar programs read; whoever has its address may."""
    by = By("calendar", visit.crm.now())
    text = await visit.read(feeds.read, visit.crm.config, visit.request.path_params["token"], by)
    content = text.encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    asked = {one.strip().removeprefix("W/") for one in visit.request.headers.get("If-None-Match", "").split(",")}
    if tag in asked:
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = 'attachment; filename="tours.ics"'
    return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)


PAGES = (
    ConsolePage("/tours", _calendar, section="tours"),
    ConsolePage("/tours", _book, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/tours/new", _new, needs=Act.WORK),
    ConsolePage("/tours/feeds", _feeds),
    ConsolePage("/tours/feeds", _add_feed, methods=("POST",)),
    ConsolePage("/tours/feeds/{feed:int}/revoke", _revoke_feed, methods=("POST",)),
    ConsolePage("/tours/{tour:int}", _one),
    ConsolePage("/tours/{tour:int}/times", _times, needs=Act.WORK),
    ConsolePage("/tours/{tour:int}/move", _move, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/tours/{tour:int}/cancel", _cancel, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/tours/{tour:int}/close", _close, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/calendar/{token}.ics", _feed, is_public=True),
)
