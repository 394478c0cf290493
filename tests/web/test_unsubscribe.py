"""Whoever gets news by email gets no more of it with one click (RFC 8058)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from crm.config import MailSettings
from crm.services.mails import writing
from crm.services.mails.writing import MailDraft
from crm.services.outbox import news_links
from crm.services.people import erasing, intake
from crm.store.models import Activity, Mail, OptOut
from crm.web.site import visitors
from crm.words import site as words
from tests.web.visitors import BY, NOW, PUBLIC, Visitor, check

pytestmark = pytest.mark.web

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
SCANNER = {"User-Agent": "GoogleImageProxy"}


@pytest.fixture
def link(visitor: Visitor) -> str:
    """The link as it is in the email, in Spanish, since that is the lead's language."""
    crm = visitor.crm
    mail = MailSettings(from_address="office@example.com", postal_address="1 Oak Street, Austin, TX 78701")
    config = replace(crm.config, mail=mail)
    with crm.store.writing() as session:
        intake.by_address(session, "pat@example.com", NOW).language = "es"
    draft = MailDraft("Spring offer", "Two months free.", is_news=True)
    crm.store.run_blocking(writing.send, config, crm.secrets, BY, "pat@example.com", draft)
    [queued] = visitor.rows(Mail)
    url = news_links.url(config, crm.secrets, queued.key, "es")
    assert url in queued.body
    return url.removeprefix(PUBLIC)


async def test_looking_shows_a_button_and_changes_nothing(visitor: Visitor, link: str) -> None:
    for headers in ({}, SCANNER):
        page = await visitor.open(link, **headers)
        check(page, "es")
        assert words.WORDS["es"]["unsubscribe_button"] in page
    await visitor.http.head(link)
    assert visitor.rows(OptOut) == []


async def test_a_mail_program_unsubscribes_with_one_post_and_a_second_changes_nothing(
    visitor: Visitor, link: str
) -> None:
    for _ in range(2):
        answer = await visitor.http.post(link, data=ONE_CLICK, headers={"Origin": "https://mail.example.net"})
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert words.WORDS["es"]["unsubscribed"] in answer.text
    [entry] = visitor.rows(OptOut)
    assert (entry.address, entry.scope, entry.source) == ("pat@example.com", "news", "link")
    assert entry.evidence.startswith("One click in a mail program, email 1 of 2026-03-02 (Spring offer)")
    assert [one.text for one in visitor.rows(Activity) if one.kind == "OptOut"] == ["Wants no more news by email."]
    assert words.WORDS["en"]["unsubscribed"] in await visitor.open(link.removeprefix("/es"))


async def test_multipart_counts_too(visitor: Visitor, link: str) -> None:
    await visitor.http.post(link, files={"List-Unsubscribe": (None, "One-Click")})
    assert len(visitor.rows(OptOut)) == 1


async def test_the_button_of_the_page_is_on_record_as_such(visitor: Visitor, link: str) -> None:
    answer = await visitor.http.post(link, data={"how": "page"}, headers={"Sec-Fetch-Site": "same-origin"})
    check(answer.text, "es")
    [entry] = visitor.rows(OptOut)
    assert entry.evidence.startswith("The button of the page")


async def test_a_mail_program_that_unsubscribes_thousands_is_not_told_to_slow_down(
    visitor: Visitor, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitors.Limits, "page", lambda self, address: 60)
    await visitor.open("/", 429)
    assert (await visitor.http.post(link, data=ONE_CLICK)).status_code == 200
    assert len(visitor.rows(OptOut)) == 1


@pytest.mark.parametrize("token", ["made-up", "x" * 5000, "ImFnZW50OjEi.AAAA", "%00"])
async def test_a_link_that_is_not_ours_does_nothing(visitor: Visitor, link: str, token: str) -> None:
    for answer in (
        await visitor.http.get(f"/unsubscribe/{token}"),
        await visitor.http.post(f"/unsubscribe/{token}", data=ONE_CLICK),
    ):
        assert answer.status_code == 404
        assert words.WORDS["en"]["unsubscribe_link_broken"] in answer.text
    assert visitor.rows(OptOut) == []


async def test_the_link_of_somebody_who_was_erased_says_what_is_true(visitor: Visitor, link: str) -> None:
    crm = visitor.crm
    known = await crm.store.read(erasing.mentions, crm.config, 1)
    await crm.store.run(erasing.erase, crm.config, BY, 1, "asked for it", known)
    answer = await visitor.http.post(link, data=ONE_CLICK)
    assert (answer.status_code, visitor.rows(OptOut)) == (200, [])
