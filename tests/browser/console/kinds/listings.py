"""Homes for rent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import select

from crm.context import Crm
from crm.domain.access import Role
from crm.services.audit import By
from crm.services.listings import answers, homes
from crm.store.models import Listing
from tests.browser.console.kind import Kind

KINDS = (
    Kind("listings", "/listings"),
    Kind("listings of an agent", "/listings?state=published", Role.AGENT),
    Kind("no listing found", "/listings?state=expired"),
    Kind("new listing", "/listings/new", Role.MANAGER),
    Kind("listing", "/listings/{listing}", Role.MANAGER),
    Kind("listing, not public", "/listings/{draft}"),
    Kind("properties", "/listings/properties", Role.MANAGER),
    Kind("property", "/listings/properties/elm"),
    Kind("answers of the office", "/listings/properties/office", Role.MANAGER),
    Kind("listing, read only", "/listings/{listing}", Role.READ_ONLY),
)


def fill(crm: Crm) -> Mapping[str, object]:
    by = By("alice", datetime(2026, 3, 2, 16, 0, tzinfo=UTC))
    with crm.store.writing() as session:
        listing = session.scalars(select(Listing.id).where(Listing.published.is_not(None)).order_by(Listing.id)).first()
        cells = {"bedrooms": "2", "bathrooms": "1.5", "rent": "1450", "text_en": "A quiet home for mature couples."}
        draft = homes.add(session, by, "elm", "Garden house at the end of the yard", cells)
        for slug in ("elm", None):
            answers.give(session, by, slug, "vouchers", "We welcome housing choice vouchers.", "en")
        return {"listing": listing, "draft": draft.id}
