"""Pages of the site are kept, and whatever changes what they show is seen by the next visitor."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from crm.context import Crm
from crm.services.listings import answers, homes
from crm.store.models import Line, Organization, Property
from crm.store.session import Store
from crm.views import answers as shown_answers
from crm.views import public_listings, site
from crm.web.site import kept
from crm.web.site.app import build
from crm.web.site.kept import KeptPages
from tests.web.visitors import BY, NOW, Visitor

pytestmark = pytest.mark.web

PAGES = ("/", "/es", "/?bedrooms=2", "/homes/1", "/es/homes/1", "/properties/elm")


@dataclass
class Clocked(Visitor):
    """A visitor to a site whose time is set."""

    time: datetime = NOW


@pytest.fixture
async def clocked(visitor: Visitor) -> AsyncIterator[Clocked]:
    def clock() -> datetime:
        return found.time

    crm = Crm(visitor.crm.config, visitor.crm.store, visitor.crm.secrets, clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(crm)), base_url="http://127.0.0.1") as http:
        found = Clocked(crm, http)
        yield found


async def test_a_page_that_was_shown_is_not_read_again(clocked: Clocked, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {path: await clocked.open(path) for path in PAGES}

    def read(*arguments: object, **options: object) -> None:
        raise AssertionError("it is read again")

    for name in ("cards", "page", "property_page"):
        monkeypatch.setattr(public_listings, name, read)
    for path, page in shown.items():
        assert await clocked.open(path) == page
    assert await clocked.open("/?utm_source=text&fbclid=1") == shown["/"], "what others add to a link changes nothing"
    await clocked.open("/?bedrooms=1", 500)


async def test_what_homes_have_in_common_is_read_once_and_a_new_page_takes_one_way_to_the_database(
    clocked: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[object] = []
    threads = Store._in_thread

    async def counted(store: Store, *what: Any) -> Any:
        ways.append(what)
        return await threads(store, *what)

    def read(*arguments: object, **options: object) -> None:
        raise AssertionError("it is read again")

    await clocked.open("/homes/1")
    monkeypatch.setattr(Store, "_in_thread", counted)
    for module, name in ((shown_answers, "that_apply"), (site, "office")):
        monkeypatch.setattr(module, name, read)
    await clocked.open("/homes/2")
    assert len(ways) == 1


async def test_what_anybody_changes_shows_at_once(clocked: Clocked) -> None:
    async def changes(what: str, path: str) -> None:
        assert what in await clocked.open(path), what

    def write(statement: object) -> None:
        with clocked.crm.store.writing() as session:
            session.execute(statement)

    for path in PAGES:
        await clocked.open(path)
    with clocked.crm.store.writing() as session:
        homes.change(session, BY, 1, {"rent": "1500", "headline_en": "By the lake"})
        homes.publish(session, clocked.crm.config, BY, [1])
    await changes("$1,500", "/")
    await changes("By the lake", "/homes/1")
    with clocked.crm.store.writing() as session:
        answers.give(session, BY, "elm", "schools", "Ask the district.", "en")
    await changes("Ask the district.", "/homes/1")
    write(update(Property).where(Property.slug == "elm").values(name="Oak Street"))
    await changes("Oak Street 204B", "/es")
    write(update(Organization).values(name="Maple Homes"))
    await changes("Maple Homes", "/properties/elm")
    write(update(Line).values(number="+15125550199"))
    await changes("(512) 555-0199", "/?bedrooms=2")
    with clocked.crm.store.writing() as session:
        homes.unpublish(session, BY, [1])
    assert "204B" not in await clocked.open("/")
    await clocked.open("/homes/1", 404)
    shell = sqlite3.connect(clocked.crm.config.home / "leaseline.db")
    with shell:
        shell.execute("UPDATE unit SET name = '10' WHERE name = '9'")
    shell.close()
    await changes("Oak Street 10", "/")


async def test_a_home_whose_time_is_over_goes_though_nobody_changes_anything(clocked: Clocked) -> None:
    with clocked.crm.store.writing() as session:
        homes.publish(session, clocked.crm.config, BY, [1], until=date(2026, 3, 5))
    # The day ends in Chicago.
    clocked.time = datetime.fromisoformat("2026-03-05T23:59:59-06:00")
    assert "204B" in await clocked.open("/")
    await clocked.open("/homes/1")
    clocked.time += timedelta(seconds=1)
    assert "204B" not in await clocked.open("/")
    await clocked.open("/homes/1", 404)


async def test_the_day_on_which_a_home_is_free_begins_at_midnight(clocked: Clocked) -> None:
    clocked.time = datetime.fromisoformat("2026-03-31T23:59:00-05:00")
    assert "Available April 1, 2026" in await clocked.open("/homes/1")
    clocked.time += timedelta(minutes=1)
    assert "Available now" in await clocked.open("/homes/1")


async def test_a_browser_that_has_the_page_is_told_so(clocked: Clocked) -> None:
    first = await clocked.http.get("/homes/1")
    again = await clocked.http.get("/homes/1", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    with clocked.crm.store.writing() as session:
        homes.change(session, BY, 1, {"rent": "1500"})
        homes.publish(session, clocked.crm.config, BY, [1])
    again = await clocked.http.get("/homes/1", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200
    assert "$1,500" in again.text


async def test_only_so_many_pages_are_kept(clocked: Clocked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_BYTES", 1000)
    pages, store = KeptPages(clocked.crm.config.tz), clocked.crm.store
    for number in range(20):
        state, _ = store.read_blocking(pages.find, number, NOW)
        pages.keep(state, number, b"x" * 300)
        # One that is asked for again and again stays.
        assert store.read_blocking(pages.find, 0, NOW)[1] is not None
    there = [number for number in range(20) if store.read_blocking(pages.find, number, NOW)[1]]
    assert there == [0, 18, 19]
