"""What portals post to their secret paths: kept whatever it is, and read afterwards."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import select

from crm.context import Crm
from crm.domain.arrivals import ArrivalOutcome
from crm.domain.errors import Unavailable
from crm.edge import mail_files
from crm.services.arrivals import posts, reading, sources
from crm.services.arrivals.posts import PostBox
from crm.services.audit import By
from crm.store.models import Activity, ArrivalRecord, Lead, Task
from crm.store.session import Store
from crm.views import arrivals as views
from crm.web.app import build_webhooks
from tests.web.conftest import Site

pytestmark = pytest.mark.web

FORM = {"name": "Pat Smith", "email": "pat@example.com", "phone": "512-555-0188", "message": "Is it free?"}
ENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def crm(site: Site) -> Crm:
    return site.webhooks.crm


@pytest.fixture
def path(site: Site, crm: Crm) -> str:
    return crm.store.run_blocking(sources.add, By("tester", site.now), "hotpads", name="HotPads").path


async def read_all(crm: Crm) -> list[ArrivalRecord]:
    with crm.store.reading() as session:
        ids = session.scalars(select(ArrivalRecord.id).order_by(ArrivalRecord.id)).all()
    for id in ids:
        while (claim := await crm.store.run(reading.begin, id)) is not None:
            await crm.store.run(reading.set_aside, claim, await reading.read(crm, claim), crm.now())
    with crm.store.reading() as session:
        return list(session.scalars(select(ArrivalRecord).order_by(ArrivalRecord.id)).all())


def encoded(kind: str) -> dict[str, object]:
    """The same inquiry in each of the ways that portals post."""
    xml = (
        "<LeadManagement><Prospects><Prospect><Customers><Customer><Name><FirstName>Pat</FirstName>"
        "<LastName>Smith</LastName></Name><Phone><PhoneNumber>5125550188</PhoneNumber></Phone>"
        "<Email>pat@example.com</Email></Customer></Customers><CustomerPreferences><Comment>Is it free?</Comment>"
        "</CustomerPreferences></Prospect></Prospects></LeadManagement>"
    )
    return {
        "form": {"data": FORM},
        "json": {"json": {"lead": {**FORM, "agent": {"email": "alice@example.com"}}}},
        "json as text": {"content": json.dumps(FORM), "headers": {"Content-Type": "text/plain"}},
        "xml": {"content": xml, "headers": {"Content-Type": "text/xml"}},
        "xml in a form": {"data": {"ApiKey": "1", "Xml": xml}},
        "xml as a file": {"files": {"leads": ("leads.xml", xml.encode(), "text/xml")}},
        "xml in UTF-16": {"content": f'<?xml version="1.0" encoding="UTF-16"?>{xml}'.encode("utf-16")},
        "query": {"params": FORM},
        "latin-1": {"content": urlencode(FORM).encode() + b"&city=San+Jos\xe9"},
        "words": {"content": "Name: Pat Smith\nEmail: pat@example.com\nPhone: 512 555 0188\nMessage: Is it free?"},
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        *("form", "json", "json as text", "xml", "xml in a form", "xml as a file", "xml in UTF-16"),
        *("query", "latin-1", "words"),
    ],
)
async def test_a_post_makes_a_lead_with_timeline_and_task(site: Site, crm: Crm, path: str, kind: str) -> None:
    answer = await site.http.post(path, **encoded(kind))
    assert (answer.status_code, answer.text) == (200, "ok\n")
    [arrival] = await read_all(crm)
    assert (arrival.outcome, arrival.problem) == (ArrivalOutcome.LEAD, "")
    with crm.store.reading() as session:
        [lead] = session.scalars(select(Lead)).all()
        assert (lead.name, lead.email, lead.source) == ("Pat Smith", "pat@example.com", "HotPads")
        assert [one.number for one in lead.phones] == ["+15125550188"]
        [entry] = session.scalars(select(Activity)).all()
        assert "Asked through HotPads" in entry.text
        assert "Is it free?" in entry.text
        assert session.scalars(select(Task.lead_id)).all() == [lead.id]


async def test_a_form_in_the_letters_of_older_programs_is_read(site: Site, crm: Crm, path: str) -> None:
    await site.http.post(path, content=b"email=pat@example.com&name=Jos%E9&message=ma\xf1ana")
    await read_all(crm)
    with crm.store.reading() as session:
        assert session.scalars(select(Lead.name)).all() == ["José"]
        assert "mañana" in session.scalars(select(Activity.text)).one()


PAT_ALONE = "<Prospect><Customers><Customer><Email>pat@example.com</Email></Customer></Customers></Prospect>"
NOBODY = "<Prospect><Customers><Customer><Name><FirstName>Kim</FirstName></Name></Customer></Customers></Prospect>"


@pytest.mark.parametrize(
    ("posted", "problem"),
    [
        (f"<LeadManagement><Prospects>{NOBODY}{PAT_ALONE}", "1 of its 2 inquiries name nobody. Only 2 inquiries were"),
        (json.dumps([{"message": "Call me!"}, FORM]), "1 of its 2 inquiries name nobody."),
        (json.dumps([{"id": 7}, FORM]), ""),
        (json.dumps([FORM, *[{}] * 100]), "Only 100 inquiries were read"),
    ],
    ids=["xml", "json", "nothing said", "many"],
)
async def test_whom_no_lead_could_be_made_of_beside_others_is_left_to_a_person(
    site: Site, crm: Crm, path: str, posted: str, problem: str
) -> None:
    await site.http.post(path, content=posted)
    [arrival] = await read_all(crm)
    with crm.store.reading() as session:
        assert session.scalars(select(Lead.id)).all() == [arrival.lead_id], arrival.problem
        left = session.scalars(select(Task).where(Task.lead_id.is_(None))).all()
    assert arrival.outcome == ArrivalOutcome.LEAD
    assert arrival.problem.startswith(problem)
    assert (arrival.problem != "") is bool(left) is bool(problem)


async def test_the_webhooks_listener_takes_posts_too(crm: Crm, site: Site, path: str) -> None:
    application = httpx.ASGITransport(build_webhooks(site.webhooks))
    async with httpx.AsyncClient(transport=application, base_url="http://127.0.0.1") as http:
        assert (await http.post(path, data=FORM)).status_code == 200


async def test_a_post_that_is_repeated_counts_once(site: Site, crm: Crm, path: str) -> None:
    for _ in range(3):
        assert (await site.http.post(path, data=FORM)).status_code == 200
    assert len(await read_all(crm)) == 1


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff\xfe", b"{", b"[" * 50_000, b"<LeadManagement", b"a=b", b"null", b"1" * 9_000], ids=repr
)
async def test_a_post_that_cannot_be_read_is_kept_for_a_person(site: Site, crm: Crm, path: str, body: bytes) -> None:
    assert (await site.http.post(path, content=body)).status_code == 200
    [arrival] = await read_all(crm)
    assert (arrival.outcome, arrival.lead_id, arrival.problem != "") == (ArrivalOutcome.UNREADABLE, None, True)
    with crm.store.reading() as session:
        assert len(session.scalars(select(Task)).all()) == 1


async def test_a_post_with_nul_characters_is_kept(site: Site, crm: Crm, path: str) -> None:
    assert (await site.http.post(path, json={**FORM, "message": "a\x00b"})).status_code == 200
    [arrival] = await read_all(crm)
    assert arrival.outcome == ArrivalOutcome.LEAD


async def test_a_path_of_nobodys_and_other_methods_are_refused(site: Site, crm: Crm, path: str) -> None:
    assert (await site.http.post("/in/guessed", data=FORM)).status_code == 404
    assert (await site.http.post(path + "x", data=FORM)).status_code == 404
    assert (await site.http.get(path)).status_code == 405
    assert await read_all(crm) == []


def padded(size: int, **form: str) -> bytes:
    """A form of this many bytes."""
    written = urlencode({**FORM, **form, "document": ""}).encode()
    return written + b"x" * (size - len(written))


def files(crm: Crm) -> list[Path]:
    return [path for path in crm.config.mails_folder.rglob("*") if path.is_file()]


async def test_a_large_post_is_in_a_file_and_read_like_any_other(site: Site, crm: Crm, path: str) -> None:
    sent = padded(posts.LONGEST_ROW + 1)
    for _ in range(2):
        assert (await site.http.post(path, content=sent, headers=ENCODED)).status_code == 200
    [arrival] = await read_all(crm)
    assert (arrival.outcome, arrival.raw["body"], arrival.raw["bytes"]) == (ArrivalOutcome.LEAD, "", len(sent))
    [file] = files(crm)
    assert (file.name, file.read_bytes()) == (arrival.raw["file"], sent)
    with crm.store.reading() as session:
        assert session.scalars(select(Lead.email)).all() == ["pat@example.com"]
        [shown] = views.listed(session, problems=False, since=None, limit=9)
        assert crm.config.mails_folder / shown.file == file


@pytest.mark.parametrize("padding", [0, posts.LONGEST_ROW], ids=["small", "large"])
async def test_a_form_with_files_is_read(site: Site, crm: Crm, path: str, padding: int) -> None:
    document = ("id.pdf", b"email=eve@example.com&" + b"x" * padding, "application/pdf")
    assert (await site.http.post(path, data=FORM, files={"document": document})).status_code == 200
    [arrival] = await read_all(crm)
    assert arrival.outcome == ArrivalOutcome.LEAD
    with crm.store.reading() as session:
        assert session.scalars(select(Lead.email)).all() == ["pat@example.com"]


@pytest.mark.parametrize("is_declared", [True, False])
async def test_a_post_that_is_too_large_is_refused_on_record_and_whoever_it_names_is_not_lost(
    site: Site, crm: Crm, path: str, is_declared: bool
) -> None:
    sent = padded(posts.LONGEST + 1)

    async def in_pieces() -> AsyncIterator[bytes]:
        for begin in range(0, len(sent), 2**20):
            yield sent[begin : begin + 2**20]

    for _ in range(2):
        content = sent if is_declared else in_pieces()
        assert (await site.http.post(path, content=content, headers=ENCODED)).status_code == 413
    [arrival] = await read_all(crm)
    assert (arrival.outcome, len(arrival.raw["body"])) == (ArrivalOutcome.LEAD, posts.LONGEST_ROW)
    assert "refused" in arrival.problem
    assert files(crm) == []
    with crm.store.reading() as session:
        assert "only its beginning" in session.scalars(select(Activity.text)).one()
        [shown] = views.listed(session, problems=True, since=None, limit=9)
        assert shown.id == arrival.id


async def test_a_large_post_to_nobodys_path_is_not_read_and_leaves_nothing(site: Site, crm: Crm, path: str) -> None:
    assert (await site.http.post(path + "x", content=padded(posts.LONGEST), headers=ENCODED)).status_code == 404
    assert files(crm) == []


async def test_large_posts_are_written_a_few_at_a_time_and_none_is_lost(site: Site, crm: Crm, path: str) -> None:
    sent = [padded(posts.LONGEST_ROW + 1 + n, email=f"pat{n}@example.com", phone="") for n in range(6)]
    answers = await asyncio.gather(*(site.http.post(path, content=one, headers=ENCODED) for one in sent))
    assert {answer.status_code for answer in answers} == {200}
    assert [arrival.outcome for arrival in await read_all(crm)] == [ArrivalOutcome.LEAD] * 6
    assert len(files(crm)) == 6


async def test_with_the_database_away_the_portal_of_a_large_post_is_asked_to_try_again(
    site: Site, crm: Crm, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: Store, *args: object, **kwargs: object) -> None:
        raise Unavailable("The database does not answer.", code="database_silent")

    monkeypatch.setattr(Store, "read", away)
    assert (await site.http.post(path, content=padded(posts.LONGEST), headers=ENCODED)).status_code == 503
    assert files(crm) == []


async def test_what_nobody_finished_is_deleted(crm: Crm) -> None:
    new = mail_files.NewPost(crm.config.mails_folder)
    new.write(b"x")
    await PostBox(crm).import_all()
    assert len(files(crm)) == 1
    os.utime(files(crm)[0], (0, 0))
    await PostBox(crm).import_all()
    assert files(crm) == []
    new.drop()


async def test_the_old_path_is_accepted_for_a_week_and_then_no_more(site: Site, crm: Crm, path: str) -> None:
    new = crm.store.run_blocking(sources.rotate, By("tester", site.now), "hotpads").path
    assert new != path
    assert (await site.http.post(path, data=FORM)).status_code == 200
    assert (await site.http.post(new, data={**FORM, "message": "And parking?"})).status_code == 200
    site.now = site.now.replace(day=site.now.day + sources.OLD_PATH_DAYS)
    assert (await site.http.post(path, data=FORM)).status_code == 404
    assert (await site.http.post(new, data=FORM)).status_code == 200
    newest = crm.store.run_blocking(sources.rotate, By("tester", site.now), "hotpads", at_once=True).path
    assert (await site.http.post(new, data=FORM)).status_code == 404
    assert (await site.http.post(newest, data=FORM)).status_code == 200


def test_no_path_is_stored(crm: Crm, path: str) -> None:
    token = path.rpartition("/")[2].encode()
    files = [file for file in crm.config.home.rglob("*") if file.is_file()]
    assert files
    assert not any(token in file.read_bytes() for file in files)


async def test_with_the_database_away_a_post_waits_on_the_disk(
    site: Site, crm: Crm, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: Store, *args: object, **kwargs: object) -> None:
        raise Unavailable("The database does not answer.", code="database_silent")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "run", away)
        assert (await site.http.post(path, data=FORM)).status_code == 200
        assert (await site.http.post("/in/guessed", data=FORM)).status_code == 200
        with pytest.raises(Unavailable):
            await PostBox(crm).import_all()
    assert len(list(crm.config.spool_folder.glob("*.post"))) == 2
    assert await PostBox(crm).import_all() == 2
    assert list(crm.config.spool_folder.glob("*.post")) == []
    [arrival] = await read_all(crm)
    assert arrival.outcome == ArrivalOutcome.LEAD


async def test_with_database_and_disk_away_the_portal_is_asked_to_try_again(
    site: Site, crm: Crm, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: Store, *args: object, **kwargs: object) -> None:
        raise Unavailable("The database does not answer.", code="database_silent")

    monkeypatch.setattr(Store, "run", away)
    monkeypatch.setattr(posts, "MOST_WAITING", 1)
    assert (await site.http.post(path, data=FORM)).status_code == 200
    answer = await site.http.post(path, data={**FORM, "message": "Hello?"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
