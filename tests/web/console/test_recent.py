"""Recent contacts as people in the office see them."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from crm.domain.access import Role
from crm.store.models import (
    Activity,
    Agent,
    ArrivalRecord,
    Call,
    CallEvent,
    Interest,
    Lead,
    LeadEmail,
    Mail,
    Message,
    Property,
    RoutingDecision,
    Unit,
)
from tests.web.console.conftest import Clock
from tests.web.console.contacts import EVIL, MINUTE, PAT, SAM, called, check, emptied, lead, other_property
from tests.web.console.people import NOW, ConsoleOffice

pytestmark = pytest.mark.web


async def test_an_empty_list_says_what_comes(office: ConsoleOffice) -> None:
    emptied(office)
    page = await office.person().open("/recent")
    check(page)
    assert "Nobody has been in touch yet." in page
    assert "Nadie se ha puesto en contacto" in await office.person(language="es").open("/recent")


async def test_all_four_ways_are_in_one_list_and_nothing_breaks_out(office: ConsoleOffice) -> None:
    emptied(office)
    id = lead(office, PAT, name=EVIL)
    called(office, "c1.1", PAT, NOW - 4 * MINUTE, lead_id=id, remark=EVIL)
    with office.crm.store.writing() as session:
        common = {"lead_id": id, "state": "received", "direction": "in"}
        session.add(
            Message(
                key="t",
                purpose="inbound",
                from_number=PAT,
                to_number="+15125550100",
                body=EVIL,
                created_at=NOW,
                **common,
            )
        )
        session.add(
            Mail(
                key="m",
                purpose="inbound",
                to_address="office@example.com",
                from_address="p@example.com",
                from_name=EVIL,
                subject=EVIL,
                body="x",
                created_at=NOW - MINUTE,
                **common,
            )
        )
        form = ArrivalRecord(
            key="f",
            channel="form:question",
            raw={},
            parser="form",
            parser_version=1,
            received_at=NOW - 2 * MINUTE,
            lead_id=id,
        )
        session.add(form)
        session.flush()
        session.add(Activity(key=f"arrival:{form.id}", lead_id=id, at=NOW, kind="Form", text=f"Asked: {EVIL}"))
    for language, ways in (
        ("en", ["Text", "Email", "Inquiry", "Call"]),
        ("es", ["Texto", "Correo", "Consulta", "Llamada"]),
    ):
        page = await office.person(language=language).open("/recent")
        check(page)
        assert re.findall(r"<td>(\w+)<br><small>", page) == ways
        assert page.count("alert(1)") >= 7
        assert f'data-call="{PAT}"' in page
        assert f'href="/inbox/lead/{id}"' in page
    for way, count in (("call", 1), ("text", 1), ("mail", 1), ("form", 1)):
        page = await office.person().open(f"/recent?way={way}")
        assert len(re.findall(r"<td>(\w+)<br><small>", page)) == count


async def test_pages_show_every_contact_once_in_order(office: ConsoleOffice) -> None:
    emptied(office)
    for number in range(130):
        # Many at the same moment: a page may end between them.
        called(office, f"c{number:03}.1", PAT, NOW - (number // 7) * MINUTE)
    person = office.person()
    path, seen = "/recent", []
    while path:
        page = await person.open(path)
        seen += re.findall(r'<td><a href="/calls/(c\d+\.1)">', page)
        path = (re.findall(r'<p><a rel="next" href="(/recent\?after=[^"]+)">', page) or [""])[0].replace("&amp;", "&")
    assert len(seen) == 130
    assert len(set(seen)) == 130
    assert [int(one[1:4]) // 7 for one in seen] == sorted(int(one[1:4]) // 7 for one in seen)


async def test_filters_by_property_agent_and_direction(office: ConsoleOffice) -> None:
    emptied(office)
    called(office, "c1.1", PAT)
    called(office, "c2.1", SAM, on=other_property(office))
    with office.crm.store.writing() as session:
        alice = session.scalars(select(Agent.id).where(Agent.slug == "alice")).one()
    called(office, "c3.1", SAM, direction="out", agent_id=alice, outcome="talked")
    person = office.person()

    async def ids(query: str) -> list[str]:
        return re.findall(r'<td><a href="/calls/(c\d\.1)">', await person.open(f"/recent?{query}"))

    assert await ids("property=elm") == ["c3.1", "c1.1"]
    assert await ids("direction=out") == ["c3.1"]
    assert await ids("direction=in&property=elm") == ["c1.1"]
    assert await ids("agent=alice") == ["c3.1"]
    for wrong in (
        "way=pigeon",
        "direction=up",
        "property=nowhere",
        "agent=nobody",
        "after=x",
        "after=2026-03-02T16:00:00%2B00:00/text/x",
    ):
        await person.open(f"/recent?{wrong}", 404)


async def test_whoever_sees_some_properties_sees_their_contacts_alone(office: ConsoleOffice) -> None:
    emptied(office)
    other = other_property(office)
    called(office, "c1.1", PAT)
    called(office, "c2.1", SAM, on=other)
    called(office, "c3.1", None, property_id=None, line_id=None)
    narrow = office.person(Role.AGENT, agent="alice", properties=["elm"])
    page = await narrow.open("/recent")
    assert "/calls/c1.1" in page
    assert "c2.1" not in page
    assert "c3.1" not in page
    await narrow.open(f"/recent?property={other}", 404)
    await narrow.open("/calls/c2.1/person", 404)
    await narrow.send("/calls/c2.1/person", 404, name="Mallory")
    assert [one for one in office.rows(Lead) if one.name == "Mallory"] == []


async def test_a_caller_gets_name_address_and_home_in_one_step(office: ConsoleOffice) -> None:
    emptied(office)
    nameless = lead(office, PAT)
    called(office, "c1.1", PAT, lead_id=nameless)
    called(office, "c2.1", SAM)
    with office.crm.store.reading() as session:
        unit = session.scalars(
            select(Unit).join(Property).where(Property.slug == "elm", Unit.retired_at.is_(None)).limit(1)
        ).first()
    person = office.person(Role.AGENT, agent="alice")
    page = await person.open("/recent")
    assert page.count("Not known yet") == 2
    page = await person.open("/calls/c1.1/person")
    check(page)
    fields = {"name": EVIL, "email": "Pat@example.com", "property": "elm", "unit": unit.name if unit else ""}
    await person.send("/calls/c1.1/person", csrf=person.csrf(page), **fields)
    [found] = [one for one in office.rows(Lead) if one.id == nameless]
    assert (found.name, found.email) == (EVIL, "Pat@example.com")
    [interest] = [one for one in office.rows(Interest) if one.lead_id == nameless]
    assert interest.unit_id == (unit.id if unit else None)
    # Somebody who has no lead yet gets one, and the call is theirs.
    await person.send("/calls/c2.1/person", csrf=person.csrf(page), name="Sam")
    [sam] = [one for one in office.rows(Lead) if one.name == "Sam"]
    [call] = [one for one in office.rows(Call) if one.id == "c2.1"]
    assert call.lead_id == sam.id
    page = await person.open("/recent")
    check(page)
    assert "Not known yet" not in page


async def test_what_is_refused_comes_back_with_what_was_typed(office: ConsoleOffice) -> None:
    emptied(office)
    lead(office, SAM, name="Sam")
    with office.crm.store.writing() as session:
        found = session.scalars(select(Lead).where(Lead.name == "Sam")).one()
        found.emails.append(LeadEmail(address="sam@example.com"))
    called(office, "c1.1", PAT)
    person = office.person(Role.AGENT, agent="alice")
    for fields in ({"name": ""}, {"name": "Pat", "email": "sam@example.com"}, {"name": "Pat", "email": "no address"}):
        answer = await person.send("/calls/c1.1/person", 422, of="/calls/c1.1/person", **fields)
        check(answer.text)
        assert 'role="alert"' in answer.text
        assert f'value="{fields["name"]}"' in answer.text
    assert [one for one in office.rows(Lead) if one.name == "Pat"] == []
    [call] = [one for one in office.rows(Call) if one.id == "c1.1"]
    assert call.lead_id is None


async def test_whoever_only_looks_changes_nothing(office: ConsoleOffice) -> None:
    emptied(office)
    called(office, "c1.1", PAT)
    reader = office.person(Role.READ_ONLY)
    page = await reader.open("/recent")
    assert "data-call" not in page
    assert "Who was it?" not in page
    await reader.open("/calls/c1.1/person", 403)
    await reader.send("/calls/c1.1/person", 403, name="Pat")


async def test_forwarded_calls_are_marked(office: ConsoleOffice, clock: Clock) -> None:
    emptied(office)
    called(office, "c1.1", PAT)
    called(office, "c2.1", SAM)
    with office.crm.store.writing() as session:
        dialled = [["request", "+15125550100"], ["diversion", "+15125550999"]]
        session.add(
            CallEvent(call_id="c1.1", number=0, id="c1.1/a", at=NOW, kind="CallArrived", data={"dialled": dialled})
        )
        session.add(
            RoutingDecision(
                id="c2.1/d", call_id="c2.1", at=NOW, rule="office_forward", reasons=[], stages=[], path="live"
            )
        )
    page = await office.person().open("/recent")
    check(page)
    assert "forwarded from (512) 555-0999" in page
    assert "passed on by the forwarding of all calls" in page
