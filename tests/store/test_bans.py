"""The list of addresses whose SIP is dropped: it ends by itself, grows longer, and never holds a trunk."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from crm.config import Config
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.services.audit import By
from crm.services.phones import bans
from crm.store.models import Trunk
from crm.store.session import Store
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

GUESSER, CARRIER = "203.0.113.9", "198.51.100.7"
BY = By("tests", NOW)


@pytest.fixture
async def carrier(office: None, store: Store) -> None:
    with store.writing() as session:
        session.add(Trunk(slug="acme", host="sip.acme.example", auth="address", addresses=[f"{CARRIER}/32"]))


async def dropped(store: Store, config: Config, minutes: float = 0) -> list[str]:
    return await store.read(bans.addresses, config, NOW + timedelta(minutes=minutes))


def with_office(config: Config, network: str) -> Config:
    return msgspec.structs.replace(config, sip=msgspec.structs.replace(config.sip, local_network=network))


@pytest.mark.usefixtures("carrier")
async def test_who_guesses_is_dropped_for_a_time_and_then_for_longer(store: Store, config: Config) -> None:
    office = with_office(config, "192.0.2.0/24")
    await store.run(bans.ban_guessers, office, [GUESSER, CARRIER, "192.0.2.4", "10.1.2.3"], NOW)
    assert await dropped(store, config) == [GUESSER]
    assert await dropped(store, config, minutes=2.1) == []
    again = NOW + timedelta(minutes=5)
    [second] = await store.run(bans.ban_guessers, office, [GUESSER], again)
    assert (second.times, second.until) == (2, again + timedelta(minutes=12))
    assert await store.run(bans.ban_guessers, office, [GUESSER], again) == []
    later = NOW + timedelta(days=2)
    [third] = await store.run(bans.ban_guessers, office, [GUESSER], later)
    assert third.times == 1


async def test_there_are_never_more_than_asterisk_is_to_compare_with(
    store: Store, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bans, "MOST", 3)
    await store.run(bans.add, config, BY, "203.0.113.200", until=None)
    for number in range(5):
        await store.run(bans.ban_guessers, config, [f"203.0.113.{number}"], NOW + timedelta(seconds=number))
    assert await dropped(store, config, minutes=0.1) == ["203.0.113.200", "203.0.113.3", "203.0.113.4"]


@pytest.mark.usefixtures("carrier")
async def test_what_somebody_bans_by_hand(store: Store, config: Config) -> None:
    await store.run(bans.add, config, BY, "203.0.113.0/24", until=None, why="scanner")
    assert await dropped(store, config, minutes=60 * 24 * 400) == ["203.0.113.0/24"]
    with pytest.raises(Conflict):
        await store.run(bans.add, config, BY, "203.0.113.0/24", until=None)
    for ours in (CARRIER, "198.51.0.0/16", "127.0.0.1", "192.168.0.0/16"):
        with pytest.raises(Invalid, match="trunk's or the office's"):
            await store.run(bans.add, config, BY, ours, until=None)
    await store.run(bans.remove, BY, "203.0.113.0/24")
    with pytest.raises(NotFound):
        await store.run(bans.remove, BY, "203.0.113.0/24")


@pytest.mark.usefixtures("carrier")
async def test_a_trunk_that_came_later_is_heard_at_once(store: Store, config: Config) -> None:
    await store.run(bans.add, config, BY, GUESSER, until=None)
    with store.writing() as session:
        session.add(Trunk(slug="late", host=GUESSER, auth="digest", addresses=[]))
    assert await dropped(store, config) == []


async def test_the_office_s_network_is_heard_as_soon_as_the_settings_name_it(store: Store, config: Config) -> None:
    await store.run(bans.add, config, BY, GUESSER, until=None)
    await store.run(bans.add, config, BY, "192.0.2.7", until=None)
    assert await dropped(store, config) == ["192.0.2.7", GUESSER]
    assert await dropped(store, with_office(config, "203.0.113.0/24")) == ["192.0.2.7"]
