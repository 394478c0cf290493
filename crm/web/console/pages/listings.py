"""Listings: homes for rent, edited in versions, with pictures, and published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain import fields, listings
from crm.domain.access import Act
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.listings import ListingFilter, ListingState
from crm.services.audit import By
from crm.services.listings import homes, profiles
from crm.services.office import properties
from crm.views import choices, listing_sheets
from crm.views import listings as view
from crm.views.listing_sheets import ListingSheet
from crm.web.console import clashes, cursors
from crm.web.console.clashes import FormEdit
from crm.web.console.cursors import PER_PAGE
from crm.web.console.door import ConsolePage
from crm.web.console.pages.pictures import Album, pages_of
from crm.web.console.visit import ConsoleVisit
from crm.words.console.listings import WORDS

NUMBERS = ("bedrooms", "bathrooms", "square_feet", "rent", "deposit", "available_on")
TERMS = ("pets", "fees", "utilities", "parking", "laundry", "lease_months", "accessibility")
TEXTS = tuple(f"{part}_{language}" for language in listings.LANGUAGES for part in ("headline", "text", "concession"))
COLUMNS = (*NUMBERS, *TERMS, *TEXTS)
NEW_FIELDS = ("property", "unit", *NUMBERS)


@dataclass
class SheetTrouble:
    """A form of the page that could not be accepted, as it comes back."""

    form: str = ""
    """Its name in the template."""
    text: str = ""
    sent: dict[str, str] = field(default_factory=dict)
    clashes: dict[str, tuple[str, str]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    """Words that somebody has to decide about."""
    base: str = ""


async def _list(visit: ConsoleVisit) -> Response:
    asked = {name: visit.query.get(name, "").strip() for name in ("property", "state")}
    wanted = ListingFilter(
        property=asked["property"] if fields.SLUG.fullmatch(asked["property"]) else None,
        state=asked["state"] if asked["state"] in tuple(ListingState) else None,
    )
    after = _after(visit.query.get("after", ""))

    def read(session: Session) -> tuple[list[view.ListingEntry], choices.Choices]:
        found = view.listed(
            session,
            visit.crm.now(),
            wanted,
            after=after,
            limit=PER_PAGE + 1,
            language=visit.looks.language,
            reach=visit.who.reach,
        )
        return found, choices.properties(session, visit.who.reach)

    found, of = await visit.read(read)
    more = ""
    if len(found) > PER_PAGE:
        found = found[:PER_PAGE]
        more = urlencode({**asked, "after": f"{found[-1].rent}/{found[-1].id}"})
    return visit.page(
        "listings",
        WORDS,
        entries=found,
        asked=asked,
        more=more,
        is_first=after is None,
        properties=of,
        states=ListingState,
        may_change=visit.may(Act.LISTINGS),
    )


def _after(raw: str) -> tuple[Decimal, int] | None:
    """Rent and id of the last one on the page before. Raises NotFound."""
    if not raw:
        return None
    rent, _, id = raw.rpartition("/")
    try:
        amount = Decimal(rent)
    except InvalidOperation:
        amount = Decimal(-1)
    if not (amount.is_finite() and 0 <= amount < 10_000_000):
        raise NotFound("There is no such page.", code="page_unknown")
    return amount.quantize(Decimal("0.01")), cursors.number(id)


# --- a new one ---


async def _new(visit: ConsoleVisit) -> Response:
    sent, wrong = dict.fromkeys(NEW_FIELDS, ""), ""
    sent["property"] = visit.query.get("property", "")
    if visit.request.method == "POST":
        form = await visit.form()
        sent = {name: str(form.get(name, "")).strip() for name in NEW_FIELDS}
        try:
            listing_id = await visit.run(_add, visit, visit.by, sent)
            return visit.see_other(f"/listings/{listing_id}", visit.looks.say(WORDS, "added", id=listing_id))
        except (Invalid, Conflict, NotFound) as error:
            wrong = visit.refusal(error)
    of = await visit.read(choices.properties, visit.who.reach)
    return visit.page("listing_new", WORDS, 422 if wrong else 200, sent=sent, wrong=wrong, properties=of)


def _add(session: Session, visit: ConsoleVisit, by: By, sent: Mapping[str, str]) -> int:
    property = properties.named(session, sent["property"])
    if not visit.who.reach.holds(property.id):
        raise NotFound(f"There is no property {sent['property']}.", code="property_unknown", property=sent["property"])
    cells = {name: sent[name] for name in NUMBERS if sent[name] or name in listings.REQUIRED}
    return homes.add(session, by, property.slug, sent["unit"], cells).id


# --- one ---


async def _listing(visit: ConsoleVisit) -> Response:
    return await _show(visit, SheetTrouble())


async def _show(visit: ConsoleVisit, trouble: SheetTrouble, status: int = 200) -> Response:
    sheet = await visit.read(listing_sheets.one, _asked(visit), visit.crm.now(), visit.who.reach)
    return visit.page(
        "listing",
        WORDS,
        status,
        sheet=sheet,
        cells={**sheet.cells, **trouble.sent} if trouble.form == "terms" else sheet.cells,
        base=trouble.base or clashes.written(sheet.cells),
        trouble=trouble,
        numbers=NUMBERS,
        terms=TERMS,
        languages=listings.LANGUAGES,
        states=ListingState,
        preview=_preview(visit, sheet),
        may_change=visit.may(Act.LISTINGS, sheet.property_id),
    )


def _preview(visit: ConsoleVisit, sheet: ListingSheet) -> str:
    """Where the public sees it; empty: nowhere, or not from this browser."""
    if sheet.published is None or sheet.state == ListingState.EXPIRED:
        return ""
    base, host = visit.crm.config.site.public_url.rstrip("/"), visit.request.url.hostname
    if not base and host in ("127.0.0.1", "localhost"):
        base = f"http://{host}:{visit.crm.config.ports.site}"
    return f"{base}/homes/{sheet.id}" if base else ""


def _asked(visit: ConsoleVisit) -> int:
    return cursors.number(str(visit.request.path_params["listing"]))


Acted = Callable[[Session, By, ListingSheet], object]


async def _acted(visit: ConsoleVisit, name: str, act: Acted, said: str) -> Response:
    """Runs what a form of the page asks for; what is refused comes back with the reason."""

    def found_and_acted(session: Session, by: By) -> None:
        sheet = listing_sheets.one(session, _asked(visit), by.now, visit.who.reach)
        act(session, by, sheet)

    try:
        await visit.run(found_and_acted, visit.by)
    except (Invalid, Conflict) as error:
        found = error.facts.get("findings", [])
        trouble = SheetTrouble(name, visit.refusal(error), findings=list(found) if isinstance(found, list) else [])
        return await _show(visit, trouble, 422)
    return visit.see_other(f"/listings/{_asked(visit)}", visit.looks.say(WORDS, said))


async def _terms(visit: ConsoleVisit) -> Response:
    """Writes what was changed in the form as the next version. Where somebody else has changed the same meanwhile,
    nothing is written, and both are shown."""
    form = await visit.form()
    sent = {name: str(form.get(name, "")).replace("\r\n", "\n").strip() for name in COLUMNS}
    base = clashes.read(str(form.get("base", "")))

    def act(session: Session, by: By) -> FormEdit:
        sheet = listing_sheets.one(session, _asked(visit), by.now, visit.who.reach)
        edit = FormEdit(base, sent, sheet.cells)
        if edit.changes and not edit.clashes:
            homes.change(session, by, sheet.id, edit.changes)
        return edit

    try:
        edit = await visit.run(act, visit.by)
    except (Invalid, Conflict) as error:
        return await _show(visit, SheetTrouble("terms", visit.refusal(error), sent, base=clashes.written(base)), 422)
    if edit.clashes:
        text = visit.looks.say(WORDS, "changed_meanwhile")
        trouble = SheetTrouble("terms", text, edit.merged, edit.clashes, base=clashes.written(edit.there))
        return await _show(visit, trouble, 409)
    return visit.see_other(f"/listings/{_asked(visit)}", visit.looks.say(WORDS, "saved"))


async def _publish(visit: ConsoleVisit) -> Response:
    form = await visit.form()
    until, despite = str(form.get("until", "")).strip(), str(form.get("despite", "")).strip()

    def act(session: Session, by: By, sheet: ListingSheet) -> None:
        if str(form.get("version", "")) != str(sheet.latest):
            raise Conflict("There is a later version by now: look at it first.", code="changed_meanwhile")
        day = fields.day(until) if until else None
        homes.publish(session, visit.crm.config, by, [sheet.id], until=day, despite=despite)

    return await _acted(visit, "publish", act, "published")


async def _unpublish(visit: ConsoleVisit) -> Response:
    await visit.form()
    return await _acted(
        visit, "publish", lambda session, by, sheet: homes.unpublish(session, by, [sheet.id]), "unpublished"
    )


async def _retire(visit: ConsoleVisit) -> Response:
    """Takes the home out of use, off the site; the settings take it back."""
    await visit.form()

    def act(session: Session, by: By) -> str:
        sheet = listing_sheets.one(session, _asked(visit), by.now, visit.who.reach)
        homes.retire(session, by, sheet.id)
        return f"{sheet.property_name} {sheet.unit}"

    name = await visit.run(act, visit.by)
    return visit.see_other("/listings", visit.looks.say(WORDS, "retired", name=name))


async def _publish_property(visit: ConsoleVisit) -> Response:
    """A listing is public only together with its property."""
    await visit.form()
    return await _acted(
        visit,
        "publish",
        lambda session, by, sheet: profiles.publish(session, by, sheet.property),
        "property_published",
    )


# --- pictures ---


def _sheet(visit: ConsoleVisit, session: Session) -> ListingSheet:
    return listing_sheets.one(session, _asked(visit), visit.crm.now(), visit.who.reach)


async def _refused(visit: ConsoleVisit, why: str) -> Response:
    return await _show(visit, SheetTrouble("pictures", why), 422)


ALBUM = Album(
    path=lambda visit: f"/listings/{_asked(visit)}",
    find=_sheet,
    put=lambda session, by, sheet, change, taken: homes.set_pictures(session, by, sheet.id, change, taken),
    refused=_refused,
)

POST = ("POST",)
PAGES = (
    ConsolePage("/listings", _list, section="listings"),
    ConsolePage("/listings/new", _new, needs=Act.LISTINGS, methods=("GET", "POST")),
    ConsolePage("/listings/{listing:int}", _listing),
    ConsolePage("/listings/{listing:int}/terms", _terms, needs=Act.LISTINGS, methods=POST),
    ConsolePage("/listings/{listing:int}/publication", _publish, needs=Act.LISTINGS, methods=POST),
    ConsolePage("/listings/{listing:int}/withdrawal", _unpublish, needs=Act.LISTINGS, methods=POST),
    ConsolePage("/listings/{listing:int}/retirement", _retire, needs=Act.LISTINGS, methods=POST),
    ConsolePage("/listings/{listing:int}/property", _publish_property, needs=Act.LISTINGS, methods=POST),
    *pages_of(ALBUM, "/listings/{listing:int}"),
)
