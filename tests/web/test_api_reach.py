"""What a key may not see is in no list, search, count, error, ETag or answer: every route of the API, held to it."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crm.config import Config
from crm.domain.delivery import DeliveryState
from crm.domain.tours import TourKind
from crm.edge.carrier import IncomingText
from crm.services.audit import By
from crm.services.listings import homes
from crm.services.outbox.texts import TextTransport
from crm.services.people import contacts, intake
from crm.services.texts import messages as texts
from crm.services.tours import times
from crm.store.models import Call, Interest, Lead, Line, Message, Property, Task
from crm.web.api.app import operations
from crm.web.api.routes import Operation
from tests.web.api import NOW, Office, Program, running_api

pytestmark = pytest.mark.web

BY = By("dana", NOW)
ELM_LINE, OAK_LINE = "+15125550100", "+15125550101"
PAT, SAM, LEE = "+15125550111", "+15125550122", "+15125550133"
"""Pat wants to live in either, Sam at Oak Court, Lee in Elm Street."""
OAK_RESIDENT, ELM_RESIDENT = "+15125550144", "+15125550155"
HIDDEN = re.compile(r"oak|sam\b|0122|0144|0101", re.IGNORECASE)
"""Nothing of what a key for Elm Street reads says any of that."""
SLOT = "2026-03-04T16:00:00Z"


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> tuple[Path, str]:
    """The database of an office where much has happened at both, and a key with all scopes for Elm Street alone."""
    folder = tmp_path_factory.mktemp("filled")

    async def fill() -> str:
        async with running_api(folder, migrated) as office:
            key = await _fill_by_api(office)
            with closing(sqlite3.connect(office.crm.config.home / "leaseline.db")) as database:
                database.execute("VACUUM INTO ?", (str(folder / "filled.db"),))
            return key

    return folder / "filled.db", asyncio.run(fill())


@pytest.fixture
async def office(tmp_path: Path, filled: tuple[Path, str]) -> AsyncIterator[Office]:
    async with running_api(tmp_path, filled[0], is_empty=False) as found:
        yield found


@pytest.fixture
def elm(office: Office, filled: tuple[Path, str]) -> Program:
    return Program(office.http, filled[1])


async def _fill_by_api(office: Office) -> str:
    everything = office.key("all")
    with office.crm.store.writing() as session:
        _fill(session, office.crm.config)
    for lead, property in ((1, "oak"), (1, "elm"), (2, "oak"), (3, "elm")):
        at = SLOT if lead != 1 or property == "elm" else "2026-03-04T17:00:00Z"
        booked = {"property": property, "lead": lead, "at": at, "note": f"to see {property}"}
        await everything.post("/tours", booked, 201)
    await everything.post("/leads/2/tasks", {"why": "Call Sam", "due_at": "2026-03-05T16:00:00Z"}, 201)
    await everything.post("/leads/2/notes", {"text": "Sam likes Oak Court"}, 201)
    await everything.post("/leads/1/notes", {"text": "Pat has a dog"}, 201)
    for lead, line in ((1, OAK_LINE), (1, ELM_LINE), (2, OAK_LINE)):
        where = "Oak" if line == OAK_LINE else "Elm"
        await everything.post("/messages", {"lead": lead, "text": f"See you at {where}", "line": line}, 201)
    return office.key("elm", property_slugs=["elm"]).key


def _fill(session: Any, config: Config) -> None:
    elm, oak = session.get(Property, 1), session.get(Property, 2)
    for name, number, wants in (("Pat", PAT, [oak, elm]), ("Sam", SAM, [oak]), ("Lee", LEE, [elm])):
        lead = intake.by_number(session, number, NOW - timedelta(days=1))
        lead.name, lead.source = name, "oak-sign" if oak in wants else "elm-sign"
        for property in wants:
            intake.interest_in(lead, property.id, NOW)
        session.flush()
        for line in session.query(Line).filter(Line.property_id.in_([one.id for one in wants])):
            call = Call(
                id=f"call-{name}-{line.property.slug}",
                did=line.number,
                line=line,
                property_id=line.property_id,
                lead_id=lead.id,
                caller=number,
                started_at=NOW - timedelta(hours=2),
                outcome="gave_up",
                remark=f"asked for {line.property.name}",
            )
            session.add(call)
            session.flush()
            session.add(
                Task(
                    key=f"call:{call.id}",
                    kind="call_back",
                    owner_id=1,
                    lead_id=lead.id,
                    call_id=call.id,
                    property_id=line.property_id,
                    why=f"{name} called {line.property.name}",
                    due_at=NOW - timedelta(hours=1),
                    created_at=NOW,
                    result="",
                )
            )
    session.flush()
    for number, line, where in ((PAT, OAK_LINE, "Oak"), (PAT, ELM_LINE, "Elm"), (SAM, OAK_LINE, "Oak")):
        told = IncomingText("sip", f"{number}{line}", number, line, f"Is {where} free?", at=NOW)
        texts.receive(session, config, told, NOW)
    # A notice to somebody in the office, which leaves by the first line there is.
    session.add(
        Message(
            key="notice:1",
            direction="out",
            purpose="staff",
            to_number="+15125550199",
            from_number=ELM_LINE,
            body="Oak Court: Sam wrote",
            state=DeliveryState.QUEUED,
            attempts=0,
            error="",
            created_at=NOW,
        )
    )
    for number, property in ((OAK_RESIDENT, "oak"), (ELM_RESIDENT, "elm")):
        contacts.add(session, config, BY, number, kind="resident", name=f"R. of {property}", property_slug=property)
    cells = {"rent": "1450", "deposit": "500", "bedrooms": "2", "bathrooms": "1", "available_on": "2026-04-01"}
    for slug in ("oak", "elm"):
        homes.add(session, BY, slug, "1", {**cells, "headline_en": f"In {slug}"})
        times.set_hours(session, BY, slug, ["mon-fri 09:00-17:00"], kind=TourKind.ACCOMPANIED, minutes=60, capacity=3)


IDS: dict[str, tuple[list[Any], list[Any], Any]] = {
    # parameter: those that the key sees, those it does not, and one that does not exist
    "lead": ([1, 3], [2], 99),
    "task": ([], [], 99),
    "tour": ([2, 4], [1, 3], 99),
    "listing": ([2], [1], 99),
    "message": ([], [], 99),
    "call": (["call-Pat-elm", "call-Lee-elm"], ["call-Pat-oak", "call-Sam-oak"], "call-none"),
    "property": (["elm"], ["oak"], "fir"),
}
BODIES: dict[str, dict[str, Any]] = {
    "add_lead": {"name": "New", "property": "{property}"},
    "change_lead": {"name": "Changed"},
    "assign_lead": {"agent": "bob"},
    "add_note": {"text": "A note"},
    "log_event": {"kind": "call", "text": "Talked"},
    "add_task": {"why": "Something", "due_at": "2026-03-09T16:00:00Z"},
    "finish_task": {"result": "done"},
    "assign_task": {"owner": "bob"},
    "take_task": {"owner": "bob"},
    "postpone_task": {"until": "2026-03-09T16:00:00Z"},
    "book_tour": {"property": "{property}", "lead": "{lead}", "at": "2026-03-05T16:00:00Z"},
    "move_tour": {"at": "2026-03-06T16:00:00Z"},
    "cancel_tour": {},
    "close_tour": {"state": "done"},
    "send_message": {"lead": "{lead}", "text": "Hello"},
}
QUERIES: dict[str, list[dict[str, Any]]] = {
    "list_leads": [
        {"property": "oak"},
        {"subteam": "south"},
        {"stage": "showing_booked"},
        {"overdue": True},
        {"agent": "bob"},
        {"source": "oak-sign"},
        {"limit": 1},
    ],
    "search_leads": [{"q": word} for word in ("oak", "Oak Court", "sam", "5550122", "called", "See you", "Wrote")],
    "who_is": [{"number": number} for number in (PAT, SAM, OAK_RESIDENT, ELM_RESIDENT, OAK_LINE, "+15125550166")],
    "list_tasks": [{"done": True}, {"lead": 2}, {"lead": 1}, {"owner": "dana"}, {"limit": 1}],
    "list_tours": [{"property": "oak"}, {"lead": 2}, {"lead": 1}, {"limit": 1}],
    "list_listings": [{"property": "oak"}, {"limit": 1}],
    "list_calls": [{"property": "oak"}, {"lead": 2}, {"outcome": "gave_up"}, {"limit": 1}],
    "list_messages": [{"lead": 2}, {"lead": 1}, {"direction": "in"}, {"limit": 1}],
}
NEEDS_QUERY = ("search_leads", "who_is")


def _ids(office: Office, name: str) -> tuple[list[Any], list[Any], Any]:
    """Ids of rows that services made are looked up."""
    seen, hidden, none = IDS[name]
    if name == "task":
        rows = office.rows(Task)
        hidden = [row.id for row in rows if row.property_id == 2 or (row.property_id is None and row.lead_id == 2)]
        seen = [row.id for row in rows if row.id not in hidden]
    if name == "message":
        rows = office.rows(Message)
        hidden = [row.id for row in rows if row.property_id == 2 or row.purpose == "staff"]
        seen = [row.id for row in rows if row.id not in hidden]
    assert seen
    assert hidden
    return seen, hidden, none


def _paths(office: Office, operation: Operation, which: int) -> Iterator[str]:
    """Addresses of what the key sees (0), or does not see (1)."""
    names = list(operation.of_path)
    if not names:
        yield operation.path
        return
    for id in _ids(office, names[0])[which]:
        yield operation.path.replace(f"{{{names[0]}}}", str(id))


def _absent(office: Office, operation: Operation) -> str:
    [name] = operation.of_path
    return operation.path.replace(f"{{{name}}}", str(_ids(office, name)[2]))


def _filled(body: Any, **values: Any) -> Any:
    return {
        key: values[value[1:-1]] if isinstance(value, str) and value.startswith("{") else value
        for key, value in body.items()
    }


def test_every_route_is_held_to_it() -> None:
    for operation in operations():
        assert set(operation.of_path) <= IDS.keys(), operation.name
        if operation.method != "GET":
            assert operation.name in BODIES, operation.name
        elif operation.query and not operation.of_path:
            assert operation.name in QUERIES or operation.name == "list_properties", operation.name


async def test_what_is_read_says_nothing_of_what_is_not_seen(office: Office, elm: Program) -> None:
    read = 0
    for operation in operations():
        if operation.method != "GET":
            continue
        for path in _paths(office, operation, 0):
            for query in [*([] if operation.name in NEEDS_QUERY else [{}]), *QUERIES.get(operation.name, [])]:
                answer = await elm("GET", path, 200, params=query)
                asked = str(query.get("number", ""))  # It is in the answer, as whoever asked has said it.
                text = answer.text.replace(asked, "") if asked else answer.text
                assert not HIDDEN.search(text), (path, query, HIDDEN.findall(text), text)
                read += len(answer.json().get("items", [1]))
    assert read > 40


async def test_to_ask_for_what_is_not_seen_finds_as_much_as_to_ask_for_what_does_not_exist(
    office: Office, elm: Program
) -> None:
    with office.crm.store.writing() as session:
        session.query(Interest).filter_by(lead_id=1, property_id=2).one().stage = "leased"
    for path, hidden, absent in (
        ("/leads", {"property": "oak"}, {"property": "fir"}),
        ("/leads", {"subteam": "south"}, {"subteam": "west"}),
        ("/leads", {"source": "oak-sign"}, {"source": "nowhere"}),
        ("/leads", {"stage": "leased"}, {"stage": "lost"}),
        ("/tours", {"property": "oak"}, {"property": "fir"}),
        ("/listings", {"property": "oak"}, {"property": "fir"}),
        ("/calls", {"property": "oak"}, {"property": "fir"}),
        *((path, {"lead": 2}, {"lead": 99}) for path in ("/calls", "/tasks", "/tours", "/messages")),
        ("/search/leads", {"q": "Oak Court"}, {"q": "Fir Court"}),
    ):
        assert await elm.get(path, **hidden) == await elm.get(path, **absent) == {"items": [], "next": None}, hidden


async def test_a_text_that_has_left_shows_where_it_is_about(office: Office, elm: Program) -> None:
    """The timeline of somebody who is seen says nothing of texts about what is not."""
    with office.crm.store.writing() as session:
        transport = TextTransport(office.crm.config, lambda trunk: None)  # type: ignore[arg-type,return-value]
        for message in session.query(Message).filter_by(direction="out", lead_id=1):
            transport.sent(session, message, "", NOW)
    timeline = (await elm.get("/leads/1/timeline"))["items"]
    sent = [one["text"] for one in timeline if one["text"].startswith("Texted:")]
    assert sent
    assert not HIDDEN.search(str(sent))


async def test_pages_are_full_although_much_is_left_out(office: Office, elm: Program) -> None:
    for path in ("/leads", "/tasks", "/calls", "/tours", "/messages", "/listings", "/properties", "/leads/1/timeline"):
        whole = (await elm.get(path))["items"]
        found, after = [], None
        while True:
            page = await elm.get(path, limit=1, **({"after": after} if after else {}))
            found += page["items"]
            after = page["next"]
            if after is None:
                break
            assert len(page["items"]) == 1
        assert found == whole, path
        assert whole, path


async def test_chatwoot_10221_what_is_not_seen_is_as_if_it_did_not_exist(office: Office, elm: Program) -> None:
    for operation in operations():
        if not operation.of_path:
            continue
        body = {"json": BODIES[operation.name]} if operation.body else {}
        absent = await elm(operation.method, _absent(office, operation), 404, **body)
        for path in _paths(office, operation, 1):
            answer = await elm(operation.method, path, 404, **body)
            assert _without_id(answer.text) == _without_id(absent.text), path
            assert answer.headers.keys() == absent.headers.keys()
    # What a request names in its body, too.
    for name, path in (("book_tour", "/tours"), ("send_message", "/messages")):
        texts = [
            (await elm("POST", path, 404, json=_filled(BODIES[name], property="elm", lead=lead))).text
            for lead in (2, 99)
        ]
        assert len({_without_id(text) for text in texts}) == 1
    for path, name in (("/leads", "add_lead"), ("/tours", "book_tour")):
        texts = [
            (await elm("POST", path, 404, json=_filled(BODIES[name], property=property, lead=3))).text
            for property in ("oak", "fir")
        ]
        assert len({_without_id(text) for text in texts}) == 1
    refused = [
        (await elm("POST", "/messages", 404, json={"lead": 1, "text": "Hi", "line": line})).text
        for line in (OAK_LINE, "+15125550198")
    ]
    assert len(set(refused)) == 1


def _without_id(text: str) -> str:
    return re.sub(r"call-\w+(-\w+)?|\b\d+\b|\boak\b|\bfir\b", "#", text)


async def test_nothing_that_is_written_touches_what_is_not_seen(office: Office, elm: Program) -> None:
    before = [(lead.name, lead.assigned_agent_id) for lead in office.rows(Lead) if lead.id == 2]
    for operation in operations():
        if operation.method == "GET":
            continue
        body = {"json": _filled(BODIES[operation.name], property="elm", lead=1)} if operation.body else {}
        for path in _paths(office, operation, 0):
            answer = await elm(operation.method, path, None, **body)
            assert answer.status_code in (200, 201, 409), (path, answer.text)
            assert not HIDDEN.search(answer.text), (path, answer.text)
    assert [(lead.name, lead.assigned_agent_id) for lead in office.rows(Lead) if lead.id == 2] == before


async def test_a_text_to_somebody_known_elsewhere_leaves_by_a_line_of_what_the_key_sees(
    office: Office, elm: Program
) -> None:
    sent = await elm.post("/messages", {"lead": 1, "text": "Hello"}, 201)
    assert sent["from_number"] == ELM_LINE
    assert (await elm.post("/messages", {"number": SAM, "text": "Hello"}, 422))["code"] == "lead_missing"


async def test_who_is_known_elsewhere_becomes_known_here_without_being_named_elsewhere(
    office: Office, elm: Program
) -> None:
    """One person stays one lead; whoever writes to a property is its lead, too, as with a call."""
    joined = await elm.post("/leads", {"phones": [SAM], "property": "elm"}, 200)
    assert [one["property"] for one in joined["interests"]] == ["elm"]
    timeline = await elm.get(f"/leads/{joined['id']}/timeline")
    assert "Oak" not in str([one for one in timeline["items"] if one["kind"] != "Note"])


async def test_an_error_names_nobody_who_is_not_seen(office: Office, elm: Program) -> None:
    two = await elm.post("/leads", {"phones": [PAT, SAM], "property": "elm"}, 409)
    assert (two["code"], re.findall(r"\d", two["detail"])) == ("lead_is_two", [])
    taken = await elm.patch("/leads/1", {"add_phone": SAM}, 409)
    assert (taken["code"], re.findall(r"\d", taken["detail"])) == ("lead_is_two", [])


async def test_a_key_of_a_subteam_sees_what_the_subteam_has_at_the_time(office: Office, elm: Program) -> None:
    south = office.key("south", subteam_slugs=["south"])
    assert {one["name"] for one in (await south.get("/leads"))["items"]} == {"Pat", "Sam"}
    with office.crm.store.writing() as session:
        session.get(Property, 2).subteam_id = None
    assert (await south.get("/leads"))["items"] == []


async def test_a_tag_of_what_is_seen_does_not_change_with_what_is_not(office: Office, elm: Program) -> None:
    before = (await elm("GET", "/leads/1")).headers["ETag"]
    everything = office.key("more")
    await everything.post("/tours/1/cancellation", {}, 200)
    again = await elm("GET", "/leads/1")
    assert again.headers["ETag"] == before
