"""The public site's pages."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from crm.context import Crm
from crm.domain.errors import Conflict, Invalid, NotFound, Unavailable
from crm.domain.listings import ListingFilter
from crm.domain.tours import TourKind
from crm.edge import pictures
from crm.services.arrivals import forms
from crm.services.arrivals.forms import FieldErrors, FormKind, SentForm
from crm.services.audit import By
from crm.services.outbox import news_links
from crm.services.people import short_links
from crm.services.tours import links as tour_links
from crm.services.tours import times
from crm.views import public_listings, site
from crm.views.public_listings import Card
from crm.views.site import SiteOffice
from crm.web.shield import hosts, shielded
from crm.web.site import apply, tours, unsubscribe, visitors
from crm.web.site.kept import KeptPage, KeptPages, SiteParts
from crm.web.site.looks import HEADERS, STYLE, Looks
from crm.web.site.visit import FormTopic, Gone, PageVisit, home_of, read_slug, sent_form, what_about
from crm.web.site.visitors import FormKeys, Limits, TooOld, TooQuick
from crm.words.site import CONSENT, CONSENT_VERSION, LANGUAGES

FILTERS = ("after", "bedrooms", "by", "pets", "property", "up_to")
"""Query parameters of a list; others, such as trackers', are ignored."""
PAGE = 24
"""Homes on a page of the list."""
TIMES = 60
"""Free times offered."""
NOT_FOR_ROBOTS = (
    "/contact",
    "/*/question",
    "/*/tour",
    "/*/apply",
    "/apply",
    "/tours/",
    "/*/tours/",
    "/unsubscribe/",
    "/*/unsubscribe/",
)
PICTURE = re.compile(r"([0-9a-f]{16,64})-([0-9]{2,5})\.webp")

_log = logging.getLogger(__name__)
_Endpoint = Callable[[PageVisit], Awaitable[Response]]
_Reading = Callable[[Session, PageVisit, SiteParts], Response]
"""A page that is the same for everybody, as a session reads it."""


def build(crm: Crm) -> ASGIApp:
    """The public site, on ports.site."""
    keys, limits, known = FormKeys(crm.secrets, crm.config.site), Limits(crm.config.site), KeptPages(crm.config.tz)
    files = [
        Route("/robots.txt", partial(_robots, crm)),
        Route("/sitemap.xml", partial(_sitemap, crm)),
        Route(STYLE.path, _style),
        Route("/pictures/{name}", partial(_picture, crm)),
        Route(f"{short_links.PATH}{{token}}", partial(_follow, crm)),
    ]
    pages: list[Route] = []

    def kept(read: _Reading) -> _Endpoint:
        return partial(_kept, read)

    # The first language has no prefix, and its last route takes everything, so it comes last.
    for language in reversed(LANGUAGES):
        prefix = "" if language == next(iter(LANGUAGES)) else f"/{language}"
        looks = Looks(crm.config, language, prefix)

        def route(path: str, act: _Endpoint, *methods: str, looks: Looks = looks, prefix: str = prefix) -> Route:
            async def endpoint(request: Request) -> Response:
                # Mail programs unsubscribe thousands from one address.
                is_limited = act is not unsubscribe.unsubscribe
                return await _answered(PageVisit(crm, request, looks, keys, limits, known), act, is_limited=is_limited)

            return Route(f"{prefix}{path}", endpoint, methods=methods or ("GET",))

        both = ("GET", "POST")
        pages += [
            *([route("", kept(_list))] if prefix else []),
            route("/", kept(_list)),
            route("/homes/{listing:int}", kept(_home)),
            route("/homes/{listing:int}/question", _form, *both),
            route("/homes/{listing:int}/tour", _form, *both),
            route("/homes/{listing:int}/apply", apply.start, *both),
            route("/properties/{property}", kept(_property)),
            route("/properties/{property}/question", _form, *both),
            route("/properties/{property}/tour", _form, *both),
            route("/properties/{property}/apply", apply.start, *both),
            route(f"{tour_links.PATH}{{token}}", tours.tour, *both),
            route(f"{news_links.PATH}{{token}}", unsubscribe.unsubscribe, *both),
            route("/apply", apply.resume, *both),
            route("/apply/{token}", apply.step),
            route("/apply/{token}/{step}", apply.step, *both),
            route("/contact", _form, *both),
            route("/{rest:path}", _nothing),
        ]
    app = Starlette(routes=[*files, *pages])
    app.router.redirect_slashes = False
    return shielded(app, hosts(crm.config.web, crm.config.site.public_url))


async def _answered(visit: PageVisit, act: _Endpoint, *, is_limited: bool) -> Response:
    """Maps every error to its page."""
    nobody = SiteOffice("", None)
    looks = visit.looks
    try:
        if is_limited and (seconds := visit.limits.page(visit.address)):
            return visit.slow_down(nobody, seconds)
        return await act(visit)
    except (NotFound, Gone) as error:
        key = "gone" if isinstance(error, Gone) else "not_found"
        return visit.page("said", await visit.office(), 404, said=looks.say(key))
    except Unavailable:
        return visit.page("said", nobody, 503, said=looks.say("trouble"))
    except HTTPException as error:
        return visit.page("said", nobody, error.status_code, said=looks.say("message_long"))
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception:  # noqa: BLE001 - a door: the visitor gets a page, and we the reason
        _log.exception("a page of the site failed")
        return visit.page("said", nobody, 500, said=looks.say("trouble"))


async def _kept(read: _Reading, visit: PageVisit) -> Response:
    """The kept page, or a new one. All of it is done where the database is read: the way there and back takes as long
    as to write a page."""
    request, pages = visit.request, visit.kept
    key = (request.url.path, *((name, request.query_params.get(name, "")) for name in FILTERS))

    def found(session: Session) -> KeptPage | Response:
        state, page = pages.find(session, key, visit.crm.now())
        if page is not None:
            return page
        answer = read(session, visit, pages.parts(state))
        return pages.keep(state, key, bytes(answer.body)) if answer.status_code == 200 else answer

    page = await visit.crm.store.read(found)
    if isinstance(page, Response):
        return page
    if request.headers.get("If-None-Match") == page.etag:
        return Response(status_code=304, headers={**HEADERS, "ETag": page.etag})
    return HTMLResponse(page.body, headers={**HEADERS, "ETag": page.etag})


async def _nothing(visit: PageVisit) -> Response:
    raise NotFound("There is no such page.", code="page_unknown")


def _list(session: Session, visit: PageVisit, parts: SiteParts) -> Response:
    query = visit.request.query_params
    wanted = ListingFilter(
        property=read_slug(query.get("property")),
        bedrooms=_number(query.get("bedrooms"), 9),
        rent_to=_money(query.get("up_to")),
        available_by=_date(query.get("by")),
        pets=query.get("pets") if query.get("pets") in ("cats", "dogs") else None,
    )
    after = _after(query.get("after"))
    cards = _cards(session, visit, parts, wanted, PAGE + 1, after)
    more = ""
    if len(cards) > PAGE:
        cards = cards[:PAGE]
        kept = {key: value for key, value in query.items() if key in FILTERS and key != "after"}
        more = urlencode({**kept, "after": f"{cards[-1].rent}-{cards[-1].id}"})
    office, asked = parts.office(session), dict(query)
    return visit.page("list", office, cards=cards, more=more, asked=asked, is_first=after is None)


def _cards(
    session: Session,
    visit: PageVisit,
    parts: SiteParts,
    wanted: ListingFilter,
    limit: int,
    after: tuple[Decimal, int] | None = None,
) -> list[Card]:
    now, language = visit.crm.now(), visit.looks.language
    known = parts.cards(language)
    return public_listings.cards(session, now, wanted, after=after, limit=limit, language=language, known=known)


def _home(session: Session, visit: PageVisit, parts: SiteParts) -> Response:
    office, home = home_of(session, visit, parts)
    return visit.page("home", office, home=home)


def _property(session: Session, visit: PageVisit, parts: SiteParts) -> Response:
    slug = read_slug(visit.request.path_params["property"]) or ""
    property = public_listings.property_page(session, slug, visit.looks.language)
    if property is None:
        if now := site.renamed(session, slug):
            return RedirectResponse(visit.request.url.path.removesuffix(slug) + now, 301)
        raise NotFound("There is no such property.", code="property_unknown")
    homes = _cards(session, visit, parts, ListingFilter(property=slug), PAGE)
    return visit.page("property", parts.office(session, slug), property=property, cards=homes)


async def _form(visit: PageVisit) -> Response:
    kind = {"question": FormKind.QUESTION, "tour": FormKind.TOUR}.get(
        visit.request.url.path.rpartition("/")[2], FormKind.CONTACT
    )
    about = await what_about(visit)
    if kind is FormKind.TOUR:
        await _look_for_times(visit, about)
    if visit.request.method != "POST":
        return _show_form(visit, kind, about)
    sent = await sent_form(visit.request)
    return await visit.accepted(about.office, partial(_take, visit, kind, about, sent))


async def _take(visit: PageVisit, kind: FormKind, about: FormTopic, sent: dict[str, str]) -> Response:
    try:
        form = _read_form(visit, kind, about, sent)
        by = By("website", visit.crm.now())
        accepted = await visit.crm.store.run(forms.accept, visit.crm.config, visit.crm.secrets, by, form)
    except FieldErrors as error:
        return _show_form(visit, kind, about, sent, error.by_field, status=422)
    except TooOld:
        return _show_form(visit, kind, about, sent, {"": "expired"}, status=409)
    except TooQuick:
        return _show_form(visit, kind, about, sent, {"": "too_quick"}, status=409)
    except (Conflict, Invalid):
        await _look_for_times(visit, about)
        return _show_form(visit, kind, about, sent, {"at": "tour_taken"}, status=409)
    if accepted.tour_at is not None:
        when = visit.looks.moment(accepted.tour_at, about.tz)
        said = visit.looks.say("tour_done", name=about.name, when=when)
        return visit.page(
            "said",
            about.office,
            said=said,
            more=visit.looks.say("tour_text"),
            back=about.back,
            back_to=about.name,
            further=(f"{visit.looks.prefix}{accepted.tour_path}", "tour_change") if accepted.tour_path else None,
        )
    return visit.page(
        "said",
        about.office,
        said=visit.looks.say("sent"),
        more=visit.looks.say("sent_more"),
        back=about.back,
        back_to=about.name,
    )


async def _look_for_times(visit: PageVisit, about: FormTopic) -> None:
    if about.property is None:
        return
    crm, now = visit.crm, visit.crm.now()
    about.slots = await crm.store.read(times.free, crm.config, about.property, now, limit=TIMES)
    about.tz = (await crm.store.read(times.offer, crm.config, about.property, now)).tz


def _show_form(
    visit: PageVisit,
    kind: FormKind,
    about: FormTopic,
    sent: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    looks, key = visit.looks, (sent or {}).get("key", "")
    if not key or (wrong or {}).get("") == "expired":
        key = visit.keys.new()
    shown = [(f"{slot.starts_at.isoformat()}/{slot.kind}", slot) for slot in about.slots]
    return visit.page(
        "form",
        about.office,
        status,
        kind=kind.value,
        about=about,
        days=looks.days(shown, about.tz),
        kinds=sorted({slot.kind.value for slot in about.slots}),
        sent=sent or {},
        wrong=wrong or {},
        key=key,
        trap=visitors.TRAP,
        consent=CONSENT[looks.language].format(office=about.office.name),
    )


def _read_form(visit: PageVisit, kind: FormKind, about: FormTopic, sent: dict[str, str]) -> SentForm:
    """Raises TooOld, TooQuick, FieldErrors."""
    if not visitors.is_from_here(visit.request):
        raise TooOld
    key = visit.keys.read(sent.get("key", ""))
    at, _, tour_kind = sent.get("at", "").partition("/")
    office, language = about.office.name, visit.looks.language
    return SentForm(
        kind=kind,
        # A key that was moved to another form does not match this one.
        key=f"{kind}:{key}",
        name=sent.get("name", ""),
        email=sent.get("email", ""),
        phone=sent.get("phone", ""),
        message=sent.get("message", ""),
        listing_id=about.listing_id,
        property_id=about.property_id,
        at=_moment(at),
        tour_kind=TourKind(tour_kind) if tour_kind in tuple(TourKind) else None,
        agreed_to=CONSENT[language].format(office=office) if sent.get("texts") == "yes" else "",
        wording_version=CONSENT_VERSION,
        language=language,
        came_from=visit.address,
        is_trapped=bool(sent.get(visitors.TRAP)),
    )


async def _style(request: Request) -> Response:
    return Response(STYLE.text, media_type="text/css", headers={"Cache-Control": "public, max-age=31536000, immutable"})


async def _picture(crm: Crm, request: Request) -> Response:
    named = PICTURE.fullmatch(request.path_params["name"])
    path = pictures.file_of(crm.config.pictures_folder, named[1], int(named[2])) if named else None
    if path is None or not await asyncio.to_thread(path.is_file):
        return PlainTextResponse("not found\n", 404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Cross-Origin-Resource-Policy": "same-site"}
    return FileResponse(path, media_type="image/webp", headers=headers)


async def _follow(crm: Crm, request: Request) -> Response:
    """Follows a short link from a text. A program that opens links by itself does not count as the person."""
    by_person = request.method == "GET" and visitors.is_person(request)
    act = partial(short_links.follow, by_person=by_person)
    try:
        path = await crm.store.run(act, request.path_params["token"][:32], crm.now())
    except Unavailable:
        path = "/"
    return RedirectResponse(path, 302, headers={"Cache-Control": "no-store", "X-Robots-Tag": "noindex"})


async def _robots(crm: Crm, request: Request) -> Response:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in NOT_FOR_ROBOTS)]
    if crm.config.site.public_url:
        lines.append(f"Sitemap: {crm.config.site.public_url.rstrip('/')}/sitemap.xml")
    else:
        lines = ["User-agent: *", "Disallow: /"]
    return PlainTextResponse("\n".join(lines) + "\n")


async def _sitemap(crm: Crm, request: Request) -> Response:
    base = crm.config.site.public_url.rstrip("/")
    try:
        paths = await crm.store.read(lambda session: list(site.paths(session, crm.now())))
    except Unavailable:
        return PlainTextResponse("try again\n", 503)
    others = list(LANGUAGES)[1:]
    urls = [f"{base}{path}" for path in paths]
    urls += [f"{base}/{language}{path if path != '/' else ''}" for path in paths for language in others]
    entries = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
    head = '<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return Response(f"{head}{entries}</urlset>", media_type="application/xml")


def _number(raw: str | None, most: int) -> int | None:
    return int(raw) if raw and raw.isascii() and raw.isdigit() and int(raw[:3]) <= most else None


def _money(raw: str | None) -> Decimal | None:
    try:
        found = Decimal((raw or "").replace("$", "").replace(",", "").strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() and 0 < found < 1_000_000 else None


def _date(raw: str | None) -> date | None:
    try:
        return date.fromisoformat(raw or "")
    except ValueError:
        return None


def _moment(raw: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(raw)
    except ValueError:
        return None
    # The calendar's first and last days have no neighbors in other time zones.
    return at.astimezone(UTC) if at.tzinfo is not None and 2000 < at.year < 3000 else None


def _after(raw: str | None) -> tuple[Decimal, int] | None:
    rent, _, id = (raw or "").rpartition("-")
    money, number = _money(rent), _number(id, 999)
    return (money, int(id)) if money is not None and number is not None and len(id) < 10 else None
