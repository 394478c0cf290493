"""The admin hears that callers are refused, once in a spell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from crm.config import Config
from crm.services.phones import capacity
from crm.services.phones.capacity import RefusedCallers
from crm.store.models import Agent, Mail
from crm.store.session import Store
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office")]


async def test_the_admin_is_told_of_refused_callers_once_in_an_hour(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.execute(update(Agent).where(Agent.slug == "dana").values(email="dana@example.com"))
    for count, minutes in ((3, 0), (250, 20), (251, 61)):
        at = NOW + timedelta(minutes=minutes)
        await store.run(capacity.tell, config, RefusedCallers(count, at, "trunk_calls", "acme"), at)
    with store.reading() as session:
        mails = session.scalars(select(Mail).order_by(Mail.id)).all()
    assert [mail.body.split()[0] for mail in mails] == ["3", "251"]
    assert "limits.trunk_calls" in mails[0].body


def test_what_the_dialplan_counts_is_read_and_nothing_else() -> None:
    at = datetime(2026, 3, 2, 16, tzinfo=UTC)
    value = f"12/{int(at.timestamp())}/caller_calls/trunk-acme"
    assert capacity.refused(value) == RefusedCallers(12, at, "caller_calls", "acme")
    assert [capacity.refused(odd) for odd in ("", "12", "1/2/3/4", value + "\n", "x" + value)] == [None] * 5
