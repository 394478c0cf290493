"""The list of leads as people in the office see it."""

from __future__ import annotations

import asyncio
import csv
import html
import io
import re
from collections.abc import MutableMapping
from datetime import timedelta

import pytest

from crm.domain import lead_rows
from crm.domain.access import Role
from crm.services import assignment, tasks
from crm.services.audit import By
from crm.services.people import leads
from crm.store.models import Activity, AuditEntry, Lead, LeadExport, Notice, SavedFilter
from crm.web.console.cursors import PER_PAGE
from crm.web.console.pages import leads as page_of_leads
from tests.web.console.people import NOW, ConsoleOffice, Person
from tests.web.visitors import Wellformed

pytestmark = pytest.mark.web

EVIL = '"><script>alert(1)</script>'


def add(office: ConsoleOffice, count: int = 1, **given: str) -> list[int]:
    """Leads whom somebody entered by hand, the first one a minute ago, the next ones before."""
    found = []
    with office.crm.store.writing() as session:
        for number in range(count):
            phone = given.get("phone", f"+1512555{1000 + len(session.query(Lead).all()):04}")
            lead, _ = leads.add(
                session,
                office.crm.config,
                By("alice", NOW - timedelta(minutes=1 + number)),
                name=given.get("name", f"Lead number {number}"),
                phones=[phone],
                property_slug=given.get("property"),
            )
            found.append(lead.id)
    return found


def listed(page: str) -> list[int]:
    return [int(id) for id in re.findall(r'<tr id="lead-(\d+)"', page)]


def check(page: str) -> None:
    """Tags are closed in order, ids are there once, and every field has a label."""
    found = Wellformed()
    found.feed(page)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    assert EVIL not in page


async def test_an_empty_list_says_what_to_do_in_each_language(office: ConsoleOffice) -> None:
    with office.crm.store.writing() as session:
        for lead in session.query(Lead).all():
            session.delete(lead)
    assert "There are no leads yet." in await office.person().open("/leads")
    assert "Todavía no hay prospectos." in await office.person(language="es").open("/leads")
    read_only = await office.person(Role.READ_ONLY).open("/leads")
    assert 'href="/leads/new"' not in read_only


async def test_pages_go_on_where_the_last_one_ended(office: ConsoleOffice) -> None:
    ids = add(office, 2 * PER_PAGE + 3)
    person, path, seen = office.person(), "/leads", []
    while path:
        page = await person.open(path)
        seen += [id for id in listed(page) if id in ids]
        more = re.findall(r'href="(/leads\?[^"]*after=[^"]*)"', page)
        path = html.unescape(more[0]) if more else ""
    assert seen == ids


@pytest.mark.parametrize(
    "after", ["x", "2026-03-02T16:00:00/1", "2026-03-02T16:00:00+00:00/99999999999", "/", "0001-01-01T00:00:00+00:00/5"]
)
async def test_a_page_that_is_none_of_ours_is_not_there(office: ConsoleOffice, after: str) -> None:
    answer = await office.person().http.get("/leads", params={"after": after})
    assert answer.status_code == 404


async def test_filters_narrow_the_list_and_can_be_saved(office: ConsoleOffice) -> None:
    [hot] = add(office, property="elm")
    [cold] = add(office, property="lakeside")
    person = office.person(Role.AGENT)
    await person.send(f"/leads/{cold}/type", type="cold")
    assert hot not in listed(await person.open("/leads?type=cold"))
    assert cold in listed(await person.open("/leads?type=cold"))
    assert listed(await person.open("/leads?property=elm&since=1h")) == [hot]
    answer = await person.send("/leads/filters", name="cold-ones", type="cold", property="lakeside")
    assert answer.headers["location"] == "/leads?saved=cold-ones"
    assert [one.made_by for one in office.rows(SavedFilter)] == [person.name]
    page = await person.open("/leads?saved=cold-ones")
    check(page)
    assert listed(page) == [cold]
    await person.send("/leads/filters/remove", name="cold-ones")
    assert office.rows(SavedFilter) == []
    await person.open("/leads?saved=cold-ones", 404)
    wrong = await person.open("/leads?since=whenever", 422)
    assert 'role="alert"' in wrong


async def test_searching_finds_people_and_words_of_their_timeline(office: ConsoleOffice) -> None:
    [one] = add(office, name="Wilhelmina Quill")
    with office.crm.store.writing() as session:
        leads.write_note(session, office.crm.config, By("alice", NOW), one, "Asks about the wisteria.")
    person = office.person()
    assert listed(await person.open("/leads?q=quill")) == [one]
    page = await person.open("/leads?q=wisteria")
    assert listed(page) == [one]
    assert "Asks about the wisteria." in page
    assert 'role="alert"' in await person.open("/leads?q=w", 422)


async def test_hostile_names_are_text(office: ConsoleOffice) -> None:
    [one] = add(office, name=EVIL)
    with office.crm.store.writing() as session:
        tasks.add(session, office.crm.config, By("alice", NOW), one, EVIL, NOW + timedelta(hours=1), "alice")
    for path in ("/leads", f"/leads?q={EVIL[:20]}alert", "/leads/proposals"):
        page = await office.person().open(path)
        check(page)
    assert "&lt;script&gt;" in await office.person().open("/leads")


async def test_who_sees_one_property_neither_sees_nor_finds_nor_gives_away_the_leads_of_others(
    office: ConsoleOffice,
) -> None:
    [ours] = add(office, property="elm", name="Ours Only")
    [theirs] = add(office, property="lakeside", name="Theirs Only")
    person = office.person(Role.MANAGER, properties=["elm"])
    page = await person.open("/leads")
    assert ours in listed(page)
    assert theirs not in listed(page)
    assert "lakeside" not in page
    assert listed(await person.open("/leads?q=only")) == [ours]
    assert listed(await person.open("/leads?property=lakeside")) == []
    await person.send(f"/leads/{theirs}/type", 404, type="cold")
    await person.send("/leads/assign", lead=[str(ours), str(theirs)], agent="bob")
    with office.crm.store.reading() as session:
        owners = {id: session.get(Lead, id).assigned_agent_id for id in (ours, theirs)}
    assert owners[ours] is not None
    assert owners[theirs] is None
    out = await person.send("/leads/export", 200)
    assert "Theirs Only" not in out.text
    assert "Ours Only" in out.text


async def test_many_are_given_at_once_and_each_agent_is_told_once(office: ConsoleOffice) -> None:
    ids = add(office, 12, property="elm")
    person = office.person(Role.MANAGER)
    before = len(office.rows(Notice))
    await person.send("/leads/assign", lead=[str(id) for id in ids], agent="bob")
    with office.crm.store.reading() as session:
        assert {session.get(Lead, id).assigned_agent.slug for id in ids} == {"bob"}
    told = office.rows(Notice)[before:]
    assert [one.subject for one in told] == ["12 leads are yours now"]
    await person.send("/leads/assign", lead=[str(id) for id in ids], agent="*")
    with office.crm.store.reading() as session:
        owners = [session.get(Lead, id).assigned_agent.slug for id in ids]
    assert owners.count("alice") == owners.count("bob") == 6
    await person.send("/leads/assign", lead=[str(ids[0])], agent="none")
    with office.crm.store.reading() as session:
        assert session.get(Lead, ids[0]).assigned_agent_id is None
    answer = await person.send("/leads/assign", agent="bob")
    assert "said=" in answer.headers["set-cookie"]
    await person.send("/leads/assign", 404, lead=["999999999999"], agent="bob")


async def test_what_a_role_does_not_allow_is_neither_offered_nor_done(office: ConsoleOffice) -> None:
    [one] = add(office)
    read_only, agent = office.person(Role.READ_ONLY), office.person(Role.AGENT)
    page = await read_only.open("/leads")
    assert '<form method="post" action="/leads' not in page
    for path, fields in (
        (f"/leads/{one}/type", {"type": "cold"}),
        ("/leads/new", {"name": "Nobody"}),
        ("/leads/assign", {"lead": str(one), "agent": "bob"}),
        ("/leads/export", {}),
        ("/leads/filters", {"name": "x", "type": "hot"}),
    ):
        await read_only.send(path, 403, **fields)
    await agent.send("/leads/assign", 403, lead=str(one), agent="bob")
    await agent.send("/leads/export", 403)
    assert "/leads/export" not in await agent.open("/leads")
    with office.crm.store.reading() as session:
        assert session.get(Lead, one).is_hot


async def test_a_form_from_elsewhere_or_without_its_proof_does_nothing(office: ConsoleOffice) -> None:
    [one] = add(office)
    person = office.person()
    await person.send(f"/leads/{one}/type", 403, csrf="0" * 32, type="cold")
    answer = await person.http.post(
        f"/leads/{one}/type",
        data={"type": "cold", "csrf": await proof(person)},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403
    with office.crm.store.reading() as session:
        assert session.get(Lead, one).is_hot


async def proof(person: Person) -> str:
    return person.csrf(await person.open("/leads/new"))


async def test_the_file_is_safe_for_spreadsheets_and_on_record_before_it_goes_out(
    office: ConsoleOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    [one, *_] = add(office, 1, name='=HYPERLINK("http://evil.example")')
    monkeypatch.setattr(page_of_leads, "ROWS", 20)
    add(office, page_of_leads.ROWS + 5)
    person = office.person(Role.MANAGER)
    answer = await person.send("/leads/export", 200)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="leads-2026-03-02-')
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert tuple(rows[0]) == lead_rows.COLUMNS
    assert len(rows) == len({row["id"] for row in rows}) == len(office.rows(Lead))
    [mine] = [row for row in rows if row["id"] == str(one)]
    assert mine["name"].startswith("'=")
    assert mine["phones"].startswith("'+")
    [record] = office.rows(LeadExport)
    assert (record.by, record.leads) == (person.name, len(rows))
    assert any(f"{len(rows)} leads exported as CSV" in one.what for one in office.rows(AuditEntry))
    some = await person.send("/leads/export", 200, q="", type="cold")
    assert list(csv.DictReader(io.StringIO(some.text))) == []
    assert len(office.rows(LeadExport)) == 1


async def test_a_file_that_is_under_way_keeps_others_waiting_until_its_browser_is_gone(
    office: ConsoleOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_of_leads, "ROWS", 20)
    add(office, page_of_leads.ROWS * 2)
    person = office.person(Role.MANAGER)
    form = f"csrf={await proof(person)}".encode()
    cookie = "; ".join(f"{name}={value}" for name, value in person.http.cookies.items())
    host = person.http.base_url.netloc
    headers = {b"host": host, b"cookie": cookie.encode(), b"sec-fetch-site": b"same-origin"}
    headers |= {b"content-type": b"application/x-www-form-urlencoded", b"content-length": str(len(form)).encode()}
    begun, gone, sent = asyncio.Event(), asyncio.Event(), [{"type": "http.request", "body": form, "more_body": False}]

    async def receive() -> dict[str, object]:
        if sent:
            return sent.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, object]) -> None:
        if message["type"] == "http.response.body":
            begun.set()
            await asyncio.Event().wait()  # A browser that takes nothing more.

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/leads/export",
        "raw_path": b"/leads/export",
        "query_string": b"",
        "root_path": "",
        "headers": list(headers.items()),
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
    }
    async with asyncio.timeout(60):
        under_way = asyncio.create_task(office.app(scope, receive, send))
        await begun.wait()
        refused = await person.send("/leads/export", 422)
        assert "Leads are being exported already" in refused.text
        await office.person(Role.MANAGER).send("/leads/export", 200)
        gone.set()
        await under_way
    await person.send("/leads/export", 200)


async def test_a_lead_is_entered_by_hand_and_nothing_typed_is_lost(office: ConsoleOffice) -> None:
    person = office.person(Role.AGENT, agent="alice")
    sent = {"name": EVIL, "phone": "12", "email": "pat@example.com", "bedrooms": "2", "pets": "a very old parrot"}
    page = (await person.send("/leads/new", 422, **sent)).text
    check(page)
    assert "a very old parrot" in page
    assert "not a phone number" in page
    sent |= {"name": "Pat", "phone": "(512) 555-0177, 512 555 0178", "property": "elm", "budget": "1500"}
    answer = await person.send("/leads/new", **sent)
    [made] = [one for one in office.rows(Lead) if one.name == "Pat"]
    assert answer.headers["location"] == f"/leads/{made.id}"
    assert (made.bedrooms, made.budget, made.pets, made.is_hot) == (2, 1500, "a very old parrot", True)
    assert any(one.by == person.name for one in office.rows(Activity) if one.lead_id == made.id)
    again = await person.send("/leads/new", name="Patricia", phone="512-555-0177")
    assert again.headers["location"] == f"/leads/{made.id}"
    narrow = office.person(Role.AGENT, properties=["elm"])
    await narrow.send("/leads/new", 422, name="Sam", phone="512 555 0179")
    await narrow.send("/leads/new", 403, name="Sam", phone="512 555 0179", property="lakeside")
    await narrow.send("/leads/new", name="Sam", phone="512 555 0179", property="elm")


async def test_call_buttons_exist_at_phone_width_frappe_crm_1128(office: ConsoleOffice) -> None:
    """The number is in every row itself, not in something that only wide screens show."""
    [one] = add(office, phone="+15125550177")
    page = await office.person(Role.AGENT).open("/leads")
    assert '<a href="tel:+15125550177" data-call="+15125550177">(512) 555-0177</a>' in page
    assert 'data-call="+15125550177"' in await office.person(Role.AGENT).open(f"/leads/{one}")


async def test_at_most_so_many_are_given_at_once(office: ConsoleOffice) -> None:
    ids = [str(one) for one in range(1, assignment.MOST + 2)]
    await office.person().send("/leads/assign", 413, lead=ids, agent="bob")


async def test_whoever_has_no_name_is_shown_by_a_number_that_keeps_to_one_line(office: ConsoleOffice) -> None:
    [id] = add(office, name="", phone="+15125550171")
    page = await office.person().open("/leads")
    assert f'<a href="/leads/{id}"><span class="tel">(512) 555-0171</span></a>' in page
    assert 'aria-label="(512) 555-0171"' in page
