"""A phone that forwards its calls by itself: its agent is told once, and again only after it has been off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from crm.config import Config
from crm.domain.calls import CallArrived, DialStatus, Fact, LegEnded, LegRang
from crm.services.calls import ledger
from crm.services.office import owners
from crm.store.models import Agent, Device, Mail
from crm.store.session import Store

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


async def rang(store: Store, config: Config, number: int, status: DialStatus, *, forwards: bool = False) -> None:
    """A call in which alice's phone rang and stopped."""
    call_id, leg_id, at = f"c{number}", f"c{number}-leg-alice-desk-1", NOW + timedelta(minutes=number)
    facts: list[Fact] = [
        CallArrived(f"{call_id}/1", call_id, at, did="+15125550100", caller="+15125550123", trunk="carrier"),
        LegRang(f"{call_id}/2", call_id, at, leg_id, "alice-desk", "alice", "subteam"),
        LegEnded(f"{call_id}/3", call_id, at, leg_id, status, forwards=forwards),
    ]
    await store.run(ledger.record_all, config, facts, at)
    await store.run(ledger.record_all, config, facts, at)


async def told(store: Store) -> list[str]:
    with store.reading() as session:
        mails = session.scalars(select(Mail).order_by(Mail.id))
        return [f"{mail.to_address}: {mail.subject}" for mail in mails]


async def since(store: Store) -> datetime | None:
    with store.reading() as session:
        return session.scalar(select(Device.forwards_since).where(Device.slug == "alice-desk"))


@pytest.fixture
async def config(store: Store, config: Config) -> Config:
    with store.writing() as session:
        session.execute(update(Agent).where(Agent.slug == "alice").values(email="alice@example.com"))
    return config


async def test_it_is_told_once_for_all_calls_until_the_phone_is_answered_again(store: Store, config: Config) -> None:
    once = "alice@example.com: alice-desk forwards its calls"
    await rang(store, config, 1, DialStatus.BUSY, forwards=True)
    await rang(store, config, 2, DialStatus.BUSY, forwards=True)
    await rang(store, config, 3, DialStatus.NOANSWER)
    assert await told(store) == [once]
    assert await since(store) == NOW + timedelta(minutes=1)
    await rang(store, config, 4, DialStatus.ANSWER)
    assert await since(store) is None
    await rang(store, config, 5, DialStatus.BUSY, forwards=True)
    assert await told(store) == [once, once]


async def test_a_phone_that_only_declines_is_not_taken_for_one(store: Store, config: Config) -> None:
    await rang(store, config, 1, DialStatus.BUSY)
    assert (await told(store), await since(store)) == ([], None)


async def test_whoever_cannot_be_told_has_the_admin_told(store: Store, config: Config) -> None:
    with store.writing() as session:
        bob = select(Agent.id).where(Agent.slug == "bob").scalar_subquery()
        session.execute(update(Agent).values(email=""))
        session.execute(update(Device).where(Device.slug == "alice-desk").values(agent_id=bob))
        owners.admin(session).email = "office@example.com"
    await rang(store, config, 1, DialStatus.BUSY, forwards=True)
    assert await told(store) == ["office@example.com: alice-desk forwards its calls"]
