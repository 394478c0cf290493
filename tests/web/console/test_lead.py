"""The page of one lead as people in the office see it."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from crm.domain.access import Role
from crm.domain.heard import CardField
from crm.domain.leads import Happened
from crm.domain.merging import ProposalReason
from crm.services import tasks
from crm.services.audit import By
from crm.services.people import leads, opt_outs, proposals
from crm.store.models import (
    Activity,
    AuditEntry,
    Erasure,
    Lead,
    LeadMerge,
    LeadProposal,
    OptOut,
    Property,
    Suggestion,
    Task,
    Unit,
)
from crm.web.console.pages.lead import sheet
from tests.web.console.people import NOW, ConsoleOffice, Person
from tests.web.console.test_leads import EVIL, add, check

pytestmark = pytest.mark.web

CARD = {
    "name": "Pat",
    "email": "",
    "kind": "tenant",
    "language": "",
    "bedrooms": "",
    "move_in": "",
    "budget": "",
    "pets": "",
}


def heard(lead_id: int, field: CardField, value: str, words: str = "as they said it") -> Suggestion:
    key = f"{lead_id}:{field}"
    return Suggestion(key=key, lead_id=lead_id, field=field, value=value, words=words, second=3, created_at=NOW)


async def base_of(person: Person, id: int) -> str:
    [found] = re.findall('name="base" value="([^"]*)"', await person.open(f"/leads/{id}"))
    return html.unescape(found)


def one(office: ConsoleOffice, id: int) -> Lead:
    with office.crm.store.reading() as session:
        return session.get_one(Lead, id)


async def test_everything_about_a_lead_is_shown_in_each_language_without_breaking(office: ConsoleOffice) -> None:
    [id] = add(office, name=EVIL, property="elm")
    [other] = add(office, name="Other")
    config = office.crm.config
    with office.crm.store.writing() as session:
        by = By("alice", NOW)
        leads.write_note(session, config, by, id, f"{EVIL}\nsecond line")
        leads.change(session, config, by, id, pets=EVIL[:90], source=EVIL[:50])
        tasks.add(session, config, by, id, EVIL, NOW + timedelta(hours=1), "alice")
        both = session.get_one(Lead, id), session.get_one(Lead, other)
        proposals.propose(session, *both, ProposalReason.SAME_EMAIL, EVIL, NOW)
        session.add(heard(id, CardField.BUDGET, "1500", EVIL))
    for language in ("en", "es"):
        for role in (Role.ADMIN, Role.AGENT, Role.READ_ONLY):
            person = office.person(role, language=language)
            for path in ("", "/timeline"):
                page = await person.open(f"/leads/{id}{path}")
                check(page)
                assert "alert(1)" in page
    page = await office.person(language="es").open(f"/leads/{id}")
    assert "Historial" in page
    assert "en contacto" in page or "contactado" in page


async def test_two_who_change_the_same_see_both_and_lose_nothing(office: ConsoleOffice) -> None:
    [id] = add(office, name="Pat")
    alice, bob = office.person(Role.AGENT, agent="alice"), office.person(Role.AGENT, agent="bob")
    base = await base_of(alice, id)
    await bob.send(f"/leads/{id}/card", base=base, **CARD | {"name": "Patricia", "budget": "1500"})
    # What only Bob changed stays as he has it, though Alice's form still shows what was there before.
    await alice.send(f"/leads/{id}/card", base=base, **CARD | {"pets": "2 cats"})
    assert (one(office, id).name, one(office, id).budget, one(office, id).pets) == ("Patricia", 1500, "2 cats")
    page = (await alice.send(f"/leads/{id}/card", 409, base=base, **CARD | {"name": "Patrick", "pets": "a dog"})).text
    check(page)
    assert "Patricia" in page
    assert 'value="Patrick"' in page
    assert 'value="a dog"' in page
    assert 'value="1500"' in page
    assert (one(office, id).name, one(office, id).pets) == ("Patricia", "2 cats")
    [again] = re.findall('name="base" value="([^"]*)"', page)
    await alice.send(
        f"/leads/{id}/card", base=html.unescape(again), **CARD | {"name": "Patrick", "pets": "a dog", "budget": "1500"}
    )
    assert (one(office, id).name, one(office, id).pets, one(office, id).budget) == ("Patrick", "a dog", 1500)
    await alice.send(f"/leads/{id}/card", 422, base="[]", **CARD)


async def test_a_card_that_cannot_be_right_comes_back_as_it_was_typed(office: ConsoleOffice) -> None:
    [id] = add(office, name="Pat")
    person = office.person(Role.AGENT)
    base = await base_of(person, id)
    page = (await person.send(f"/leads/{id}/card", 422, base=base, **CARD | {"email": "x", "pets": "a parrot"})).text
    assert 'value="a parrot"' in page
    assert 'role="alert"' in page
    assert one(office, id).pets == ""


async def test_status_changes_with_a_reason_and_not_behind_somebodys_back(office: ConsoleOffice) -> None:
    [id] = add(office)
    person = office.person(Role.AGENT)
    await person.send(f"/leads/{id}/status", 422, was="new", status_="")
    answer = await post(person, f"/leads/{id}/status", {"was": "new", "status": "closed", "reason": ""})
    assert answer.status_code == 422
    assert "Say why" in answer.text
    answer = await post(person, f"/leads/{id}/status", {"was": "new", "status": "closed", "reason": "rented elsewhere"})
    assert answer.status_code == 303
    assert (one(office, id).status, one(office, id).closed_because) == ("closed", "rented elsewhere")
    answer = await post(person, f"/leads/{id}/status", {"was": "new", "status": "in_progress", "reason": ""})
    assert answer.status_code == 422
    assert one(office, id).status == "closed"


async def post(person: Person, path: str, fields: dict[str, str]):
    csrf = person.csrf(await person.open("/leads/new"))
    return await person.http.post(path, data={"csrf": csrf, **fields}, headers={"Sec-Fetch-Site": "same-origin"})


async def test_notes_calls_tasks_and_numbers_are_written_and_what_is_refused_is_still_in_its_form(
    office: ConsoleOffice,
) -> None:
    [id], [other] = add(office), add(office, phone="+15125550199")
    person = office.person(Role.AGENT, agent="alice")
    await person.send(f"/leads/{id}/notes", text="Wants a ground floor.")
    page = (await person.send(f"/leads/{id}/events", 422, what="call", text="A long story", at="2026-04-02T10:00")).text
    assert ">A long story</textarea>" in page
    await person.send(f"/leads/{id}/events", what="meeting", text="Met at the fair", at="2026-03-01T10:00")
    entries = {row.text: row for row in office.rows(Activity) if row.lead_id == id}
    assert entries["Met at the fair"].at.isoformat() == "2026-03-01T16:00:00+00:00"
    assert entries["Wants a ground floor."].by == person.name
    await person.send(f"/leads/{id}/tasks", 422, why="Send the plan", due="2026-03-01T10:00", owner="")
    await person.send(f"/leads/{id}/tasks", why="Send the plan", due="2026-03-03T10:00", owner="bob")
    [task] = [row for row in office.rows(Task) if row.lead_id == id]
    await person.send(f"/leads/{other}/tasks/{task.id}/done", 404, result="")
    await person.send(f"/leads/{id}/tasks/{task.id}/owner", owner="carol")
    await person.send(f"/leads/{id}/tasks/{task.id}/done", result="Sent.")
    [task] = [row for row in office.rows(Task) if row.lead_id == id]
    assert (task.result, task.done_at) == ("Sent.", NOW)
    await person.send(f"/leads/{id}/phones", 422, add="512 555 0199")
    await person.send(f"/leads/{id}/phones", add="512 555 0198")
    await person.send(f"/leads/{id}/phones", remove="+15125550198")
    await person.send(f"/leads/{id}/assignment", agent="*")
    assert one(office, id).assigned_agent_id is not None
    await person.send(f"/leads/{id}/assignment", agent="none")
    assert one(office, id).assigned_agent_id is None
    await person.send(f"/leads/{id}/assignment", 422, agent="")


def stages(office: ConsoleOffice, id: int) -> dict[str, tuple[str, str | None]]:
    with office.crm.store.reading() as session:
        found = session.get_one(Lead, id).interests
        return {one.property.slug: (one.stage, one.unit.name if one.unit else None) for one in found}


async def test_an_interest_is_added_moved_on_by_hand_and_ended_with_a_reason(office: ConsoleOffice) -> None:
    [id] = add(office, property="elm")
    person = office.person(Role.AGENT)
    check(await person.open(f"/leads/{id}"))
    page = (await person.send(f"/leads/{id}/interests", 422, property="lakeside", unit="no such")).text
    assert 'value="no such"' in page
    assert "has no unit no such" in page
    await person.send(f"/leads/{id}/interests", 422, property="")
    await person.send(f"/leads/{id}/interests", 422, property="elm")
    await person.send(f"/leads/{id}/interests", property="lakeside", unit="")
    with office.crm.store.writing() as session:
        lakeside = session.query(Property).filter_by(slug="lakeside").one()
        session.add(Unit(property_id=lakeside.id, name="77B", bedrooms=1, bathrooms=1))
    await person.send(f"/leads/{id}/interests", property="lakeside", unit="77b")
    assert stages(office, id) == {"elm": ("contacted", None), "lakeside": ("contacted", "77B")}
    await person.send(f"/leads/{id}/stage", property="elm", was="contacted", stage="still_deciding")
    # Somebody else still sees the stage before.
    page = (await person.send(f"/leads/{id}/stage", 422, property="elm", was="contacted", stage="applied")).text
    check(page)
    assert "Somebody else has changed the stage" in page
    await person.send(f"/leads/{id}/stage", 422, property="elm", was="still_deciding", stage="married")
    page = (await person.send(f"/leads/{id}/stage", 422, property="elm", was="still_deciding", stage="lost")).text
    assert "Say why the interest has ended" in page
    assert '<option value="lost" selected>' in page
    sent = {"property": "elm", "was": "still_deciding", "stage": "lost", "why": "Rented elsewhere"}
    await person.send(f"/leads/{id}/stage", **sent)
    assert stages(office, id)["elm"] == ("lost", None)
    told = [row.text for row in office.rows(Activity) if row.lead_id == id]
    assert any("Rented elsewhere" in text and person.name in text for text in told)
    assert any(row.what == f"stage of lead {id} at elm: lost" for row in office.rows(AuditEntry))


async def test_interests_beyond_reach_are_neither_added_nor_changed(office: ConsoleOffice) -> None:
    [id] = add(office, property="elm")
    add(office, phone="+15125551000", property="lakeside")
    assert set(stages(office, id)) == {"elm", "lakeside"}
    narrow = office.person(Role.AGENT, properties=["elm"])
    await narrow.send(f"/leads/{id}/stage", 404, property="lakeside", was="contacted", stage="applied")
    page = (await narrow.send(f"/leads/{id}/interests", 422, property="lakeside")).text
    assert "There is no property lakeside" in page
    assert stages(office, id)["lakeside"] == ("contacted", None)


async def test_an_opt_out_and_its_end_are_in_the_ledger_with_who_said_so_and_how_they_know(
    office: ConsoleOffice,
) -> None:
    [id], [other] = add(office, phone="+15125550181"), add(office, phone="+15125550182")
    with office.crm.store.writing() as session:
        leads.change(session, office.crm.config, By("alice", NOW), id, email="Pat@example.com")
    person = office.person(Role.AGENT)
    path, why = f"/leads/{id}/opt-outs", "said so on the phone"
    await person.send(path, 422, what="", why=why)
    page = (await person.send(path, 422, what="all/+15125550181", why="")).text
    assert '<option value="all/+15125550181" selected>' in page
    await person.send(path, 422, what="married/+15125550181", why=why)
    await person.send(path, 404, what="texts/+15125550182", why=why)
    for what in ("texts/+15125550181", "all/+15125550181", "news/Pat@example.com"):
        await person.send(path, what=what, why=why)
    await person.send(path, 422, what="texts/+15125550181", why=why)
    assert {(row.number, row.address, row.scope, row.evidence) for row in office.rows(OptOut)} == {
        ("+15125550181", "", "texts", f"{person.name}: {why}"),
        ("+15125550181", "", "all", f"{person.name}: {why}"),
        ("", "pat@example.com", "news", f"{person.name}: {why}"),
    }
    for language in ("en", "es"):
        page = await office.person(language=language).open(f"/leads/{id}")
        check(page)
        assert page.count(f'action="{path}/end"') == 2
    await person.send(f"{path}/end", 404, who="+15125550182", why="wants them again")
    await person.send(f"{path}/end", 422, who="+15125550181", why="")
    await person.send(f"{path}/end", who="+15125550181", why="wants them again")
    await person.send(f"{path}/end", 422, who="+15125550181", why="wants them again")
    await person.send(f"{path}/end", who="pat@example.com", why="wants them again")
    assert {row.ended_evidence for row in office.rows(OptOut)} == {f"{person.name}: wants them again"}
    page = await person.open(f"/leads/{id}")
    assert f'action="{path}/end"' not in page
    assert "wants them again" in page
    entries = [row.text for row in office.rows(Activity) if row.lead_id == id and row.kind == Happened.OPT_OUT]
    assert len(entries) == 5
    assert [row for row in office.rows(Activity) if row.lead_id == other and row.kind == Happened.OPT_OUT] == []


async def test_the_timeline_goes_on_page_by_page(office: ConsoleOffice) -> None:
    [id] = add(office)
    with office.crm.store.writing() as session:
        for number in range(2 * sheet.ENTRIES + 5):
            by = By("alice", NOW + timedelta(seconds=number))
            leads.write_note(session, office.crm.config, by, id, f"note number {number}.")
    person, path, seen = office.person(), f"/leads/{id}", []
    while path:
        page = await person.open(path)
        seen += [int(number) for number in re.findall(r"note number (\d+)\.", page)]
        older = re.findall(rf'href="(/leads/{id}/timeline\?before=[^"]*)"', page)
        path = html.unescape(older[0]) if older else ""
    assert seen == list(reversed(range(2 * sheet.ENTRIES + 5)))


async def test_merging_shows_first_what_is_kept_and_the_old_address_leads_to_the_survivor(
    office: ConsoleOffice,
) -> None:
    [keeps] = add(office, name="Pat", phone="+15125550181", property="elm")
    [goes] = add(office, name=EVIL, phone="+15125550182", property="lakeside")
    with office.crm.store.writing() as session:
        leads.change(session, office.crm.config, By("alice", NOW), goes, budget="1700")
        for scope in ("all", "texts"):
            opt_outs.add(session, office.crm.config, By("alice", NOW), "+15125550182", why="said so", scope=scope)
    person = office.person(Role.AGENT)
    check(await person.open(f"/leads/{keeps}/merge"))
    page = await person.open(f"/leads/{keeps}/merge?other=512-555-0182")
    check(page)
    assert f'name="keep" value="{keeps}"' in page
    assert "<strong>1,700</strong>" in page
    assert "<strong>Pat</strong>" in page
    # The stricter one, for the lead that goes and for the one that stays.
    assert page.count("(512) 555-0182: no texts and no calls") == 2
    assert len(office.rows(LeadMerge)) == 0
    other_way = await person.open(f"/leads/{keeps}/merge?other={goes}&keep={goes}")
    assert f'name="keep" value="{goes}"' in other_way
    assert 'role="alert"' in await person.open(f"/leads/{keeps}/merge?other={keeps}", 422)
    assert 'role="alert"' in await person.open(f"/leads/{keeps}/merge?other=9999", 422)
    await person.send(f"/leads/{keeps}/merge", other=str(goes), keep=str(keeps))
    answer = await person.http.get(f"/leads/{goes}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/leads/{keeps}")
    assert one(office, keeps).budget == 1700
    await person.send(f"/leads/{keeps}/unmerge", 404, gone="4711")
    await person.send(f"/leads/{keeps}/unmerge", gone=str(goes))
    assert "1700" in await person.open(f"/leads/{goes}")
    assert any(f"lead {goes} merged into lead {keeps}" in row.what for row in office.rows(AuditEntry))


async def test_proposals_are_decided_by_a_person(office: ConsoleOffice) -> None:
    [one_id], [other_id] = add(office, name=EVIL, property="elm"), add(office, name="Pat", property="lakeside")
    with office.crm.store.writing() as session:
        both = session.get_one(Lead, one_id), session.get_one(Lead, other_id)
        made = proposals.propose(session, *both, ProposalReason.SAME_PHONE, EVIL, NOW)
        assert made is not None
        proposal = made.id
    narrow = office.person(Role.AGENT, properties=["elm"])
    assert "No leads seem to be one person." in await narrow.open("/leads/proposals")
    assert f"/leads/{one_id}/merge" not in (await narrow.open(f"/leads/{one_id}")).replace(
        f'<a href="/leads/{one_id}/merge">', ""
    )
    await narrow.send(f"/leads/proposals/{proposal}/dismissal", 404)
    person = office.person(Role.AGENT)
    check(await person.open("/leads/proposals"))
    await person.send(f"/leads/proposals/{proposal}/dismissal")
    assert [row.state for row in office.rows(LeadProposal)] == ["dismissed"]


async def test_what_was_understood_is_taken_over_or_not(office: ConsoleOffice) -> None:
    [id], [other] = add(office), add(office)
    with office.crm.store.writing() as session:
        session.add_all([heard(id, CardField.BUDGET, "1500"), heard(id, CardField.PETS, "dog")])
    budget, pets = office.rows(Suggestion)
    person = office.person(Role.AGENT)
    await person.send(f"/leads/{other}/suggestions", suggestion=str(budget.id), verb="take")
    assert one(office, other).budget is None
    await person.send(f"/leads/{id}/suggestions", suggestion=str(budget.id), verb="take")
    await person.send(f"/leads/{id}/suggestions", suggestion=str(pets.id), verb="dismiss")
    assert (one(office, id).budget, one(office, id).pets) == (1500, "")


async def test_a_lead_out_of_reach_is_not_there_whatever_is_asked_of_it(office: ConsoleOffice) -> None:
    [ours] = add(office, property="elm")
    [theirs] = add(office, property="lakeside", phone="+15125550177", name="Theirs")
    with office.crm.store.writing() as session:
        tasks.add(session, office.crm.config, By("alice", NOW), theirs, "call", NOW + timedelta(hours=1), "alice")
    [task] = [row.id for row in office.rows(Task) if row.lead_id == theirs]
    narrow = office.person(Role.MANAGER, properties=["elm"])
    missing = (await narrow.open("/leads/4711", 404)).split("<main")[1]
    for path in ("", "/timeline", "/merge"):
        answer = await narrow.http.get(f"/leads/{theirs}{path}")
        assert answer.status_code == 404
        assert "Theirs" not in answer.text
    there = (await narrow.open(f"/leads/{theirs}", 404)).split("<main")[1]
    assert there.replace(f"lead {theirs}", "lead 4711") == missing
    base = "{}"
    for path, fields in (
        ("card", {"base": base, **CARD}),
        ("status", {"was": "new"}),
        ("phones", {"add": "512 555 0198"}),
        ("assignment", {"agent": "bob"}),
        ("interests", {"property": "elm"}),
        ("opt-outs", {"what": "texts/+15125550177", "why": "x"}),
        ("opt-outs/end", {"who": "+15125550177", "why": "x"}),
        ("stage", {"property": "lakeside", "was": "contacted", "stage": "applied"}),
        ("notes", {"text": "x"}),
        ("events", {"what": "call", "text": "x"}),
        ("tasks", {"why": "x", "due": "2026-03-03T10:00"}),
        (f"tasks/{task}/done", {"result": "x"}),
        (f"tasks/{task}/owner", {"owner": "bob"}),
        ("suggestions", {"verb": "take"}),
        ("unmerge", {"gone": "1"}),
        ("vcard", {}),
        ("merge", {"other": str(ours)}),
    ):
        await narrow.send(f"/leads/{theirs}/{path}", 404, **fields)
    await narrow.send(f"/leads/{ours}/tasks/{task}/done", 404, result="x")
    await narrow.send(f"/leads/{ours}/merge", 422, other=str(theirs))
    found = await narrow.open(f"/leads/{ours}/merge?other=%2B15125550177", 422)
    assert f"lead {theirs}" not in found
    refused = await narrow.send(f"/leads/{ours}/phones", 422, add="+15125550177")
    assert f"lead {theirs}" not in refused.text
    assert [row.text for row in office.rows(Activity) if row.lead_id == theirs and row.by == narrow.name] == []


async def test_read_only_sees_no_forms_and_only_an_admin_of_the_whole_office_erases(office: ConsoleOffice) -> None:
    [id] = add(office, property="elm")
    read_only = office.person(Role.READ_ONLY)
    page = await read_only.open(f"/leads/{id}")
    assert re.findall(r'<form[^>]*action="/leads[^"]*"', page) == []
    await read_only.send(f"/leads/{id}/notes", 403, text="x")
    for person in (office.person(Role.MANAGER), office.person(Role.ADMIN, properties=["elm"])):
        await person.open(f"/leads/{id}/erase", 403)
        await person.send(f"/leads/{id}/erase", 403, why="asked for it", confirm=str(id))
        await person.send(f"/leads/{id}/record", 403)
        assert "/erase" not in await person.open(f"/leads/{id}")
    admin = office.person()
    record = await admin.send(f"/leads/{id}/record", 200)
    assert record.json()["lead"]["id"] == id
    assert any(f"whole record of lead {id} exported" in row.what for row in office.rows(AuditEntry))
    check(await admin.open(f"/leads/{id}/erase"))
    await admin.send(f"/leads/{id}/erase", 422, why="asked for it", confirm="yes")
    await admin.send(f"/leads/{id}/erase", 422, why="", confirm=str(id))
    await admin.send(f"/leads/{id}/erase", why="asked for it", confirm=str(id))
    assert [(row.lead_id, row.why) for row in office.rows(Erasure)] == [(id, "asked for it")]
    await admin.open(f"/leads/{id}", 404)


async def test_a_card_for_address_books_is_on_record(office: ConsoleOffice) -> None:
    [id] = add(office, name=f"Pat; {EVIL}", phone="+15125550181")
    person = office.person(Role.AGENT)
    answer = await person.send(f"/leads/{id}/vcard", 200)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="lead-{id}.vcf"'
    assert answer.text.startswith("BEGIN:VCARD\r\n")
    assert "+15125550181" in answer.text
    [entry] = [row for row in office.rows(AuditEntry) if row.what == "1 lead exported as vCard"]
    assert entry.who == person.name


@pytest.mark.parametrize("id", ["0", "2147483648", "99999999999999999999"])
async def test_an_id_that_no_database_has_is_not_there(office: ConsoleOffice, id: str) -> None:
    await office.person().open(f"/leads/{id}", 404)
