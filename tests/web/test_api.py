"""The REST API over real HTTP: what every resource has in common, and leads."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crm.services.access import keys
from crm.services.audit import By
from crm.store.models import ApiKey, AuditEntry, KeptAnswer, Lead
from tests.web.api import NOW, Office, running_api

pytestmark = pytest.mark.web

PAT: dict[str, Any] = {"name": "Pat", "phones": ["(512) 555-0188"], "email": "Pat@Example.com", "property": "elm"}


# --- keys ---


async def test_nobody_gets_in_without_a_key_that_is_in_force(office: Office) -> None:
    program = office.key("site", expires_at=NOW + timedelta(days=1))
    other = program.key[:-1] + ("y" if program.key.endswith("x") else "x")
    for shown in ("", "Basic x", "Bearer", "Bearer llk_x", f"Bearer {other}", f"Bearer {program.key} x"):
        answer = await office.http.get("/api/v1/leads", headers={"Authorization": shown})
        assert answer.status_code == 401, shown
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.headers["Content-Type"] == "application/problem+json"
    await program.get("/leads")
    office.now = NOW + timedelta(days=1)
    await program.get("/leads", 401)
    office.now = NOW
    with office.crm.store.writing() as session:
        keys.revoke(session, By("dana", NOW), "site")
    assert (await program.get("/leads", 401))["code"] == "key_invalid"


async def test_a_key_is_nowhere_but_with_whoever_got_it(office: Office) -> None:
    program = office.key("site")
    await program.get("/leads")
    for file in office.crm.config.home.rglob("*"):
        if file.is_file():
            assert program.key.encode() not in file.read_bytes(), file


async def test_a_key_does_what_its_scopes_say_and_nothing_else(office: Office) -> None:
    reader = office.key("reports", "leads:read")
    await reader.get("/leads")
    assert (await reader.post("/leads", PAT, 403))["code"] == "scope_missing"
    writer = office.key("form", "leads:write")
    await writer.post("/leads", PAT, 201)
    refused = await writer("GET", "/leads", 403)
    assert 'scope="leads:read"' in refused.headers["WWW-Authenticate"]


async def test_when_a_key_was_used_is_kept_without_a_write_for_each_request(office: Office) -> None:
    program = office.key("site")
    for _ in range(3):
        await program.get("/leads")
    assert office.rows(ApiKey)[0].used_at is None
    await office.api.look()
    assert office.rows(ApiKey)[0].used_at == NOW


async def test_the_audit_and_the_timeline_say_which_key_did_it(office: Office) -> None:
    await office.key("site").post("/leads", PAT, 201)
    assert [(entry.who, entry.what) for entry in office.rows(AuditEntry)][-1] == ("api:site", "lead 1 added")


async def test_a_key_that_asks_for_too_much_is_told_when_to_go_on(tmp_path: Path, migrated: Path) -> None:
    async with running_api(tmp_path, migrated, requests_per_minute=3) as office:
        eager, other = office.key("eager"), office.key("other")
        for _ in range(3):
            await eager.get("/leads")
        refused = await eager("GET", "/leads", 429)
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        await other.get("/leads")


# --- what is sent ---


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "json_invalid"),
        (b'{"name": "\xff"}', {}, 400, "json_invalid"),
        (b"[]", {}, 422, "body_invalid"),
        (b'{"nam": "Pat"}', {}, 422, "body_invalid"),
        (b'{"name": 5}', {}, 422, "body_invalid"),
        (b'{"name": "Pat\\u0000"}', {}, 422, "text_unprintable"),
        (b'{"name": "Pat", "property": "nowhere"}', {}, 404, "property_unknown"),
        (b'{"email": "pat@"}', {}, 422, "email_invalid"),
        (b"{}", {}, 422, "lead_nameless"),
        (b'{"name": "Pat"}', {"Content-Type": "text/plain"}, 415, "not_json"),
        (b'{"name": "' + b"x" * 70_000 + b'"}', {}, 413, "body_too_long"),
        (b'{"name": "Pat"}', {"Idempotency-Key": "x" * 256}, 422, "idempotency_key_invalid"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_the_reason(
    office: Office, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    program = office.key("site")
    sent = {"Content-Type": "application/json", **headers}
    problem = (await program("POST", "/leads", status, content=body, headers=sent)).json()
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, "about:blank")
    assert problem["detail"].endswith(".")
    assert office.rows(Lead) == []


async def test_an_address_that_makes_no_sense_is_refused(office: Office) -> None:
    program = office.key("site")
    for path, status, code in (
        ("/nothing", 404, "path_unknown"),
        ("/leads/x", 404, "path_unknown"),
        ("/leads/0", 404, "path_unknown"),
        ("/leads/1e0", 404, "path_unknown"),
        (f"/leads/{2**31}", 404, "path_unknown"),
        (f"/leads/{2**31 - 1}", 404, "lead_unknown"),
        ("/leads/1?x=1", 422, "query_invalid"),
        ("/leads?limit=201", 422, "query_invalid"),
        ("/leads?limit=1&limit=2", 422, "query_invalid"),
        ("/leads?since=2026-03-02T10:00:00", 422, "query_invalid"),
        ("/leads?source=%00", 422, "query_invalid"),
        ("/leads?after=MQ", 422, "cursor_invalid"),
        ("/leads?after=%C3%A9", 422, "cursor_invalid"),
    ):
        answer = await program("GET", path, status)
        assert answer.json()["code"] == code, path
    refused = await program("DELETE", "/leads", 405)
    assert set(refused.headers["Allow"].split(", ")) >= {"GET", "POST"}


# --- once, and no more ---


async def test_a_request_that_is_sent_again_gets_the_same_answer_and_does_nothing(office: Office) -> None:
    program, other = office.key("site"), office.key("other")
    first = await program("POST", "/leads", 201, json=PAT, headers={"Idempotency-Key": "a"})
    again = await program("POST", "/leads", 201, json=PAT, headers={"Idempotency-Key": "a"})
    assert (again.content, again.headers["Location"]) == (first.content, "/api/v1/leads/1")
    assert again.headers["Idempotency-Replayed"] == "true"
    reused = await program.post("/leads", {"name": "Sam"}, 422, **{"Idempotency-Key": "a"})
    assert reused["code"] == "idempotency_key_reused"
    # Each key has names of its own.
    await other("POST", "/leads", 200, json=PAT, headers={"Idempotency-Key": "a"})
    assert len(office.rows(Lead)) == 1


async def test_what_was_refused_may_be_sent_again_under_the_same_name(office: Office) -> None:
    program = office.key("site")
    await program.post("/leads", {"email": "pat@"}, 422, **{"Idempotency-Key": "a"})
    await program.post("/leads", {"email": "pat@example.com"}, 201, **{"Idempotency-Key": "a"})


async def test_an_answer_is_kept_for_a_day(office: Office) -> None:
    program = office.key("site")
    await program.post("/leads", PAT, 201, **{"Idempotency-Key": "a"})
    office.now = NOW + timedelta(hours=24)
    await program.post("/leads", PAT, 200, **{"Idempotency-Key": "a"})
    office.now = NOW + timedelta(hours=48)
    await office.api.look()
    assert office.rows(KeptAnswer) == []


async def test_of_two_that_come_at_once_one_acts(office: Office) -> None:
    program = office.key("site")
    sent = [program("POST", "/leads", 201, json={"name": "Pat"}, headers={"Idempotency-Key": "a"}) for _ in range(4)]
    answers = await asyncio.gather(*sent)
    assert len({answer.content for answer in answers}) == 1
    assert len(office.rows(Lead)) == 1


# --- as it was read ---


async def test_what_is_known_already_is_not_sent_again(office: Office) -> None:
    program = office.key("site")
    await program.post("/leads", PAT, 201)
    first = await program("GET", "/leads/1")
    tag = first.headers["ETag"]
    for known in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        answer = await program("GET", "/leads/1", 304, headers={"If-None-Match": known})
        assert (answer.content, answer.headers["ETag"]) == (b"", tag)
    await program.patch("/leads/1", {"name": "Patricia"})
    await program("GET", "/leads/1", 200, headers={"If-None-Match": tag})


async def test_a_change_that_rests_on_what_is_no_longer_so_is_refused(office: Office) -> None:
    program = office.key("site")
    await program.post("/leads", PAT, 201)
    tag = (await program("GET", "/leads/1")).headers["ETag"]
    changed = await program("PATCH", "/leads/1", 200, json={"name": "Patricia"}, headers={"If-Match": tag})
    refused = await program.patch("/leads/1", {"name": "Patrick"}, 412, **{"If-Match": tag})
    assert refused["code"] == "changed_meanwhile"
    assert office.rows(Lead)[0].name == "Patricia"
    await program.patch("/leads/1", {"name": "Patrick"}, 200, **{"If-Match": changed.headers["ETag"]})
    await program.patch("/leads/1", {"name": "Pat"}, 412, **{"If-Match": f"W/{tag}"})


# --- leads ---


async def test_a_lead_is_added_once_found_changed_and_shown(office: Office) -> None:
    program = office.key("site")
    added = await program("POST", "/leads", 201, json=PAT)
    assert added.headers["Location"] == "/api/v1/leads/1"
    card = added.json()
    assert (card["phones"], card["email"], card["type"]) == (["+15125550188"], "Pat@Example.com", "hot")
    assert [one["property"] for one in card["interests"]] == ["elm"]
    again = await program.post("/leads", {"phones": ["512-555-0188"], "source": "fair"}, 200)
    assert (again["id"], again["source"]) == (1, "fair")
    closed = await program.patch("/leads/1", {"status": "closed", "reason": "rented elsewhere", "email": ""})
    assert (closed["status"], closed["type"], closed["email"]) == ("closed", "cold", "")
    wants = {"bedrooms": 0, "move_in_on": "2026-05-01", "budget": 1500, "pets": "a dog"}
    again = await program.post("/leads", {"phones": ["512-555-0188"], **wants}, 200)
    assert {name: again[name] for name in wants} == wants
    kept = await program.post("/leads", {"phones": ["512-555-0188"], "bedrooms": 2}, 200)
    assert kept["bedrooms"] == 0
    closed = await program.patch("/leads/1", {"bedrooms": 2, "budget": None, "move_in_on": None, "pets": ""})
    assert [closed[name] for name in wants] == [2, None, None, ""]
    assert (await program.patch("/leads/1", {"type": "hot"}, 409))["code"] == "lead_closed"
    assert (await program.patch("/leads/1", {}, 422))["code"] == "nothing_to_change"
    assert (await program.get("/leads/1")) == closed


async def test_pages_follow_one_another_without_gaps_while_leads_come_in(office: Office) -> None:
    program = office.key("site")
    for number in range(7):
        office.now = NOW + timedelta(minutes=number // 2)
        await program.post("/leads", {"name": f"Lead {number}"}, 201)
    first = await program.get("/leads", limit=3)
    await program.post("/leads", {"name": "Later"}, 201)
    second = await program.get("/leads", limit=3, after=first["next"])
    third = await program.get("/leads", limit=3, after=second["next"])
    names = [one["name"] for page in (first, second, third) for one in page["items"]]
    assert names == [f"Lead {number}" for number in reversed(range(7))]
    assert third["next"] is None


async def test_leads_are_narrowed_like_those_of_the_command_line(office: Office) -> None:
    program = office.key("site")
    await program.post("/leads", PAT, 201)
    await program.post("/leads", {"name": "Sam", "property": "oak", "source": "fair", "type": "cold"}, 201)
    for query, found in (
        ({"property": "elm"}, ["Pat"]),
        ({"subteam": "south"}, ["Sam"]),
        ({"type": "cold"}, ["Sam"]),
        ({"status": "open"}, ["Sam", "Pat"]),
        ({"source": "fair"}, ["Sam"]),
        ({"agent": "none"}, ["Sam", "Pat"]),
        ({"stage": "leased"}, []),
        ({"since": "2026-03-02T10:00:00-06:00"}, ["Sam", "Pat"]),
        ({"since": "2026-03-02T16:00:01Z"}, []),
        ({"property": "nowhere"}, []),
    ):
        assert [one["name"] for one in (await program.get("/leads", **query))["items"]] == found, query


async def test_a_key_of_one_property_sees_and_makes_only_its_leads(office: Office) -> None:
    everything = office.key("all")
    await everything.post("/leads", PAT, 201)
    await everything.post("/leads", {**PAT, "property": "oak"}, 200)
    await everything.post("/leads", {"name": "Sam", "property": "oak"}, 201)
    elm = office.key("elm", property_slugs=["elm"])
    [pat] = (await elm.get("/leads"))["items"]
    assert [one["property"] for one in pat["interests"]] == ["elm"]
    await elm.get("/leads/2", 404)
    assert (await elm.get("/leads", property="oak"))["items"] == []
    assert (await elm.patch("/leads/2", {"name": "x"}, 404))["code"] == "lead_unknown"
    assert (await elm.post("/leads", {"name": "Lee"}, 422))["code"] == "property_missing"
    assert (await elm.post("/leads", {"name": "Lee", "property": "oak"}, 404))["code"] == "property_unknown"
    await elm.post("/leads", {"name": "Lee", "property": "elm"}, 201)


# --- what it says of itself ---


async def test_the_api_describes_itself(office: Office) -> None:
    answer = await office.http.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    described = answer.json()
    assert described["openapi"] == "3.1.0"
    adding = described["paths"]["/leads"]["post"]
    assert adding["security"] == [{"key": ["leads:write"]}]
    card = described["components"]["schemas"]["LeadCard"]["properties"]
    assert card["type"]["description"] == "hot or cold."
    again = await office.http.get("/api/v1/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
