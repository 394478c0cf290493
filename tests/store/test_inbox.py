"""The inbox on real databases: who waits for an answer, whose they are, and what is put off or being written."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.access import Reach
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.gate import Verdict
from crm.edge.carrier import IncomingText
from crm.services import assignment, tasks
from crm.services.audit import By
from crm.services.outbox import gatekeeper
from crm.services.outbox.gatekeeper import ForecastReason
from crm.services.people import inbox, intake, leads, merging, opt_outs, unmerging
from crm.services.people.inbox import DraftWay
from crm.services.texts import messages
from crm.store.models import Agent, Contact, InboxDraft, InboxThread, Lead, Message, Property, Task
from crm.store.session import Store
from crm.views import inbox as view
from crm.views.inbox import InboxFilter
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office")]

BY = By("alice", NOW)
MAPLE = "+15125550100"
PAT, SAM, RESIDENT = "+15125550188", "+15125550189", "+15125550190"
HOUR = timedelta(hours=1)


def wrote(store: Store, config: Config, sender: str, body: str, at: datetime = NOW) -> None:
    incoming = IncomingText("twilio", f"{sender}/{body}/{at}", sender, MAPLE, body, at)
    with store.writing() as session:
        messages.receive(session, config, incoming, at)


def listed(store: Store, which: InboxFilter = InboxFilter.OPEN, now: datetime = NOW, **more: object) -> list[str]:
    """Numbers, in order; those that wait with a question mark."""
    with store.reading() as session:
        found = view.listed(session, now, which, **more)  # type: ignore[arg-type]
    return [one.number + "?" * one.is_waiting for one in found]


def thread_of(session: Session, number: str) -> InboxThread:
    lead = intake.by_number(session, number, NOW)
    return session.scalars(select(InboxThread).where(InboxThread.lead_id == lead.id)).one()


def id_of(store: Store, number: str) -> int:
    with store.reading() as session:
        return thread_of(session, number).id


def agent_id(store: Store, slug: str) -> int:
    with store.reading() as session:
        return session.scalars(select(Agent.id).where(Agent.slug == slug)).one()


def test_whoever_waits_comes_first_until_they_are_answered(store: Store, config: Config) -> None:
    wrote(store, config, PAT, "Is it free?", NOW - 2 * HOUR)
    wrote(store, config, SAM, "Hello", NOW - HOUR)
    assert listed(store) == [f"{SAM}?", f"{PAT}?"]
    with store.writing() as session:
        messages.send(session, config, BY, SAM, "Hi Sam", agent="alice")
    assert listed(store) == [f"{PAT}?", SAM]
    with store.reading() as session:
        [_, sam] = view.listed(session, NOW)
    assert (sam.last_direction, sam.last_words, sam.agent) == ("out", "Hi Sam", "alice")


def test_stop_alone_waits_for_nobody_and_neither_does_somebody_blocked(store: Store, config: Config) -> None:
    wrote(store, config, PAT, "STOP")
    assert listed(store) == []


def test_whoever_closes_the_task_to_answer_has_answered(store: Store, config: Config) -> None:
    wrote(store, config, PAT, "Call me please")
    with store.writing() as session:
        tasks.finish(session, BY, session.scalars(select(Task.id)).one(), "Called back.")
    assert listed(store) == [PAT]


def test_done_closes_the_task_and_is_out_of_the_lists_until_they_write_again(store: Store, config: Config) -> None:
    wrote(store, config, PAT, "Thanks!")
    with store.writing() as session:
        inbox.finish(session, BY, thread_of(session, PAT).id)
    assert listed(store) == []
    assert listed(store, InboxFilter.ALL) == [PAT]
    with store.reading() as session:
        [task] = session.scalars(select(Task))
    assert task.done_at == NOW
    wrote(store, config, PAT, "One more thing", NOW + HOUR)
    assert listed(store, now=NOW + HOUR) == [f"{PAT}?"]


def test_what_is_snoozed_wakes_by_itself_or_when_they_write(store: Store, config: Config) -> None:
    wrote(store, config, PAT, "I move in May", NOW - HOUR)
    id = id_of(store, PAT)
    with store.writing() as session:
        inbox.snooze(session, BY, id, NOW + 2 * HOUR)
    assert (listed(store), listed(store, InboxFilter.SNOOZED)) == ([], [f"{PAT}?"])
    late = NOW + 2 * HOUR
    assert (listed(store, now=late), listed(store, InboxFilter.SNOOZED, late)) == ([f"{PAT}?"], [])
    with store.writing() as session:
        with pytest.raises(Invalid):
            inbox.snooze(session, BY, id, NOW)
        inbox.snooze(session, BY, id, NOW + 5 * HOUR)
    wrote(store, config, PAT, "Or in April", NOW + HOUR)
    assert listed(store, now=NOW + HOUR) == [f"{PAT}?"]


def test_a_thread_belongs_to_whoever_the_lead_does(store: Store, config: Config) -> None:
    wrote(store, config, PAT, "Hello")
    assert listed(store, InboxFilter.UNASSIGNED) == [f"{PAT}?"]
    with store.writing() as session:
        assignment.by_hand(session, config, BY, PAT, "bob")
    assert listed(store, InboxFilter.MINE, agent_id=agent_id(store, "bob")) == [f"{PAT}?"]
    assert listed(store, InboxFilter.MINE, agent_id=agent_id(store, "alice")) == []
    assert listed(store, InboxFilter.UNASSIGNED) == []
    with store.writing() as session, pytest.raises(Conflict):
        inbox.give(session, BY, thread_of(session, PAT).id, "alice")


def test_a_resident_has_a_thread_until_they_are_a_lead(store: Store, config: Config) -> None:
    with store.writing() as session:
        maple = session.scalars(select(Property).where(Property.slug == "maple")).one()
        session.add(Contact(number=RESIDENT, kind="resident", name="Rae", property_id=maple.id, created_at=NOW))
    wrote(store, config, RESIDENT, "The sink drips")
    assert listed(store) == [f"{RESIDENT}?"]
    with store.reading() as session:
        [entry] = view.listed(session, NOW)
        found = view.one(session, entry.id)
        assert (found.name, found.lead, found.kind) == ("Rae", None, "resident")
        assert [one.text for one in view.bubbles(session, found)] == ["The sink drips"]
        assert view.listed(session, NOW, reach=Reach(frozenset({maple.id})))
        assert not view.listed(session, NOW, reach=Reach(frozenset({maple.id + 1})))
    with store.writing() as session:
        inbox.give(session, BY, entry.id, "carol")
        messages.send(session, config, BY, RESIDENT, "We send somebody.", agent="alice")
    assert listed(store, InboxFilter.MINE, agent_id=agent_id(store, "carol")) == [RESIDENT]
    with store.writing() as session:
        lead = intake.by_number(session, RESIDENT, NOW)
        inbox.heard(session, NOW, "Another home?", lead_id=lead.id, number=RESIDENT)
    assert listed(store, InboxFilter.ALL) == [f"{RESIDENT}?"], "and only one"


def test_pages_follow_one_another_without_gaps(store: Store, config: Config) -> None:
    with store.writing() as session:
        for number in range(12):
            lead = Lead(created_at=NOW, name=f"Lead {number}")
            session.add(lead)
            session.flush()
            inbox.heard(session, NOW - (number // 2) * HOUR, "Hello", lead_id=lead.id)
            if number % 3 == 0:
                inbox.answered(session, NOW, "Hi", lead_id=lead.id)
    for which in (InboxFilter.OPEN, InboxFilter.UNASSIGNED, InboxFilter.ALL):
        with store.reading() as session:
            whole = [one.id for one in view.listed(session, NOW, which)]
            paged: list[int] = []
            after = None
            while page := view.listed(session, NOW, which, after=after, limit=5):
                paged += [one.id for one in page]
                after = view.cursor_of(page[-1], which)
        assert paged == whole
        assert len(whole) == 12


def test_only_leads_within_reach_are_seen_and_acted_on(store: Store, config: Config) -> None:
    wrote(store, config, PAT, "Hello")
    id = id_of(store, PAT)
    with store.reading() as session:
        maple = session.scalars(select(Property.id).where(Property.slug == "maple")).one()
        other = Reach(frozenset({maple + 1}))
        assert [one.id for one in view.listed(session, NOW, reach=Reach(frozenset({maple})))] == [id]
        assert view.listed(session, NOW, reach=other) == []
        with pytest.raises(NotFound):
            view.one(session, id, other)
    with store.writing() as session:
        for act in (
            lambda: inbox.finish(session, BY, id, other),
            lambda: inbox.wake(session, BY, id, other),
            lambda: inbox.snooze(session, BY, id, NOW + HOUR, other),
            lambda: inbox.save_draft(session, BY, id, DraftWay.TEXT, "Hi", reach=other),
            lambda: inbox.of_lead(session, thread_of(session, PAT).lead_id or 0, other),
        ):
            with pytest.raises(NotFound):
                act()


def test_a_draft_belongs_to_the_thread_and_two_writers_notice_each_other(store: Store, config: Config) -> None:
    wrote(store, config, PAT, "Hello")
    id, bob = id_of(store, PAT), By("bob", NOW)
    with store.writing() as session:
        assert inbox.save_draft(session, BY, id, DraftWay.TEXT, "Hi P") == 1
        assert inbox.save_draft(session, BY, id, DraftWay.TEXT, "Hi Pat", version=1) == 2
    with store.writing() as session, pytest.raises(Conflict):
        inbox.save_draft(session, bob, id, DraftWay.TEXT, "Dear Pat", version=1)
    with store.writing() as session:
        assert inbox.save_draft(session, bob, id, DraftWay.TEXT, "Hi Pat!", version=2) == 3
    with store.reading() as session:
        found = view.one(session, id)
    assert found.has_draft
    assert (found.drafts["text"].body, found.drafts["text"].changed_by) == ("Hi Pat!", "bob")
    with store.writing() as session:
        assert inbox.save_draft(session, bob, id, DraftWay.TEXT, "  ", version=3) == 0
        assert session.scalars(select(InboxDraft)).all() == []


def test_the_same_key_sends_once(store: Store, config: Config) -> None:
    wrote(store, config, PAT, "Hello")
    with store.writing() as session:
        sent = {messages.send(session, config, BY, PAT, "Hi", agent="alice", key="k1").id for _ in range(2)}
    assert len(sent) == 1
    with store.reading() as session:
        assert len(session.scalars(select(Message).where(Message.direction == "out")).all()) == 1


def test_what_the_gate_would_say_is_known_before(store: Store, config: Config) -> None:
    night = NOW + timedelta(hours=12)  # 22:00 in Chicago
    with store.writing() as session:
        free = gatekeeper.foresee(session, config, PAT, NOW)
        held = gatekeeper.foresee(session, config, PAT, night)
        opt_outs.enter(session, PAT, source="keyword", evidence='"STOP"', now=NOW)
        out = gatekeeper.foresee(session, config, PAT, NOW)
        assert session.scalars(select(Message)).all() == [], "nothing is stored"
    assert (free.verdict, free.why, free.until) == (Verdict.SEND, ForecastReason.NOTHING, None)
    assert (held.verdict, held.why) == (Verdict.WAIT, ForecastReason.QUIET)
    assert held.until is not None
    assert held.until > night
    assert (out.verdict, out.why) == (Verdict.BLOCK, ForecastReason.OPTED_OUT)


def test_a_merge_keeps_what_waits_and_undone_both_are_there(store: Store, config: Config) -> None:
    wrote(store, config, PAT, "Hello", NOW - HOUR)
    wrote(store, config, SAM, "Is it free?")
    with store.writing() as session:
        messages.send(session, config, By("alice", NOW - HOUR), PAT, "Hi", agent="alice")
        inbox.save_draft(session, BY, thread_of(session, PAT).id, DraftWay.TEXT, "Hi Pat")
        inbox.save_draft(session, BY, thread_of(session, SAM).id, DraftWay.TEXT, "Hi Sam")
        sam = thread_of(session, SAM).lead_id
    with store.writing() as session:
        merging.merge(session, config, BY, PAT, SAM)
    with store.reading() as session:
        [one] = view.listed(session, NOW)
        assert (one.number, one.is_waiting, one.last_words) == (PAT, True, "Is it free?")
        assert view.one(session, one.id).drafts["text"].body == "Hi Pat"
    with store.writing() as session:
        assert sam is not None
        unmerging.unmerge(session, config, BY, sam)
    assert listed(store) == [f"{SAM}?", PAT]


def test_bubbles_are_what_was_written_said_and_noted(store: Store, config: Config) -> None:
    wrote(store, config, PAT, "Hello", NOW - 3 * HOUR)
    with store.writing() as session:
        messages.send(session, config, By("alice", NOW - 2 * HOUR), PAT, "Hi", agent="alice")
        leads.write_note(session, config, By("bob", NOW - HOUR), PAT, "Likes dogs.")
    with store.reading() as session:
        found = view.one(session, thread_of(session, PAT).id)
        whole = view.bubbles(session, found)
        assert [(one.kind, one.direction, one.who, one.text) for one in whole] == [
            ("text", "in", "", "Hello"),
            ("text", "out", "Alice", "Hi"),
            ("note", "", "bob", "Likes dogs."),
        ]
        assert [one.text for one in view.bubbles(session, found, before=whole[-1].at, limit=1)] == ["Hi"]
