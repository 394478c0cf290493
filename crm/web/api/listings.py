"""Properties, and the homes in them that are for rent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from crm.domain.access import Scope
from crm.domain.listings import LANGUAGES, ListingFilter, ListingState
from crm.views import listings, properties
from crm.views.listings import ListingDetail, ListingEntry
from crm.views.properties import PropertyEntry
from crm.web.api import sees
from crm.web.api.cursors import page
from crm.web.api.routes import Ask, Id, ListPage, Paged, Query, Routes, Slug

routes = Routes("listings")

Money = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,6}(\.[0-9]{1,2})?$")]
Language = Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(LANGUAGES)})$")]


@routes.get("/properties", Scope.LISTINGS_READ)
def list_properties(ask: Ask, query: Paged) -> ListPage[PropertyEntry]:
    """List properties by slug."""
    return page(
        query,
        str,
        lambda one: one.slug,
        lambda after, limit: properties.listed(ask.session, after=after, limit=limit, reach=ask.reach),
    )


class ListingQuery(Paged, kw_only=True):
    """Filters for homes."""

    property: Slug | None = None
    state: ListingState | None = None
    """published includes changed."""
    bedrooms: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    rent_from: Money | None = None
    """Per month, such as 1450 or 1450.50."""
    rent_to: Money | None = None
    available_by: date | None = None
    pets: Literal["cats", "dogs"] | None = None
    """Only homes where they are allowed."""
    language: Language = LANGUAGES[0]


@routes.get("/listings", Scope.LISTINGS_READ)
def list_listings(ask: Ask, query: ListingQuery) -> ListPage[ListingEntry]:
    """List homes, lowest rent first."""
    wanted = ListingFilter(
        property=query.property,
        state=query.state,
        bedrooms=query.bedrooms,
        rent_from=_money(query.rent_from),
        rent_to=_money(query.rent_to),
        available_by=query.available_by,
        pets=query.pets,
    )
    return page(
        query,
        tuple[Decimal, int],
        lambda one: (one.rent, one.id),
        lambda after, limit: listings.listed(
            ask.session, ask.now, wanted, after=after, limit=limit, language=query.language, reach=ask.reach
        ),
    )


def _money(raw: str | None) -> Decimal | None:
    return None if raw is None else Decimal(raw)


class LanguageQuery(Query, kw_only=True):
    """The language of texts."""

    language: Language = LANGUAGES[0]


@routes.get("/listings/{listing}", Scope.LISTINGS_READ)
def show_listing(ask: Ask, listing: Id, query: LanguageQuery) -> ListingDetail:
    """Show a home in its version in force."""
    return listings.one(ask.session, sees.listing(ask, listing), ask.now, language=query.language)
