"""The trunk of a demo call to an office that is no demo."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.dialing import LOOPBACK_TRUNK
from crm.secrets import Secrets, of_trunk
from crm.services.audit import By
from crm.services.outbox import texts
from crm.services.phones import loopback, publish
from crm.store.models import Call, Trunk
from crm.store.session import Store

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("tests", datetime(2026, 3, 2, 16, tzinfo=UTC))


@pytest.fixture
def secrets(config: Config) -> Secrets:
    return Secrets(config.secrets_file)


async def test_it_is_made_taken_over_and_removed_with_its_password(
    store: Store, config: Config, secrets: Secrets
) -> None:
    passwords = []
    for _ in range(2):
        await store.run(loopback.put, secrets, BY, 27310)
        passwords.append(secrets.get(of_trunk(LOOPBACK_TRUNK)))
    assert passwords[0] != passwords[1], "what was left behind is of no use any more"
    with store.writing() as session:
        session.add(Call(id="c1", direction="in", did="", trunk=LOOPBACK_TRUNK, caller="", started_at=BY.now))
    assert await store.run(loopback.clear, secrets, BY)
    for _ in range(2):
        await store.run(loopback.put, secrets, BY, 27311)
        with store.reading() as session:
            again = session.scalars(select(Trunk).where(Trunk.slug == LOOPBACK_TRUNK)).one()
        assert (again.enabled, again.port, again.outbound, again.emergency) == (True, 27311, False, False)
        assert await store.run(loopback.clear, secrets, BY)
    assert not await store.run(loopback.clear, secrets, BY)
    assert not secrets.has(of_trunk(LOOPBACK_TRUNK))
    with store.reading() as session:
        assert session.scalars(select(Trunk).where(Trunk.slug == LOOPBACK_TRUNK)).all() == []


async def test_nothing_goes_out_by_it_even_where_there_is_no_other(
    store: Store, config: Config, secrets: Secrets
) -> None:
    with store.writing() as session:
        for trunk in session.scalars(select(Trunk)):
            session.delete(trunk)
    await store.run(loopback.put, secrets, BY, 27310)
    with store.reading() as session:
        setup = publish._office(session, config, secrets, BY.now)
        assert setup.emergency_trunks == ()
        assert [peer.name for peer in setup.peers] == [LOOPBACK_TRUNK]
        assert texts.ways(session, config) == []
