"""Emails with leads: what they answer is filed by thread, and what the office writes goes out so that it can be."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial

import msgspec
import pytest
from sqlalchemy import select

from crm.config import Config, MailIn, MailSettings, MailTemplate, Site
from crm.context import Crm
from crm.domain.arrivals import ArrivalOutcome
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import Happened, LeadStatus
from crm.edge.mail_files import TakenMail
from crm.services import mail_templates
from crm.services.arrivals import mails as arrivals
from crm.services.arrivals import reading
from crm.services.arrivals.mails import CameBy
from crm.services.audit import By
from crm.services.mails import news, writing
from crm.services.mails.writing import MailDraft
from crm.services.outbox import mails as outbox
from crm.services.outbox import news_links, outgoing
from crm.services.outbox.mails import MailToSend
from crm.services.outbox.outgoing import NewMail
from crm.services.people import erasing, intake, leads, merging, opt_outs, unmerging
from crm.store.models import (
    Activity,
    Agent,
    ArrivalRecord,
    Lead,
    LeadEmail,
    Mail,
    MailAttachment,
    MailThread,
    Notice,
    OptOut,
    Task,
)
from crm.store.session import Store
from crm.views import mails as views
from tests.store.conftest import NOW, crm_at

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

LATER = NOW + timedelta(hours=1)
BY = By("tester", NOW)
SETTINGS = MailSettings(
    server="127.0.0.1",
    from_address="office@oak.example.com",
    postal_address="1 Oak Street, Austin, TX 78701",
    incoming=MailIn(address="leads@oak.example.com"),
    templates={
        "application": MailTemplate(
            "Applying for {property}", "Hi {first_name},\n\n{text}\nApply: https://oak.example.com/apply\n{agent}"
        )
    },
)


@pytest.fixture
def crm(config: Config, store: Store) -> Crm:
    return crm_at(Config(config.home, mail=SETTINGS), store)


async def taken(crm: Crm, raw: bytes) -> ArrivalRecord:
    id = await arrivals.take_in(crm, TakenMail(raw, len(raw)), CameBy("imap"))
    while (claim := await crm.store.run(reading.begin, id)) is not None:
        await crm.store.run(reading.set_aside, claim, await reading.read(crm, claim), crm.now())
    with crm.store.reading() as session:
        return session.get_one(ArrivalRecord, id)


def written(text: str, sender: str = "Pat Smith <pat@example.com>", /, **headers: str) -> EmailMessage:
    mail = EmailMessage()
    for name, value in ({"to": "leads@oak.example.com", "subject": "Two bedrooms"} | headers).items():
        mail[name.replace("_", "-")] = value
    mail["From"] = sender
    mail.set_content(text)
    return mail


def send(crm: Crm, person: str = "pat@example.com", agent: str | None = "alice", **draft: object) -> Mail:
    words = MailDraft(**({"subject": "Two bedrooms", "text": "Yes, it is free."} | draft))  # type: ignore[arg-type]
    return crm.store.run_blocking(writing.send, crm.config, crm.secrets, BY, person, words, agent=agent)


def wire(crm: Crm, mail: Mail) -> EmailMessage:
    """An email as it leaves, and is read by whoever gets it."""
    transport = outbox.MailTransport(crm.config, crm.secrets, None, None)  # type: ignore[arg-type]
    with crm.store.reading() as session:
        out: MailToSend | None = transport.claim(session, session.get_one(Mail, mail.id), NOW)
    assert out is not None
    found = message_from_bytes(outbox.compose(crm.config, out, [], NOW).as_bytes(), policy=default)
    assert isinstance(found, EmailMessage)
    return found


def rows(store: Store, model: type, *which: object) -> list:
    with store.reading() as session:
        order = model.position if model is MailAttachment else model.id
        return list(session.scalars(select(model).where(*which).order_by(order)).unique().all())  # type: ignore[arg-type]


# --- in ---


async def test_chatwoot_10028_replies_thread_by_token_then_references_then_sender(crm: Crm, store: Store) -> None:
    sent = send(crm)
    out = wire(crm, sent)
    reply_to = str(out["Reply-To"])
    assert reply_to == f"leads+{rows(store, MailThread)[0].token}@oak.example.com"
    by_token = written("By token.", "Pat <pat@work.example.com>", subject="Re: Two bedrooms", to=reply_to.upper())
    by_references = written("By reference.", subject="Re: Two bedrooms", in_reply_to=str(out["Message-ID"]))
    by_sender = written("By sender.", subject="RE: two  Bedrooms")
    for mail in (by_token, by_references, by_sender):
        await taken(crm, mail.as_bytes())
    [thread] = rows(store, MailThread)
    found = rows(store, Mail, Mail.direction == "in")
    assert [one.body for one in found] == ["By token.", "By reference.", "By sender."]
    assert {(one.thread_id, one.lead_id) for one in found} == {(thread.id, sent.lead_id)}
    assert [one.outcome for one in rows(store, ArrivalRecord)] == ["answer", "answer", "lead"]
    entries = [one.text for one in rows(store, Activity) if one.kind == Happened.EMAIL]
    assert "It came from pat@work.example.com, which is not one of their addresses." in entries[1]
    assert [email.address for email in rows(store, LeadEmail)] == ["pat@example.com"]


async def test_chatwoot_15869_a_changed_subject_starts_a_topic(crm: Crm, store: Store) -> None:
    out = wire(crm, send(crm))
    answer = written("Are dogs allowed?", subject="Dogs", to=str(out["Reply-To"]), in_reply_to=str(out["Message-ID"]))
    await taken(crm, answer.as_bytes())
    first, second = rows(store, MailThread)
    assert (first.topic, second.topic, first.lead_id) == ("two bedrooms", "dogs", second.lead_id)
    assert first.token != second.token
    [filed] = rows(store, Mail, Mail.direction == "in")
    assert filed.thread_id == second.id


async def test_chatwoot_pr_13502_two_people_who_answer_one_bulk_mail_get_two_threads(crm: Crm, store: Store) -> None:
    bulk = "<bulk@oak.example.com>"
    for n, name in enumerate(("pat", "kim", "pat")):
        sender = f"{name.title()} <{name}@example.com>"
        await taken(
            crm,
            written(
                f"{n}: I am {name}.", sender, subject="Re: Open house", in_reply_to=bulk, references=bulk
            ).as_bytes(),
        )
    first, second = rows(store, MailThread)
    assert first.lead_id != second.lead_id
    assert [one.thread_id for one in rows(store, Mail, Mail.direction == "in")] == [first.id, second.id, first.id]
    assert len(rows(store, Lead)) == 2


async def test_who_answers_what_was_forwarded_to_them_is_themselves(crm: Crm, store: Store) -> None:
    out = wire(crm, send(crm))
    kim = store.run_blocking(lambda session: intake.by_address(session, "kim@example.com", NOW).id)
    await taken(
        crm,
        written("Me too!", "kim@example.com", subject="Re: Two bedrooms", references=str(out["Message-ID"])).as_bytes(),
    )
    [filed] = rows(store, Mail, Mail.direction == "in")
    assert filed.lead_id == kim


async def test_espocrm_1400_mail_to_a_merged_leads_token_reaches_the_survivor(crm: Crm, store: Store) -> None:
    out = wire(crm, send(crm))
    survivor = store.run_blocking(lambda session: intake.by_address(session, "kim@example.com", NOW).id)
    store.run_blocking(merging.merge, crm.config, BY, str(survivor), "pat@example.com")
    await taken(crm, written("It is me.", subject="Re: Two bedrooms", to=str(out["Reply-To"])).as_bytes())
    [filed] = rows(store, Mail, Mail.direction == "in")
    [thread] = rows(store, MailThread)
    assert (filed.lead_id, thread.lead_id, filed.thread_id) == (survivor, survivor, thread.id)


async def test_after_a_merge_is_undone_mail_to_a_token_reaches_whose_it_was(crm: Crm, store: Store) -> None:
    pat = send(crm)
    out = wire(crm, pat)
    survivor = store.run_blocking(lambda session: intake.by_address(session, "kim@example.com", NOW).id)
    store.run_blocking(merging.merge, crm.config, BY, str(survivor), "pat@example.com")
    store.run_blocking(unmerging.unmerge, crm.config, BY, pat.lead_id or 0)
    reply = written("It is me.", "Pat <new@example.com>", subject="Re: Two bedrooms", to=str(out["Reply-To"]))
    await taken(crm, reply.as_bytes())
    [filed] = rows(store, Mail, Mail.direction == "in")
    assert filed.lead_id == pat.lead_id != survivor


async def test_after_an_erasure_mail_to_the_token_begins_anew_and_what_others_wrote_of_them_is_gone(
    crm: Crm, store: Store
) -> None:
    out = wire(crm, send(crm))
    id = send(crm).lead_id or 0
    of_another = f"Somebody (lead {id}): pat@example.com asked for you."
    new = NewMail("told", "alice@oak.example.com", "A question", of_another)
    store.run_blocking(lambda session: outgoing.queue(session, crm.config, new, NOW).id)
    known = await store.read(erasing.mentions, crm.config, id)
    await store.run(erasing.erase, crm.config, BY, id, "asked for it", known)
    assert rows(store, Mail) == []
    await taken(crm, written("Hello again.", subject="Re: Two bedrooms", to=str(out["Reply-To"])).as_bytes())
    [lead] = rows(store, Lead)
    assert (lead.id != id, lead.email) == (True, "pat@example.com")


async def test_an_answer_leaves_one_task_and_tells_its_owner_what_it_says(crm: Crm, store: Store) -> None:
    out = wire(crm, send(crm))
    for text in ("Friday is fine.", "Or Saturday."):
        quoted = (
            f"{text}\n\nOn Mon, Mar 2, 2026 at 10:00 AM Oak Homes <leads@oak.example.com> wrote:\n> Yes, it is free.\n"
        )
        await taken(crm, written(quoted, subject="Re: Two bedrooms", to=str(out["Reply-To"])).as_bytes())
    [task] = rows(store, Task)
    assert (task.times, task.kind, task.lead_id) == (2, "inquiry", rows(store, Lead)[0].id)
    [notice] = rows(store, Notice)
    assert "Friday is fine." in notice.text
    assert "Yes, it is free." not in notice.text
    assert [one.tell_at is None for one in rows(store, ArrivalRecord)] == [True, False], (
        "told together with what follows"
    )
    send(crm, subject="", text="See you then.")
    [task] = rows(store, Task)
    assert task.done_at == NOW
    assert rows(store, Mail, Mail.purpose == "personal")[-1].subject == "Re: Two bedrooms"


async def test_the_same_email_twice_is_one_answer(crm: Crm, store: Store) -> None:
    out = wire(crm, send(crm))
    raw = written("Fine.", subject="Re: Two bedrooms", to=str(out["Reply-To"]), message_id="<1@example.com>").as_bytes()
    for _ in range(2):
        await taken(crm, raw)
    assert len(rows(store, Mail, Mail.direction == "in")) == 1
    assert rows(store, Task)[0].times == 1


async def test_an_out_of_office_note_is_no_answer(crm: Crm, store: Store) -> None:
    out = wire(crm, send(crm))
    away = written("I am away.", to=str(out["Reply-To"]), auto_submitted="auto-replied")
    assert (await taken(crm, away.as_bytes())).outcome == ArrivalOutcome.AUTOMATIC
    assert rows(store, Mail, Mail.direction == "in") == rows(store, Task) == []


async def test_attachments_are_typed_by_what_is_in_them_and_stay_outside_of_the_database(
    crm: Crm, store: Store
) -> None:
    mail = written("See the files.")
    png = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
    mail.add_attachment(b"<script>alert(1)</script>", maintype="image", subtype="png", filename="../../home.png")
    mail.add_attachment(png, maintype="text", subtype="html", filename="picture")
    arrival = await taken(crm, mail.as_bytes())
    script, picture = rows(store, MailAttachment)
    assert (script.name, script.kind != "image/png", script.size) == ("../../home.png", True, 25)
    assert (picture.name, picture.kind) == ("picture", "image/png")
    detail = store.read_blocking(views.one, script.mail_id)
    assert [one.kind for one in detail.attachments] == [script.kind, "image/png"]
    assert arrivals.attachment(crm.config, str(arrival.raw["file"]), 2) == png
    with pytest.raises(NotFound):
        arrivals.attachment(crm.config, str(arrival.raw["file"]), 3)


async def test_html_is_cleaned(crm: Crm, store: Store) -> None:
    mail = written("Hello")
    mail.add_alternative(
        '<p onclick="x()">Hello <b>there</b></p><script>x()</script><img src="https://spy.example.com/1.gif">'
        '<a href="javascript:x()">a</a><form><input></form><style>p{}</style>',
        subtype="html",
    )
    await taken(crm, mail.as_bytes())
    [filed] = rows(store, Mail)
    assert filed.html.startswith("<p>Hello <b>there</b></p>")
    assert not any(word in filed.html for word in ("script", "img", "onclick", "form", "style", "spy"))


def bounce(to: EmailMessage, action: str = "failed") -> bytes:
    """As a mail server reports it (RFC 3464)."""
    return (
        "From: MAILER-DAEMON@mx.example.com\nTo: office@oak.example.com\nSubject: Undelivered Mail\nReturn-Path: <>\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nSorry.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\n"
        f"Final-Recipient: rfc822; pat@example.com\nAction: {action}\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such\n user\n\n"
        f"--b\nContent-Type: message/rfc822\n\n{to.as_string()}\n--b--\n"
    ).encode()


async def test_an_email_that_comes_back_is_marked_and_its_writer_is_told(crm: Crm, store: Store) -> None:
    sent = send(crm)
    out = wire(crm, sent)
    await taken(crm, bounce(out, "delayed"))
    assert rows(store, Mail)[0].state == DeliveryState.QUEUED
    for _ in range(2):
        assert (await taken(crm, bounce(out))).outcome == ArrivalOutcome.BOUNCE
    mail = rows(store, Mail, Mail.id == sent.id)[0]
    assert mail.state == DeliveryState.FAILED
    assert "5.1.1" in mail.error
    assert "no such user" in mail.error
    assert "did not arrive" in rows(store, Activity)[-1].text
    [notice] = rows(store, Notice)
    assert notice.agent_id == rows(store, Agent, Agent.slug == "alice")[0].id
    assert len(rows(store, Lead)) == 1


# --- out ---


def test_an_email_to_a_lead_is_theirs_and_the_writers(crm: Crm, store: Store) -> None:
    with store.writing() as session:
        lead = intake.by_address(session, "pat@example.com", NOW)
        lead.status = LeadStatus.NEW
    mail = send(crm, text="Yes <it> is free.\n\nSee https://oak.example.com/homes/1.")
    [lead] = rows(store, Lead)
    assert (lead.first_answer_at, lead.last_contact_at) == (NOW, NOW)
    [entry] = rows(store, Activity)
    assert (entry.kind, entry.by, "Emailed pat@example.com (Two bedrooms)" in entry.text) == ("Email", "tester", True)
    out = wire(crm, mail)
    assert str(out["From"]) == '"Alice, Oak Homes" <office@oak.example.com>'
    assert out["Auto-Submitted"] is None
    assert out["List-Unsubscribe"] is None
    plain, rich = (out.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert rich is not None
    assert plain.get_content().startswith(
        "Yes <it> is free.\n\nSee https://oak.example.com/homes/1.\n\n-- \nAlice\nOak Homes"
    )
    assert "Yes &lt;it&gt; is free." in rich.get_content()
    assert '<a href="https://oak.example.com/homes/1">' in rich.get_content()


async def test_an_answer_refers_to_what_it_answers(crm: Crm, store: Store) -> None:
    await taken(crm, written("Is it free?", message_id="<q1@example.com>").as_bytes())
    first = send(crm, subject="")
    await taken(crm, written("And parking?", subject="Re: Two bedrooms", message_id="<q2@example.com>").as_bytes())
    out = wire(crm, send(crm, subject=""))
    assert str(out["Subject"]) == "Re: Two bedrooms"
    assert str(out["In-Reply-To"]) == "<q2@example.com>"
    assert str(out["References"]).split() == ["<q1@example.com>", f"<{first.message_id}>", "<q2@example.com>"]


async def test_who_wrote_through_a_relay_is_answered_through_it(crm: Crm, store: Store) -> None:
    await taken(crm, written("Free?", "Kim <abc@convo.zillow.com>").as_bytes())
    assert send(crm, "1").to_address == "abc@convo.zillow.com"


def test_a_template_is_filled_and_says_what_it_does_not_know(crm: Crm, store: Store) -> None:
    with store.writing() as session:
        intake.by_address(session, "pat@example.com", NOW).name = "Pat {office} Smith"
    mail = send(crm, subject="", text="Here it is.", template="application")
    assert mail.subject == "Applying for Oak Homes"
    assert mail.body.startswith("Hi Pat,\n\nHere it is.\nApply: https://oak.example.com/apply\nAlice")
    with pytest.raises(NotFound, match="no template nothing"):
        send(crm, template="nothing")


@pytest.mark.parametrize(
    ("draft", "says"),
    [
        ({"text": ""}, "empty"),
        ({"text": "a\x00b"}, "control characters"),
        ({"text": "x" * 20_001}, "at most 20,000"),
        ({"subject": "Hi\r\nBcc: all@example.com"}, "line breaks"),
        ({"subject": "", "text": "Hi"}, "no subject"),
        ({"subject": "x" * 201}, "at most 200"),
    ],
    ids=["empty", "control", "long", "injected", "subject", "long subject"],
)
def test_what_cannot_be_sent_is_refused_in_a_sentence(crm: Crm, store: Store, draft: dict[str, str], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        send(crm, **draft)
    assert rows(store, Mail) == []


def test_no_text_becomes_a_header(crm: Crm, store: Store) -> None:
    with store.writing() as session:
        alice = session.scalars(select(Agent).where(Agent.slug == "alice")).one()
        alice.name = 'Eve\r\nBcc: all@example.com" <eve@example.com>'
    out = wire(crm, send(crm, text="Bcc: all@example.com"))
    assert out["Bcc"] is None
    assert [address.addr_spec for address in out["From"].addresses] == ["office@oak.example.com"]
    assert sorted(out.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version", "Content-Type"]
    )


async def test_news_can_be_unsubscribed_from_and_answers_still_go_out(crm: Crm, store: Store) -> None:
    out = wire(crm, send(crm, subject="Spring offer", is_news=True))
    token = str(out["Reply-To"])
    assert str(out["List-Unsubscribe"]).strip() == f"<mailto:{token}?subject=unsubscribe>"
    assert "1 Oak Street, Austin, TX 78701" in out.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert rows(store, Lead)[0].first_answer_at is None
    await taken(crm, written("", subject="unsubscribe", to=token).as_bytes())
    assert rows(store, Task) == []
    [entry] = rows(store, OptOut)
    assert (entry.address, entry.scope, entry.source, entry.created_at) == ("pat@example.com", "news", "sentence", NOW)
    with pytest.raises(Conflict, match="unsubscribed"):
        send(crm, is_news=True)
    assert send(crm).state == DeliveryState.QUEUED


def test_news_says_how_to_unsubscribe_in_the_words_of_the_office(crm: Crm, store: Store) -> None:
    words = "Enough <news>? Answer with unsubscribe. {office}"
    store.run_blocking(mail_templates.put, BY, "unsubscribe_by_reply", "en", text=words)
    mail = send(crm, subject="Spring offer", is_news=True)
    footer = "Enough <news>? Answer with unsubscribe. Oak Homes\nOak Homes, 1 Oak Street, Austin, TX 78701"
    assert mail.body.endswith(footer)
    assert "Enough &lt;news&gt;? Answer with unsubscribe." in mail.html
    assert "1 Oak Street, Austin, TX 78701" in mail.html


def test_mail_programs_get_a_link_for_one_click_where_there_is_a_public_site(crm: Crm, store: Store) -> None:
    crm = dataclasses.replace(
        crm, config=msgspec.structs.replace(crm.config, site=Site(public_url="https://homes.example.com"))
    )
    mail = send(crm, subject="Spring offer", is_news=True)
    out = wire(crm, mail)
    link, by_mail = str(out["List-Unsubscribe"]).split(", ")
    assert link.startswith("<https://homes.example.com/unsubscribe/")
    assert by_mail.startswith("<mailto:leads+")
    assert out["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link[1:-1] in out.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert news_links.read(crm.secrets, link[1:-1].rpartition("/")[2]) == mail.key


@pytest.mark.parametrize(("site", "is_one_click"), [("http://homes.example.com", False), ("", False)])
def test_one_click_needs_https(crm: Crm, store: Store, site: str, is_one_click: bool) -> None:
    crm = dataclasses.replace(crm, config=msgspec.structs.replace(crm.config, site=Site(public_url=site)))
    out = wire(crm, send(crm, is_news=True))
    assert (out["List-Unsubscribe-Post"] is not None) == is_one_click
    assert ("http:" in out["List-Unsubscribe"]) == bool(site)


def test_news_that_waits_is_not_sent_to_somebody_who_has_unsubscribed_since(crm: Crm, store: Store) -> None:
    mail = send(crm, is_news=True)
    store.run_blocking(partial(news.unsubscribe, how="One click"), mail.key, LATER)
    transport = outbox.MailTransport(crm.config, crm.secrets, None, None)  # type: ignore[arg-type]
    with store.writing() as session:
        waiting = session.get_one(Mail, mail.id)
        assert transport.claim(session, waiting, LATER) is None
        assert (waiting.state, waiting.next_attempt_at) == (DeliveryState.BLOCKED, None)


def test_an_address_stays_unsubscribed_when_it_leaves_the_lead_and_comes_back(crm: Crm, store: Store) -> None:
    mail = send(crm, is_news=True)
    for _ in range(2):
        store.run_blocking(partial(news.unsubscribe, how="One click"), mail.key, NOW)
    [entry] = rows(store, OptOut)
    assert (entry.source, entry.evidence) == ("link", f"One click, email {mail.id} of {NOW:%Y-%m-%d} (Two bedrooms)")
    assert [one.kind for one in rows(store, Activity)].count("OptOut") == 1
    for address in ("other@example.com", "Pat@Example.com"):
        store.run_blocking(partial(leads.change, email=address), crm.config, BY, mail.lead_id or 0)
    with pytest.raises(Conflict, match="unsubscribed"):
        send(crm, str(mail.lead_id), is_news=True)
    store.run_blocking(partial(opt_outs.remove, why="wants it again"), crm.config, BY, "pat@example.com")
    assert send(crm, str(mail.lead_id), is_news=True).state == DeliveryState.QUEUED


def test_a_notice_says_that_a_program_wrote_it(crm: Crm) -> None:
    notice = outbox.compose(crm.config, MailToSend("notice:1", "alice@oak.example.com", "s", "b"), [], NOW)
    assert notice["Auto-Submitted"] == "auto-generated"
    assert notice["Reply-To"] is None


async def test_an_email_that_cannot_be_sent_for_two_days_is_told(crm: Crm, store: Store) -> None:
    send(crm)
    transport = outbox.MailTransport(crm.config, crm.secrets, None, None)  # type: ignore[arg-type]
    for _ in range(2):
        store.run_blocking(transport.look, NOW + timedelta(days=3))
    [mail] = rows(store, Mail, Mail.purpose == "personal")
    assert mail.state == DeliveryState.FAILED
    assert len(rows(store, Notice)) == 1
