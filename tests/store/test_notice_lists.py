"""What agents were told of stands in a list of their own, whether or not they have a mobile or an address."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.errors import NotFound
from crm.services import assignment
from crm.services.audit import By
from crm.services.outbox import notices
from crm.services.people import leads
from crm.store.models import Agent
from crm.store.session import Store
from crm.views import notices as views
from crm.views.notices import NoticeEntry
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office")]

BY = By("dana", NOW)


def tell(store: Store, config: Config, key: str, *agents: str, text: str = "A new text.", days_ago: int = 0) -> None:
    with store.writing() as session:
        told = session.scalars(select(Agent).where(Agent.slug.in_(agents))).all()
        notices.tell(session, config, told, key, "A subject", text, NOW - timedelta(days=days_ago))


def listed(store: Store, agent: str | None = None, **how: bool) -> list[NoticeEntry]:
    with store.reading() as session:
        return views.listed(session, agent, **how)


async def test_each_is_told_once_however_often_the_cause_comes(store: Store, config: Config) -> None:
    tell(store, config, "text:1", "alice", "bob")
    tell(store, config, "text:1", "alice", "bob", "carol")
    assert sorted((one.agent, one.text) for one in listed(store)) == [
        (agent, "A new text.") for agent in ("alice", "bob", "carol")
    ]


async def test_what_was_read_is_read_for_that_agent_alone(store: Store, config: Config) -> None:
    tell(store, config, "text:1", "alice", "bob")
    tell(store, config, "text:2", "alice")
    first = min(one.id for one in listed(store, "alice"))
    with store.writing() as session:
        assert notices.read(session, BY, "alice", [first]) == 1
    assert len(listed(store, "alice", unread=True)) == 1
    with store.writing() as session:
        assert notices.read(session, BY, "alice") == 1
        assert notices.read(session, BY, "alice") == 0
    assert listed(store, "alice", unread=True) == []
    assert len(listed(store, "bob", unread=True)) == 1
    with pytest.raises(NotFound, match="has no notice"), store.writing() as session:
        notices.read(session, BY, "bob", [first])
    with pytest.raises(NotFound, match="no agent zoe"), store.writing() as session:
        notices.read(session, BY, "zoe")


async def test_a_lead_that_is_given_away_is_in_both_lists_with_whom_it_is_about(store: Store, config: Config) -> None:
    with store.writing() as session:
        lead, _ = leads.add(session, config, BY, name="Pat")
        lead_id = lead.id
    with store.writing() as session:
        assignment.by_hand(session, config, BY, str(lead_id), "alice")
    with store.writing() as session:
        assignment.by_hand(session, config, BY, str(lead_id), "bob")
    assert [(one.agent, one.lead) for one in listed(store, "alice")] == [("alice", lead_id)] * 2
    assert [(one.agent, one.lead) for one in listed(store, "bob")] == [("bob", lead_id)]


async def test_old_ones_are_forgotten(store: Store, config: Config) -> None:
    tell(store, config, "text:1", "alice", days_ago=91)
    tell(store, config, "text:2", "alice", days_ago=89)
    with store.writing() as session:
        assert notices.forget(session, NOW) == 1
    assert len(listed(store)) == 1


async def test_nothing_of_what_people_write_moves_a_terminal(store: Store, config: Config) -> None:
    tell(store, config, "text:1", "alice", text="Hello\x1b[31m\x00 there")
    [one] = listed(store)
    assert one.text.isprintable()
