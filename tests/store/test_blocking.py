"""The block list in the database: what goes on it, and who is spared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete

from crm.config import Config
from crm.domain.blocking import BlockDecision
from crm.domain.calls import CallArrived, CallEnded, CallerBlocked, EndedBy, LegRang, TalkStarted
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import Happened
from crm.edge import numbers
from crm.edge.carrier import IncomingText
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.people import blocking, timeline
from crm.services.people.blocking import LastCaller
from crm.services.texts import messages
from crm.store.models import Call, Contact, EmergencyCall, Lead, LeadPhone, Message, Task
from crm.store.queries import calls, leads
from crm.store.session import Store
from crm.views import blocking as views
from tests.store import rows
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

CALLER, LINE = "+15125550123", "+15125550100"
BY = By("tests", NOW)


async def verdict(store: Store, config: Config, caller: str | None = CALLER, did: str = LINE) -> BlockDecision:
    return await store.read(
        blocking.verdict, config, caller=caller, is_withheld=caller is None, did=did, attestation="", now=NOW
    )


async def talked(store: Store, config: Config, agent: str = "alice") -> None:
    """The caller came through to an agent, which makes them a lead in progress."""
    for fact in (
        CallArrived("c/1", "c", NOW, did=LINE, caller=CALLER),
        LegRang("c/2", "c", NOW, "c-leg-a", f"{agent}-desk", agent, "subteam"),
        TalkStarted("c/3", "c", NOW, "c-leg-a"),
        CallEnded("c/4", "c", NOW + timedelta(minutes=1), by=EndedBy.CALLER),
    ):
        await store.run(ledger.record, config, fact, NOW)


async def test_entries_are_added_listed_and_removed(store: Store, config: Config) -> None:
    assert await store.run(blocking.add, config, BY, "(512) 555-0123", why="robocalls") == CALLER
    assert await store.run(blocking.add, config, BY, "900*", is_silent=True) == "+1900*"
    assert await store.run(blocking.add, config, BY, "withheld") == "withheld"
    rows = [(row.kind, row.value, row.refusal, row.why) for row in await store.read(views.callers)]
    assert rows == [
        ("number", CALLER, "spoken", "robocalls"),
        ("prefix", "+1900", "silent", ""),
        ("withheld", "", "spoken", ""),
    ]
    assert (await verdict(store, config)).is_blocked
    assert (await verdict(store, config, None)).is_blocked
    with pytest.raises(Conflict):
        await store.run(blocking.add, config, BY, CALLER)
    await store.run(blocking.remove, config, BY, CALLER)
    assert not (await verdict(store, config)).is_blocked
    with pytest.raises(NotFound):
        await store.run(blocking.remove, config, BY, CALLER)
    with pytest.raises(Invalid):
        await store.run(blocking.add, config, BY, LINE)


async def test_pain_16_whom_the_office_called_or_texted_is_neither_listed_nor_blocked(
    store: Store, config: Config
) -> None:
    await store.run(blocking.add, config, BY, "+1512555*")
    assert (await verdict(store, config)).is_blocked
    with store.writing() as session:
        session.add(Call(id="ours", direction="out", did=LINE, caller=CALLER, started_at=NOW))
        session.add(
            Message(
                key="a",
                purpose="agent",
                to_number="+15125550124",
                from_number=LINE,
                body="Hi",
                state="sent",
                created_at=NOW,
            )
        )
    for number in (CALLER, "+15125550124"):
        assert not (await verdict(store, config, number)).is_blocked
        with pytest.raises(Conflict):
            await store.run(blocking.add, config, BY, number, close_lead=True)


async def test_pain_16_a_lead_in_progress_gets_through_until_it_is_closed(store: Store, config: Config) -> None:
    await store.run(blocking.add, config, BY, "+1512555*")
    await talked(store, config)
    decision = await verdict(store, config)
    assert decision.spared == "their lead is in progress"
    with pytest.raises(Conflict, match="their lead is in progress"):
        await store.run(blocking.add, config, BY, CALLER)
    await store.run(blocking.add, config, BY, CALLER, close_lead=True)
    assert (await verdict(store, config)).is_blocked


async def test_pain_16_whoever_has_an_open_task_gets_through(store: Store, config: Config) -> None:
    await store.run(blocking.add, config, BY, "+1512555*")
    with store.writing() as session:
        lead = Lead(status="new", created_at=NOW, phones=[LeadPhone(number=CALLER)], interests=[], assigned_agent=None)
        session.add(lead)
        session.flush()
        task = Task(key="t", kind="call_back", owner_id=1, lead_id=lead.id, why="", due_at=NOW, created_at=NOW)
        session.add(task)
    assert (await verdict(store, config)).spared == "a task is open for them"


async def test_after_an_emergency_call_nobody_is_blocked_on_its_callback_number(store: Store, config: Config) -> None:
    await store.run(blocking.add, config, BY, "withheld")
    with store.writing() as session:
        session.add(
            EmergencyCall(
                id="e",
                dialled="911",
                device="alice-desk",
                agent="alice",
                address="",
                callback_number=LINE,
                started_at=NOW,
            )
        )
    assert not (await verdict(store, config, None)).is_blocked
    assert (await verdict(store, config, None, "+15125550101")).is_blocked


async def last_caller(store: Store, config: Config) -> LastCaller:
    return await store.read(blocking.last_caller, config, "alice", NOW)


async def test_the_last_caller_is_named_and_blocked_by_phone(store: Store, config: Config) -> None:
    assert (await last_caller(store, config)).say == "Nobody has called you from outside yet."
    await talked(store, config)
    asked = await last_caller(store, config)
    spoken = numbers.speak(CALLER, config.region)
    assert asked.number == CALLER
    assert asked.say == f"The last caller was {spoken}. To block this number and close its lead, press 1."
    assert not (await verdict(store, config)).is_blocked
    assert await store.run(blocking.block_caller, config, BY, CALLER) == f"{spoken} is blocked."
    assert (await verdict(store, config)).is_blocked
    assert "is already blocked" in (await last_caller(store, config)).say
    assert await store.run(blocking.block_caller, config, BY, CALLER) == "The number is already blocked."
    with store.reading() as session:
        lead = leads.by_phone(session, CALLER)
    assert lead
    assert lead.status == "closed"


async def test_a_lead_that_nobody_has_talked_with_is_closed_as_the_question_says(store: Store, config: Config) -> None:
    for fact in (
        CallArrived("c/1", "c", NOW, did=LINE, caller=CALLER),
        LegRang("c/2", "c", NOW, "c-leg-a", "alice-desk", "alice", "subteam"),
        CallEnded("c/3", "c", NOW, by=EndedBy.CALLER),
    ):
        await store.run(ledger.record, config, fact, NOW)
    with store.writing() as session:
        [task] = rows.tasks(session)
        task.done_at = NOW
    assert "and close its lead" in (await last_caller(store, config)).say
    await store.run(blocking.block_caller, config, BY, CALLER)
    with store.reading() as session:
        found = leads.by_phone(session, CALLER)
    assert found
    assert found.status == "closed"


async def test_whoever_is_known_is_not_blocked_by_phone(store: Store, config: Config) -> None:
    """Neither when the agent asks, nor when it is learned between the question and the key."""
    await talked(store, config)

    async def refused(because: str) -> None:
        asked = await last_caller(store, config)
        assert (because in asked.say, asked.number) == (True, "")
        assert because in await store.run(blocking.block_caller, config, BY, CALLER)
        assert await store.read(views.callers) == []

    with store.writing() as session:
        lead = leads.by_phone(session, CALLER)
        assert lead
        timeline.enter(session, lead.id, Happened.FORM, "Asked about a home.", NOW, key="form")
    await refused("it is a lead")
    with store.writing() as session:
        timeline.withdraw(session, "form")
    assert (await last_caller(store, config)).number == CALLER
    with store.writing() as session:
        lead = leads.by_phone(session, CALLER)
        assert lead
        lead.name = "Dana Reyes"
    assert "Dana Reyes, " in (await last_caller(store, config)).say
    await refused("it is a lead")
    with store.writing() as session:
        session.add(Contact(number=CALLER, kind="vendor", name="Ace Plumbing", created_at=NOW))
    assert "Ace Plumbing, " in (await last_caller(store, config)).say
    await refused("it belongs to a known vendor")
    with store.writing() as session:
        session.add(Call(id="ours", direction="out", did=LINE, caller=CALLER, started_at=NOW))
        session.execute(delete(Contact))
    await refused("the office itself has called or texted it")


async def test_a_blocked_call_of_a_closed_lead_is_in_its_timeline_and_does_not_reopen_it(
    store: Store, config: Config
) -> None:
    await talked(store, config)
    await store.run(blocking.add, config, BY, CALLER, close_lead=True)
    for fact in (
        CallArrived("d/1", "d", NOW, did=LINE, caller=CALLER),
        CallerBlocked("d/2", "d", NOW, entry=CALLER),
        CallEnded("d/3", "d", NOW, by=EndedBy.SYSTEM),
    ):
        await store.run(ledger.record, config, fact, NOW)
    with store.reading() as session:
        lead = leads.by_phone(session, CALLER)
        assert lead
        timeline = rows.timeline(session, lead.id)
        call = calls.by_id(session, "d")
    assert call
    assert (call.outcome, lead.status) == ("blocked", "closed")
    assert "was turned away" in timeline[-1].text


async def test_a_text_of_a_blocked_number_bothers_nobody_and_stop_is_obeyed(store: Store, config: Config) -> None:
    await store.run(blocking.add, config, BY, CALLER)

    async def text(id: str, body: str) -> None:
        incoming = IncomingText("sip", id, CALLER, LINE, body, datetime(2026, 3, 2, 15, 59, tzinfo=UTC))
        await store.run(messages.receive, config, incoming, NOW)

    await text("1", "Lose weight now")
    with store.reading() as session:
        assert leads.by_phone(session, CALLER) is None
        assert session.get(Task, 1) is None
        assert (session.get(Message, 1)) is not None
    await text("2", "STOP")
    with store.reading() as session:
        assert messages.ledger.in_force(session, CALLER)
