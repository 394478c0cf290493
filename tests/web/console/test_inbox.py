"""The inbox as people in the office see it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from crm.domain.access import Role
from crm.edge.carrier import IncomingText
from crm.services.people import inbox, opt_outs
from crm.services.texts import messages
from crm.store.models import Activity, FollowUp, InboxDraft, InboxThread, Interest, Lead, LeadPhone, Line, Message, Task
from tests.web.console.conftest import Clock
from tests.web.console.people import NOW, ConsoleOffice
from tests.web.visitors import Wellformed

pytestmark = pytest.mark.web

PAT, SAM = "+15125550188", "+15125550189"
EVIL = '"><script>alert(1)</script>'


def wrote(office: ConsoleOffice, sender: str, body: str, at: datetime = NOW, line: str = "") -> int:
    """The thread's id."""
    with office.crm.store.writing() as session:
        to = line or session.scalars(select(Line.number).where(Line.property_id.is_not(None)).limit(1)).one()
        incoming = IncomingText("twilio", f"{sender}/{body}", sender, to, body, at)
        messages.receive(session, office.crm.config, incoming, at)
        found = select(InboxThread.id).join(LeadPhone, LeadPhone.lead_id == InboxThread.lead_id)
        return session.scalars(found.where(LeadPhone.number == sender)).one()


def check(page: str) -> None:
    """Tags are closed in order, ids are there once, and every field has a label."""
    found = Wellformed()
    found.feed(page)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    assert found.fields - {"None"} <= found.labelled, "a label may also hold its field"
    assert EVIL not in page


async def test_an_empty_inbox_says_what_to_do(office: ConsoleOffice) -> None:
    with office.crm.store.writing() as session:
        session.query(InboxThread).delete()
    page = await office.person().open("/inbox")
    check(page)
    assert "Nobody has written yet." in page
    assert "Aquí no hay nada suyo" in await office.person(Role.AGENT, agent="alice", language="es").open("/inbox")


async def test_who_waits_is_listed_and_their_page_shows_all_without_breaking(office: ConsoleOffice) -> None:
    wrote(office, PAT, EVIL)
    with office.crm.store.writing() as session:
        session.query(Lead).filter(Lead.phones.any(LeadPhone.number == PAT)).one().name = EVIL
    for language in ("en", "es"):
        person = office.person(language=language)
        page = await person.open("/inbox?show=open")
        check(page)
        assert "&lt;script&gt;" in page
        [path] = re.findall(r'href="(/inbox/\d+)"[^>]*>&#34;&gt;&lt;script', page)
        page = await person.open(path)
        check(page)
        assert "alert(1)" in page
        assert ("A text goes out at once." if language == "en" else "Un texto sale enseguida.") in page


async def test_a_text_sent_twice_leaves_once_and_answers(office: ConsoleOffice) -> None:
    id = wrote(office, PAT, "Is it free?")
    person = office.person(Role.AGENT, agent="alice")
    page = await person.open(f"/inbox/{id}")
    [key] = re.findall(r'id="compose-text">.*?name="key" value="(\w+)"', page, re.DOTALL)
    for _ in range(2):
        await person.send(f"/inbox/{id}/text", csrf=person.csrf(page), key=key, body="Yes, it is.", way="text")
    [sent] = [one for one in office.rows(Message) if one.direction == "out" and one.purpose == "agent"]
    assert (sent.body, sent.to_number, sent.decision) == ("Yes, it is.", PAT, "send")
    page = await person.open(f"/inbox/{id}")
    assert "The text goes out now." in page
    assert "Yes, it is." in page
    [thread] = [one for one in office.rows(InboxThread) if one.id == id]
    assert (thread.is_waiting, thread.agent_id) == (False, sent.agent_id)
    assert all(one.done_at for one in office.rows(Task) if one.kind == "reply")


async def test_what_the_gate_decides_is_said_before_and_after(office: ConsoleOffice, clock: Clock) -> None:
    id = wrote(office, PAT, "Hello")
    clock.now = NOW + timedelta(hours=12)  # 22:00 in Chicago, and no answer any more
    person = office.person()
    page = await person.open(f"/inbox/{id}")
    check(page)
    assert "a text would be held until Mar 3, 9:00" in page.replace("\u202f", " ")
    csrf = person.csrf(page)
    await person.send(f"/inbox/{id}/text", csrf=csrf, key="k1", body="Good night", way="text")
    assert "goes out as soon as it may" in await person.open(f"/inbox/{id}")
    with office.crm.store.writing() as session:
        opt_outs.enter(session, PAT, source="keyword", evidence=EVIL, now=clock.now)
    page = await person.open(f"/inbox/{id}")
    check(page)
    assert "They opted out of texts" in page
    await person.send(f"/inbox/{id}/text", csrf=csrf, key="k2", body="Still there?", way="text")
    assert "The text was not sent" in await person.open(f"/inbox/{id}")


async def test_what_was_refused_is_still_there_with_the_reason(office: ConsoleOffice) -> None:
    id = wrote(office, PAT, "Hello")
    person = office.person()
    long = "ñandú " * 400
    answer = await person.send(f"/inbox/{id}/text", 422, of=f"/inbox/{id}", key="k1", body=long, way="text")
    check(answer.text)
    assert "carriers accept 10 at most" in answer.text
    assert "ñandú ñandú" in answer.text
    await person.send(f"/inbox/{id}/text", 422, of=f"/inbox/{id}", body="Hi", way="text")
    assert [one for one in office.rows(Message) if one.direction == "out" and one.purpose == "agent"] == []


async def test_a_draft_is_kept_counted_and_two_writers_see_each_other(office: ConsoleOffice) -> None:
    id = wrote(office, PAT, "Hello")
    alice, bob = office.person(), office.person()
    csrf = alice.csrf(await alice.open(f"/inbox/{id}"))
    answer = await alice.send(f"/inbox/{id}/draft", 200, csrf=csrf, way="text", body="Hi ñ €", version="0")
    assert 'name="version" value="1"' in answer.text
    assert "1 segment, 7 characters (GSM-7)" in answer.text
    page = await bob.open(f"/inbox/{id}")
    check(page)
    assert ">Hi ñ €</textarea>" in page
    assert f"{alice.name.title()} is writing, too" in page
    answer = await bob.send(f"/inbox/{id}/draft", 200, of=f"/inbox/{id}", way="text", body="Dear", version="0")
    assert "has changed this draft meanwhile" in answer.text
    [draft] = office.rows(InboxDraft)
    assert draft.body == "Hi ñ €"
    await alice.send(f"/inbox/{id}/text", csrf=csrf, key="k1", body="Hi", way="text")
    assert office.rows(InboxDraft) == []
    assert "is writing, too" not in await bob.open(f"/inbox/{id}")


async def test_a_template_is_filled_in(office: ConsoleOffice) -> None:
    id = wrote(office, PAT, "Hello")
    page = await office.person().open(f"/inbox/{id}?template=missed_known")
    check(page)
    assert "{name}" not in page
    [body] = re.findall(r'<textarea id="text-body"[^>]*>([^<]+)</textarea>', page)
    assert len(body) > 20
    await office.person().open(f"/inbox/{id}?template=nothing_of_ours", 404)


async def test_snoozed_done_given_and_noted(office: ConsoleOffice, clock: Clock) -> None:
    id = wrote(office, PAT, "I move in May")
    person = office.person()
    csrf = person.csrf(await person.open(f"/inbox/{id}"))

    async def lists() -> list[str]:
        reader = office.person(Role.READ_ONLY)
        return [
            one for one in ("open", "snoozed", "all") if f'"/inbox/{id}"' in await reader.open(f"/inbox?show={one}")
        ]

    await person.send(f"/inbox/{id}/snooze", csrf=csrf, until="tomorrow")
    assert await lists() == ["snoozed", "all"]
    assert "Snoozed until Mar 3, 9:00" in (await person.open(f"/inbox/{id}")).replace("\u202f", " ")
    clock.now = NOW + timedelta(days=1)
    assert await lists() == ["open", "all"], "it wakes by itself"
    person = office.person()
    csrf = person.csrf(await person.open(f"/inbox/{id}"))
    await person.send(f"/inbox/{id}/snooze", 422, csrf=csrf, until="at", at="yesterday")
    await person.send(f"/inbox/{id}/done", csrf=csrf)
    assert await lists() == ["all"]
    await person.send(f"/inbox/{id}/reopen", csrf=csrf)
    assert await lists() == ["open", "all"]
    await person.send(f"/inbox/{id}/assign", csrf=csrf, agent="bob")
    bob = office.person(Role.AGENT, agent="bob")
    assert f'"/inbox/{id}"' in await bob.open("/inbox")
    await person.send(f"/inbox/{id}/note", csrf=csrf, text=EVIL)
    page = await person.open(f"/inbox/{id}")
    check(page)
    assert any(one.kind == "Note" and one.text == EVIL for one in office.rows(Activity))


async def test_follow_ups_to_come_are_shown_changed_and_cancelled(office: ConsoleOffice) -> None:
    id = wrote(office, PAT, "Hello")
    with office.crm.store.writing() as session:
        lead = session.get_one(InboxThread, id).lead_id
        interest = session.scalars(select(Interest).where(Interest.lead_id == lead)).one()
        step = FollowUp(
            interest_id=interest.id,
            lead_id=lead,
            stage="contacted",
            stage_since=NOW,
            step=0,
            state="planned",
            due_at=NOW + timedelta(days=1),
            text="Still looking?",
            why="",
        )
        session.add(step)
        session.flush()
        number = step.id
    person = office.person()
    page = await person.open(f"/inbox/{id}")
    check(page)
    assert 'value="2026-03-03T10:00"' in page, "on the office's clock"
    path, csrf = f"/inbox/{id}/steps/{number}", person.csrf(page)
    await person.send(path, csrf=csrf, what="change", due="2026-03-04T11:30", text="Still looking, {name}?")
    [changed] = office.rows(FollowUp)
    assert (changed.text, changed.due_at.isoformat()) == ("Still looking, {name}?", "2026-03-04T17:30:00+00:00")
    await person.send(path, csrf=csrf, what="cancel")
    assert office.rows(FollowUp)[0].state == "cancelled"
    other = wrote(office, SAM, "Hello")
    await person.send(f"/inbox/{other}/steps/{number}", 404, csrf=csrf, what="cancel")


async def test_nobody_sees_or_does_what_is_not_theirs(office: ConsoleOffice) -> None:
    id = wrote(office, PAT, "Hello")
    with office.crm.store.reading() as session:
        lead = session.get_one(InboxThread, id).lead_id
        theirs = {one.property.slug for one in session.scalars(select(Interest).where(Interest.lead_id == lead))}
        every = {one.property.slug for one in session.scalars(select(Line).where(Line.property_id.is_not(None)))}
    other = office.person(Role.AGENT, agent="alice", properties=[sorted(every - theirs)[0]])
    assert f'"/inbox/{id}"' not in await other.open("/inbox?show=all")
    await other.open(f"/inbox/{id}", 404)
    await other.open(f"/inbox/lead/{lead}", 404)
    csrf = other.csrf(await other.open("/inbox"))
    own = office.person(Role.AGENT, agent="bob", properties=sorted(theirs))
    await own.open(f"/inbox/{id}")
    reader = office.person(Role.READ_ONLY)
    page = await reader.open(f"/inbox/{id}")
    check(page)
    assert "<textarea" not in page
    acts = {"text": {"key": "k", "body": "Hi", "way": "text"}, "mail": {"key": "k", "body": "Hi", "way": "mail"}}
    acts |= {"draft": {"way": "text", "body": "Hi"}, "snooze": {"until": "hour"}, "done": {}, "reopen": {}}
    acts |= {"assign": {"agent": "bob"}, "note": {"text": "Hi"}, "steps/1": {"what": "cancel"}}
    for path, fields in acts.items():
        await other.send(f"/inbox/{id}/{path}", 404, csrf=csrf, **fields)
        await reader.send(f"/inbox/{id}/{path}", 403, csrf=reader.csrf(page), **fields)
    assert [one for one in office.rows(Message) if one.direction == "out" and one.purpose == "agent"] == []


async def test_pages_of_the_list_follow_one_another(office: ConsoleOffice) -> None:
    with office.crm.store.writing() as session:
        session.query(InboxThread).delete()
        for number in range(120):
            lead = Lead(created_at=NOW, name=f"Lead {number}")
            session.add(lead)
            session.flush()
            inbox.heard(session, NOW - timedelta(minutes=number // 2), "Hello", lead_id=lead.id)
    person, seen = office.person(), []
    path = "/inbox?show=open"
    while path:
        page = await person.open(path)
        seen += re.findall(r'href="/inbox/(\d+)"', page)
        more = re.findall(r'href="(/inbox\?[^"]*after[^"]*)"', page)
        path = more[0].replace("&amp;", "&") if more else ""
        assert not path or parse_qs(urlsplit(path).query)["show"] == ["open"]
    assert len(seen) == len(set(seen)) == 120
    for cursor in ("x", "1/2026-03-02T16:00:00/1", "1/yesterday/1", "1/2026-03-02T16:00:00+00:00/99999999999"):
        await person.open(f"/inbox?show=open&after={cursor.replace('+', '%2B')}", 404)


async def test_a_lead_whom_nobody_has_written_to_can_be_written_to(office: ConsoleOffice) -> None:
    with office.crm.store.writing() as session:
        lead = Lead(created_at=NOW, name="Pat", phones=[LeadPhone(number=PAT)])
        session.add(lead)
        session.flush()
        id = lead.id
    person = office.person()
    await office.person(Role.READ_ONLY).open(f"/inbox/lead/{id}", 403)
    answer = await person.http.get(f"/inbox/lead/{id}")
    assert answer.status_code == 303
    page = await person.open(answer.headers["location"])
    check(page)
    assert "Nothing has been written yet." in page
    assert (await person.http.get(f"/inbox/lead/{id}")).headers["location"] == answer.headers["location"]
