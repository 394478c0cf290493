"""What each kind of resource of the API does, over real HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crm.domain.tours import TourKind
from crm.edge.carrier import IncomingText
from crm.services.audit import By
from crm.services.listings import homes
from crm.services.people import blocking, contacts, intake, opt_outs
from crm.services.texts import messages as texts
from crm.services.tours import times
from crm.store.models import Agent, AuditEntry, Call, Device, Leg, Mail, Message, Recording, Task
from tests.web.api import NOW, Office

pytestmark = pytest.mark.web

BY = By("dana", NOW)
PAT = "+15125550188"
LINE = "+15125550100"


async def lead(office: Office, **more: object) -> int:
    program = office.key("maker", "leads:write")
    added = await program.post("/leads", {"name": "Pat", "phones": [PAT], "property": "elm", **more}, 201)
    return int(added["id"])


async def test_what_happens_with_a_lead_is_written_down_and_listed_latest_first(office: Office) -> None:
    id, program = await lead(office), office.key("crm", "leads:read", "leads:write")
    office.now = NOW + timedelta(hours=1)
    note = await program.post(f"/leads/{id}/notes", {"text": "Wants a ground floor.\nHas a dog."}, 201)
    assert (note["kind"], note["by"], note["text"]) == ("Note", "api:crm", "Wants a ground floor.\nHas a dog.")
    met = {"kind": "meeting", "text": "Met at the fair.", "at": "2026-03-01T10:00:00-06:00"}
    logged = await program.post(f"/leads/{id}/events", met, 201)
    assert (logged["kind"], logged["at"]) == ("Meeting", "2026-03-01T16:00:00Z")
    listed = await program.get(f"/leads/{id}/timeline")
    assert [one["kind"] for one in listed["items"]] == ["Note", "Entered", "Meeting"]
    late = {**met, "at": "2026-03-09T10:00:00Z"}
    assert (await program.post(f"/leads/{id}/events", late, 422))["code"] == "log_in_future"
    assert (await program.get(f"/leads/{id}"))["last_contact_at"] == "2026-03-01T16:00:00Z"


async def test_a_lead_is_given_to_an_agent_by_name_or_in_turn(office: Office) -> None:
    id, program = await lead(office), office.key("crm", "leads:write")
    given = await program.post(f"/leads/{id}/assignment", {"agent": "bob"})
    assert given["agent"] == "bob"
    assert any(mail.to_address == "bob@example.com" for mail in office.rows(Mail))
    assert (await program.post(f"/leads/{id}/assignment", {"agent": "bob"}, 409))["code"] == "lead_assigned"
    assert (await program.post(f"/leads/{id}/assignment", {"agent": "nobody-here"}, 404))["code"] == "agent_unknown"
    assert (await program.post(f"/leads/{id}/assignment", {"in_turn": True}))["agent"] == "alice"
    assert (await program.post(f"/leads/{id}/assignment", {}))["agent"] is None


async def test_leads_are_found_by_who_they_are_and_by_what_was_said(office: Office) -> None:
    id, program = await lead(office), office.key("crm", "leads:read", "leads:write")
    await program.post(f"/leads/{id}/notes", {"text": "Asked about parking."}, 201)
    for asked, where in (("555-0188", "phone"), ("pat", "name"), ("parking", "timeline")):
        [hit] = (await program.get("/search/leads", q=asked))["items"]
        assert (hit["lead"]["id"], hit["found_in"]) == (id, where)
    assert (await program.get("/search/leads", q="nothing"))["items"] == []
    assert (await program.get("/search/leads", 422, q="--- "))["code"] == "search_too_short"


async def test_who_has_a_number_or_an_address(office: Office) -> None:
    id = await lead(office, email="pat@example.com")
    with office.crm.store.writing() as session:
        contacts.add(session, office.crm.config, BY, "+15125550144", kind="resident", name="Robin", property_slug="elm")
        blocking.add(session, office.crm.config, BY, "+15125550155", is_silent=False, why="", close_lead=False)
        session.add(Device(slug="bob-mobile", kind="mobile", number="+15125550166", agent_id=3))
    program = office.key("phone", "leads:read")
    assert (await program.get("/people", number="(512) 555-0188"))["lead"]["id"] == id
    assert (await program.get("/people", email="PAT@example.com"))["lead"]["id"] == id
    assert (await program.get("/people", email="sam@example.com"))["lead"] is None
    assert (await program.get("/people", number="512 555 0144"))["contact"] == {
        "kind": "resident",
        "name": "Robin",
        "property": "elm",
    }
    assert (await program.get("/people", number="+15125550155"))["is_blocked"]
    assert (await program.get("/people", number="+15125550166"))["colleague"] == "bob"
    assert (await program.get("/people", number=LINE))["is_ours"]
    for query, code in (
        ({}, "person_not_named"),
        ({"number": "1"}, "number_invalid"),
        ({"email": "x"}, "email_invalid"),
    ):
        assert (await program.get("/people", 422, **query))["code"] == code


async def test_a_task_is_made_passed_on_put_off_and_done(office: Office) -> None:
    id, program = await lead(office), office.key("crm", "tasks:read", "tasks:write")
    made = await program(
        "POST", f"/leads/{id}/tasks", 201, json={"why": "Send the plan.", "due_at": "2026-03-03T16:00:00Z"}
    )
    task = made.json()
    assert made.headers["Location"] == f"/api/v1/tasks/{task['id']}"
    assert (task["why"], task["lead"], task["overdue"]) == ("Send the plan.", id, False)
    assert (await program.post(f"/tasks/{task['id']}/assignment", {"owner": "bob"}))["owner"] == "bob"
    later = await program.post(f"/tasks/{task['id']}/postponement", {"until": "2026-03-04T10:00:00-06:00"})
    assert later["due_at"] == "2026-03-04T16:00:00Z"
    early = await program.post(f"/tasks/{task['id']}/postponement", {"until": "2026-03-01T10:00:00Z"}, 422)
    assert early["code"] == "task_put_off_back"
    done = await program.post(f"/tasks/{task['id']}/done", {"result": "Sent."})
    assert (done["result"], done["done_at"]) == ("Sent.", "2026-03-02T16:00:00Z")
    assert (await program.post(f"/tasks/{task['id']}/done", {}, 409))["code"] == "task_done"
    assert (await program.get("/tasks"))["items"] == []
    assert (await program.get("/tasks", done=True, owner="bob"))["items"] == [done]
    assert office.rows(AuditEntry)[-1].who == "api:crm"
    past = {"why": "Late", "due_at": "2026-03-01T16:00:00Z"}
    assert (await program.post(f"/leads/{id}/tasks", past, 422))["code"] == "task_due_back"


async def test_a_tour_is_booked_on_a_free_time_moved_and_cancelled(office: Office) -> None:
    id = await lead(office)
    with office.crm.store.writing() as session:
        times.set_hours(session, BY, "elm", ["mon-fri 09:00-11:00"], kind=TourKind.ACCOMPANIED, minutes=60)
    program = office.key("site", "tours:read", "tours:write")
    free = (await program.get("/properties/elm/tour-times", days=1))["items"]
    assert [one["at"] for one in free] == ["2026-03-03T15:00:00Z", "2026-03-03T16:00:00Z"]
    booked = await program("POST", "/tours", 201, json={"property": "elm", "lead": id, "at": free[0]["at"]})
    tour = booked.json()
    assert booked.headers["Location"] == f"/api/v1/tours/{tour['id']}"
    assert (tour["state"], tour["booked_by"], tour["lead"]) == ("booked", "api:site", id)
    assert len((await program.get("/properties/elm/tour-times", days=1))["items"]) == 1
    taken = await program.post("/tours", {"property": "elm", "lead": id, "at": free[0]["at"]}, 409)
    assert taken["code"] == "tour_time_taken"
    odd = await program.post("/tours", {"property": "elm", "lead": id, "at": "2026-03-03T03:00:00Z"}, 422)
    assert odd["code"] == "tour_time_unknown"
    moved = await program.post(f"/tours/{tour['id']}/move", {"at": free[1]["at"]})
    assert moved["at"] == free[1]["at"]
    assert (await program.post(f"/tours/{tour['id']}/result", {"state": "done"}, 409))["code"] == "tour_not_begun"
    cancelled = (await program("POST", f"/tours/{tour['id']}/cancellation")).json()
    assert cancelled["state"] == "cancelled"
    assert (await program("POST", f"/tours/{tour['id']}/cancellation", 409)).json()["code"] == "tour_over"
    assert (await program.get("/tours", property="elm", state="cancelled"))["items"] == [cancelled]
    assert (await program.get("/tours", since="2026-03-04T00:00:00Z"))["items"] == []


async def test_a_text_is_sent_through_the_outbox_if_it_may_be(office: Office) -> None:
    id, program = await lead(office), office.key("crm", "messages:read", "messages:write")
    sent = await program("POST", "/messages", 201, json={"lead": id, "text": "The tour is at 3 pm.", "agent": "alice"})
    text = sent.json()
    assert sent.headers["Location"] == f"/api/v1/messages/{text['id']}"
    assert (text["state"], text["decision"], text["to_number"]) == ("queued", "send", PAT)
    assert (await program.get(f"/messages/{text['id']}")) == text
    with office.crm.store.writing() as session:
        opt_outs.enter(session, PAT, source="admin", evidence="asked to", now=NOW)
    blocked = await program.post("/messages", {"number": "(512) 555-0188", "text": "Hello?"}, 201)
    assert (blocked["decision"], blocked["decision_reasons"] != []) == ("block", True)
    assert [one["id"] for one in (await program.get("/messages", lead=id))["items"]] == [blocked["id"], text["id"]]
    for body, code in (
        ({"text": "Hello"}, "addressee_missing"),
        ({"text": "Hello", "lead": id, "number": PAT}, "addressee_missing"),
        ({"text": "Hello", "number": "12"}, "number_invalid"),
        ({"text": "\u0007", "lead": id}, "message_unprintable"),
        ({"text": "x" * 1601, "lead": id}, "body_invalid"),
    ):
        assert (await program.post("/messages", body, 422))["code"] == code


async def test_a_text_that_is_sent_again_leaves_once(office: Office) -> None:
    id, program = await lead(office), office.key("crm", "messages:write")
    for _ in range(2):
        await program.post("/messages", {"lead": id, "text": "Hello"}, 201, **{"Idempotency-Key": "a"})
    assert [text.body for text in office.rows(Message)] == ["Hello"]


async def test_a_reply_by_the_api_completes_the_task_to_reply(office: Office) -> None:
    with office.crm.store.writing() as session:
        texts.receive(session, office.crm.config, IncomingText("sip", "1", PAT, LINE, "Is it free?", at=NOW), NOW)
    program = office.key("crm", "messages:read", "messages:write")
    [came] = (await program.get("/messages", direction="in"))["items"]
    await program.post("/messages", {"lead": came["lead"], "text": "Yes."}, 201)
    assert [task.kind for task in office.rows(Task) if task.done_at is None] == []


async def test_homes_are_listed_by_rent_and_shown(office: Office) -> None:
    with office.crm.store.writing() as session:
        for unit, rent in (("204B", "1450"), ("9", "990.50"), ("10", "990.50")):
            homes.add(session, BY, "elm", unit, {"rent": rent, "deposit": "500", "bedrooms": "2", "bathrooms": "1"})
    program = office.key("site", "listings:read")
    listed = await program.get("/listings", limit=2)
    rest = await program.get("/listings", after=listed["next"])
    assert [one["unit"] for one in (*listed["items"], *rest["items"])] == ["9", "10", "204B"]
    assert [one["unit"] for one in (await program.get("/listings", rent_from="1000"))["items"]] == ["204B"]
    shown = await program.get(f"/listings/{listed['items'][0]['id']}", language="es")
    assert (shown["rent"], shown["unit"], shown["public"]) == ("990.50", "9", False)
    assert [one["slug"] for one in (await program.get("/properties"))["items"]] == ["elm", "oak"]
    for query in (
        {"rent_to": "x"},
        {"rent_to": "1e9"},
        {"bedrooms": "99"},
        {"available_by": "soon"},
        {"language": "xx"},
    ):
        await program.get("/listings", 422, **query)


async def test_calls_are_listed_newest_first_and_shown_with_what_was_part_of_them(office: Office) -> None:
    with office.crm.store.writing() as session:
        pat = intake.by_number(session, PAT, NOW)
        session.flush()
        for number in range(3):
            call = Call(id=f"c{number}", did=LINE, line_id=1, property_id=1, lead_id=pat.id, caller=PAT, started_at=NOW)
            call.outcome = "talked" if number else "gave_up"
            call.ended_at = NOW + timedelta(seconds=30)
            session.add(call)
        alice = session.query(Agent).filter_by(slug="alice").one()
        session.flush()
        session.add(Leg(id="l1", call_id="c1", device="alice-desk", agent_id=alice.id, stage="team", started_at=NOW))
        session.add(Recording(id="r1", call_id="c1", file="c1.wav", mode="announced", started_at=NOW, seconds=20))
    program = office.key("reports", "calls:read")
    first = await program.get("/calls", limit=2, property="elm")
    second = await program.get("/calls", limit=2, after=first["next"])
    assert [one["id"] for one in (*first["items"], *second["items"])] == ["c2", "c1", "c0"]
    assert [one["id"] for one in (await program.get("/calls", outcome="gave_up"))["items"]] == ["c0"]
    call = await program.get("/calls/c1")
    assert (call["seconds"], call["line"], call["legs"][0]["agent"]) == (30, "Elm", "alice")
    assert call["recordings"][0]["file"] == "c1.wav"
