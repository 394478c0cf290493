"""Emergency calls as Asterisk logs them become a record, and the office is told once."""

from __future__ import annotations

import base64
import csv
import json
import os
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from crm.config import Config
from crm.domain.errors import Conflict, NotFound
from crm.domain.route_inputs import EmergencyFacts
from crm.services.audit import By
from crm.services.calls import spool
from crm.services.phones import emergencies
from crm.services.phones.emergencies import EmergencyNotifier
from crm.services.routing.arrivals import Arrival
from crm.services.routing.routes import PhonesNow
from crm.services.routing.welcome import welcome
from crm.store.models import Agent, Call, CallEvent, Device, EmergencyCall, Lead, LeadPhone, Mail, Message
from crm.store.session import Store
from crm.views import emergencies as views
from crm.views.emergencies import EmergencyEntry
from tests.store.conftest import crm_at

pytestmark = pytest.mark.store

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
T = int(NOW.timestamp())
CALL = "ll123456-1772460000.7"
ADDRESS = "100 Elm Street, floor 2; «back» office"
STARTED = f"{CALL} started {T} 911 alice-desk +15125550100 {base64.b64encode(ADDRESS.encode()).decode()}"
ENDED = f"{CALL} ended {T + 60} ANSWER"


@pytest.fixture(autouse=True)
async def people(store: Store, office: None) -> None:
    """Alice has an address, Bob a mobile."""
    with store.writing() as session:
        session.execute(update(Agent).where(Agent.slug == "alice").values(email="alice@example.com"))
        bob = session.scalar(select(Agent).where(Agent.slug == "bob"))
        assert bob
        session.add(Device(slug="bob-mobile", agent_id=bob.id, kind="mobile", number="+15125550177"))


def desk(store: Store, config: Config, now: datetime = NOW) -> EmergencyNotifier:
    return EmergencyNotifier(crm_at(config, store, now))


async def all_of(store: Store, kind: type) -> list[object]:
    with store.reading() as session:
        return list(session.scalars(select(kind)))


async def the_call(store: Store) -> EmergencyEntry:
    [call] = await store.read(views.listed)
    return call


async def test_the_office_is_told_at_once_and_only_once(store: Store, config: Config) -> None:
    emergencies.keep(config, CALL, [STARTED])
    ours = desk(store, config)
    await ours.import_all()
    await ours.import_all()
    call = await the_call(store)
    assert (call.dialled, call.device, call.agent, call.address) == ("911", "alice-desk", "alice", ADDRESS)
    assert (call.callback_number, call.started_at, call.ended_at, call.status) == ("+15125550100", NOW, None, "")

    emergencies.keep(config, CALL, [ENDED])
    await ours.import_all()
    await desk(store, config).import_all()
    call = await the_call(store)
    assert (call.ended_at, call.status) == (NOW + timedelta(minutes=1), "ANSWER")
    assert not list(config.spool_folder.glob("*.emergency"))

    [mail], [text] = await all_of(store, Mail), await all_of(store, Message)
    assert isinstance(mail, Mail)
    assert isinstance(text, Message)
    assert (mail.to_address, text.to_number) == ("alice@example.com", "+15125550177")
    assert mail.subject == "EMERGENCY CALL by Alice (alice-desk)"
    for part in ("Alice (alice-desk) dialed 911 at 10:00", ADDRESS, "(512) 555-0100"):
        assert part in mail.body
        assert part in text.body
    assert "delayed until" not in mail.body


async def test_who_is_named_is_told_alone(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.execute(update(Agent).where(Agent.slug == "alice").values(emergency_notice=True))
    emergencies.keep(config, CALL, [STARTED])
    await desk(store, config).import_all()
    assert len(await all_of(store, Mail)) == 1
    assert await all_of(store, Message) == []


async def test_told_late_the_notice_says_so(store: Store, config: Config) -> None:
    emergencies.keep(config, CALL, [STARTED, ENDED])
    await desk(store, config, NOW + timedelta(minutes=40)).import_all()
    [mail] = await all_of(store, Mail)
    assert isinstance(mail, Mail)
    assert "This notice was delayed until 10:40" in mail.body


async def test_a_test_call_is_told_as_a_test(store: Store, config: Config) -> None:
    emergencies.keep(config, CALL, [STARTED.replace(" 911 ", " 933 ")])
    await desk(store, config).import_all()
    [mail] = await all_of(store, Mail)
    assert isinstance(mail, Mail)
    assert mail.subject == "Test of the emergency line by Alice (alice-desk)"
    assert mail.body.startswith("TEST of the emergency line")


async def test_a_phone_without_location_or_owner_is_on_record_all_the_same(store: Store, config: Config) -> None:
    emergencies.keep(config, CALL, [f"{CALL} started {T} 9911 lobby - -"])
    await desk(store, config).import_all()
    call = await the_call(store)
    assert (call.dialled, call.device, call.agent, call.address, call.callback_number) == ("9911", "lobby", "", "", "")
    [mail] = await all_of(store, Mail)
    assert isinstance(mail, Mail)
    assert "Location: unknown" in mail.body


async def test_a_call_whose_end_nobody_logged_ends_with_its_channel(store: Store, config: Config) -> None:
    emergencies.keep(config, CALL, [STARTED])
    path = config.spool_folder / f"{CALL}.emergency"
    os.utime(path, (T, T))
    later = NOW + timedelta(minutes=5)
    ours = desk(store, config, later)
    await ours.import_all()
    assert (await the_call(store)).ended_at is None
    ours.channels = {CALL}
    await ours.import_all()
    assert (await the_call(store)).ended_at is None
    ours.channels = set()
    await ours.import_all()
    call = await the_call(store)
    assert (call.ended_at, call.status) == (later, "")


async def test_an_acknowledged_call_ends_the_wait_unless_another_showed_the_same_number(
    store: Store, config: Config
) -> None:
    other = f"ll123456-1772460000.9 started {T + 300} 911 bob-desk +15125550100 -"
    test = f"ll123456-1772460000.11 started {T + 400} 933 bob-desk +15125550100 -"
    for call_id, *entries in (
        (CALL, STARTED, ENDED),
        (other.split()[0], other, f"{other.split()[0]} ended {T + 360} ANSWER"),
        (test.split()[0], test),
    ):
        emergencies.keep(config, call_id, entries)
    await desk(store, config, NOW + timedelta(minutes=7)).import_all()
    by = By("alice", NOW + timedelta(minutes=10))

    def kept(at: datetime = by.now) -> list[tuple[str, datetime]]:
        return store.read_blocking(emergencies.acknowledged, config, at)

    assert kept() == []
    assert await store.run(emergencies.acknowledge, config, by, CALL)
    assert kept() == [], "the other one still waits"
    assert not await store.run(emergencies.acknowledge, config, by, other.split()[0])
    assert kept() == [("+15125550100", NOW + timedelta(minutes=5))]
    assert kept(NOW + timedelta(hours=1)) == []
    for refused, code in ((CALL, "emergency_not_awaited"), (test.split()[0], "emergency_in_progress")):
        with pytest.raises(Conflict) as error:
            await store.run(emergencies.acknowledge, config, by, refused)
        assert error.value.code == code
    with pytest.raises(NotFound):
        await store.run(emergencies.acknowledge, config, by, "nothing")


@pytest.mark.parametrize(
    ("kind", "data"),
    [("EmergencyCalledBack", {"device": "alice-desk"}), ("HandedToDialplan", {"reason": "emergency_callback"})],
)
async def test_a_lead_hears_the_menu_unless_the_number_was_taken_for_the_service_before(
    store: Store, config: Config, kind: str, data: dict[str, str]
) -> None:
    number, former = "+15125550123", NOW - timedelta(days=9)
    with store.writing() as session:
        lead = Lead(created_at=former, phones=[LeadPhone(number=number)])
        call = Call(id="ll1-9.1", did="+15125550100", caller=number, lead=lead, started_at=former)
        call.events = [
            CallEvent(number=0, id="ll1-9.1/x", at=former, kind="HandedToDialplan", data={"reason": "app_down"})
        ]
        session.add(call)

    async def of(moment: datetime = NOW) -> EmergencyFacts | None:
        arrival = Arrival((("request", "+15125550100"),), "+15125550100", number, False, "")
        found = await store.read(welcome, config, arrival, "acme", PhonesNow(moment), "alice-desk")
        assert found.emergency == found.first.inputs.emergency
        return found.emergency

    known = await of()
    assert known == EmergencyFacts(
        "alice-desk", "alice", "The caller was a lead before the emergency call, so this is not the emergency service."
    )
    soon = former + timedelta(minutes=20)
    assert await of(soon) == EmergencyFacts("alice-desk", "alice"), "the emergency call is not on record yet"
    before = STARTED.replace(str(T), str(int(former.timestamp()) - 60))
    emergencies.keep(config, CALL, [before])
    await desk(store, config, former).import_all()
    assert await of(soon) == EmergencyFacts("alice-desk", "alice"), "the service may have become a lead since"
    with store.writing() as session:
        session.execute(update(EmergencyCall).values(started_at=former + timedelta(minutes=10)))
    assert await of(soon) == known, "they were a lead ten minutes before it"
    with store.writing() as session:
        session.add(CallEvent(call_id="ll1-9.1", number=1, id="ll1-9.1/y", at=former, kind=kind, data=data))
    assert await of() == EmergencyFacts("alice-desk", "alice")


def write_entries(config: Config, *entries: str) -> None:
    path = config.asterisk_folder / "log" / "cel-custom" / "notes.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="") as file:
        rows = ([json.dumps({"extra": entry})] for entry in entries)
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)


async def test_asterisk_s_entries_are_sorted_and_seen_before_that_too(store: Store, config: Config) -> None:
    write_entries(config, f"emergency {STARTED}", "emergency rubbish", f"emergency {CALL} started x y z")
    [seen] = spool.emergency_calls(config)
    assert (seen.id, seen.address, seen.ended_at) == (CALL, ADDRESS, None)
    write_entries(config, f"emergency {ENDED}")
    spool._sort(config) if spool._claim(config) else pytest.fail("nothing to sort")
    [seen] = spool.emergency_calls(config)
    assert seen.status == "ANSWER"
    await desk(store, config).import_all()
    assert (await the_call(store)).status == "ANSWER"
    assert spool.emergency_calls(config) == []
