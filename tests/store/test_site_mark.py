"""The mark of the site: it changes with everything that pages show, and not with what comes in."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from crm.config import Config
from crm.services.audit import By
from crm.services.listings import homes, profiles
from crm.store import marks
from crm.store.models import Call, Lead, Property
from crm.store.session import Store
from crm.views import public_listings, site
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.both_databases]

BY = By("tests", NOW)


@pytest.fixture
def listing(store: Store, config: Config) -> int:
    """A home that is public."""
    with store.writing() as session:
        session.add(Property(slug="elm", name="Elm Street"))
        session.flush()
        address = {"street": "1 Elm Street", "city": "Austin", "state": "TX", "postal_code": "78701"}
        profiles.change(session, BY, "elm", address)
        profiles.publish(session, BY, "elm")
        found = homes.add(session, BY, "elm", "9", {"rent": "800", "bedrooms": "1", "bathrooms": "1"})
        homes.publish(session, config, BY, [found.id])
        return found.id


async def test_every_table_that_pages_read_is_watched(store: Store, listing: int) -> None:
    statements: list[str] = []

    def note(*told: object) -> None:
        statements.append(str(told[2]))

    def read(session: Session) -> None:
        engine = session.connection().engine
        event.listen(engine, "before_cursor_execute", note)
        assert public_listings.cards(session, NOW)
        assert public_listings.page(session, listing, NOW)
        assert public_listings.property_page(session, "elm")
        site.office(session, "elm")
        event.remove(engine, "before_cursor_execute", note)

    store.read_blocking(read)
    tables = {name for one in statements for name in re.findall(r"\b(?:FROM|JOIN) (\w+)", one)}
    assert {"listing", "unit", "organization"} <= tables
    # Versions are never changed; which one is public stands elsewhere.
    assert tables - {"content_version"} <= marks.SITE.watched.keys()


async def test_it_changes_with_homes_and_not_with_calls(store: Store, listing: int) -> None:
    def mark() -> str:
        return store.read_blocking(marks.SITE.read)

    before = mark()
    with store.writing() as session:
        session.add(Call(id="c", did="+15125550100", started_at=NOW))
        session.add(Lead(name="Pat", created_at=NOW))
    assert mark() == before
    with store.writing() as session:
        homes.change(session, BY, listing, {"rent": "900"})
    changed = mark()
    assert changed != before
    with store.writing() as session:
        profiles.change(session, BY, "elm", {"city": "Waco"})
    assert mark() not in (before, changed)
