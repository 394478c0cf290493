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
from crm.services.arrivals import flagging, mails, reading, releasing, sources
from crm.services.arrivals.arrival import Parser
from crm.services.arrivals.mails import CameBy
from crm.services.arrivals.portals.inquiry import Inquiry, Several
from crm.services.arrivals.reading import ArrivalReader
from crm.services.audit import By
from crm.services.listings import homes, profiles
from crm.services.people import intake
from crm.store.models import Activity, Agent, ArrivalRecord, Lead, LeadEmail, Mail, Task
from crm.store.session import Store
from crm.worker import Troubles, keep
from tests.store.conftest import NOW, crm_at

BY = By("tester", NOW)
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
    return await read(crm, await mails.take_in(crm, TakenMail(raw, len(raw)), CameBy(way, source)))


async def read(crm: Crm, id: int) -> ArrivalRecord:
    while (claim := await crm.store.run(reading.begin, id)) is not None:
        await crm.store.run(reading.set_aside, claim, await reading.read(crm, claim), crm.now())
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
        [notice] = session.scalars(select(Mail).where(Mail.direction == "out")).all()
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


@pytest.mark.both_databases
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


async def test_what_somebody_has_looked_at_is_no_task_again_when_it_is_read_again(crm: Crm, store: Store) -> None:
    arrival = await taken(crm, written("Interessent", from_="no-reply@portal.example.com"))
    with store.writing() as session:
        session.scalars(select(Task)).one().done_at = NOW
    assert await store.run(reading.again, 0) == [arrival.id]
    claim = await store.run(reading.begin, arrival.id)
    assert claim is not None
    assert await reading.read(crm, claim) == ""
    assert len(all_of(store, Task)) == 1


async def test_a_mail_that_breaks_its_reading_is_set_aside_and_the_next_one_is_read(
    crm: Crm, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = []
    for name in ("bad", "good"):
        raw = written("Free?", subject=name, from_=f"{name}@example.com")
        ids.append(await mails.take_in(crm, TakenMail(raw, len(raw)), CameBy("imap")))
    find = mails.find

    def breaks(mail: mails.ReadMail, relays: tuple[str, ...]) -> object:
        if mail.subject == "bad":
            raise ZeroDivisionError
        return find(mail, relays)

    monkeypatch.setattr(mails, "find", breaks)
    worker = asyncio.create_task(keep(crm, ArrivalReader(crm), Troubles(crm.now)))
    async with asyncio.timeout(60):
        with store.changes.told(["arrival"], (changed := asyncio.Event()).set):
            while any(one.read_at is None for one in all_of(store, ArrivalRecord)):
                await changed.wait()
                changed.clear()
    worker.cancel()
    bad, good = all_of(store, ArrivalRecord)
    assert (bad.outcome, bad.tries, bad.lead_id) == (ArrivalOutcome.UNREADABLE, reading.MOST_TRIES, None)
    assert "ZeroDivisionError" in bad.problem
    assert (good.outcome, good.lead_id is not None) == (ArrivalOutcome.LEAD, True)


async def test_a_mail_whose_file_is_gone_says_so(crm: Crm, store: Store) -> None:
    raw = written()
    id = await mails.take_in(crm, TakenMail(raw, len(raw)), CameBy("pipe"))
    [file] = crm.config.mails_folder.rglob("*.eml")
    file.unlink()
    claim = await store.run(reading.begin, id)
    assert claim is not None
    assert "gone" in await reading.read(crm, claim)


async def test_of_a_mail_that_is_too_large_the_beginning_is_kept_and_read(
    crm: Crm, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "mail"
    path.write_bytes(written("Is it free?\n" + "x" * 70 + "\n" * 3_000_000))
    with path.open("rb") as stream:
        mail = mail_files.take(stream, 1024 * 1024)
    assert (len(mail.raw), mail.size, mail.is_whole) == (mail_files.BEGINNING, path.stat().st_size, False)
    id = await mails.take_in(crm, mail, CameBy("pipe"))
    claim = await store.run(reading.begin, id)
    assert claim is not None
    assert await reading.read(crm, claim) == ""
    assert "too large" in all_of(store, Activity)[0].text


async def test_another_node_does_not_read_what_is_on_our_disk(crm: Crm, store: Store) -> None:
    raw, crm = written(), crm_at(Config(crm.config.home, node="east"), store)
    await mails.take_in(crm, TakenMail(raw, len(raw)), CameBy("imap"))
    elsewhere = ArrivalReader(crm_at(Config(crm.config.home, node="west"), store, NOW + timedelta(hours=1)))
    with store.reading() as session:
        assert elsewhere.due(session, NOW, []) is None
        assert ArrivalReader(crm).due(session, NOW, []) == NOW


# --- from portals ---


async def test_lead_metadata_counts_before_the_words_also_in_a_bulk_mail(crm: Crm, store: Store) -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Precedence"] = "leads@portal.example.com", "New lead", "bulk"
    mail.set_content("See the HTML.")
    mail.add_alternative(
        '<head><meta name="lead_information_version" content="1.0"><meta name="lead_name" content="Kim Lee">'
        '<meta name="lead_email" content="Kim@example.com"><meta name="lead_source" content="StreetEasy">'
        '<meta name="lead_property_name" content="Maple Court"><meta name="lead_message" content="Any cats?"></head>',
        subtype="html",
    )
    arrival = await taken(crm, mail.as_bytes())
    with store.reading() as session:
        lead = session.get_one(Lead, arrival.lead_id)
        assert (lead.name, lead.email, lead.source) == ("Kim Lee", "kim@example.com", "StreetEasy")
        assert [one.property.slug for one in lead.interests] == ["maple"]
    assert (arrival.parser, arrival.outcome) == ("metadata", ArrivalOutcome.LEAD)


async def test_each_prospect_of_a_mits_document_becomes_a_lead(crm: Crm, store: Store) -> None:
    document = "".join(
        f"<Prospect><Customers><Customer><Name><FirstName>{name}</FirstName></Name><Email>{name}@example.com</Email>"
        "</Customer></Customers></Prospect>"
        for name in ("pat", "kim")
    )
    mail = EmailMessage()
    mail["From"], mail["Auto-Submitted"] = "feed@portal.example.com", "auto-generated"
    mail.set_content("Attached.")
    mail.add_attachment(
        f"<LeadManagement><Prospects>{document}</Prospects></LeadManagement>".encode(),
        maintype="application",
        subtype="xml",
        filename="leads.xml",
    )
    assert (await taken(crm, mail.as_bytes())).parser == "mits"
    assert [lead.email for lead in all_of(store, Lead)] == ["pat@example.com", "kim@example.com"]
    assert len(all_of(store, Task)) == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"to": "leads+maple@oak.example.com"},
        {"to": "leads+zillow.maple@oak.example.com"},
        {"to": "someone@example.com", "delivered_to": "Leads+Maple@oak.example.com"},
        {"to": "maple@leads.example.com"},
        {"to": "leads@oak.example.com", "subject": "A question about Maple Court!"},
    ],
    ids=["tag", "two tags", "delivered", "alias", "subject"],
)
async def test_the_property_is_told_by_the_address_or_else_by_the_words(
    crm: Crm, store: Store, headers: dict[str, str]
) -> None:
    with store.writing() as session:
        sources.add(session, BY, "zillow", name="Zillow")
        sources.add(session, BY, "maple-site", property_slug="maple", address="maple@leads.example.com")
    arrival = await taken(crm, written("Free?", **headers))
    with store.reading() as session:
        lead = session.get_one(Lead, arrival.lead_id)
        assert [one.property.slug for one in lead.interests] == ["maple"]
        expected = {"leads+zillow.maple@oak.example.com": "Zillow", "maple@leads.example.com": "maple-site"}
        assert lead.source == expected.get(headers["to"], "email")


async def test_the_home_is_told_by_listing_number_or_by_street_and_unit(crm: Crm, store: Store) -> None:
    with store.writing() as session:
        profiles.change(session, BY, "maple", {"street": "12 Elm Street", "city": "Austin"})
        cells = {"bedrooms": "2", "bathrooms": "1", "rent": "1450"}
        listing_id, _ = (homes.add(session, BY, "maple", unit, cells).id for unit in ("204B", "7"))
    for name, said in (("pat", f"Listing ID: {listing_id}"), ("kim", "Address: 12 Elm St., Austin\nUnit: Apt #204-B")):
        text = f"Name: {name}\nEmail: {name}@example.com\n{said}"
        arrival = await taken(crm, written(text, from_="no-reply@portal.example.com"))
        with store.reading() as session:
            [interest] = session.get_one(Lead, arrival.lead_id).interests
            assert (interest.property.slug, interest.unit.name) == ("maple", "204B")


async def test_what_could_not_be_read_is_read_again_by_a_later_parser(
    crm: Crm, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = written("Interessent: Kim Lee, kim@example.com", from_="no-reply@portal.example.com")
    assert (await taken(crm, raw)).outcome == ArrivalOutcome.UNREADABLE
    known = await taken(crm, written("Hello", from_="Pat <pat@example.com>"))
    monkeypatch.setitem(reading.VERSIONS, "plain", 2)
    later = Inquiry(name="Kim Lee", email="kim@example.com")
    monkeypatch.setattr(
        mails,
        "find",
        lambda mail, _: (
            Several((later if "Kim" in mail.text else Inquiry(email="pat@example.com"),)),
            Parser("plain", 2),
        ),
    )
    ids = await store.run(reading.again, 0)
    assert len(ids) == 2
    for id in ids:
        claim = await store.run(reading.begin, id)
        assert claim is not None
        assert await reading.read(crm, claim) == ""
    assert await store.run(reading.again, 0) == []
    assert {lead.email for lead in all_of(store, Lead)} == {"pat@example.com", "kim@example.com"}
    with store.reading() as session:
        [task] = session.scalars(select(Task).where(Task.lead_id == known.lead_id)).all()
        assert task.times == 1


async def test_what_was_an_erased_persons_is_not_read_again(
    crm: Crm, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await taken(crm, written())
    with store.writing() as session:
        session.delete(session.scalars(select(Lead)).one())
    monkeypatch.setitem(reading.VERSIONS, "plain", 2)
    assert await store.run(reading.again, 0) == []


async def test_what_the_mail_server_calls_spam_waits_until_somebody_releases_it(crm: Crm, store: Store) -> None:
    spam = {"X_Spam_Flag": "YES", "from_": "Ann Bell <ann@example.net>"}
    record = await taken(crm, written("Buy now", **spam))
    assert (record.outcome, record.lead_id) == (ArrivalOutcome.FLAGGED, None)
    assert "spam" in record.problem
    assert not [one for one in all_of(store, Lead) if one.email == "ann@example.net"]
    assert len([one for one in all_of(store, Task) if one.person == flagging.FLAGGED]) == 1
    assert await store.run(reading.again, 0) == [], "reading it again would flag it again"
    await store.run(releasing.release, crm.config, crm.secrets, BY, record.id)
    released = await read(crm, record.id)
    assert released.outcome == ArrivalOutcome.LEAD
    [lead] = [one for one in all_of(store, Lead) if one.email == "ann@example.net"]
    # Somebody known is never held up.
    other = await taken(crm, written("And again", **spam, X_Spam_Status="Yes, score=9.1"))
    assert (other.outcome, other.lead_id) == (ArrivalOutcome.LEAD, lead.id)
