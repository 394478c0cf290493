"""Who is called about a voicemail, and when, on real databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.calls import CallArrived, CallEnded, DeskChosen, EndedBy, VoicemailLeft
from crm.domain.escalation import EscalationGroup, next_turn
from crm.domain.route_inputs import DeskKind
from crm.services import tasks
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.voicemail import escalations, mailboxes
from crm.services.voicemail.escalations import Due, claim
from crm.store.models import Activity, Agent, Hours, Lead, LeadPhone, Mail, Property, Task, Voicemail
from crm.store.session import Store

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
LATER = NOW + timedelta(minutes=6)
MAPLE, CALLER = "+15125550100", "+15125550177"
BY = By("tests", NOW)


async def left(store: Store, config: Config, call_id: str = "c1", mailbox: str = "") -> None:
    for fact in (
        CallArrived(f"{call_id}/a", call_id, NOW, MAPLE, CALLER),
        VoicemailLeft(f"{call_id}/m", call_id, NOW, f"{call_id}.wav", 12, mailbox),
        CallEnded(f"{call_id}/e", call_id, NOW, EndedBy.CALLER),
    ):
        await store.run(ledger.record, config, fact, NOW)


async def agent_of_lead(store: Store, slug: str) -> None:
    with store.writing() as session:
        agent = session.scalars(select(Agent).where(Agent.slug == slug)).one()
        session.add(
            Lead(status="new", created_at=NOW, phones=[LeadPhone(number=CALLER)], interests=[], assigned_agent=agent)
        )


async def turns(store: Store, config: Config, count: int = 5) -> list[tuple[str, tuple[str, ...]]]:
    """Who has their turn, one after the other."""
    found = []
    at = LATER
    for _ in range(count):
        if due := await store.run(claim, config, at):
            found.append((due.turn.group.value, due.turn.agents))
        at += timedelta(minutes=6)
    return found


async def test_the_leads_agent_then_the_subteam_then_everyone_each_once(store: Store, config: Config) -> None:
    await agent_of_lead(store, "carol")
    await left(store, config)
    assert await store.run(claim, config, NOW + timedelta(minutes=4)) is None
    assert await turns(store, config) == [
        ("agent", ("carol",)),
        ("subteam", ("alice", "bob")),
        ("everyone", ("alice", "bob", "carol", "dana")),
    ]
    with store.reading() as session:
        told = session.scalars(select(Activity.text).where(Activity.kind == "Voicemail").order_by(Activity.at)).all()
    assert told == [
        f"Nobody had taken their voicemail, so {who} were called about it."
        for who in ("carol", "alice, bob", "alice, bob, carol, dana")
    ]


async def test_an_emergency_is_called_about_at_once_but_not_before_whoever_left_it_has_hung_up(
    store: Store, config: Config
) -> None:
    for fact in (
        CallArrived("c1/a", "c1", NOW, MAPLE, CALLER),
        DeskChosen("c1/d", "c1", NOW, DeskKind.MAINTENANCE.value),
        VoicemailLeft("c1/m", "c1", NOW, "c1.wav", 12, "agent:bob"),
    ):
        await store.run(ledger.record, config, fact, NOW)
    assert await store.run(claim, config, NOW + timedelta(seconds=3)) is None
    await store.run(ledger.record, config, CallEnded("c1/e", "c1", NOW, EndedBy.CALLER), NOW)
    due = await store.run(claim, config, NOW + timedelta(seconds=6))
    assert due
    assert (due.turn.group, due.turn.agents) == (EscalationGroup.AGENT, ("bob",))


async def test_a_colleagues_own_mailbox_begins_with_them(store: Store, config: Config) -> None:
    await left(store, config, mailbox="agent:bob")
    assert await turns(store, config) == [("agent", ("bob",)), ("everyone", ("alice", "bob", "carol", "dana"))]


async def test_who_is_off_duty_is_not_called_and_in_the_end_the_admin_is_told(store: Store, config: Config) -> None:
    with store.writing() as session:
        for agent in session.scalars(select(Agent)):
            agent.on_duty = False
            agent.email = f"{agent.slug}@example.com"
    await left(store, config)
    assert await turns(store, config) == []
    with store.reading() as session:
        mail = session.scalars(select(Mail)).one()
        assert session.get_one(Voicemail, "c1").escalate_at is None
    assert mail.to_address == "dana@example.com"
    assert mail.body.startswith("Nobody has taken the voicemail for Maple Court from (512) 555-0177")


@pytest.mark.parametrize("how", ["taken", "heard", "deleted", "done"])
async def test_it_stops_when_the_message_is_taken_heard_or_deleted_or_the_task_done(
    store: Store, config: Config, how: str
) -> None:
    await left(store, config)
    assert await store.run(claim, config, LATER)
    if how == "taken":
        await store.run(mailboxes.take, BY, "c1", "alice")
    elif how == "heard":
        await store.run(mailboxes.heard, "c1", NOW)
    elif how == "deleted":
        await store.run(mailboxes.delete, BY, "c1")
    else:
        with store.reading() as session:
            task = session.scalars(select(Task)).one()
        await store.run(tasks.finish, BY, task.id, "Talked to them.")
    assert await turns(store, config) == []


@pytest.mark.both_databases
async def test_two_workers_never_call_the_same_group(store: Store, config: Config) -> None:
    await left(store, config, "c1")
    await left(store, config, "c2")
    found = await asyncio.gather(*(store.run(claim, config, LATER) for _ in range(4)))
    assert sorted(due.voicemail_id for due in found if due) == ["c1", "c2"]


async def test_a_turn_is_not_repeated_after_the_app_died_in_it(store: Store, config: Config) -> None:
    await left(store, config)
    first = await store.run(claim, config, LATER)
    assert isinstance(first, Due)
    # Whoever claimed it is dead. Nobody is called anew at once; the next group is, when it is due.
    assert await store.run(claim, config, LATER) is None
    second = await store.run(claim, config, LATER + timedelta(minutes=6))
    assert second
    assert second.turn.number > first.turn.number


async def test_when_none_of_a_group_can_be_rung_the_next_one_does_not_wait(store: Store, config: Config) -> None:
    await left(store, config)
    first = await store.run(claim, config, LATER)
    assert first
    await store.run(escalations.nobody_there, "c1", LATER)
    second = await store.run(claim, config, LATER)
    assert second
    assert second.turn.number > first.turn.number


async def test_when_the_office_is_closed_it_waits_for_the_opening(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.add(Hours(weekday=1, opens="09:00", closes="17:00"))
    await left(store, config)
    opens = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
    assert await store.run(claim, config, opens - timedelta(minutes=1)) is None
    assert await store.run(claim, config, opens)
    always = msgspec.structs.replace(config, escalation=msgspec.structs.replace(config.escalation, when_closed=True))
    await left(store, always, "c2")
    due = await store.run(claim, always, LATER)
    assert due
    assert due.voicemail_id == "c2"


async def test_it_can_be_switched_off_for_all_and_for_a_property(store: Store, config: Config) -> None:
    off = msgspec.structs.replace(config, escalation=msgspec.structs.replace(config.escalation, first_minutes=0))
    await left(store, off, "c1")
    with store.writing() as session:
        session.scalars(select(Property)).one().escalates = False
    await left(store, config, "c2")
    assert await turns(store, config) == []
    with store.writing() as session:
        session.scalars(select(Property)).one().escalates = True
    await left(store, config, "c3")
    with store.writing() as session:
        session.scalars(select(Property)).one().escalates = False
    assert await turns(store, config) == [], "switched off while it waits"


def test_groups_with_nobody_on_duty_are_passed_over() -> None:
    turn = next_turn(0, agent="alice", subteam=["bob"], everyone=["bob", "carol"], on_duty=["carol"])
    assert turn
    assert (turn.group, turn.agents, turn.number) == (EscalationGroup.EVERYONE, ("carol",), 3)
    assert next_turn(3, agent="alice", subteam=[], everyone=["alice"], on_duty=["alice"]) is None
