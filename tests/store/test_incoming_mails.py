"""Emails that come in, on both databases: kept as they came, read, and passed on to somebody."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select

from crm.config import Config, MailSettings
from crm.context import Crm
from crm.domain.arrivals import ArrivalOutcome
from crm.domain.leads import Happened, LeadStatus
from crm.domain.tasks import TaskKind
from crm.edge import mail_files
from crm.edge.mail_files import TakenMail
from crm.services.arrivals import mails
from crm.services.arrivals.mails import CameBy, MailReader
from crm.services.people import intake
from crm.store.models import Activity, Agent, ArrivalRecord, Lead, LeadEmail, Mail, Task
from crm.store.session import Store
from crm.worker import Troubles, keep
from tests.store.conftest import NOW, crm_at

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]


def written(text: str = "Is the two bedroom still free?", /, **headers: str) -> bytes:
    """A mail as a person writes one."""
    mail = EmailMessage()
    standard = {"from_": "Pat Smith <pat@example.com>", "to": "leasing@oak.example.com", "subject": "A question"}
    for name, value in (standard | headers).items():
        if value:
            mail[name.strip("_").replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


async def taken(crm: Crm, raw: bytes, way: str = "pipe", source: str = "") -> ArrivalRecord:
    """The arrival of a mail that has been taken in and read."""
    id = await mails.take_in(crm, TakenMail(raw, len(raw)), CameBy(way, source))
    while (claim := await crm.store.run(mails.begin, id)) is not None:
        await crm.store.run(mails.set_aside, claim, await mails.read(crm, claim), crm.now())
    with crm.store.reading() as session:
        return session.get_one(ArrivalRecord, id)


def all_of(store: Store, model: type) -> list:
    with store.reading() as session:
        return list(session.scalars(select(model).order_by(model.id)).unique().all())


async def test_a_mail_makes_a_lead_with_timeline_task_and_notice(crm: Crm, store: Store) -> None:
    with store.writing() as session:
        for agent in session.scalars(select(Agent)):
            agent.email = f"{agent.slug}@oak.example.com"
    arrival = await taken(crm, written("About Maple Court: is the two bedroom still free?\nCall me at 512-555-0188."))
    with store.reading() as session:
        [lead] = session.scalars(select(Lead)).all()
        assert (arrival.outcome, arrival.lead_id, arrival.problem) == (ArrivalOutcome.LEAD, lead.id, "")
        assert (lead.name, lead.email, lead.source) == ("Pat Smith", "pat@example.com", "email")
        assert [phone.number for phone in lead.phones] == ["+15125550188"]
        assert [one.property.slug for one in lead.interests] == ["maple"]
        assert lead.last_contact_at == NOW
        [entry] = session.scalars(select(Activity)).all()
        assert entry.kind == Happened.EMAIL
        assert "(A question)" in entry.text
        assert "two bedroom" in entry.text
        [task] = session.scalars(select(Task)).all()
        assert (task.kind, task.lead_id, task.owner.slug in ("alice", "bob")) == (TaskKind.INQUIRY, lead.id, True)
        [notice] = session.scalars(select(Mail)).all()
        assert notice.to_address == f"{task.owner.slug}@oak.example.com"
        assert notice.subject == "An email about Maple Court"
        assert "two bedroom" in notice.body


async def test_a_second_mail_joins_the_lead_and_counts_up_its_task(crm: Crm, store: Store) -> None:
    await taken(crm, written("Is it free?"))
    await taken(crm, written("And are cats allowed?", subject="Cats"))
    [lead] = all_of(store, Lead)
    [task] = all_of(store, Task)
    assert (task.times, len(all_of(store, Activity))) == (2, 2)
    assert lead.status == LeadStatus.NEW


async def test_the_same_mail_comes_once_whichever_way(crm: Crm, store: Store) -> None:
    raw = written(message_id="<one@example.com>")
    first = await taken(crm, raw)
    again = await taken(crm, b"Received: from elsewhere\r\n" + raw.replace(b"\n", b"\r\n"), "imap")
    assert first.id == again.id
    assert len(all_of(store, ArrivalRecord)) == len(all_of(store, Activity)) == 1


async def test_mails_that_share_a_message_id_by_mistake_are_all_kept(crm: Crm, store: Store) -> None:
    for name in ("pat", "sam", "kim"):
        await taken(crm, written("Free?", message_id="<always-the-same@example.com>", from_=f"{name}@example.com"))
    assert {lead.email for lead in all_of(store, Lead)} == {"pat@example.com", "sam@example.com", "kim@example.com"}


async def test_of_many_who_take_in_one_mail_at_once_one_keeps_it(crm: Crm, store: Store) -> None:
    raw = written(message_id="<one@example.com>")
    found = await asyncio.gather(*(taken(crm, raw) for _ in range(6)))
    assert len({one.id for one in found}) == 1
    assert len(all_of(store, Activity)) == 1


async def test_chatwoot_1459_a_text_and_a_mail_from_one_person_end_in_one_lead(crm: Crm, store: Store) -> None:
    with store.writing() as session:
        texted = intake.by_number(session, "+15125550188", NOW).id
    arrival = await taken(crm, written("Hello.\nPhone: (512) 555-0188"))
    assert arrival.lead_id == texted
    [lead] = all_of(store, Lead)
    assert (lead.id, lead.email) == (texted, "pat@example.com")


async def test_espocrm_1387_a_mail_from_somebody_known_is_never_dropped(crm: Crm, store: Store) -> None:
    with store.writing() as session:
        lead = intake.by_address(session, "pat@example.com", NOW)
        lead.name, lead.status = "Patricia", LeadStatus.CLOSED
    arrival = await taken(crm, written("I am still looking."))
    with store.reading() as session:
        lead = session.get_one(Lead, arrival.lead_id)
        assert (lead.name, lead.status) == ("Patricia", LeadStatus.IN_PROGRESS)
        assert len(session.scalars(select(Activity).where(Activity.lead_id == lead.id)).all()) == 1
        assert len(session.scalars(select(Task).where(Task.lead_id == lead.id)).all()) == 1


async def test_frappe_crm_975_our_own_number_and_address_never_become_a_lead(crm: Crm, store: Store) -> None:
    crm = crm_at(Config(crm.config.home, mail=MailSettings(from_address="leasing@oak.example.com")), store)
    text = "Name: Pat\nPhone: (512) 555-0100\nEmail: leasing@oak.example.com\nMessage: Hi"
    arrival = await taken(crm, written(text, from_="no-reply@portal.example.com"))
    assert (arrival.outcome, arrival.lead_id) == (ArrivalOutcome.UNREADABLE, None)
    assert all_of(store, Lead) == []


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({"auto_submitted": "auto-replied"}, ArrivalOutcome.AUTOMATIC),
        ({"subject": "Automatic reply: your tour"}, ArrivalOutcome.AUTOMATIC),
        ({"return_path": "<>"}, ArrivalOutcome.AUTOMATIC),
        ({"x_autoreply": "yes"}, ArrivalOutcome.AUTOMATIC),
        ({"from_": "MAILER-DAEMON@mx.example.com", "subject": "Undelivered Mail"}, ArrivalOutcome.BOUNCE),
        ({"precedence": "bulk"}, ArrivalOutcome.NOTICE),
        ({"precedence": "list"}, ArrivalOutcome.NOTICE),
        ({"list_id": "<news.example.com>"}, ArrivalOutcome.NOTICE),
        ({"list_unsubscribe": "<https://example.com>"}, ArrivalOutcome.NOTICE),
        ({"auto_submitted": "auto-generated"}, ArrivalOutcome.NOTICE),
        ({"from_": "phone@oak.example.com"}, ArrivalOutcome.OWN),
        ({"from_": "Alice <ALICE@oak.example.com>"}, ArrivalOutcome.OWN),
    ],
    ids=str,
)
async def test_what_programs_and_we_ourselves_write_makes_no_lead_and_no_answer(
    crm: Crm, store: Store, headers: dict[str, str], outcome: ArrivalOutcome
) -> None:
    with store.writing() as session:
        session.scalars(select(Agent).where(Agent.slug == "alice")).one().email = "alice@oak.example.com"
    crm = crm_at(Config(crm.config.home, mail=MailSettings(from_address="phone@oak.example.com")), store)
    arrival = await taken(crm, written("I am away until Monday.", **headers))
    assert (arrival.outcome, arrival.lead_id, arrival.problem) == (outcome, None, "")
    assert all_of(store, Lead) == all_of(store, Task) == all_of(store, Mail) == []


async def test_a_portals_notice_makes_a_lead_of_the_person_it_names(crm: Crm, store: Store) -> None:
    text = "You have a new lead\n\nName: Kim Lee\nPhone: 512.555.0190\nProperty: Maple Court\nMessage: Any parking?\n"
    await taken(crm, written(text, from_="leads@portal.example.com", precedence="bulk"), source="portal")
    with store.reading() as session:
        [lead] = session.scalars(select(Lead)).all()
        assert (lead.name, lead.email, lead.source) == ("Kim Lee", "", "portal")
        assert [phone.number for phone in lead.phones] == ["+15125550190"]
        assert [one.property.slug for one in lead.interests] == ["maple"]
        assert "Any parking?" in session.scalars(select(Activity.text)).one()


async def test_a_relay_is_a_way_to_answer_and_nobodys_own_address(crm: Crm, store: Store) -> None:
    relay = "abc123@convo.zillow.com"
    for text in ("Is it free?", "Hello?"):
        await taken(crm, written(text, from_=f"Kim Lee <{relay}>", list_unsubscribe="<https://zillow.com>"))
    [lead] = all_of(store, Lead)
    [email] = all_of(store, LeadEmail)
    assert (lead.name, lead.email) == ("Kim Lee", "")
    assert (email.address, email.is_relay) == (relay, True)


async def test_a_mail_that_names_nobody_is_kept_and_leaves_one_task(crm: Crm, store: Store) -> None:
    for n in range(3):
        arrival = await taken(crm, written(f"Somebody wants a home. {n}", from_="no-reply@portal.example.com"))
        assert (arrival.outcome, arrival.problem != "") == (ArrivalOutcome.UNREADABLE, True)
    with store.reading() as session:
        [task] = session.scalars(select(Task)).all()
        assert (task.owner.slug, task.times, task.lead_id) == ("dana", 3, None)


async def test_a_mail_that_breaks_its_reading_is_set_aside_and_the_next_one_is_read(
    crm: Crm, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = []
    for name in ("bad", "good"):
        raw = written("Free?", subject=name, from_=f"{name}@example.com")
        ids.append(await mails.take_in(crm, TakenMail(raw, len(raw)), CameBy("imap")))
    find = mails.find

    def breaks(mail: mails.ReadMail) -> object:
        if mail.subject == "bad":
            raise ZeroDivisionError
        return find(mail)

    monkeypatch.setattr(mails, "find", breaks)
    worker = asyncio.create_task(keep(crm, MailReader(crm), Troubles(crm.now)))
    async with asyncio.timeout(10):
        with store.changes.told(["arrival"], (changed := asyncio.Event()).set):
            while any(one.read_at is None for one in all_of(store, ArrivalRecord)):
                await changed.wait()
                changed.clear()
    worker.cancel()
    bad, good = all_of(store, ArrivalRecord)
    assert (bad.outcome, bad.tries, bad.lead_id) == (ArrivalOutcome.UNREADABLE, mails.MOST_TRIES, None)
    assert "ZeroDivisionError" in bad.problem
    assert (good.outcome, good.lead_id is not None) == (ArrivalOutcome.LEAD, True)


async def test_a_mail_whose_file_is_gone_says_so(crm: Crm, store: Store) -> None:
    raw = written()
    id = await mails.take_in(crm, TakenMail(raw, len(raw)), CameBy("pipe"))
    [file] = crm.config.mails_folder.rglob("*.eml")
    file.unlink()
    claim = await store.run(mails.begin, id)
    assert claim is not None
    assert "gone" in await mails.read(crm, claim)


async def test_of_a_mail_that_is_too_large_the_beginning_is_kept_and_read(
    crm: Crm, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "mail"
    path.write_bytes(written("Is it free?\n" + "x" * 70 + "\n" * 3_000_000))
    with path.open("rb") as stream:
        mail = mail_files.take(stream, 1024 * 1024)
    assert (len(mail.raw), mail.size, mail.is_whole) == (mail_files.BEGINNING, path.stat().st_size, False)
    id = await mails.take_in(crm, mail, CameBy("pipe"))
    claim = await store.run(mails.begin, id)
    assert claim is not None
    assert await mails.read(crm, claim) == ""
    assert "too large" in all_of(store, Activity)[0].text


async def test_another_node_does_not_read_what_is_on_our_disk(crm: Crm, store: Store) -> None:
    raw = written()
    await mails.take_in(crm, TakenMail(raw, len(raw)), CameBy("imap"))
    elsewhere = MailReader(crm_at(Config(crm.config.home, node="west"), store, NOW + timedelta(hours=1)))
    with store.reading() as session:
        assert elsewhere.due(session, NOW, []) is None
        assert MailReader(crm).due(session, NOW, []) == NOW
