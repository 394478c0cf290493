"""Somebody asks to be forgotten."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from crm.config import Config
from crm.context import Crm
from crm.domain.arrivals import ArrivalOutcome
from crm.domain.calls import CallArrived, CallEnded, EndedBy
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.merging import ProposalReason
from crm.domain.texts import TextPurpose
from crm.edge import mail_files
from crm.services import audit
from crm.services.arrivals import posts, reading, sources
from crm.services.audit import By
from crm.services.calls.ledger import Ledger
from crm.services.outbox.outgoing import NewMail, NewText, queue
from crm.services.people import erasing, intake, lead_lists, leads, merging, opt_outs, proposals, timeline, unmerging
from crm.services.people.intake import Introduced
from crm.services.people.list_lookups import ListLine
from crm.services.people.merging import referring, unique
from crm.services.people.references import REFERENCES
from crm.services.voicemail import retention
from crm.store.models import (
    ApiKey,
    ArrivalRecord,
    AuditEntry,
    Base,
    Call,
    CallOrder,
    Contact,
    Dialled,
    ErasedIdentity,
    Erasure,
    ErasureWork,
    KeptAnswer,
    Lead,
    LeadEmail,
    Message,
    Notice,
    OptOut,
    Recording,
    RoutingDecision,
    Task,
    Tour,
    TourSlot,
    Voicemail,
    Webhook,
    WebhookDelivery,
)
from crm.store.queries import opt_outs as ledger
from crm.store.session import Store
from tests.store.conftest import NOW, crm_at
from tests.store.test_merging import with_everything

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("dana", NOW)
PAT, SAM = "+15125550188", "+15125550189"
TRACES = (PAT, PAT[2:], "(512) 555-0188", "pat@example.com", "Pat Smith")


async def erase(crm: Crm, lead: int, why: str = "asked for it", *, finish: bool = True) -> None:
    known = await crm.store.read(erasing.mentions, crm.config, lead)
    await crm.store.run(erasing.erase, crm.config, By("dana", crm.now()), lead, why, known)
    if finish:
        assert await erasing.finish(crm) == 0


def rows_with(store: Store, *traces: str, but: tuple[str, ...] = ()) -> list[str]:
    """Tables in which one of these words stands."""
    found = []
    with store.reading() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)).mappings():
                said = json.dumps(dict(row), default=lambda value: repr(value))
                if table.name not in but and any(trace.lower() in said.lower() for trace in traces):
                    found.append(f"{table.name}: {said}")
    return found


def files_with(home: Path, *traces: str) -> Iterator[Path]:
    for path in home.rglob("*"):
        if path.is_file() and any(trace.encode() in path.read_bytes() for trace in traces):
            yield path


@pytest.fixture
def office_of_pat(store: Store, config: Config) -> int:
    """Pat, of whom there is a trace everywhere."""
    pat, sam = with_everything(store, config)
    with store.writing() as session:
        call = session.get_one(Call, f"call{pat}")
        (config.recordings_folder / "talk.wav").write_bytes(b"Pat Smith speaks")
        (config.recordings_folder / f"{call.id}.wav").write_bytes(b"Pat Smith left a voicemail")
        (config.recordings_folder / f"call{pat}0.wav").write_bytes(b"somebody else")
        session.add_all(
            [
                Recording(id="talk", call_id=call.id, mode="announced", file="talk.wav", started_at=NOW),
                Voicemail(
                    call_id=call.id, file=f"{call.id}.wav", seconds=5, left_at=NOW, transcript="This is Pat Smith."
                ),
                RoutingDecision(
                    id="d1", call_id=call.id, at=NOW, rule="open", reasons=[], stages=[], inputs={"caller": PAT}
                ),
                Dialled(at=NOW, number=PAT, purpose="order", allowed=True),
                ApiKey(name="k", prefix="k", digest="k", scopes=[], is_narrow=False, made_by="dana", made_at=NOW),
            ]
        )
        session.flush()
        session.add(
            KeptAnswer(
                key_id=1, name="n", fingerprint="f", status=201, location="", body=f"{PAT}".encode(), made_at=NOW
            )
        )
        raw = b"From: Pat Smith <pat@example.com>\r\n\r\nHello"
        name = mail_files.keep(config.mails_folder, raw)
        assert name == hashlib.sha256(raw).hexdigest()
        mail = ArrivalRecord(
            key="mail:<1@example.com>",
            channel="mail:inbox",
            raw={"file": name, "from": "pat@example.com"},
            parser="plain",
            parser_version=1,
            received_at=NOW,
            lead_id=pat,
            problem="",
        )
        session.add(mail)
        queue(session, config, NewMail("tour:1", "pat@example.com", "Your tour", "Hello Pat Smith"), NOW)
        queue(session, config, NewMail("n1", "bob@oak.example", "A question", f"Somebody (lead {pat}): Hello"), NOW)
        queue(session, config, NewMail("n2", "bob@oak.example", "Other", f"Somebody (lead {pat}0): Hello"), NOW)
        staff = NewText("s1", TextPurpose.STAFF, "+15125550150", "+15125550100", f"Pat Smith ({PAT}) wrote.")
        queue(session, config, staff, NOW)
        for n, lead_id in enumerate((pat, None)):
            session.add(
                Notice(
                    key=f"n{n}", agent_id=1, lead_id=lead_id, subject="", text=f"Pat Smith ({PAT}) asks.", made_at=NOW
                )
            )
        session.add(Notice(key="n3", agent_id=1, subject=f"Lead {pat} is yours now", text="", made_at=NOW))
        hook = Webhook(url="https://example.com", events=[], is_narrow=False, made_by="dana", made_at=NOW)
        session.add(hook)
        session.flush()
        for n, body in enumerate((f'{{"data":{{"lead":{{"id":{pat},"name":"Pat Smith"}}}}}}', f'{{"lead":{pat}0}}')):
            told_to = WebhookDelivery(key=f"w{n}", webhook_id=hook.id, event="lead.created", body=body, state="sent")
            told_to.error, told_to.created_at, told_to.attempts = "", NOW, 1
            session.add(told_to)
        opt_outs.enter(session, PAT, source="keyword", evidence="STOP", now=NOW)
        audit.record(session, BY, f"blocked {PAT}")
        proposals.propose(
            session,
            session.get_one(Lead, pat),
            session.get_one(Lead, sam),
            ProposalReason.SAME_HOME,
            "Pat Smith gave +15125550188.",
            NOW,
        )
    spooled = config.spool_folder / "done"
    spooled.mkdir()
    (spooled / f"call{pat}.call").write_text("caller=x\nsaid=UGF0\n")
    (spooled / "text1.text").write_text(f"from={PAT}\nbody=Hi\n")
    (config.log_folder / "app.log").write_text(f"INFO called number={PAT} by (512) 555-0188\nINFO other {SAM}\n")
    (config.asterisk_folder / "log").mkdir()
    (config.asterisk_folder / "log" / "messages").write_text("INVITE sip:5125550188@acme\nINVITE sip:5125550189@acme\n")
    (config.journal_folder / "rejected.jsonl").write_text(json.dumps({"line": PAT}))
    return pat


async def test_nothing_of_a_person_is_left_but_that_they_were_erased_and_their_opt_out(
    store: Store, config: Config, office_of_pat: int
) -> None:
    assert len(rows_with(store, *TRACES)) > 20
    assert len(list(files_with(config.home, *TRACES))) >= 6
    await erase(crm_at(config, store), office_of_pat)
    assert rows_with(store, *TRACES, but=("opt_out",)) == []
    assert list(files_with(config.home, *TRACES)) == []
    with store.reading() as session:
        [entry] = session.scalars(select(OptOut)).all()
        assert (entry.number, entry.evidence, entry.ended_at) == (PAT, "STOP", None)
        [erasure] = session.scalars(select(Erasure)).all()
        assert (erasure.lead_id, erasure.by, erasure.why, erasure.at) == (office_of_pat, "dana", "asked for it", NOW)
        assert session.scalars(select(ErasureWork)).all() == []
        assert (
            session.scalars(select(AuditEntry.what).order_by(AuditEntry.id)).all()[-1]
            == f"lead {office_of_pat} erased: asked for it"
        )


async def test_what_is_other_peoples_stays(store: Store, config: Config, office_of_pat: int) -> None:
    sam = office_of_pat + 1
    before = len(rows_with(store, SAM, "sam@example.com", "Sam Lee"))
    await erase(crm_at(config, store), office_of_pat)
    assert len(rows_with(store, SAM, "sam@example.com", "Sam Lee")) >= before - 2, "but for what names both"
    assert (config.recordings_folder / f"call{office_of_pat}0.wav").exists()
    assert SAM in (config.log_folder / "app.log").read_text()
    assert "5125550189" in (config.asterisk_folder / "log" / "messages").read_text()
    with store.reading() as session:
        assert session.get_one(Call, f"call{sam}").lead_id == sam
        assert [mail for mail in session.scalars(select(Message.body)) if "Pat" in mail] == []
        assert session.scalars(select(WebhookDelivery.body)).all() == [f'{{"lead":{office_of_pat}0}}']


async def test_the_ledger_of_opt_outs_still_holds(store: Store, config: Config, office_of_pat: int) -> None:
    await erase(crm_at(config, store), office_of_pat)
    with store.writing() as session:
        back = intake.by_number(session, PAT, NOW)
        assert back.id > office_of_pat + 1, "nobody gets the id again"
        assert [entry.scope for entry in ledger.in_force(session, PAT)] == ["texts"]


async def test_the_same_mail_does_not_come_in_again(store: Store, config: Config, office_of_pat: int) -> None:
    await erase(crm_at(config, store), office_of_pat)
    with store.reading() as session:
        mail = session.scalars(select(ArrivalRecord).where(ArrivalRecord.key == "mail:<1@example.com>")).one()
        assert (mail.raw, mail.outcome, mail.lead_id) == ({}, "erased", None)


async def test_files_are_removed_after_the_commit_and_at_the_next_look_if_that_was_cut_short(
    store: Store, config: Config, office_of_pat: int
) -> None:
    crm = crm_at(config, store)
    await erase(crm, office_of_pat, finish=False)
    assert (config.recordings_folder / "talk.wav").exists(), "first the rows are gone for good"
    work = await store.read(erasing.left, config.node)
    # Killed after some was removed, and before it was struck off.
    erasing.remove(config, work[:2])
    await retention.look(crm)
    assert list(files_with(config.home, *TRACES)) == []
    assert await store.read(erasing.left, config.node) == []


async def test_what_cannot_be_removed_now_is_tried_again(store: Store, config: Config, office_of_pat: int) -> None:
    crm = crm_at(config, store)
    talk = config.recordings_folder / "talk.wav"
    talk.unlink()
    talk.mkdir()
    await erase(crm, office_of_pat, finish=False)
    assert await erasing.finish(crm) == 1
    talk.rmdir()
    talk.write_bytes(b"Pat Smith speaks")
    assert await erasing.finish(crm) == 0
    assert not talk.exists()


async def test_each_node_removes_what_is_on_its_own_disk(store: Store, config: Config, office_of_pat: int) -> None:
    with store.writing() as session:
        session.get_one(Call, f"call{office_of_pat}").node = "north"
    await erase(crm_at(config, store), office_of_pat)
    assert (config.recordings_folder / "talk.wav").exists()
    with store.reading() as session:
        kinds = {(work.node, work.kind) for work in session.scalars(select(ErasureWork))}
        assert kinds == {("north", "audio"), ("north", "call")}


async def test_an_erasure_that_fails_changes_nothing(store: Store, config: Config, office_of_pat: int) -> None:
    with pytest.raises(Invalid):
        await erase(crm_at(config, store), office_of_pat, "")
    with pytest.raises(NotFound):
        await erase(crm_at(config, store), 999)
    with store.reading() as session:
        assert session.get(Lead, office_of_pat) is not None
        assert session.scalars(select(Erasure)).all() == []
        assert session.scalars(select(ErasedIdentity)).all() == []
    assert (config.recordings_folder / "talk.wav").exists()


async def test_nobody_is_erased_while_somebody_would_be_left_alone(store: Store, config: Config) -> None:
    with store.writing() as session:
        pat = intake.by_number(session, PAT, NOW).id
        slot = TourSlot(
            key="s", property_id=1, kind="accompanied", starts_at=NOW + timedelta(days=1), ends_at=NOW, capacity=1
        )
        session.add(slot)
        session.flush()
        tour = Tour(key="t", slot_id=slot.id, lead_id=pat, state="booked", booked_by="web", booked_at=NOW)
        session.add(tour)
    with pytest.raises(Conflict, match="has booked tour"):
        await erase(crm_at(config, store), pat)
    with store.writing() as session:
        session.get_one(Tour, 1).state = "cancelled"
        order = CallOrder(agent_id=1, to_number=PAT, lead_id=pat, not_before=NOW, expires_at=NOW, created_at=NOW)
        order.state = "dialling"
        session.add(order)
    with pytest.raises(Conflict, match="is being called"):
        await erase(crm_at(config, store), pat)
    with store.writing() as session:
        session.get_one(CallOrder, 1).state = "done"
        ledger = Ledger(config)
        begins = CallArrived(id="c1:1", call_id="c1", at=NOW, did="+15125550100", caller=PAT, trunk="acme")
        ledger.record(session, [begins], NOW)
    with pytest.raises(Conflict, match="is on the line"):
        await erase(crm_at(config, store), pat)
    with store.writing() as session:
        ledger.record(session, [CallEnded(id="c1:2", call_id="c1", at=NOW, by=EndedBy.CALLER)], NOW)
    facts = config.journal_folder / "facts.jsonl"
    facts.write_text(json.dumps({"caller": PAT}))
    with pytest.raises(Conflict, match="wait on disk"):
        await erase(crm_at(config, store), pat)
    facts.unlink()
    await erase(crm_at(config, store), pat)
    assert rows_with(store, PAT) == []


async def test_a_resident_with_the_same_number_stays_known(store: Store, config: Config) -> None:
    with store.writing() as session:
        pat = intake.by_number(session, PAT, NOW).id
        resident = Contact(number=PAT, kind="resident", name="Pat Smith", created_at=NOW)
        session.add(resident)
        session.flush()
        for id, lead_id, contact_id in (("c1", pat, None), ("c2", None, resident.id)):
            call = Call(id=id, did="", caller=PAT, started_at=NOW, lead_id=lead_id, contact_id=contact_id)
            call.outcome, call.event_count = "talked", 0
            session.add(call)
    await erase(crm_at(config, store), pat)
    with store.reading() as session:
        assert [contact.name for contact in session.scalars(select(Contact))] == ["Pat Smith"]
        assert session.scalars(select(Call.id)).all() == ["c2"]


async def test_calls_and_texts_from_before_they_were_a_lead_go_too(store: Store, config: Config) -> None:
    with store.writing() as session:
        call = Call(id="c0", did="", caller=PAT, started_at=NOW, outcome="blocked", event_count=0)
        session.add(call)
        session.flush()
        session.add(
            Task(
                key="call:c0",
                kind="call_back",
                person=f"caller:{PAT}",
                owner_id=1,
                call_id="c0",
                why=f"{PAT} called",
                due_at=NOW,
                created_at=NOW,
                result="",
            )
        )
        text = Message(key="m", direction="in", purpose="inquiry", to_number="x", from_number=PAT, body="Hi")
        text.state, text.created_at = "received", NOW
        session.add(text)
        pat = intake.by_number(session, PAT, NOW).id
    await erase(crm_at(config, store), pat)
    assert rows_with(store, PAT) == []


async def test_what_a_merge_kept_of_them_goes_too(store: Store, config: Config) -> None:
    with store.writing() as session:
        pat = intake.introduced(session, config, Introduced("Pat Smith", "pat@example.com", PAT), NOW).id
        sam = intake.introduced(session, config, Introduced("Sam Lee", "sam@example.com", SAM), NOW).id
        merging.merge(session, config, BY, str(sam), str(pat))
        unmerging.unmerge(session, config, BY, pat)
    await erase(crm_at(config, store), pat)
    assert rows_with(store, *TRACES) == []
    with store.reading() as session:
        told = [entry.text for entry in session.scalars(select(timeline.Activity).order_by(timeline.Activity.id))]
        assert told == [f"Lead {pat} was merged into this one.", f"Lead {pat} is a lead of its own again."]


async def test_whoever_was_merged_into_them_goes_with_them(store: Store, config: Config) -> None:
    with store.writing() as session:
        pat = intake.introduced(session, config, Introduced("Pat Smith", "pat@example.com", PAT), NOW).id
        old = intake.introduced(session, config, Introduced("Pat Smith", "smith@example.com"), NOW).id
        merging.merge(session, config, BY, str(pat), str(old))
    await erase(crm_at(config, store), pat)
    assert rows_with(store, *TRACES, "smith@example.com") == []


async def test_a_post_about_several_people_is_forgotten_with_any_of_them(store: Store, config: Config) -> None:
    crm = crm_at(config, store)
    source = store.run_blocking(sources.add, BY, "fair", name="Fair")
    body = '[{"name": "Sam", "email": "sam@example.net"}, {"name": "Pat Smith", "email": "pat@example.net"}]'
    sent = posts.post(source.path.rpartition("/")[2], "application/json", body.encode(), "", NOW)
    id = store.run_blocking(posts.keep, config, sent)
    claim = store.run_blocking(reading.begin, id)
    assert await reading.read(crm, claim) == ""
    with store.reading() as session:
        sam, pat = session.scalars(select(Lead.id).order_by(Lead.id)).all()
    await erase(crm, pat)
    assert rows_with(store, "pat@example.net") == []
    with store.reading() as session:
        record = session.scalars(select(ArrivalRecord)).one()
        assert (record.lead_id, record.outcome, record.raw) == (sam, ArrivalOutcome.ERASED, {})
    assert store.run_blocking(reading.again, 0) == []


async def test_a_later_list_is_told_who_was_erased_and_when(store: Store, config: Config) -> None:
    with store.writing() as session:
        pat = intake.introduced(session, config, Introduced("Pat Smith", "pat@example.com", PAT), NOW).id
    await erase(crm_at(config, store), pat)
    lines = [
        ListLine(2, [], {"name": "Pat", "phones": "(512) 555-0188"}),
        ListLine(3, [], {"name": "Pat", "emails": "PAT@example.com"}),
        ListLine(4, [], {"name": "Sam", "phones": "512-555-0189"}),
    ]
    planned = store.read_blocking(lead_lists.plan, config, BY, lines, "fair")
    taken = store.run_blocking(lead_lists.take, config, BY, lines, planned, "fair")
    assert taken.added == 1
    assert [(one.line.number, one.why) for one in taken.rejected] == [
        (2, "This person was erased on 2026-03-02: if they are back, enter them by hand."),
        (3, "This person was erased on 2026-03-02: if they are back, enter them by hand."),
    ]
    with store.writing() as session:
        leads.add(session, config, BY, name="Pat", phones=["(512) 555-0188"])
    planned = store.read_blocking(lead_lists.plan, config, BY, lines[:1], "fair")
    taken = store.run_blocking(lead_lists.take, config, BY, lines[:1], planned, "fair")
    assert taken.joined == 1, "they are back"


def test_who_was_erased_cannot_be_told_from_the_database(store: Store, config: Config) -> None:
    one = erasing.hashed(config, PAT)
    assert one == erasing.hashed(config, PAT)
    assert PAT not in one
    config.secrets_file.unlink()
    assert erasing.hashed(config, PAT) != one, "the key is not in the database"


async def test_a_lead_that_was_erased_says_so(store: Store, config: Config) -> None:
    with store.writing() as session:
        pat = intake.by_number(session, PAT, NOW).id
    await erase(crm_at(config, store), pat)
    with pytest.raises(NotFound, match=f"Lead {pat} was erased on 2026-03-02"), store.reading() as session:
        leads.named(session, config, str(pat))


def test_words_are_made_illegible_across_the_edges_of_what_is_read(tmp_path: Path) -> None:
    file = tmp_path / "log"
    megabyte = 1 << 20
    file.write_bytes(b"." * (megabyte - 5) + PAT.encode() + b"\n" + b"Pat@Example.com" + b"." * 10)
    erasing.make_illegible(file, [PAT, "pat@example.com"])
    assert file.read_bytes() == b"." * (megabyte - 5) + b"x" * 12 + b"\n" + b"x" * 15 + b"." * 10


def test_every_file_that_rows_name_is_known_to_be_somebodys_or_nobodys() -> None:
    named = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name == "file"
    }
    assert named == {"application_document.file", "recording.file", "voicemail.file"}, (
        "a file of a person has to be left to erasing.py (WorkKind) when they are erased"
    )


def test_what_refers_to_rows_that_go_is_found_by_an_index() -> None:
    """Otherwise the database reads whole tables for each row that is deleted."""
    gone = {reference.table.name for reference in REFERENCES} | {"lead", "leg", "recording", "voicemail"}
    without = []
    for name in sorted(gone):
        for child, column in referring(Base.metadata.tables[name]):
            first = [next(iter(child.primary_key.columns)), *(columns[0] for columns in unique(child))]
            first += [next(iter(index.columns)) for index in child.indexes]
            if column not in first:
                without.append(f"{child.name}.{column.name}")
    assert without == []


async def test_an_erasure_counts_for_every_table(store: Store, config: Config, office_of_pat: int) -> None:
    await erase(crm_at(config, store), office_of_pat)
    with store.reading() as session:
        for reference in REFERENCES:
            count = select(func.count()).select_from(reference.table).where(reference.lead == office_of_pat)
            assert session.scalar(count) == 0, reference.column


# PostgreSQL does so in its own time.
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_what_is_deleted_is_overwritten_in_the_file(store: Store, config: Config) -> None:
    with store.writing() as session:
        pat = intake.introduced(session, config, Introduced("Pat Smith", "pat@example.com", PAT), NOW).id
        session.get_one(Lead, pat).source = "a friend named Kim"
    file = Path(store._engine.url.database or "")

    def is_there() -> bool:
        with store._writer.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return b"a friend named Kim" in file.read_bytes()

    assert is_there()
    await erase(crm_at(config, store), pat)
    assert not is_there()


def test_who_shares_an_address_is_found_without_reading_all_leads(store: Store, config: Config) -> None:
    asked: list[tuple[str, Any]] = []
    with store.writing() as session:
        one, other = (leads.add(session, config, BY, name=name)[0] for name in ("Pat", "Sam"))
        one.email, other.email = "Pat@example.com", "pat@Example.com"
        one.emails.append(LeadEmail(address="pat@example.com"))
        session.flush()
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
        assert erasing.person_of(session, one.id).addresses == set()
        other.email = ""
        assert erasing.person_of(session, one.id).addresses == {"pat@example.com"}
        [(statement, values), _] = [said for said in asked if "lead.id !=" in said[0]]
        if connection.dialect.name == "sqlite":
            plan = [step for *_, step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
        else:
            # Tables of a few rows are read through unless that is made dear.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            plan = [step for (step,) in connection.exec_driver_sql(f"EXPLAIN {statement}", values)]
        assert "ix_lead_email_lower" in "".join(plan)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_nothing_of_them_can_be_read_in_the_files_of_the_database(
    store: Store, config: Config, office_of_pat: int
) -> None:
    with store.reading() as session:
        database = Path(str(session.get_bind().engine.url.database))

    def are_there() -> list[str]:
        written = b"".join(path.read_bytes() for path in database.parent.glob(f"{database.name}*"))
        # The number stays where they opted out.
        return [trace for trace in ("pat@example.com", "Pat Smith") if trace.encode() in written]

    assert are_there() == ["pat@example.com", "Pat Smith"]
    await erase(crm_at(config, store), office_of_pat)
    assert are_there() == []


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_an_erasure_waits_for_nobody_who_reads(store: Store, config: Config, office_of_pat: int) -> None:
    with store.reading() as session:
        session.scalars(select(Lead)).all()
        await erase(crm_at(config, store), office_of_pat)
        assert not await asyncio.to_thread(store.empty_log)
    assert await asyncio.to_thread(store.empty_log)
