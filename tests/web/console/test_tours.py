"""Tours in the console: the calendar, moving and booking, and calendars to subscribe to."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from sqlalchemy import select

from crm.domain.access import Role
from crm.domain.tours import TourKind
from crm.services.access import accounts
from crm.services.audit import By
from crm.services.people import leads, opt_outs
from crm.services.tours import booking, times
from crm.store.models import CalendarFeed, Lead, Message, Property, Tour, TourSlot
from tests.web.console.conftest import Clock
from tests.web.console.people import NOW, ConsoleOffice, Person
from tests.web.visitors import Wellformed

pytestmark = pytest.mark.web

PAT = "+15125550188"
EVIL = '"><script>alert(1)</script>'
TEN = datetime(2026, 3, 3, 16, 0, tzinfo=UTC)
"""Tuesday, 10:00 in Chicago."""


def check(page: str) -> None:
    found = Wellformed()
    found.feed(page)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    assert found.fields - {"None"} <= found.labelled, "a label may also hold its field"
    assert EVIL not in page


def plain(page: str) -> str:
    return page.replace("\u202f", " ")


@pytest.fixture
def slug(office: ConsoleOffice) -> str:
    """A property where tours of an hour can be booked from 9 to 17 on workdays, on the clock of Denver."""
    with office.crm.store.writing() as session:
        session.query(Tour).delete()
        found = session.scalars(select(Property).order_by(Property.id).limit(1)).one()
        found.timezone = "America/Denver"
        found.name = EVIL
        times.set_hours(session, By("test", NOW), found.slug, ["mon-fri 09:00-17:00"], kind=TourKind.REMOTE, minutes=60)
        return found.slug


def book(office: ConsoleOffice, slug: str, at: datetime = TEN, key: str = "one") -> int:
    crm = office.crm
    with crm.store.writing() as session:
        found = booking.book(
            session,
            crm.config,
            crm.secrets,
            By("test", crm.now()),
            person=PAT,
            property_slug=slug,
            at=at,
            key=key,
            kind=TourKind.REMOTE,
        )
        found.tour.lead.name = EVIL
        return found.tour.id


async def subscribe(person: Person, what: str, status: int = 303) -> None:
    """`Person.send` has an argument with the name of this form's field."""
    csrf = person.csrf(await person.open("/tours/feeds"))
    answer = await person.http.post(
        "/tours/feeds", data={"csrf": csrf, "of": what}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == status, answer.text


async def test_an_empty_calendar_says_what_comes_here(office: ConsoleOffice, slug: str) -> None:
    page = await office.person().open("/tours")
    check(page)
    assert "No tours in this time." in page
    assert "No hay visitas" in await office.person(language="es").open("/tours?view=list")


async def test_a_tour_stands_where_its_propertys_clock_says(office: ConsoleOffice, slug: str) -> None:
    id = book(office, slug)
    person = office.person()
    for view in ("week", "day"):
        page = await person.open(f"/tours?view={view}&on=2026-03-03")
        check(page)
        [cell] = [one for one in page.split('<div class="slot" ')[1:] if f'id="tour-{id}"' in one]
        assert cell.startswith('data-day="2026-03-03" data-hour="9"'), "9:00 in Denver, 10:00 here"
        assert "9:00 AM MST" in plain(cell)
    page = await person.open("/tours?view=list&on=2026-03-03")
    check(page)
    assert "Mar 3, 9:00 AM" in plain(page)


async def test_in_the_night_when_clocks_change_times_stay_what_people_say(office: ConsoleOffice, slug: str) -> None:
    # Clocks go ahead on Sunday, March 8, 2026.
    after = datetime(2026, 3, 9, 15, 0, tzinfo=UTC)
    id = book(office, slug, after)
    page = await office.person().open("/tours?on=2026-03-09")
    [cell] = [one for one in page.split('<div class="slot" ')[1:] if f'id="tour-{id}"' in one]
    assert cell.startswith('data-day="2026-03-09" data-hour="9"')
    assert "9:00 AM MDT" in plain(cell)
    found = (await office.person().http.get(f"/tours/{id}/times?first=2026-03-06&days=4")).json()
    by_day = {day: [one["hour"] for one in found["times"] if one["day"] == day] for day in ("2026-03-06", "2026-03-09")}
    assert by_day == {"2026-03-06": list(range(9, 17)), "2026-03-09": list(range(10, 17))}


async def test_a_tour_moves_only_to_a_free_time_and_the_person_is_told(office: ConsoleOffice, slug: str) -> None:
    id = book(office, slug)
    taken = book(office, slug, TEN + timedelta(hours=1), "two")
    person = office.person(Role.AGENT, agent="alice")
    page = await person.open(f"/tours/{id}")
    check(page)
    assert "They are told at once, by text." in page
    answer = (await person.http.get(f"/tours/{id}/times?first=2026-03-03&days=1")).json()
    assert [one["hour"] for one in answer["times"]] == [11, 12, 13, 14, 15, 16], "9 and 10 are taken"
    assert "They are told at once, by text." in answer["times"][0]["ask"]
    csrf, version = person.csrf(page), str(answer["version"])
    for at in ((TEN + timedelta(hours=1)).isoformat(), (TEN + timedelta(minutes=7)).isoformat()):
        refused = await person.send(f"/tours/{id}/move", 409, csrf=csrf, at=at, version=version)
        check(refused.text)
    await person.send(f"/tours/{id}/move", csrf=csrf, at=answer["times"][0]["at"], version=version)
    with office.crm.store.reading() as session:
        tour = session.get_one(Tour, id)
        assert (tour.slot.starts_at, tour.version) == (TEN + timedelta(hours=2), 2)
        assert session.get_one(Tour, taken).slot.starts_at == TEN + timedelta(hours=1)
        assert [one.taken for one in session.scalars(select(TourSlot).where(TourSlot.starts_at == TEN))] == [0]
    assert any(one.key == f"tour:{id}:2:moved" for one in office.rows(Message))
    refused = await person.send(f"/tours/{id}/move", 409, csrf=csrf, at=TEN.isoformat(), version=version)
    assert "Somebody has changed this tour meanwhile" in refused.text, "of two who move it, one is told"


async def test_cancelled_shown_and_missed(office: ConsoleOffice, slug: str, clock: Clock) -> None:
    first, second = book(office, slug), book(office, slug, TEN + timedelta(hours=1), "two")
    person = office.person()
    csrf = person.csrf(await person.open(f"/tours/{first}"))
    await person.send(f"/tours/{first}/close", 409, csrf=csrf, state="done")
    await person.send(f"/tours/{first}/cancel", csrf=csrf, version="1")
    assert [one.state for one in office.rows(Tour)] == ["cancelled", "booked"]
    assert f'id="tour-{first}"' not in await person.open("/tours?on=2026-03-03")
    clock.now = TEN + timedelta(hours=3)
    person = office.person()
    page = await person.open(f"/tours/{second}")
    check(page)
    await person.send(f"/tours/{second}/close", csrf=person.csrf(page), state="missed")
    assert office.rows(Tour)[1].state == "missed"


async def test_one_form_books_once(office: ConsoleOffice, slug: str) -> None:
    person = office.person(Role.AGENT, agent="alice")
    check(await person.open("/tours/new"))
    page = await person.open(f"/tours/new?property={slug}")
    check(page)
    [key] = re.findall(r'name="key" value="(\w+)"', page)
    at = re.findall(r'<option value="([^"]+/remote)"', page)
    fields = {"key": key, "property": slug, "at": at[0], "person": "(512) 555-0188", "note": EVIL}
    csrf = person.csrf(page)
    for _ in range(2):
        await person.send("/tours", csrf=csrf, **fields)
    [tour] = office.rows(Tour)
    assert tour.note == EVIL
    check(await person.open(f"/tours/{tour.id}"))
    refused = await person.send("/tours", 422, csrf=csrf, **{**fields, "key": "other"})
    check(refused.text)
    assert "this time is taken" in refused.text
    await person.send("/tours", 422, csrf=csrf, **{**fields, "key": "third", "person": ""})


async def test_from_a_leads_page_a_tour_is_booked_for_them_on_a_free_time(office: ConsoleOffice, slug: str) -> None:
    with office.crm.store.writing() as session:
        lead, _ = leads.add(session, office.crm.config, By("alice", NOW), name=EVIL, phones=[PAT], property_slug=slug)
        opt_outs.add(session, office.crm.config, By("alice", NOW), PAT, why="said so")
        id = lead.id
    person = office.person(Role.AGENT, agent="alice")
    page = await person.open(f"/leads/{id}")
    [link] = re.findall(rf'href="(/tours/new\?lead={id}[^"]*)"', page)
    page = await person.open(html.unescape(link))
    check(page)
    assert "opted out of texts and have no email" in page
    assert 'name="person"' not in page
    [key] = re.findall(r'name="key" value="(\w+)"', page)
    at = re.findall(r'<option value="([^"]+/remote)"', page)
    fields = {"key": key, "lead": str(id), "property": slug, "at": at[0]}
    await person.send("/tours", csrf=person.csrf(page), **fields)
    [tour] = office.rows(Tour)
    assert tour.lead_id == id
    assert f'href="/tours/{tour.id}"' in await person.open(f"/leads/{id}")
    again = await person.send("/tours", 422, csrf=person.csrf(page), **{**fields, "key": "other"})
    assert f'name="lead" value="{id}"' in again.text
    with office.crm.store.reading() as session:
        elsewhere = session.scalars(select(Property.slug).where(Property.slug != slug).limit(1)).one()
    other = office.person(Role.AGENT, properties=[elsewhere])
    await other.open(f"/tours/new?lead={id}", 404)
    await other.send("/tours", 404, **{**fields, "key": "third", "property": elsewhere})


async def test_who_does_not_see_the_property_sees_and_does_nothing(office: ConsoleOffice, slug: str) -> None:
    id = book(office, slug)
    with office.crm.store.reading() as session:
        elsewhere = session.scalars(select(Property.slug).where(Property.slug != slug).limit(1)).one()
        lead = session.scalars(select(Lead.id).join(Tour, Tour.lead_id == Lead.id)).one()
    other = office.person(Role.AGENT, agent="alice", properties=[elsewhere])
    assert f'id="tour-{id}"' not in await other.open("/tours?on=2026-03-03")
    csrf = other.csrf(await other.open("/tours"))
    await other.open(f"/tours/{id}", 404)
    await other.open(f"/tours/{id}/times?first=2026-03-03&days=1", 404)
    await other.open(f"/tours?property={slug}", 404)
    await other.open(f"/tours/new?property={slug}", 404)
    await other.send(f"/tours/{id}/move", 404, csrf=csrf, at=TEN.isoformat(), version="1")
    await other.send(f"/tours/{id}/cancel", 404, csrf=csrf, version="1")
    await other.send(f"/tours/{id}/close", 404, csrf=csrf, state="done")
    await other.send("/tours", 404, csrf=csrf, key="k", property=slug, at=f"{TEN.isoformat()}/remote", person=PAT)
    await other.send("/tours", 404, csrf=csrf, key="k", property=elsewhere, at=f"{TEN.isoformat()}/", person=str(lead))
    await subscribe(other, f"property/{slug}", 404)
    reader = office.person(Role.READ_ONLY)
    page = await reader.open(f"/tours/{id}")
    assert "<button" not in page.split("<main")[1].split("</main>")[0]
    await reader.send(f"/tours/{id}/cancel", 403, csrf=reader.csrf(page), version="1")
    await reader.open("/tours/99999999999", 404)


async def test_a_calendar_can_be_subscribed_to_until_it_is_revoked(office: ConsoleOffice, slug: str) -> None:
    id = book(office, slug)
    person, program = office.person(), office.browser()
    page = await person.open("/tours/feeds")
    check(page)
    csrf = person.csrf(page)
    await subscribe(person, f"property/{slug}")
    page = await person.open("/tours/feeds")
    check(page)
    [path] = re.findall(r'value="http://[^/"]+(/calendar/[\w-]{43}\.ics)"', page)
    answer = await program.http.get(path)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert b"\r\n" in answer.content
    assert "alert" not in answer.text.replace("\r\n ", "").split("SUMMARY")[0].split("BEGIN:VEVENT")[1]
    calendar = icalendar.Calendar.from_ical(answer.content)
    [event] = calendar.walk("VEVENT")
    assert event.decoded("dtstart") == TEN
    assert PAT not in answer.text
    assert str(event["sequence"]) == "1"
    tag = answer.headers["etag"]
    assert (await program.http.get(path, headers={"If-None-Match": tag})).status_code == 304
    crm = office.crm
    with crm.store.writing() as session:
        booking.move(session, crm.config, crm.secrets, By("test", NOW), id, TEN + timedelta(hours=1))
    changed = await program.http.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag
    other = office.person()
    [feed] = office.rows(CalendarFeed)
    await other.send(f"/tours/feeds/{feed.id}/revoke", 404, of="/tours/feeds")
    assert (await program.http.get("/calendar/nothing.ics")).status_code == 404
    await person.send(f"/tours/feeds/{feed.id}/revoke", csrf=csrf)
    assert (await program.http.get(path)).status_code == 404


async def test_a_calendar_ends_with_the_account_that_made_it(office: ConsoleOffice, slug: str) -> None:
    book(office, slug)
    person = office.person(Role.MANAGER)
    office.person(Role.ADMIN)
    await subscribe(person, f"property/{slug}")
    [feed] = office.rows(CalendarFeed)
    program = office.browser()
    assert (await program.http.get(f"/calendar/{feed.token}.ics")).status_code == 200
    with office.crm.store.writing() as session:
        accounts.disable(session, By("test", NOW), person.name)
    assert (await program.http.get(f"/calendar/{feed.token}.ics")).status_code == 404
