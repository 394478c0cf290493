"""A request to the public site, and what its pages have in common."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from crm.context import Crm
from crm.domain.errors import NotFound
from crm.domain.tours import Slot
from crm.store.queries import listings as queries
from crm.views import public_listings, site
from crm.views.public_listings import Page, PropertyPage
from crm.views.site import SiteOffice
from crm.web.shield import body, retry_after
from crm.web.site import visitors
from crm.web.site.kept import KeptPages, SiteParts
from crm.web.site.looks import Looks
from crm.web.site.visitors import FormKeys, Limits

LONGEST_FORM = 32 * 1024
"""Bytes."""
MOST_FIELDS = 20
LARGEST_ID = 2**31 - 1


@dataclass
class PageVisit:
    """A request, and what is needed to answer it."""

    crm: Crm
    request: Request
    looks: Looks
    keys: FormKeys
    limits: Limits
    kept: KeptPages

    @property
    def address(self) -> str:
        return visitors.address(self.request, self.crm.config.site)

    def page(self, template: str, office: SiteOffice, status: int = 200, **values: Any) -> Response:
        today = self.crm.now().astimezone(self.crm.config.tz).date()
        return self.looks.page(template, office, status, path=self.request.url.path, today=today, **values)

    def slow_down(self, office: SiteOffice, seconds: int) -> Response:
        """Says that there were too many requests, and for how many seconds."""
        return retry_after(self.page("said", office, 429, said=self.looks.say("slow_down")), seconds)

    async def accepted(self, office: SiteOffice, act: Callable[[], Awaitable[Response]]) -> Response:
        """What `act` answers to a form, unless its address has sent too many. One that is refused does not count, so
        that whoever corrects it can send it again."""
        if seconds := self.limits.form(self.address):
            return self.slow_down(office, seconds)
        is_accepted = False
        try:
            answer = await act()
            is_accepted = answer.status_code < 400
            return answer
        finally:
            if not is_accepted:
                self.limits.was_refused(self.address)

    async def office(self, property_slug: str | None = None) -> SiteOffice:
        return await self.crm.store.read(site.office, property_slug)


@dataclass
class FormTopic:
    """What a form is about."""

    office: SiteOffice
    name: str
    back: str
    listing_id: int | None = None
    property: str | None = None
    property_id: int | None = None
    tz: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    """The property's time zone."""
    fee: str = ""
    """What applying costs, as `listings.application_fee` has it."""
    slots: list[Slot] = field(default_factory=list)
    """Free times, for a tour."""


class Gone(Exception):
    """The home is not public, or no longer."""


def private(response: Response) -> Response:
    """Marks a page as personal: caches do not store it, and search engines skip it."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


async def sent_form(request: Request, longest: int = LONGEST_FORM, most: int = MOST_FIELDS) -> dict[str, str]:
    """The fields of a form, of at most this many bytes and fields. Raises HTTPException."""
    raw = await body(request, longest)
    try:
        return dict(parse_qsl(raw.decode("utf-8", "replace"), max_num_fields=most, keep_blank_values=True))
    except ValueError:
        raise HTTPException(413, "too many fields") from None


async def read_home(visit: PageVisit) -> tuple[SiteOffice, Page]:
    """The home that the path names. Raises Gone."""

    def read(session: Session) -> tuple[SiteOffice, Page]:
        state, _ = visit.kept.find(session, None, visit.crm.now())
        return home_of(session, visit, visit.kept.parts(state))

    return await visit.crm.store.read(read)


def home_of(session: Session, visit: PageVisit, parts: SiteParts) -> tuple[SiteOffice, Page]:
    """`read_home`, as this session reads it. Raises Gone."""
    listing_id, language = visit.request.path_params["listing"], visit.looks.language
    if listing_id > LARGEST_ID:
        raise Gone
    found = public_listings.page(session, listing_id, visit.crm.now(), language, known=parts.answers(language))
    if found is None:
        raise Gone
    return parts.office(session, found.property), found


async def what_about(visit: PageVisit) -> FormTopic:
    """The topic that a form's path names. Raises Gone, NotFound."""
    params, prefix = visit.request.path_params, visit.looks.prefix
    if "listing" in params:
        office, home = await read_home(visit)
        name = f"{home.property_name} {home.unit}"
        return FormTopic(
            office,
            name,
            f"{prefix}/homes/{home.id}",
            listing_id=home.id,
            property=home.property,
            fee=home.terms.application_fee,
        )
    if "property" in params:
        slug = read_slug(params["property"]) or ""
        # A page that was opened before it was renamed still sends its form.
        now = await visit.crm.store.read(site.renamed, slug)
        slug = now or slug

        def read(session: Session) -> tuple[SiteOffice, PropertyPage, int] | None:
            found, id = (
                public_listings.property_page(session, slug, visit.looks.language),
                queries.public_property_id(session, slug),
            )
            return (site.office(session, slug), found, id) if found and id else None

        if (known := await visit.crm.store.read(read)) is None:
            raise NotFound("There is no such property.", code="property_unknown")
        office, page, id = known
        return FormTopic(
            office,
            page.name,
            f"{prefix}/properties/{slug}",
            property=slug,
            property_id=id,
            fee=page.terms.application_fee,
        )
    office = await visit.office()
    return FormTopic(office, office.name, prefix or "/")


def read_slug(raw: str | None) -> str | None:
    return raw if raw and re.fullmatch(r"[a-z][a-z0-9-]{0,39}", raw) else None
