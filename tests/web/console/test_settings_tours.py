"""When tours can be booked, as set in the console."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

import pytest

from crm.domain.access import Role
from crm.store.models import AuditEntry, TourBlackout, TourHours
from tests.web.console.people import ConsoleOffice, Person
from tests.web.console.test_settings import EVIL, check

pytestmark = pytest.mark.web

EMPTY = '{"openings":"","minutes":"","buffer":"","capacity":""}'
TOURS = {"property": "elm", "kind": "accompanied", "agent": "", "minutes": "30", "buffer": "15", "capacity": "1"}


def base_of(page: str) -> str:
    """What the first form of the page was based on."""
    return html.unescape(re.findall('name="base" value="([^"]*)"', page)[0])


def weeks(office: ConsoleOffice) -> set[tuple[object, ...]]:
    found = office.rows(TourHours)
    return {(one.weekday, one.opens, one.closes, one.kind, one.minutes, one.agent_id is None) for one in found}


async def without_hours(office: ConsoleOffice, admin: Person, csrf: str) -> None:
    with office.crm.store.writing() as session:
        session.query(TourHours).delete()


async def test_tours_are_offered_changed_and_ended_and_nobody_overwrites_what_they_did_not_see(
    office: ConsoleOffice,
) -> None:
    admin = office.person()
    csrf = admin.csrf(await admin.open("/settings/tours?property=elm"))
    await without_hours(office, admin, csrf)
    new = {**TOURS, "base": EMPTY}
    await admin.send("/settings/tours", 422, csrf=csrf, **{**new, "openings": "mon 10:00-17:00", "minutes": "long"})
    refused = await admin.send("/settings/tours", 422, csrf=csrf, **{**new, "openings": f"someday {EVIL}"})
    check(refused.text)
    assert "someday &#34;" in refused.text, "what was written is still there"
    await admin.send("/settings/tours", csrf=csrf, **{**new, "openings": "mon 10:00-17:00\r\ntue 10:00-12:00"})
    assert weeks(office) == {
        (0, "10:00", "17:00", "accompanied", 30, True),
        (1, "10:00", "12:00", "accompanied", 30, True),
    }
    page = await admin.open("/settings/tours?property=elm")
    check(page)
    seen = base_of(page)
    await admin.send("/settings/tours", csrf=csrf, **{**TOURS, "base": seen, "openings": "mon 10:00-17:00"})
    other = await admin.send("/settings/tours", 409, csrf=csrf, **{**TOURS, "base": seen, "openings": "wed 9-12"})
    check(other.text)
    assert "it says “mon 10:00-17:00” now, and you wrote “wed 9-12”" in other.text
    await admin.send("/settings/tours", csrf=csrf, **{**TOURS, "base": base_of(other.text), "openings": "wed 9-12"})
    assert weeks(office) == {(2, "09:00", "12:00", "accompanied", 30, True)}
    seen = base_of(await admin.open("/settings/tours?property=elm"))
    await admin.send("/settings/tours", csrf=csrf, **{**TOURS, "base": seen, "openings": ""})
    assert weeks(office) == set()
    assert any("no longer offered" in one.what for one in office.rows(AuditEntry))


async def test_a_time_without_tours_is_on_the_propertys_clock_and_ends(office: ConsoleOffice) -> None:
    admin = office.person()
    csrf = admin.csrf(await admin.open("/settings/tours?property=elm"))
    out = {"property": "elm", "only": "elm", "agent": "alice", "why": EVIL}
    for first, last in (("", ""), ("2026-03-04T12:00", "2026-03-04T09:00")):
        check(
            (await admin.send("/settings/tours/blackouts", 422, csrf=csrf, **{**out, "from": first, "to": last})).text
        )
    await admin.send(
        "/settings/tours/blackouts", csrf=csrf, **{**out, "from": "2026-03-04T09:00", "to": "2026-03-04T12:00"}
    )
    [found] = office.rows(TourBlackout)
    assert found.starts_at == datetime(2026, 3, 4, 15, 0, tzinfo=UTC), "it is 9:00 in Chicago"
    page = await admin.open("/settings/tours?property=elm")
    check(page)
    await admin.send(f"/settings/tours/blackouts/{found.id}/end", csrf=csrf, property="elm")
    assert office.rows(TourBlackout) == []
    await admin.send(f"/settings/tours/blackouts/{found.id}/end", 404, csrf=csrf, property="elm")


async def test_who_books_a_tour_is_led_there_if_they_may_change_it(office: ConsoleOffice) -> None:
    admin = office.person()
    await without_hours(office, admin, "")
    assert 'href="/settings/tours?property=elm"' in await admin.open("/tours/new?property=elm")
    agent = office.person(Role.AGENT)
    page = await agent.open("/tours/new?property=elm")
    assert "There are no free times" in page
    assert "/settings/tours" not in page
