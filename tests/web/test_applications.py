"""Applying on the public site, as a browser without JavaScript sees it."""

from __future__ import annotations

import re

import httpx
import pytest

from crm.store.models import (
    Activity,
    Application,
    ArrivalRecord,
    Consent,
    Interest,
    Lead,
    Mail,
    Task,
)
from crm.words import applications as words
from tests.web.visitors import NOW, PUBLIC, Visitor, check

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
