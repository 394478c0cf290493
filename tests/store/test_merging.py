"""Two leads become one, and two again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.calls import CallArrived, CallEnded, EndedBy
from crm.domain.errors import Conflict, NotFound
from crm.domain.leads import Happened, LeadStatus, LeasingStage
from crm.domain.merging import ProposalReason
from crm.services.arrivals import forms
from crm.services.arrivals.forms import FormKind, SentForm
from crm.services.audit import By
from crm.services.calls.ledger import Ledger, record_all
from crm.services.people import intake, leads, merging, opt_outs, timeline, unmerging
from crm.services.people.merging import unique
from crm.services.people.references import REFERENCES, OnMerge
from crm.store.models import (
    Activity,
    Agent,
    Application,
    ArrivalRecord,
    AuditEntry,
    Base,
    Call,
    CallOrder,
    Consent,
    FollowUp,
    FollowUpLook,
    InboxThread,
    Interest,
    Lead,
    LeadProposal,
    Line,
    Mail,
    MailThread,
    Message,
    Notice,
    Property,
    ShortLink,
    Suggestion,
    Task,
    TaskCall,
    Tour,
    TourSlot,
)
from crm.store.session import Store
from crm.views import leads as views
from crm.views import search
from tests.store import rows
from tests.store.conftest import NOW, crm_at

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("alice", NOW)
PAT, SAM = "+15125550188", "+15125550189"
HOUR = timedelta(hours=1)


def lead(session: Session, number: str, *, name: str = "", email: str = "", at: datetime = NOW) -> Lead:
    made = intake.by_number(session, number, at)
    made.name = name or None
    if email:
        intake.write_address(session, made, email)
    session.flush()
    return made


def two(store: Store) -> tuple[int, int]:
    """Pat and Sam."""
    with store.writing() as session:
        pat = lead(session, PAT, name="Pat Smith", email="pat@example.com")
        sam = lead(session, SAM, name="Sam Lee", email="sam@example.com", at=NOW - HOUR)
        return pat.id, sam.id


def merge(store: Store, config: Config, survivor: int, gone: int, by: By = BY) -> None:
    with store.writing() as session:
        merging.merge(session, config, by, str(survivor), str(gone))


def unmerge(store: Store, config: Config, gone: int, by: By = BY) -> None:
    with store.writing() as session:
        unmerging.unmerge(session, config, by, gone)


def everything(store: Store, *, but: Iterable[str] = ()) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables that hold anything, but those that say what was done."""
    left_out = {"audit_entry", "lead_merge", "follow_up_look", "office_mark", "site_mark", *but}
    with store.reading() as session:
        found = {
            table.name: [dict(row) for row in session.execute(select(table).order_by(*table.primary_key)).mappings()]
            for table in Base.metadata.sorted_tables
            if table.name not in left_out
        }
    found["activity"] = [row for row in found["activity"] if row["kind"] != Happened.MERGED]
    return {name: rows for name, rows in found.items() if rows}


# --- every table ---


def test_merging_knows_every_column_that_refers_to_a_lead() -> None:
    known = {reference.column for reference in REFERENCES}
    there = {
        f"{table.name}.{key.parent.name}"
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == "lead"
    }
    assert there <= known, (
        f"{', '.join(sorted(there - known))}: merging two leads does not know what becomes of these rows. Add a line to"
        " REFERENCES in crm/services/people/references.py: MOVES, or ONE_STAYS where a unique constraint has the column"
        " in it. `numbers` and `addresses` name columns that hold the person's own phone number or email address."
    )
    assert known <= there, "there are no such columns"


def test_rows_that_move_cannot_be_there_twice() -> None:
    for reference in REFERENCES:
        assert len(reference.table.primary_key.columns) == 1 or reference.on_merge is OnMerge.DERIVED, reference.column
        in_unique = any(reference.lead in columns for columns in unique(reference.table))
        assert in_unique == (reference.on_merge is OnMerge.ONE_STAYS), (
            f"{reference.column}: the survivor may have a row like it, so its rows are ONE_STAYS if, and only if, a"
            " unique constraint has the column in it"
        )


def test_every_column_that_refers_to_a_lead_has_an_index() -> None:
    for reference in REFERENCES:
        first = [*reference.table.primary_key.columns][:1]
        first += [next(iter(index.columns)) for index in reference.table.indexes]
        first += [columns[0] for columns in unique(reference.table)]
        assert reference.lead in first, f"{reference.column}: its rows of one lead are looked for one by one"


def test_merging_knows_every_column_of_a_lead() -> None:
    from crm.domain.merging import COLUMNS

    assert {column.name for column in Lead.__table__.columns} - {"id"} == set(COLUMNS), (
        "say in COLUMNS of crm/domain/merging.py which of two leads' values the survivor has"
    )


def with_everything(store: Store, config: Config) -> tuple[int, int]:
    """Pat and Sam with rows in every table that refers to a lead, and with interests in the same property."""
    pat, sam = two(store)
    with store.writing() as session:
        maple = session.scalars(select(Property)).one()
        dana = session.scalars(select(Agent).where(Agent.slug == "dana")).one()
        line = session.scalars(select(Line)).first()
        assert line is not None
        slot = TourSlot(
            key="s", property_id=maple.id, kind="accompanied", starts_at=NOW, ends_at=NOW + HOUR, capacity=2, taken=2
        )
        kim = intake.by_address(session, "kim@example.com", NOW)
        session.add(slot)
        session.flush()
        for id, number, address in ((pat, PAT, "pat@example.com"), (sam, SAM, "sam@example.com")):
            found = session.get_one(Lead, id)
            interest = intake.interest_in(found, maple.id, NOW - HOUR * id)
            session.flush()
            call = Call(
                id=f"call{id}", did=line.number, line_id=line.id, caller=number, started_at=NOW, lead_id=id, step=""
            )
            call.outcome, call.event_count = "gave_up", 0
            session.add(call)
            session.flush()
            timeline.enter(session, id, Happened.CALL_FROM, "Called.", NOW, key=f"call:call{id}", call_id=call.id)
            text = Message(
                key=f"in{id}", direction="in", purpose="inquiry", to_number=line.number, from_number=number, body="Hi"
            )
            text.lead_id, text.state, text.created_at = id, "received", NOW
            session.add(text)
            arrival = ArrivalRecord(
                key=f"form:{id}", channel="form:question", raw={"email": address}, parser="site", parser_version=1
            )
            arrival.received_at, arrival.lead_id, arrival.problem = NOW, id, ""
            thread = MailThread(
                lead_id=id, token=f"{id:016}", subject="Hi", topic="hi", created_at=NOW, last_at=NOW + HOUR * id
            )
            session.add_all([arrival, thread])
            session.flush()
            mail = Mail(key=f"in:{arrival.id}", direction="in", to_address="us@oak.example.com", from_address=address)
            mail.lead_id, mail.thread_id, mail.arrival_id = id, thread.id, arrival.id
            mail.subject, mail.body, mail.state, mail.created_at = "Hi", "Hi", "received", NOW
            session.add(mail)
            session.flush()
            session.add_all(
                [
                    Task(
                        key=f"call:call{id}",
                        kind="call_back",
                        person=f"lead:{id}",
                        owner_id=dana.id,
                        lead_id=id,
                        call_id=call.id,
                        why="Called.",
                        due_at=NOW,
                        created_at=NOW,
                        result="",
                    ),
                    Consent(
                        lead_id=id,
                        number=number,
                        wording="Yes",
                        version="1",
                        language="en",
                        arrival_id=arrival.id,
                        given_at=NOW,
                    ),
                    ShortLink(
                        token=f"t{id}", key=f"link:call{id}", lead_id=id, path="/", made_at=NOW, expires_at=NOW + HOUR
                    ),
                    InboxThread(lead_id=id, last_at=NOW, last_direction="in", is_waiting=True),
                    Notice(
                        key=f"notice:{id}",
                        agent_id=session.scalar(select(Agent.id).limit(1)),
                        lead_id=id,
                        subject="New",
                        text="New",
                        made_at=NOW,
                    ),
                    Suggestion(
                        key=f"call{id}:pets",
                        lead_id=id,
                        call_id=f"call{id}",
                        field="pets",
                        value="dog",
                        words="a dog",
                        second=3,
                        created_at=NOW,
                    ),
                    Tour(key=f"form:{id}", slot_id=slot.id, lead_id=id, state="booked", booked_by="web", booked_at=NOW),
                    FollowUp(
                        interest_id=interest.id,
                        lead_id=id,
                        stage="contacted",
                        stage_since=NOW - HOUR * id,
                        step=0,
                        state="planned",
                        due_at=NOW + HOUR,
                        text="Hello",
                        why="",
                    ),
                    Application(
                        key=f"a{id}",
                        lead_id=id,
                        property_id=maple.id,
                        status="started",
                        status_at=NOW,
                        language="en",
                        email=address,
                        answers={},
                        is_confirmed=False,
                        began_at=NOW,
                        saved_at=NOW,
                    ),
                    LeadProposal(
                        lead_id=id,
                        other_id=kim.id,
                        pair=f"{id}-{kim.id}",
                        reason=ProposalReason.SAME_HOME,
                        said="",
                        created_at=NOW,
                        decided_by="",
                    ),
                    LeadProposal(
                        lead_id=kim.id,
                        other_id=id,
                        pair=f"{id}-{kim.id}",
                        reason=ProposalReason.SAME_HOME,
                        said="",
                        state="dismissed",
                        created_at=NOW,
                        decided_by="",
                    ),
                    CallOrder(
                        agent_id=dana.id,
                        to_number=number,
                        lead_id=id,
                        not_before=NOW,
                        expires_at=NOW + HOUR,
                        created_at=NOW,
                    ),
                ]
            )
    return pat, sam


def rows_of(session: Session, lead_id: int) -> dict[str, int]:
    """How many rows refer to a lead, by column."""
    count = {
        reference.column: session.scalar(
            select(func.count()).select_from(reference.table).where(reference.lead == lead_id)
        )
        for reference in REFERENCES
        if reference.on_merge is not OnMerge.DERIVED
    }
    return {column: number for column, number in count.items() if number}


def test_espocrm_3259_after_a_merge_every_child_is_there(store: Store, config: Config) -> None:
    pat, sam = with_everything(store, config)
    with store.reading() as session:
        before = rows_of(session, pat)
        assert before.keys() == {
            reference.column for reference in REFERENCES if reference.on_merge != OnMerge.DERIVED
        } - {"lead_merge.lead_id"}, "the test knows each of them"
    merge(store, config, pat, sam)
    with store.reading() as session:
        assert session.get(Lead, sam) is None
        after = rows_of(session, pat)
        assert after == {
            **{column: 2 * count for column, count in before.items()},
            "inbox_thread.lead_id": 1,
            "interest.lead_id": 1,
            "lead_merge.lead_id": 1,
            "activity.lead_id": 3,
        }


@pytest.mark.each_database
@pytest.mark.parametrize("survivor", ["pat", "sam"])
def test_espocrm_3259_unmerge_restores_both_to_the_bit(store: Store, config: Config, survivor: str) -> None:
    pat, sam = with_everything(store, config)
    kept, gone = (pat, sam) if survivor == "pat" else (sam, pat)
    before = everything(store)
    merge(store, config, kept, gone)
    assert everything(store) != before
    unmerge(store, config, gone)
    assert everything(store) == before


def test_a_step_that_both_had_taken_is_put_away_and_comes_back(store: Store, config: Config) -> None:
    pat, sam = with_everything(store, config)
    with store.writing() as session:
        for step in session.scalars(select(FollowUp)):
            step.stage_since = NOW
    before = everything(store)
    merge(store, config, pat, sam)
    with store.reading() as session:
        assert len(session.scalars(select(FollowUp)).all()) == 1
    unmerge(store, config, sam)
    assert everything(store) == before


# --- what users of other systems suffer ---


def test_chatwoot_5115_the_user_chooses_which_record_survives(store: Store, config: Config) -> None:
    pat, sam = two(store)
    merge(store, config, sam, pat)
    with store.reading() as session:
        survivor = views.one(session, sam, NOW)
        assert (survivor.name, survivor.email, survivor.further_emails) == (
            "Sam Lee",
            "sam@example.com",
            ["pat@example.com"],
        )
        assert survivor.phones == [PAT, SAM]
        assert survivor.created_at == NOW - HOUR, "they have been here since the earlier"


def test_oca_crm_88_open_tasks_of_both_survive(store: Store, config: Config) -> None:
    pat, sam = with_everything(store, config)
    merge(store, config, pat, sam)
    with store.reading() as session:
        open_ones = rows.tasks(session)
        assert [(task.lead_id, task.kind) for task in open_ones] == [(pat, "call_back")] * 2
        assert [task.person for task in open_ones] == [f"lead:{pat}", ""], "calls to come join the survivor's"


def test_suitecrm_7132_a_merge_keeps_the_opt_out_of_each_number(store: Store, config: Config) -> None:
    pat, sam = two(store)
    with store.writing() as session:
        opt_outs.enter(session, SAM, source="keyword", evidence="STOP", now=NOW)
        opt_outs.enter(session, PAT, source="admin", evidence="by phone", now=NOW, scope="all")
    before = everything(store)["opt_out"]
    merge(store, config, pat, sam)
    assert everything(store)["opt_out"] == before
    with store.reading() as session:
        assert views.one(session, pat, NOW).opted_out == [PAT, SAM]


def test_suitecrm_8368_merging_sends_nothing(store: Store, config: Config) -> None:
    pat, sam = with_everything(store, config)

    def waiting(session: Session) -> list[int | None]:
        return [session.scalar(select(func.count()).select_from(table)) for table in (Message, Mail)]

    with store.reading() as session:
        before = waiting(session)
    merge(store, config, pat, sam)
    unmerge(store, config, sam)
    with store.reading() as session:
        assert waiting(session) == before


def test_the_further_stage_of_an_interest_wins_and_both_come_back(store: Store, config: Config) -> None:
    pat, sam = two(store)
    with store.writing() as session:
        maple = session.scalars(select(Property.id)).one()
        for id, stage in ((pat, LeasingStage.CONTACTED), (sam, LeasingStage.APPLIED)):
            interest = intake.interest_in(session.get_one(Lead, id), maple, NOW)
            interest.stage, interest.stage_since = stage, NOW
    for kept, gone in ((pat, sam), (sam, pat)):
        before = everything(store)
        merge(store, config, kept, gone)
        with store.reading() as session:
            assert [one.stage for one in session.scalars(select(Interest))] == [LeasingStage.APPLIED]
        unmerge(store, config, gone)
        assert everything(store) == before


def test_a_link_of_the_merged_lead_reaches_the_survivor(store: Store, config: Config) -> None:
    from crm.services.people import short_links

    pat, sam = with_everything(store, config)
    merge(store, config, pat, sam)
    with store.writing() as session:
        short_links.follow(session, f"t{sam}", NOW, by_person=True)
    with store.reading() as session:
        opened = session.scalars(select(Activity).where(Activity.kind == Happened.LINK_OPENED)).one()
        assert opened.lead_id == pat
    unmerge(store, config, sam)
    with store.reading() as session:
        opened = session.scalars(select(Activity).where(Activity.kind == Happened.LINK_OPENED)).one()
        assert opened.lead_id == sam, "it was their link"


def test_both_timelines_say_what_was_done_and_by_whom(store: Store, config: Config) -> None:
    pat, sam = two(store)
    merge(store, config, pat, sam)
    unmerge(store, config, sam, By("bob", NOW + HOUR))
    with store.reading() as session:
        told = {id: [(one.text, one.by) for one in rows.timeline(session, id)] for id in (pat, sam)}
        audited = [entry.what for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert told[pat] == [
        (f"Lead {sam} (Sam Lee) was merged into this one.", "alice"),
        (f"The merge with lead {sam} (Sam Lee) was undone.", "bob"),
    ]
    assert told[sam] == [
        (f"Was merged into lead {pat}.", "alice"),
        (f"The merge with lead {pat} was undone.", "bob"),
    ]
    assert audited == [f"lead {sam} merged into lead {pat}", f"merge of lead {sam} into lead {pat} undone"]


def test_a_lead_that_was_merged_is_found_as_the_survivor(store: Store, config: Config) -> None:
    pat, sam = two(store)
    with store.writing() as session:
        other = lead(session, "+15125550190").id
    merge(store, config, pat, sam)
    merge(store, config, other, pat)
    with store.reading() as session:
        for raw in (str(sam), SAM, "sam@example.com", str(pat)):
            assert leads.named(session, config, raw).id == other


def test_what_is_found_by_search_is_the_survivors(store: Store, config: Config) -> None:
    pat, sam = two(store)
    with store.writing() as session:
        leads.write_note(session, config, BY, str(sam), "Has a golden retriever.")
    merge(store, config, pat, sam)

    def found(words: str) -> list[int]:
        with store.reading() as session:
            return [hit.lead.id for hit in search.found(session, words, NOW)]

    for words in ("retriever", "5550189", "sam@example"):
        assert found(words) == [pat], words
    assert found("Lee") == [pat], "by the entry that says who was merged into it"
    unmerge(store, config, sam)
    for words in ("retriever", "5550189", "sam@example"):
        assert found(words) == [sam], words
    assert set(found("Lee")) == {pat, sam}


def test_follow_ups_of_both_are_looked_at_again(store: Store, config: Config) -> None:
    pat, sam = with_everything(store, config)

    def due(session: Session) -> list[int]:
        soon = select(FollowUpLook.lead_id).where(FollowUpLook.look_at <= NOW).order_by(FollowUpLook.lead_id)
        return list(session.scalars(soon))

    def nobody(session: Session) -> None:
        session.query(FollowUpLook).delete()

    store.run_blocking(nobody)
    merge(store, config, pat, sam)
    with store.reading() as session:
        assert due(session) == [pat]
    store.run_blocking(nobody)
    unmerge(store, config, sam)
    with store.reading() as session:
        assert due(session) == [pat, sam]


def test_ids_of_leads_that_are_gone_are_never_given_again(store: Store, config: Config) -> None:
    pat, sam = two(store)
    merge(store, config, pat, sam)
    with store.writing() as session:
        assert lead(session, "+15125550190").id > sam


# --- what comes in between ---


def arrives(ledger: Ledger, store: Store, call_id: str, number: str, at: datetime) -> None:
    facts = [
        CallArrived(id=f"{call_id}:1", call_id=call_id, at=at, did="+15125550100", caller=number, trunk="acme"),
        CallEnded(id=f"{call_id}:2", call_id=call_id, at=at + timedelta(minutes=1), by=EndedBy.CALLER),
    ]
    for fact in facts:
        with store.writing() as session:
            ledger.record(session, [fact], at)


def test_what_came_by_their_number_returns_with_them(store: Store, config: Config) -> None:
    pat, sam = two(store)
    before = everything(store, but=("lead",))
    merge(store, config, pat, sam)
    ledger = Ledger(config)
    arrives(ledger, store, "c1", SAM, NOW + HOUR)
    arrives(ledger, store, "c2", PAT, NOW + 2 * HOUR)
    with store.reading() as session:
        assert [call.lead_id for call in rows.calls(session)] == [pat, pat]
    unmerge(store, config, sam)
    with store.reading() as session:
        assert {call.id: call.lead_id for call in rows.calls(session)} == {"c1": sam, "c2": pat}
        assert {one.call_id: one.lead_id for one in session.scalars(select(Activity)) if one.call_id} == {
            "c1": sam,
            "c2": pat,
        }
        assert {(one.lead_id, one.property.slug) for one in session.scalars(select(Interest))} == {
            (pat, "maple"),
            (sam, "maple"),
        }
        contacts = {one.id: one.last_contact_at for one in session.scalars(select(Lead))}
        assert contacts == {
            sam: NOW + HOUR + timedelta(minutes=1),
            pat: NOW + 2 * HOUR + timedelta(minutes=1),
        }
    assert everything(store, but=("lead",))["lead_phone"] == before["lead_phone"]


def test_whoever_called_or_wrote_in_between_has_a_task_of_their_own(store: Store, config: Config) -> None:
    """While they are one, both wait in one task of each kind."""
    pat, sam = two(store)
    ledger = Ledger(config)
    crm = crm_at(config, store)

    def wrote(key: str, name: str, address: str) -> None:
        form = SentForm(kind=FormKind.QUESTION, key=key, name=name, email=address, message=f"{name} asks")
        with store.writing() as session:
            forms.accept(session, config, crm.secrets, By("site", NOW), form)

    arrives(ledger, store, "c1", PAT, NOW)
    wrote("1", "Pat Smith", "pat@example.com")
    with store.reading() as session:
        before = {task.id: (task.why, task.times, task.call_id, task.due_at) for task in rows.tasks(session)}
    merge(store, config, pat, sam)
    arrives(ledger, store, "c2", SAM, NOW + HOUR)
    arrives(ledger, store, "c3", SAM, NOW + 2 * HOUR)
    wrote("2", "Sam Lee", "sam@example.com")
    with store.reading() as session:
        assert {task.kind: task.times for task in rows.tasks(session)} == {"call_back": 3, "inquiry": 2}
    unmerge(store, config, sam)
    with store.reading() as session:
        found = rows.tasks(session)
        own = [task for task in found if task.lead_id == pat]
        assert {task.id: (task.why, task.times, task.call_id, task.due_at) for task in own} == before
        theirs = {task.kind: task for task in found if task.lead_id == sam}
        assert {kind: (task.times, task.person) for kind, task in theirs.items()} == {
            "call_back": (2, f"lead:{sam}"),
            "inquiry": (1, f"lead:{sam}"),
        }
        assert theirs["call_back"].call_id == "c3"
        assert theirs["inquiry"].why.endswith("Sam Lee asks")
        covered = dict(session.execute(select(TaskCall.call_id, TaskCall.task_id)).all())
        assert covered["c2"] == covered["c3"] == theirs["call_back"].id != covered["c1"]
    arrives(ledger, store, "c4", SAM, NOW + 3 * HOUR)
    with store.reading() as session:
        assert {task.kind: task.times for task in rows.tasks(session) if task.lead_id == sam}["call_back"] == 3


def test_a_note_taken_in_between_stays_with_the_survivor(store: Store, config: Config) -> None:
    pat, sam = two(store)
    merge(store, config, pat, sam)
    with store.writing() as session:
        leads.write_note(session, config, BY, str(pat), "Wants a ground floor.")
        leads.change(session, config, BY, str(pat), name="Patricia Smith", status="closed", reason="rented elsewhere")
    unmerge(store, config, sam)
    with store.reading() as session:
        assert [one.text for one in rows.timeline(session, sam) if one.kind == Happened.NOTE] == []
        survivor, other = views.one(session, pat, NOW), views.one(session, sam, NOW)
        assert (survivor.name, survivor.status, survivor.closed_because) == (
            "Patricia Smith",
            LeadStatus.CLOSED,
            "rented elsewhere",
        )
        assert (other.name, other.status, other.type) == ("Sam Lee", LeadStatus.NEW, "hot")


def test_what_nobody_knew_before_is_whose_it_came_from(store: Store, config: Config) -> None:
    with store.writing() as session:
        pat, sam = (lead(session, number).id for number in (PAT, SAM))
    merge(store, config, pat, sam)
    crm = crm_at(config, store)
    sent = {"kind": FormKind.CONTACT, "key": "1", "name": "Sam Lee", "email": "lee@example.com", "phone": SAM}
    with store.writing() as session:
        forms.accept(session, config, crm.secrets, By("site", NOW), SentForm(**sent, message="Hello", language="es"))  # type: ignore[arg-type]
    unmerge(store, config, sam)
    with store.reading() as session:
        one, other = views.one(session, pat, NOW), views.one(session, sam, NOW)
        assert (one.name, one.email, one.further_emails, one.language) == (None, "", [], "")
        assert (other.name, other.email, other.language) == ("Sam Lee", "lee@example.com", "es")
        assert (one.status, other.status) == (LeadStatus.NEW, LeadStatus.NEW)


def test_a_number_taken_away_in_between_comes_back(store: Store, config: Config) -> None:
    pat, sam = two(store)
    before = everything(store)
    merge(store, config, pat, sam)
    with store.writing() as session:
        leads.change(session, config, BY, str(pat), remove_phone=SAM)
    unmerge(store, config, sam)
    assert everything(store)["lead_phone"] == before["lead_phone"]


def test_a_number_that_is_somebody_elses_now_keeps_them_merged(store: Store, config: Config) -> None:
    pat, sam = two(store)
    merge(store, config, pat, sam)
    with store.writing() as session:
        leads.change(session, config, BY, str(pat), remove_phone=SAM)
        other = lead(session, SAM).id
    before = everything(store)
    with pytest.raises(Conflict, match=f"is now lead {other}'s"):
        unmerge(store, config, sam)
    assert everything(store) == before


def test_merges_are_undone_last_one_first(store: Store, config: Config) -> None:
    pat, sam = with_everything(store, config)
    with store.writing() as session:
        third = lead(session, "+15125550190", name="Kim").id
    merge(store, config, pat, sam)
    merge(store, config, third, pat)
    with pytest.raises(Conflict, match=f"Lead {pat} was merged after lead {sam}: undo that"):
        unmerge(store, config, sam)
    ledger = Ledger(config)
    arrives(ledger, store, "c1", SAM, NOW + HOUR)
    unmerge(store, config, pat)
    with store.reading() as session:
        assert session.get_one(Call, "c1").lead_id == pat, "the number was part of that lead"
    unmerge(store, config, sam)
    with store.reading() as session:
        assert session.get_one(Call, "c1").lead_id == sam


def test_a_chain_comes_apart_to_the_bit(store: Store, config: Config) -> None:
    pat, sam = with_everything(store, config)
    with store.writing() as session:
        third = lead(session, "+15125550190", name="Kim").id
        maple = session.scalars(select(Property.id)).one()
        intake.interest_in(session.get_one(Lead, third), maple, NOW).stage = LeasingStage.APPLIED
    states = [everything(store)]
    merge(store, config, pat, sam)
    states.append(everything(store))
    merge(store, config, third, pat)
    unmerge(store, config, pat)
    assert everything(store) == states[1]
    unmerge(store, config, sam)
    assert everything(store) == states[0]


def test_what_was_undone_is_undone_once_and_can_be_merged_again(store: Store, config: Config) -> None:
    pat, sam = with_everything(store, config)
    before = everything(store)
    for kept, gone in ((pat, sam), (sam, pat), (pat, sam)):
        merge(store, config, kept, gone)
        unmerge(store, config, gone)
        with pytest.raises(NotFound):
            unmerge(store, config, gone)
    assert everything(store) == before


def test_what_is_not_merged_cannot_be_undone(store: Store, config: Config) -> None:
    pat, sam = two(store)
    with pytest.raises(NotFound, match=f"Lead {sam} is not merged"):
        unmerge(store, config, sam)
    with pytest.raises(NotFound, match="There is no lead 999"):
        unmerge(store, config, 999)
    with pytest.raises(Conflict, match="name two leads"):
        merge(store, config, pat, pat)
    merge(store, config, pat, sam)
    with pytest.raises(Conflict, match="name two leads"):
        merge(store, config, pat, sam)


@pytest.mark.both_databases
async def test_calls_at_the_same_moment_find_the_survivor(store: Store, config: Config) -> None:
    pat, sam = two(store)

    def call(session: Session, n: int) -> None:
        number = SAM if n % 2 else PAT
        begins = CallArrived(id=f"c{n}:1", call_id=f"c{n}", at=NOW, did="+15125550100", caller=number, trunk="acme")
        record_all(session, config, [begins, CallEnded(id=f"c{n}:2", call_id=f"c{n}", at=NOW, by=EndedBy.CALLER)], NOW)

    def act(session: Session) -> None:
        merging.merge(session, config, BY, str(pat), str(sam))

    calls = [store.run(call, n) for n in range(12)]
    await asyncio.gather(*calls[:6], store.run(act), *calls[6:])
    with store.reading() as session:
        assert {one.lead_id for one in rows.calls(session)} == {pat}
        assert len(rows.calls(session)) == 12
        assert session.scalars(select(Lead.id)).all() == [pat]
        assert {one.lead_id for one in session.scalars(select(Activity))} == {pat}
        assert {one.lead_id for one in rows.tasks(session)} == {pat}


@pytest.mark.both_databases
async def test_of_two_who_merge_at_once_one_is_refused(store: Store, config: Config) -> None:
    pat, sam = two(store)

    def act(session: Session, kept: int, gone: int) -> None:
        merging.merge(session, config, BY, str(kept), str(gone))

    done = await asyncio.gather(store.run(act, pat, sam), store.run(act, sam, pat), return_exceptions=True)
    assert [type(one) for one in done if one is not None] == [Conflict]
    with store.reading() as session:
        assert len(session.scalars(select(Lead.id)).all()) == 1


def test_a_lead_is_merged_while_it_is_on_the_line(store: Store, config: Config) -> None:
    pat, sam = two(store)
    ledger = Ledger(config)
    begins = CallArrived(id="c1:1", call_id="c1", at=NOW, did="+15125550100", caller=SAM, trunk="acme")
    ends = CallEnded(id="c1:2", call_id="c1", at=NOW + HOUR, by=EndedBy.CALLER)
    with store.writing() as session:
        ledger.record(session, [begins], NOW)
    assert "c1" in ledger.held
    merge(store, config, pat, sam)
    with store.writing() as session:
        ledger.record(session, [ends], NOW + HOUR)
    with store.reading() as session:
        [call] = rows.calls(session)
        assert (call.lead_id, call.outcome) == (pat, "gave_up")
        assert [(task.lead_id, task.person) for task in rows.tasks(session)] == [(pat, f"lead:{pat}")]
        assert [one.lead_id for one in session.scalars(select(Activity)) if one.call_id] == [pat]
        assert len(rows.leads(session)) == 1
    unmerge(store, config, sam)
    with store.reading() as session:
        assert [call.lead_id for call in rows.calls(session)] == [sam]
        assert [(task.lead_id, task.person) for task in rows.tasks(session)] == [(sam, f"lead:{sam}")]
