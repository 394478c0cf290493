"""Applications on both databases: begun, saved, sent, decided; invitations to apply."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from crm.config import Config, Site
from crm.context import Crm
from crm.domain.applications import ApplicationStatus, Step
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.pasted import addresses
from crm.secrets import Secrets
from crm.services import follow_ups, mail_templates
from crm.services.applications import decisions, documents, invitations, links, online, retention
from crm.services.applications.invitations import InvitedHome
from crm.services.applications.links import ApplicationLink
from crm.services.applications.online import Beginning, Signed
from crm.services.arrivals.forms import FieldErrors
from crm.services.audit import By
from crm.services.people import leads, opt_outs
from crm.store.models import (
    Activity,
    Agent,
    Application,
    ApplicationDocument,
    AuditEntry,
    FollowUp,
    Interest,
    Lead,
    LeadEmail,
    LeadPhone,
    LeadProposal,
    Listing,
    Mail,
    Message,
    Notice,
    Property,
    Task,
    Unit,
)
from crm.store.session import Store
from crm.views import applications as views
from tests.store.conftest import NOW, crm_at

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("alice", NOW)
PUBLIC = "https://homes.example.com"
YOU = {"name": "Pat Smith", "email": "pat@example.com", "phone": "", "move_in": "2026-04-01", "lease_months": ""}
ANSWERS = {
    Step.HOUSEHOLD: {"people": "2", "adults": [], "pets": []},
    Step.HOMES: {"homes": [{"street": "5 Oak Lane", "city": "Austin", "since": "04/2023"}]},
    Step.INCOME: {"more": "", "sources": [{"kind": "job", "monthly": "4000"}]},
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = Config(tmp_path / "home", site=Site(public_url=PUBLIC))
    config.home.mkdir()
    return config


@pytest.fixture
def secrets(config: Config) -> Secrets:
    return Secrets(config.secrets_file)


def begin(store: Store, config: Config, secrets: Secrets, key: str = "form", now: datetime = NOW, **you: str) -> int:
    with store.writing() as session:
        maple = session.scalars(select(Property.id).where(Property.slug == "maple")).one()
        sent = Beginning(key=key, answers={**YOU, **you}, property_id=maple, fee="50 per applicant")
        return online.begin(session, config, secrets, By("website", now), sent)


def browser(application_id: int) -> ApplicationLink:
    return ApplicationLink(application_id, False, 2**40)


def submit(store: Store, config: Config, application_id: int) -> None:
    with store.writing() as session:
        for step, answers in ANSWERS.items():
            assert (
                online.save(session, config, By("website", NOW), browser(application_id), step, answers).problems == {}
            )
        signed = Signed("Pat Smith", "I agree.", "1", "203.0.113.9")
        online.submit(session, config, By("website", NOW), browser(application_id), signed)


def rows(store: Store, of: type) -> list:
    with store.reading() as session:
        return list(session.scalars(select(of).order_by(of.id)))


def test_who_asked_by_phone_and_applies_by_mail_is_proposed_as_the_same_person(
    store: Store, config: Config, secrets: Secrets
) -> None:
    with store.writing() as session:
        maple = session.scalars(select(Property).where(Property.slug == "maple")).one()
        unit = Unit(property_id=maple.id, name="204B", bedrooms=2, bathrooms=1)
        session.add(unit)
        session.flush()
        asked, _ = leads.add(session, config, BY, name="Pat Smyth", phones=["5125550188"], property_slug="maple")
        asked.interests[0].unit_id, asked.created_at = unit.id, NOW - timedelta(hours=1)
        listing = Listing(unit_id=unit.id, property_id=maple.id, latest=1, rent=1, bedrooms=2, created_at=NOW)
        session.add(listing)
        session.flush()
        sent = Beginning(key="form", answers=YOU, property_id=maple.id, listing_id=listing.id)
        online.begin(session, config, secrets, By("website", NOW), sent)
        [proposed] = session.scalars(select(LeadProposal))
        assert (proposed.lead_id, proposed.reason) == (asked.id, "same_home")
    assert all(f"May be lead {asked.id}." in notice.text for notice in rows(store, Notice))
    assert rows(store, Notice)


def test_a_second_application_with_the_same_address_makes_no_second_lead_and_shows_in_the_timeline(
    store: Store, config: Config, secrets: Secrets
) -> None:
    first = begin(store, config, secrets)
    assert begin(store, config, secrets) == first, "the same form, sent twice"
    submit(store, config, first)
    second = begin(store, config, secrets, "other", name="Patricia", email="PAT@example.com", phone="512 555 0188")
    assert second != first
    [lead] = rows(store, Lead)
    assert (lead.name, lead.email) == ("Pat Smith", "pat@example.com")
    assert [phone.number for phone in rows(store, LeadPhone)] == ["+15125550188"]
    assert [entry.text.partition(" ")[0] for entry in rows(store, Activity)] == ["Began", "Submitted", "Began"]
    with store.reading() as session:
        assert [one.id for one in views.listed(session, lead_id=lead.id)] == [second, first]
    open_ = [(task.kind, task.times) for task in rows(store, Task) if task.done_at is None]
    assert open_ == [("review_application", 1), ("finish_application", 1)]


def test_what_is_not_complete_is_saved_but_not_sent(store: Store, config: Config, secrets: Secrets) -> None:
    with pytest.raises(FieldErrors) as wrong:
        begin(store, config, secrets, name="", move_in="soon")
    assert wrong.value.by_field == {"name": "answer_missing", "move_in": "day_wrong"}
    assert rows(store, Lead) == []
    id = begin(store, config, secrets)
    with store.writing() as session:
        sources = {"sources": [{"kind": "lottery", "monthly": "much"}]}
        saved = online.save(session, config, BY, browser(id), Step.INCOME, sources)
    assert saved.problems == {"sources-1-kind": "choice_wrong", "sources-1-monthly": "money_wrong"}
    [application] = rows(store, Application)
    assert application.answers["income"] == sources
    with pytest.raises(FieldErrors) as wrong, store.writing() as session:
        online.submit(session, config, BY, browser(id), Signed(" ", "", "1"))
    assert set(wrong.value.by_field) == {"signature", "agreed", "steps"}
    assert rows(store, Application)[0].status == "started"


def test_the_address_to_which_the_link_went_stays(store: Store, config: Config, secrets: Secrets) -> None:
    id = begin(store, config, secrets)
    with store.writing() as session:
        online.save(session, config, BY, browser(id), Step.YOU, {**YOU, "email": "other@example.com"})
    assert rows(store, Application)[0].answers["you"]["email"] == "pat@example.com"


def test_once_the_link_that_was_sent_is_used_the_one_of_the_browser_is_void(
    store: Store, config: Config, secrets: Secrets
) -> None:
    id = begin(store, config, secrets)
    with store.writing() as session:
        online.save(session, config, BY, ApplicationLink(id, True, 2**40), Step.HOUSEHOLD, ANSWERS[Step.HOUSEHOLD])
    with pytest.raises(Conflict), store.writing() as session:
        online.save(session, config, BY, browser(id), Step.HOMES, ANSWERS[Step.HOMES])
    assert "homes" not in rows(store, Application)[0].answers


def test_a_link_is_signed_and_good_for_a_time(config: Config, secrets: Secrets) -> None:
    url = links.url(config, secrets, 7, "es", NOW)
    assert url.startswith(f"{PUBLIC}/es/apply/")
    token = url.rpartition("/")[2]
    until = NOW + timedelta(days=config.applications.link_days)
    assert links.read(secrets, token, until - timedelta(seconds=1)) == ApplicationLink(7, True, int(until.timestamp()))
    for other, at in ((token, until), (token[:-1], NOW), (f"{token}x", NOW), ("", NOW), ("W10.x", NOW)):
        with pytest.raises(Invalid):
            links.read(secrets, other, at)


def test_a_lost_link_is_sent_again_to_its_address_once_an_hour(store: Store, config: Config, secrets: Secrets) -> None:
    begin(store, config, secrets)
    for now in (NOW, NOW + timedelta(minutes=30), NOW + timedelta(hours=2)):
        for address in ("PAT@example.com", "sam@example.com"):
            with store.writing() as session:
                online.send_links(session, config, secrets, address, now)
    sent = [mail.to_address for mail in rows(store, Mail) if "/apply/" in mail.body]
    assert sent == ["pat@example.com"] * 3, "at the beginning, and in two different hours"
    with pytest.raises(FieldErrors), store.writing() as session:
        online.send_links(session, config, secrets, "pat", NOW)


def test_nobody_fills_a_mailbox_by_beginning_many_applications_with_its_address(
    store: Store, config: Config, secrets: Secrets
) -> None:
    for number in range(6):
        begin(store, config, secrets, str(number))
    assert [mail.to_address for mail in rows(store, Mail) if "/apply/" in mail.body] == ["pat@example.com"] * 3
    begin(store, config, secrets, "later", NOW + timedelta(hours=2))
    assert len(rows(store, Mail)) == 4


def test_the_unfinished_one_becomes_due_in_two_days_and_is_the_agents_of_the_lead(
    store: Store, config: Config, secrets: Secrets
) -> None:
    with store.writing() as session:
        lead, _ = leads.add(session, config, BY, email="pat@example.com")
        lead.assigned_agent = session.scalars(select(Agent).where(Agent.slug == "carol")).one()
    begin(store, config, secrets)
    [task] = rows(store, Task)
    with store.reading() as session:
        assert session.get_one(Task, task.id).owner.slug == "carol"
    assert task.due_at == NOW + timedelta(hours=48)
    assert "is not finished" in task.why


async def test_who_began_online_gets_no_text_whether_they_got_the_application(
    store: Store, config: Config, secrets: Secrets
) -> None:
    begin(store, config, secrets, phone="(512) 555-0188")
    for hours in (1, 25, 60, 200):
        assert await follow_ups.tick(crm_at(config, store, NOW + timedelta(hours=hours))) == 0
    assert rows(store, Message) == rows(store, FollowUp) == []


def test_the_office_takes_an_application_through_its_statuses(store: Store, config: Config, secrets: Secrets) -> None:
    id = begin(store, config, secrets)

    def to(status: ApplicationStatus, reason: str = "") -> tuple[str, str, list[str]]:
        with store.writing() as session:
            decisions.set_status(session, config, BY, id, status, reason)
        [interest] = rows(store, Interest)
        return rows(store, Application)[0].status, interest.stage, [t.kind for t in rows(store, Task) if not t.done_at]

    for early in (ApplicationStatus.IN_REVIEW, ApplicationStatus.APPROVED, ApplicationStatus.DENIED):
        with pytest.raises(Conflict, match="started"):
            to(early, "because")
    submit(store, config, id)
    assert to(ApplicationStatus.IN_REVIEW) == ("in_review", "applied", ["review_application"])
    assert rows(store, Task)[-1].times == 1
    with pytest.raises(Invalid, match="why"):
        to(ApplicationStatus.DENIED, " ")
    assert to(ApplicationStatus.APPROVED) == ("approved", "approved", [])
    with pytest.raises(Conflict, match="is approved"):
        to(ApplicationStatus.APPROVED)
    assert to(ApplicationStatus.DENIED, "income below the criteria") == ("denied", "lost", [])
    assert to(ApplicationStatus.IN_REVIEW) == ("in_review", "applied", ["review_application"])
    assert to(ApplicationStatus.WITHDRAWN) == ("withdrawn", "lost", [])
    told = [(entry.text, entry.by) for entry in rows(store, Activity)]
    assert ("The application for Maple Court was denied. Reason: income below the criteria", "alice") in told
    assert "application 1 denied" in [entry.what for entry in rows(store, AuditEntry)]
    with pytest.raises(NotFound), store.writing() as session:
        decisions.set_status(session, config, BY, 99, ApplicationStatus.APPROVED)


def test_one_that_was_never_sent_is_withdrawn_for_good_and_leaves_the_stage(
    store: Store, config: Config, secrets: Secrets
) -> None:
    id = begin(store, config, secrets)
    with store.writing() as session:
        decisions.set_status(session, config, BY, id, ApplicationStatus.WITHDRAWN)
    assert rows(store, Interest)[0].stage == "application_sent"
    assert [task.done_at for task in rows(store, Task)] == [NOW]
    with pytest.raises(Conflict, match="that is final"), store.writing() as session:
        decisions.set_status(session, config, BY, id, ApplicationStatus.IN_REVIEW)
    with pytest.raises(Conflict), store.writing() as session:
        online.save(session, config, BY, browser(id), Step.HOUSEHOLD, ANSWERS[Step.HOUSEHOLD])


# --- invitations ---


def invite(
    store: Store,
    config: Config,
    secrets: Secrets,
    raw: str,
    *,
    home: InvitedHome = InvitedHome("maple"),  # noqa: B008 - it cannot change
    **more: bool,
) -> list[invitations.Invitation]:
    return invitations.invite_all(Crm(config, store, secrets, lambda: NOW), BY, addresses(raw), home, **more)


def test_ten_pasted_addresses_make_ten_leads_and_ten_mails_each_with_its_own_link(
    store: Store, config: Config, secrets: Secrets
) -> None:
    raw = "\n".join(f"Person {n} <p{n}@example.com>" for n in range(10))
    done = invite(store, config, secrets, f"{raw}\np3@example.com")
    assert [one.result for one in done] == ["invited"] * 10
    found = rows(store, Lead)
    assert [(lead.name, lead.email, lead.source) for lead in found] == [
        (f"Person {n}", f"p{n}@example.com", "invitation") for n in range(10)
    ]
    sent = rows(store, Mail)
    assert [mail.to_address for mail in sent] == [f"p{n}@example.com" for n in range(10)]
    tokens = {mail.body.partition("/apply/")[2].split()[0] for mail in sent}
    assert {links.read(secrets, token, NOW).application_id for token in tokens} == set(range(1, 11))
    assert {application.status for application in rows(store, Application)} == {"invited"}
    assert {interest.stage for interest in rows(store, Interest)} == {"application_sent"}
    assert {entry.text for entry in rows(store, Activity)} == {"Invited to apply for Maple Court."}


def test_what_they_are_sent_names_the_home_as_the_site_does_with_no_word_of_another_language(
    store: Store, config: Config, secrets: Secrets
) -> None:
    with store.writing() as session:
        maple = session.scalars(select(Property).where(Property.slug == "maple")).one()
        unit = Unit(property_id=maple.id, name="204", bedrooms=1, bathrooms=1)
        emails = [LeadEmail(address="luz@example.com")]
        session.add_all((unit, Lead(email="luz@example.com", emails=emails, language="es", created_at=NOW)))
    invite(store, config, secrets, "luz@example.com", home=InvitedHome("maple", "204"))
    [mail] = rows(store, Mail)
    assert mail.subject == "Solicite Maple Court 204"
    assert "para Maple Court 204." in mail.body


def test_an_invitation_says_what_the_office_wrote_in_their_language(
    store: Store, config: Config, secrets: Secrets
) -> None:
    words = "Hello from {office}.\n\nApply for <i>{home}</i> within {days} days: {url}"
    store.run_blocking(mail_templates.put, BY, "application_invited", "en", subject="Your home: {home}", text=words)
    invite(store, config, secrets, "pat@example.com")
    store.run_blocking(mail_templates.reset, BY, "application_invited", "en")
    invite(store, config, secrets, "sam@example.com")
    own, standard = rows(store, Mail)
    assert own.subject == "Your home: Maple Court"
    link = own.body.rpartition(" ")[2]
    assert own.body.startswith("Hello from Oak Homes.\n\nApply for <i>Maple Court</i> within ")
    assert "Apply for &lt;i&gt;Maple Court&lt;/i&gt; within " in own.html
    assert f'<a href="{link}">{link}</a>' in own.html
    assert standard.subject == "Apply for Maple Court"
    assert standard.body.startswith("We invite you to apply for Maple Court.")


def test_while_one_address_is_wrong_nobody_is_invited_and_all_wrong_ones_are_named(
    store: Store, config: Config, secrets: Secrets
) -> None:
    with store.writing() as session:
        session.execute(update(Agent).where(Agent.slug == "bob").values(email="Bob@example.com"))
    raw = "a@example.com, nobody, b@, bob@example.com, c@example.com"
    with pytest.raises(Invalid) as refused:
        invite(store, config, secrets, raw)
    assert refused.value.facts["wrong"] == ["nobody", "b@", "bob@example.com"]
    assert str(refused.value).startswith("3 of 5 are not")
    assert rows(store, Lead) == rows(store, Mail) == rows(store, Application) == []
    done = invite(store, config, secrets, raw, skip_wrong=True)
    assert [one.result for one in done] == ["invited", "wrong", "wrong", "wrong", "invited"]
    assert [lead.email for lead in rows(store, Lead)] == ["a@example.com", "c@example.com"]


def test_whoever_is_known_keeps_their_lead_and_is_told_of_as_invited_before(
    store: Store, config: Config, secrets: Secrets
) -> None:
    with store.writing() as session:
        known, _ = leads.add(session, config, BY, name="Pat", email="pat@example.com", source="sign")
        session.add(Unit(property_id=1, name="2B", bedrooms=2, bathrooms=1))
    [first] = invite(store, config, secrets, "Patricia <PAT@example.com>")
    assert (first.lead_id, first.is_new_lead) == (known.id, False)
    [lead] = rows(store, Lead)
    assert (lead.name, lead.source) == ("Pat", "sign")
    [again] = invite(store, config, secrets, "pat@example.com")
    assert (again.result, again.application_id) == ("invited before", first.application_id)
    assert len(rows(store, Mail)) == 1
    [again] = invite(store, config, secrets, "pat@example.com", again=True)
    assert (again.result, len(rows(store, Mail))) == ("invited again", 2)
    [other] = invite(store, config, secrets, "pat@example.com", home=InvitedHome("maple", "2B"))
    assert other.result == "invited", "for another home"
    with store.writing() as session:
        session.execute(update(Application).values(status="submitted"))
    [applied] = invite(store, config, secrets, "pat@example.com", again=True)
    assert (applied.result, len(rows(store, Mail))) == ("has applied", 3)


def test_many_are_invited_in_slices_so_that_others_may_write(
    store: Store, config: Config, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = []
    monkeypatch.setattr(store, "make_room", lambda: room.append(len(rows(store, Application))))
    raw = ", ".join(f"p{n}@example.com" for n in range(40))
    assert [one.written for one in invite(store, config, secrets, raw)] == [f"p{n}@example.com" for n in range(40)]
    assert room == [15, 30]


def test_whoever_opted_out_is_not_invited(store: Store, config: Config, secrets: Secrets) -> None:
    with store.writing() as session:
        leads.add(session, config, BY, phones=["512 555 0188"], email="pat@example.com")
        opt_outs.add(session, config, BY, "512 555 0188", why="said so")
    pat, sam = invite(store, config, secrets, "pat@example.com, sam@example.com")
    assert (pat.result, sam.result) == ("opted out", "invited")
    assert [mail.to_address for mail in rows(store, Mail)] == ["sam@example.com"]


def test_an_invitation_becomes_an_application_when_it_is_begun(store: Store, config: Config, secrets: Secrets) -> None:
    [invited] = invite(store, config, secrets, "pat@example.com")
    assert invited.application_id is not None
    link = ApplicationLink(invited.application_id, True, 2**40)
    with store.writing() as session:
        online.save(session, config, By("website", NOW), link, Step.YOU, YOU)
    [application] = rows(store, Application)
    assert application.status == "started"
    assert [entry.text.partition(" ")[0] for entry in rows(store, Activity)] == ["Invited", "Began"]
    assert [task.kind for task in rows(store, Task)] == ["finish_application"]


@pytest.mark.parametrize(
    ("raw", "home", "code"),
    [
        ("", InvitedHome("maple"), "invitations_none"),
        ("a@example.com", InvitedHome(), "invitation_home_missing"),
        ("a@example.com", InvitedHome("oak"), "property_unknown"),
        ("a@example.com", InvitedHome("maple", "9Z"), "unit_unknown"),
        ("a@example.com", InvitedHome(listing_id=7), "listing_unknown"),
        (", ".join(f"a{n}@example.com" for n in range(501)), InvitedHome("maple"), "invitations_many"),
    ],
)
def test_an_invitation_to_nothing_or_nobody_is_refused(
    store: Store, config: Config, secrets: Secrets, raw: str, home: InvitedHome, code: str
) -> None:
    with pytest.raises((Invalid, NotFound)) as refused:
        invite(store, config, secrets, raw, home=home)
    assert refused.value.code == code
    assert rows(store, Lead) == []


# --- what nobody has finished ---


def document(store: Store, config: Config, application_id: int, name: str = "a" * 32) -> Path:
    path = config.documents_folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"%PDF-1.7")
    with store.writing() as session:
        upload = documents.Upload("income", "stub.pdf", "application/pdf", 8, "0" * 64, name)
        documents.add(session, config, By("website", NOW), browser(application_id), upload)
    return path


async def test_what_nobody_finishes_is_deleted_with_its_documents_and_the_lead_stays(
    store: Store, config: Config, secrets: Secrets
) -> None:
    old, sent = begin(store, config, secrets), begin(store, config, secrets, "b", email="sam@example.com")
    path, other = document(store, config, old), document(store, config, sent, "b" * 32)
    submit(store, config, sent)
    days = timedelta(days=config.applications.keep_unfinished_days)
    assert await retention.look(crm_at(config, store, NOW + days)) == 0
    assert path.exists()
    assert await retention.look(crm_at(config, store, NOW + days + timedelta(seconds=1))) == 1
    assert not path.exists()
    assert other.exists()
    assert [application.id for application in rows(store, Application)] == [sent]
    assert [lead.email for lead in rows(store, Lead)] == ["pat@example.com", "sam@example.com"]
    finish = [task for task in rows(store, Task) if task.kind == "finish_application"]
    assert all(task.done_at for task in finish)
    assert "was not finished, and deleted after 60 days" in rows(store, Activity)[-1].text


async def test_the_address_it_was_signed_from_is_kept_as_long_as_that_of_a_form(
    store: Store, config: Config, secrets: Secrets
) -> None:
    submit(store, config, begin(store, config, secrets))
    days = timedelta(days=config.site.keep_addresses_days)
    for later, kept in ((days, "203.0.113.9"), (days + timedelta(seconds=1), "")):
        await retention.look(crm_at(config, store, NOW + later))
        assert [application.signed_from for application in rows(store, Application)] == [kept]


async def test_files_without_a_record_are_deleted_after_a_week(store: Store, config: Config, secrets: Secrets) -> None:
    known = document(store, config, begin(store, config, secrets))
    stray, foreign = config.documents_folder / ("c" * 32), config.documents_folder / "notes.txt"
    for path in (known, stray, foreign):
        path.write_bytes(b"x")
        at = (NOW - timedelta(days=6)).timestamp()
        os.utime(path, (at, at))
    await retention.look(crm_at(config, store))
    assert stray.exists()
    await retention.look(crm_at(config, store, NOW + timedelta(days=2)))
    assert [path.exists() for path in (known, stray, foreign)] == [True, False, True]


def test_reading_a_document_is_in_the_audit_log(store: Store, config: Config, secrets: Secrets) -> None:
    path = document(store, config, begin(store, config, secrets))
    with store.writing() as session:
        found = documents.read(session, config, BY, 1)
    assert (found.path, found.name, found.media_type) == (path, "stub.pdf", "application/pdf")
    assert "document 1 of application 1 read" in [entry.what for entry in rows(store, AuditEntry)]
    path.unlink()
    with pytest.raises(Invalid, match="not on this system"), store.writing() as session:
        documents.read(session, config, BY, 1)
    with store.writing() as session:
        session.execute(update(ApplicationDocument).values(file="../secrets.json"))
    with pytest.raises(Invalid), store.writing() as session:
        documents.read(session, config, BY, 1)
