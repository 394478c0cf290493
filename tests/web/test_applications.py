"""Applying on the public site, as a browser without JavaScript sees it."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from crm.domain.applications import Step
from crm.store.models import (
    Activity,
    Application,
    ApplicationDocument,
    ArrivalRecord,
    Consent,
    Interest,
    Lead,
    Mail,
    Message,
    Task,
)
from crm.web.site.app import build
from crm.words import applications as words
from tests.web.visitors import NOW, PHONE, PUBLIC, SITE, Visitor, check, visiting

pytestmark = pytest.mark.web

PAT = {"name": "Pat Smith", "email": "Pat@Example.com", "phone": "(512) 555-0188", "move_in": "2026-04-01"}
HOUSEHOLD = {"people": "2", "adults-1-name": "Sam Lee", "pets-1-kind": "Cat", "pets-1-pounds": "9"}
HOMES = {"homes-1-street": "5 Oak <Lane>", "homes-1-city": "Austin", "homes-1-since": "04/2023"}
INCOME = {"sources-1-kind": "housing-voucher", "sources-1-monthly": "$1,400"}
STEPS = {"household": HOUSEHOLD, "homes": HOMES, "income": INCOME}
SIGNED = {"agreed": "yes", "signature": "Pat Smith"}


async def post(visitor: Visitor, path: str, *, key: str | None = None, **fields: str) -> httpx.Response:
    """Opens a form, fills it in, and sends it."""
    if key is None:
        key = visitor.key(await visitor.open(path))
    return await visitor.http.post(path, data={"key": key, **fields}, headers={"Sec-Fetch-Site": "same-origin"})


async def begin(visitor: Visitor, path: str = "/homes/1/apply", **more: str) -> str:
    """Sends the first step; returns the address at which the application goes on."""
    answer = await post(visitor, path, **{**PAT, **more})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rpartition("/")[0]


async def fill_in(visitor: Visitor, base: str) -> None:
    for step, fields in STEPS.items():
        answer = await post(visitor, f"{base}/{step}", **fields)
        assert answer.status_code == 303, answer.text


def mailed(visitor: Visitor) -> str:
    """The path of the link that was mailed last."""
    bodies = [mail.body for mail in visitor.rows(Mail) if "/apply/" in mail.body]
    return re.findall(rf"{PUBLIC}(\S+)", bodies[-1])[0]


async def test_an_application_is_begun_saved_resumed_by_the_link_that_was_mailed_and_sent(visitor: Visitor) -> None:
    page = await visitor.open("/homes/1")
    assert "Application fee: $50 per applicant. It is not paid here." in page
    assert 'href="/homes/1/apply"' in page
    page = await visitor.open("/homes/1/apply")
    check(page)
    assert "Application fee: $50 per applicant" in page
    base = await begin(visitor, texts="yes")
    assert base.startswith("/apply/")
    [lead] = visitor.rows(Lead)
    assert (lead.name, lead.email, lead.source) == ("Pat Smith", "pat@example.com", "website")
    [application] = visitor.rows(Application)
    assert (application.status, application.fee, application.lead_id) == ("started", "50 per applicant", lead.id)
    [interest] = visitor.rows(Interest)
    assert (interest.stage, interest.unit_id) == ("application_sent", 1)
    [task] = visitor.rows(Task)
    assert (task.kind, task.lead_id, (task.due_at - NOW).days) == ("finish_application", lead.id, 2)
    assert [consent.number for consent in visitor.rows(Consent)] == ["+15125550188"]
    assert {mail.to_address for mail in visitor.rows(Mail)} == {"alice@example.com", "pat@example.com"}

    page = await visitor.open(f"{base}/household")
    check(page)
    answer = await post(visitor, f"{base}/household", act="later", people="2")
    page = await visitor.open(answer.headers["location"])
    check(page)
    assert "Your application is saved." in page

    link = mailed(visitor)
    answer = await visitor.http.get(link)
    assert answer.headers["location"] == f"{link}/homes", "the first step that is not saved yet"
    assert 'value="2"' in await visitor.open(f"{link}/household")
    await fill_in(visitor, link)
    page = await visitor.open(f"{link}/review")
    check(page)
    assert "5 Oak &lt;Lane&gt;" in page
    assert "Housing voucher" in page
    answer = await post(visitor, f"{link}/review", **SIGNED)
    page = await visitor.open(answer.headers["location"])
    check(page)
    assert "We have your application for Elm &lt;Street&gt; 204B" in page
    assert "Oak" not in page, "what was sent is shown no more"

    [application] = visitor.rows(Application)
    assert (application.status, application.signature) == ("submitted", "Pat Smith")
    assert application.wording == words.SIGNED["en"].format(office="Maple & Sons")
    assert application.wording_version == words.SIGNED_VERSION
    [interest] = visitor.rows(Interest)
    assert interest.stage == "applied"
    finish, review = visitor.rows(Task)
    assert finish.done_at is not None
    assert (review.kind, review.done_at) == ("review_application", None)
    told = [(entry.kind, entry.text) for entry in visitor.rows(Activity)]
    assert told == [
        ("Application", "Began an application for 204B at Elm <Street>."),
        ("Application", "Submitted the application for 204B at Elm <Street>."),
    ]
    subjects = [mail.subject for mail in visitor.rows(Mail) if mail.to_address == "alice@example.com"]
    assert subjects == ["Application for Elm <Street>: started", "Application for Elm <Street>: submitted"]
    [arrival] = visitor.rows(ArrivalRecord)
    assert (arrival.channel, arrival.lead_id) == ("application:started", lead.id)


# --- documents ---

PDF = b"%PDF-1.7\n" + b"pay stub " * 50
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\0" * 300


async def upload(
    visitor: Visitor, base: str, content: bytes, name: str = "stub.pdf", *, kind: str = "income", key: str | None = None
) -> httpx.Response:
    if key is None:
        key = visitor.key(await visitor.open(f"{base}/documents"))
    return await visitor.http.post(
        f"{base}/documents",
        data={"key": key, "kind": kind},
        files={"document": (name, content, "text/html")},
        headers={"Sec-Fetch-Site": "same-origin"},
    )


def kept(visitor: Visitor) -> list[Path]:
    return sorted(visitor.crm.config.documents_folder.iterdir())


async def test_a_document_is_kept_by_what_is_in_it_under_a_name_of_our_own(visitor: Visitor) -> None:
    base = await begin(visitor)
    page = await visitor.open(f"{base}/documents")
    check(page)
    for content, name in ((PDF, "../../<b>stub\r\n.html"), (JPEG, "C:\\pictures\\me.exe")):
        answer = await upload(visitor, base, content, name)
        assert answer.status_code == 303, answer.text
    pdf, jpeg = visitor.rows(ApplicationDocument)
    assert (pdf.media_type, pdf.bytes, pdf.kind) == ("application/pdf", len(PDF), "income")
    assert (jpeg.media_type, jpeg.name) == ("image/jpeg", "me.exe")
    assert "/" not in pdf.name
    assert pdf.name.isprintable()
    for path in kept(visitor):
        assert path.stat().st_mode & 0o777 == 0o600
        assert re.fullmatch("[0-9a-f]{32}", path.name)
    assert {path.read_bytes() for path in kept(visitor)} == {PDF, JPEG}
    page = await visitor.open(f"{base}/documents")
    check(page)
    assert "me.exe" in page
    assert "<b>" not in page
    for path in (f"{base}/documents/{pdf.file}", f"/applications/{pdf.file}", f"/pictures/{pdf.file}"):
        await visitor.open(path, 404)
    answer = await post(visitor, f"{base}/documents", act=f"remove:{pdf.id}")
    assert answer.status_code == 303
    assert [one.id for one in visitor.rows(ApplicationDocument)] == [jpeg.id]
    assert [path.read_bytes() for path in kept(visitor)] == [JPEG]


async def test_what_is_no_document_is_refused_and_leaves_nothing_on_the_disk(visitor: Visitor) -> None:
    base = await begin(visitor)
    largest = visitor.crm.config.applications.document_megabytes * 1_000_000
    said = words.EN
    for content, told in (
        (b"<html><script>alert(1)</script>", said["document_type"]),
        (b"MZ\x90\0" + b"\0" * 100, said["document_type"]),
        (b"hello", said["document_type"]),
        (b"", said["document_missing"]),
        (PDF + b"\0" * largest, said["document_large"].format(megabytes=10)),
    ):
        answer = await upload(visitor, base, content)
        assert answer.status_code == 422
        check(answer.text)
        assert told in answer.text
    answer = await upload(visitor, base, PDF, kind="passwords")
    assert answer.status_code == 422
    answer = await upload(visitor, base, PDF, key="made-up")
    assert answer.status_code == 409
    assert visitor.rows(ApplicationDocument) == kept(visitor) == []


async def test_a_form_that_is_no_form_leaves_nothing_on_the_disk(visitor: Visitor) -> None:
    base = await begin(visitor)
    field = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
    head = b'--x\r\nContent-Disposition: form-data; name="document"; filename="a.pdf"\r\n\r\n'
    for kind, content, status in (
        ("multipart/form-data", PDF, 400),
        ("multipart/form-data; boundary=x", PDF, 400),
        ("multipart/form-data; boundary=x", head + PDF * 2000, 400),
        (
            "multipart/form-data; boundary=x",
            field + b"y" * 2000,
            413,
        ),
        ("multipart/form-data; boundary=x", (field + b"y\r\n") * 11, 413),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"A: b\r\n" * 20 + b"\r\n", 400),
    ):
        headers = {"Content-Type": kind, "Sec-Fetch-Site": "same-origin"}
        answer = await visitor.http.post(f"{base}/documents", content=content, headers=headers)
        assert answer.status_code == status, (kind, content[:60], answer.text)
    assert kept(visitor) == []


async def test_there_may_be_so_many_documents_and_no_more(visitor: Visitor) -> None:
    base = await begin(visitor)
    most = visitor.crm.config.applications.most_documents
    for number in range(most):
        assert (await upload(visitor, base, PDF + b"%d" % number)).status_code == 303
    page = await visitor.open(f"{base}/documents")
    assert "multipart" not in page
    answer = await upload(visitor, base, PDF, key=visitor.key(page))
    assert answer.status_code == 422
    assert len(kept(visitor)) == most


async def test_the_same_document_sent_twice_is_kept_once(visitor: Visitor) -> None:
    base = await begin(visitor)
    sent = [upload(visitor, base, PDF, name) for name in ("stub.pdf", "stub (1).pdf")]
    assert [answer.status_code for answer in await asyncio.gather(*sent)] == [303, 303], "as by a second click"
    assert len(visitor.rows(ApplicationDocument)) == len(kept(visitor)) == 1
    # What shows two things is listed under both, and somebody else may have the same.
    await upload(visitor, base, PDF, kind="identity")
    await upload(visitor, await begin(visitor, email="sam@example.com"), PDF)
    assert [one.application_id for one in visitor.rows(ApplicationDocument)] == [1, 1, 2]


async def test_further_steps_may_be_sent_as_quickly_as_one_likes(visitor: Visitor) -> None:
    base = await begin(visitor)
    crm = visitor.crm
    slow = dataclasses.replace(crm, config=replace(crm.config, site=replace(SITE, quickest_form_seconds=60)))
    transport = httpx.ASGITransport(build(slow))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        person = Visitor(slow, http)
        await fill_in(person, base)
        assert (await post(person, f"{base}/documents")).status_code == 303
        assert (await upload(person, base, PDF)).status_code == 303
        assert (await post(person, f"{base}/review", **SIGNED)).status_code == 303
    assert [one.status for one in visitor.rows(Application)] == ["submitted"]


async def test_documents_of_others_cannot_be_taken_back(visitor: Visitor) -> None:
    theirs = await begin(visitor)
    await upload(visitor, theirs, PDF)
    [document] = visitor.rows(ApplicationDocument)
    mine = await begin(visitor, email="sam@example.com")
    for what in (str(document.id), "x", "9" * 30, ""):
        assert (await post(visitor, f"{mine}/documents", act=f"remove:{what}")).status_code == 303
    assert len(kept(visitor)) == 1


# --- what nobody is to learn, and nobody is to lose ---


async def test_the_first_step_says_the_same_to_somebody_new_and_to_somebody_known(visitor: Visitor) -> None:
    first = await begin(visitor)
    await fill_in(visitor, first)
    second = await begin(visitor, name="Mallory")
    page = await visitor.open(f"{second}/household")
    check(page)
    for part in ("Sam Lee", "Oak", 'value="2"'):
        assert part not in page, "nothing of the other application is shown"
    assert len(visitor.rows(Lead)) == 1
    assert [one.id for one in visitor.rows(Application)] == [1, 2]


async def test_a_lost_link_is_sent_to_its_address_and_the_page_never_says_whether_there_is_one(
    visitor: Visitor,
) -> None:
    await begin(visitor)
    before = len(visitor.rows(Mail))
    check(await visitor.open("/apply"))
    pages = set()
    for address in ("pat@example.com", "nobody@example.com"):
        answer = await post(visitor, "/apply", email=address)
        assert answer.status_code == 200
        pages.add(answer.text)
    assert len(pages) == 1
    assert [mail.to_address for mail in visitor.rows(Mail)[before:]] == ["pat@example.com"]
    answer = await post(visitor, "/apply", email="pat")
    assert answer.status_code == 422
    check(answer.text)


async def test_a_link_that_is_made_up_or_too_old_shows_nothing(visitor: Visitor) -> None:
    base = await begin(visitor)
    for path in (f"{base}x/household", f"{base[:-1]}/household", "/apply/x/household", f"/apply/{'x' * 3000}"):
        page = await visitor.open(path, 404)
        assert "Pat" not in page
    await visitor.open(f"{base}/nothing", 404)
    days = visitor.crm.config.applications.link_days
    late = dataclasses.replace(visitor.crm, now=lambda: NOW + timedelta(days=days))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(late)), base_url="http://127.0.0.1") as http:
        answer = await http.get(f"{base}/household")
    assert answer.status_code == 410
    check(answer.text)
    assert words.EN["apply_link_late"] in answer.text
    assert 'action="/apply"' in answer.text


async def test_programs_and_forms_from_elsewhere_begin_and_save_nothing(visitor: Visitor) -> None:
    answer = await post(visitor, "/homes/1/apply", website="https://spam.example", **PAT)
    assert "Thank you" in answer.text
    assert (await post(visitor, "/homes/1/apply", key="made-up", **PAT)).status_code == 409
    assert visitor.rows(Application) == visitor.rows(Lead) == []
    base = await begin(visitor)
    key = visitor.key(await visitor.open(f"{base}/household"))
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        answer = await visitor.http.post(f"{base}/household", data={"key": key, "people": "3"}, headers=headers)
        assert answer.status_code == 409
        assert 'value="3"' in answer.text, "what was typed is not lost"
    assert "household" not in visitor.rows(Application)[0].answers


async def test_an_application_that_was_sent_twice_counts_once(visitor: Visitor) -> None:
    key = visitor.key(await visitor.open("/homes/1/apply"))
    for _ in range(2):
        assert (await post(visitor, "/homes/1/apply", key=key, **PAT)).status_code == 303
    [application] = visitor.rows(Application)
    base = mailed(visitor)
    await fill_in(visitor, base)
    page = await visitor.open(f"{base}/review")
    for _ in range(2):
        answer = await post(visitor, f"{base}/review", key=visitor.key(page), **SIGNED)
        assert answer.status_code in (200, 303)
    answer = await post(visitor, f"{base}/household", key=visitor.key(page), people="9")
    assert "We have your application" in answer.text
    [application] = visitor.rows(Application)
    assert application.answers["household"]["people"] == "2", "what was sent does not change any more"
    assert len([entry for entry in visitor.rows(Activity) if "Submitted" in entry.text]) == 1


async def test_what_has_to_be_corrected_is_named_at_its_field_and_kept(visitor: Visitor) -> None:
    answer = await post(visitor, "/homes/1/apply", name="", email="pat@", phone="12", move_in="soon", texts="yes")
    assert answer.status_code == 422
    check(answer.text)
    for field in ("name", "email", "phone", "move_in"):
        assert f'<a href="#{field}">' in answer.text
        assert f'id="{field}-wrong"' in answer.text
    assert 'value="pat@"' in answer.text
    base = await begin(visitor)
    answer = await post(visitor, f"{base}/homes", **{"homes-2-street": "9 Elm", "homes-2-since": "13/2020"})
    assert answer.status_code == 422
    check(answer.text)
    assert '<a href="#homes-1-since">' in answer.text, "the first set that is filled in becomes the first"
    assert 'value="9 Elm"' in await visitor.open(f"{base}/homes")
    page = await visitor.open(f"{base}/review")
    check(page)
    assert "not complete" in page
    assert "signature" not in page
    answer = await post(visitor, f"{base}/review", key=visitor.key(await visitor.open(f"{base}/homes")), **SIGNED)
    assert answer.status_code == 422
    assert visitor.rows(Application)[0].status == "started"


async def test_a_set_is_added_and_taken_away_without_javascript(visitor: Visitor) -> None:
    base = await begin(visitor)
    answer = await post(visitor, f"{base}/household", act="add:adults", **HOUSEHOLD)
    page = await visitor.open(answer.headers["location"])
    check(page)
    assert 'name="adults-2-name"' in page
    assert 'value="Sam Lee"' in page
    await post(visitor, f"{base}/household", **{**HOUSEHOLD, "adults-1-name": "", "adults-2-name": "Kim Roe"})
    assert visitor.rows(Application)[0].answers["household"]["adults"] == [{"name": "Kim Roe", "email": ""}]


async def test_every_page_of_an_application_is_there_in_both_languages(visitor: Visitor) -> None:
    base = await begin(visitor, "/properties/elm/apply")
    await upload(visitor, base, PDF)
    pages = ["/homes/1/apply", "/properties/elm/apply", "/apply", f"{base}/saved"]
    for path in (*pages, *(f"{base}/{step}" for step in Step)):
        check(await visitor.open(path))
        page = await visitor.open(f"/es{path}")
        check(page, "es")
        assert "noindex" in page
    assert visitor.rows(Application)[0].unit_id is None
    answer = await visitor.http.get(f"{base}/you")
    assert answer.headers["cache-control"] == "no-store"


async def test_the_link_is_texted_to_whoever_agreed_and_opening_it_shows_without_giving_it_away(
    visitor: Visitor,
) -> None:
    await begin(visitor)
    assert visitor.rows(Message) == []
    await begin(visitor, "/es/homes/1/apply", texts="yes", email="sam@example.com", phone="512 555 0189")
    [text] = visitor.rows(Message)
    assert (text.purpose, text.to_number) == ("application", "+15125550189")
    assert "su solicitud" in text.body
    short = re.findall(rf"{PUBLIC}(/l/\S+)", text.body)[0]
    answer = await visitor.http.get(short, headers=PHONE)
    assert answer.headers["location"].startswith("/es/apply/")
    opened = visitor.rows(Activity)[-1]
    assert opened.text == "Opened our link to their application."
    page = await visitor.open((await visitor.http.get(answer.headers["location"])).headers["location"])
    check(page, "es")
    # Whoever comes too late hears of it, and how to get another link.
    late = dataclasses.replace(visitor.crm, now=lambda: NOW + timedelta(days=60))
    transport = httpx.ASGITransport(build(late))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        answer = await http.get(short, headers=PHONE, follow_redirects=True)
    assert (answer.status_code, words.ES["apply_link_late"] in answer.text) == (410, True)
    assert len([entry for entry in visitor.rows(Activity) if entry.kind == "LinkOpened"]) == 1


async def test_answers_are_in_no_log_and_no_list(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    base = await begin(visitor)
    await fill_in(visitor, base)
    await post(visitor, f"{base}/review", **SIGNED)
    assert "Oak" not in caplog.text
    assert all("Oak" not in entry.text for entry in visitor.rows(Activity))
    assert all("Oak" not in task.why for task in visitor.rows(Task))
    assert all("Oak" not in mail.body for mail in visitor.rows(Mail))
    assert all("Oak" not in str(arrival.raw) for arrival in visitor.rows(ArrivalRecord))


async def test_one_address_may_send_so_many_documents_an_hour(tmp_path: Path, migrated: Path) -> None:
    async with visiting(tmp_path, migrated, replace(SITE, uploads_per_hour=2)) as visitor:
        base = await begin(visitor)
        assert [(await upload(visitor, base, PDF)).status_code for _ in range(3)] == [303, 303, 429]
