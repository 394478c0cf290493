"""What Asterisk is told of lamps, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from ari_app.edge import events
from ari_app.edge.errors import AsteriskUnreachable
from ari_app.workers import message_lamps
from ari_app.workers.lamps import BusyLamps, Lamps
from ari_app.workers.message_lamps import MessageLamps
from crm import worker as workers
from crm.config import Config
from crm.domain.calls import CallArrived, CallEnded, EndedBy, VoicemailLeft
from crm.services.calls import ledger
from crm.services.voicemail.mailboxes import Lamp
from crm.store.models import Agent, Device, Property
from crm.store.session import Store
from crm.worker import Troubles
from tests.store.conftest import NOW, crm_at
from tests.waiting import until

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]


class FakeClient:
    """Asterisk as far as lamps go: remembers what it was told."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.told: list[tuple[str, str]] = []
        self.fails = False
        self.unset: dict[str, asyncio.Queue[events.Event]] = {}
        """Channels that are setting a lamp, by id."""
        self.holds: list[str] = []
        """Those of them that are not done yet, where `is_slow`."""
        self.is_slow = False

    def subscribe(self, channel_id: str) -> asyncio.Queue[events.Event]:
        self.unset[channel_id] = asyncio.Queue()
        return self.unset[channel_id]

    def unsubscribe(self, channel_id: str, events_of_it: asyncio.Queue[events.Event]) -> None:
        assert self.unset.pop(channel_id) is events_of_it

    def is_done(self, channel_id: str) -> None:
        channel = events.Channel(channel_id, "", "Down", events.CallerID("", ""), events.DialplanCEP("", "", 0))
        self.unset[channel_id].put_nowait(events.ChannelDestroyed(channel, 16))

    async def set_device_state(self, device: str, state: str) -> None:
        if self.fails:
            raise AsteriskUnreachable("Asterisk does not answer")
        self.told.append((device.rpartition("-")[2], state))

    async def post(self, path: str, body: dict[str, dict[str, str]], **query: str) -> None:
        values = body["variables"]
        self.told.append((values["LL_AGENT"], f"{values['LL_NEW']}/{values['LL_OLD']}"))
        if self.is_slow:
            self.holds.append(query["channelId"])
        else:
            self.is_done(query["channelId"])


@asynccontextmanager
async def kept(store: Store, config: Config, lamps: Lamps[Any], troubles: Troubles) -> AsyncIterator[None]:
    task = asyncio.create_task(workers.keep(crm_at(config, store), lamps, troubles))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_messages_are_told_once_more_at_a_connection_and_when_they_change(
    store: Store, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_lamps, "AGAIN_SECONDS", 0.05)
    client = FakeClient()
    lamps = MessageLamps(client)  # type: ignore[arg-type]
    everybody = [(name, "0/0") for name in ("alice", "bob", "carol", "dana")]
    async with kept(store, config, lamps, Troubles(lambda: NOW)):
        client.connected.set()
        lamps.forget()
        await until(lambda: sorted(client.told) == sorted(everybody * 2))
        with store.writing() as session:
            session.add(Agent(slug="erin", name="Erin"))
        await until(lambda: client.told[8:] == [("erin", "0/0")] * 2)
        assert await store.read(lamps.due, NOW, ()) is None


async def test_who_hears_a_property_s_messages_from_now_on_has_them_on_the_lamp(
    store: Store, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing but being told brings it up in time.
    monkeypatch.setattr(workers, "CLOCK_SECONDS", 3600.0)
    for fact in (
        CallArrived("c/a", "c", NOW, "+15125550100", "+15125550171"),
        VoicemailLeft("c/m", "c", NOW, "c.wav", 12, mailbox="property:maple"),
        CallEnded("c/e", "c", NOW, EndedBy.CALLER),
    ):
        await store.run(ledger.record, config, fact, NOW)
    client = FakeClient()
    client.connected.set()
    async with kept(store, config, MessageLamps(client), Troubles(lambda: NOW)):  # type: ignore[arg-type]
        await until(lambda: dict(client.told) == {"alice": "1/0", "bob": "1/0", "carol": "0/0", "dana": "0/0"})
        with store.writing() as session:
            session.execute(update(Property).values(subteam_id=None))
        await until(lambda: dict(client.told) == {"alice": "0/0", "bob": "0/0", "carol": "0/0", "dana": "1/0"})


async def test_the_next_state_of_a_lamp_waits_until_it_shows_this_one() -> None:
    """Each is set by a channel of its own, and the second could overtake the first."""
    client = FakeClient()
    client.is_slow = True
    telling = asyncio.create_task(MessageLamps(client).work({"alice": Lamp(1, 0), "bob": Lamp(0, 0)}))  # type: ignore[arg-type]
    await until(lambda: len(client.holds) == 2)
    client.is_done(client.holds[0])
    await asyncio.sleep(0)
    assert not telling.done()
    client.is_done(client.holds[1])
    await telling
    assert client.unset == {}


async def test_dnd_is_told_when_it_begins_and_when_it_ends_by_itself(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.execute(update(Agent).where(Agent.slug == "alice").values(extension="101"))
    client, troubles = FakeClient(), Troubles(lambda: NOW)
    lamps = BusyLamps(client)  # type: ignore[arg-type]
    async with kept(store, config, lamps, troubles):
        client.connected.set()
        lamps.forget()
        await until(lambda: client.told == [("101", "INVALID")])
        ends = NOW + timedelta(hours=1)
        with store.writing() as session:
            session.execute(update(Device).where(Device.slug == "alice-desk").values(dnd=True, dnd_until=ends))
        await until(lambda: client.told[1:] == [("101", "BUSY")])
        assert await store.read(lamps.due, NOW, ()) == ends
        assert await store.read(lamps.due, ends, ()) == ends
        client.connected.clear()
        assert await store.read(lamps.due, ends, ()) is None
        assert troubles.found == {}


async def test_what_asterisk_was_not_told_is_told_later_and_shows_meanwhile(
    store: Store, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "RETRY_SECONDS", 0.05)
    with store.writing() as session:
        session.execute(update(Agent).where(Agent.slug == "alice").values(extension="101"))
    client, troubles = FakeClient(), Troubles(lambda: NOW)
    client.fails = True
    lamps = BusyLamps(client)  # type: ignore[arg-type]
    client.connected.set()
    async with kept(store, config, lamps, troubles):
        await until(lambda: "busy lamps" in troubles.found)
        assert troubles.found["busy lamps"].what == "Asterisk does not answer"
        client.fails = False
        await until(lambda: client.told == [("101", "INVALID")] and not troubles.found)
