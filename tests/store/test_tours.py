"""Booking tours on real databases: nobody gets a time that is taken, and what follows from a booking."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from crm.config import Config, Web
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Conflict, CrmError, Invalid, Unavailable
from crm.domain.leads import LeasingStage
from crm.domain.texts import TextPurpose
from crm.domain.tours import TourKind, TourState
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.office import properties
from crm.services.outbox import wording
from crm.services.outbox.delivery import Outbox
from crm.services.outbox.texts import TextTransport
from crm.services.tours import booking, links, times
from crm.store.models import Activity, Interest, Lead, LeadPhone, Message, Tour, TourSlot
from crm.store.session import Store
from crm.views import tours as views
from tests.store.conftest import crm_at

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
BY = By("tests", NOW)
TUESDAY_TEN = datetime(2026, 3, 3, 16, 0, tzinfo=UTC)


def secrets_of(config: Config) -> Secrets:
    return Secrets(config.secrets_file)


async def offer(store: Store, property_slug: str = "maple", **more: object) -> None:
    values = {"kind": TourKind.ACCOMPANIED, "minutes": 30, **more}
    await store.run(times.set_hours, BY, property_slug, ["mon-fri 10:00-12:00"], **values)  # type: ignore[arg-type]


async def person(store: Store, number: str = "+15125550177") -> int:
    with store.writing() as session:
        lead = Lead(status="new", created_at=NOW, phones=[LeadPhone(number=number)], interests=[])
        session.add(lead)
        session.flush()
        return lead.id


async def book(
    store: Store, config: Config, lead_id: int, at: datetime = TUESDAY_TEN, **more: object
) -> booking.Booked:
    values = {"property_slug": "maple", "key": f"test:{lead_id}:{at}", **more}
    return await store.run(booking.book, config, secrets_of(config), BY, person=str(lead_id), at=at, **values)  # type: ignore[arg-type]


async def rows(store: Store, of: type) -> list:
    with store.reading() as session:
        return list(session.scalars(select(of).order_by(of.id)).all())


@pytest.mark.each_database
@pytest.mark.parametrize(("capacity", "agent"), [(1, "alice"), (3, None)])
async def test_of_fifty_who_want_a_time_at_once_only_so_many_get_it(
    store: Store, config: Config, capacity: int, agent: str | None
) -> None:
    await offer(store, capacity=capacity, agent=agent)
    leads = [await person(store, f"+1512555{number:04d}") for number in range(2000, 2050)]

    async def attempt(lead_id: int) -> bool:
        while True:
            try:
                return (await book(store, config, lead_id)).is_new
            except Conflict:
                return False
            except Unavailable:
                continue  # More of them than connections, on a busy machine: they try again, as a person would.

    got = await asyncio.gather(*(attempt(lead_id) for lead_id in leads))
    assert sum(got) == capacity
    [slot] = await rows(store, TourSlot)
    assert (slot.taken, slot.capacity) == (capacity, capacity)
    assert len(await rows(store, Tour)) == capacity
    free = await store.read(times.free, config, "maple", NOW)
    assert TUESDAY_TEN not in [one.starts_at for one in free]


@pytest.mark.both_databases
async def test_one_agent_shows_one_home_at_a_time(store: Store, config: Config) -> None:
    await store.run(properties.add, BY, "oak", name="Oak Hill")
    await offer(store, agent="alice")
    await offer(store, "oak", agent="alice", buffer_minutes=20)
    first, second = await person(store), await person(store, "+15125550178")

    async def attempt(lead_id: int, property_slug: str) -> bool:
        try:
            return (await book(store, config, lead_id, property_slug=property_slug)).is_new
        except Conflict:
            return False

    got = await asyncio.gather(attempt(first, "maple"), attempt(second, "oak"))
    assert sorted(got) == [False, True]
    other = "oak" if got[0] else "maple"
    assert TUESDAY_TEN not in [one.starts_at for one in await store.read(times.free, config, other, NOW)]
    with pytest.raises(Conflict):
        await book(store, config, second, property_slug=other, key="again")


async def test_the_texts_of_a_tour_that_was_booked_in_spanish_say_so_until_the_caller_is_known_to_speak_it(
    store: Store, config: Config
) -> None:
    await offer(store)
    await book(store, config, await person(store), language="es")
    with store.writing() as session:
        texts = session.scalars(select(Message)).all()
        for text in texts:
            wording.introduce(session, text)
        assert {text.body.rpartition(": ")[2] for text in texts} == {"responda STOP para no recibir textos."}


@pytest.mark.both_databases
async def test_asking_twice_books_once(store: Store, config: Config) -> None:
    await offer(store)
    lead_id = await person(store)
    first, again = await asyncio.gather(*(book(store, config, lead_id, key="call:1") for _ in range(2)))
    assert first.tour.id == again.tour.id
    assert sorted((first.is_new, again.is_new)) == [False, True]
    assert len(await rows(store, Tour)) == 1


async def test_a_booking_is_confirmed_and_reminded_of(store: Store, config: Config) -> None:
    await offer(store)
    wednesday = TUESDAY_TEN + timedelta(days=1)
    await book(store, config, await person(store), wednesday)
    confirmed, day_before, hours_before = await rows(store, Message)
    assert confirmed.body.startswith("Your tour of Maple Court is booked for Wednesday, March 4, 10:00 AM CST.")
    assert (confirmed.purpose, confirmed.next_attempt_at) == (TextPurpose.TOUR, NOW)
    assert day_before.next_attempt_at == wednesday - timedelta(hours=24)
    assert hours_before.next_attempt_at == wednesday - timedelta(hours=2)
    assert all(one.expires_at == wednesday for one in (day_before, hours_before))
    [interest] = await rows(store, Interest)
    assert interest.stage == LeasingStage.SHOWING_BOOKED
    [entry] = await rows(store, Activity)
    assert entry.kind == "Appointment"


async def test_a_tour_opens_a_closed_lead_and_one_that_is_cancelled_does_not(store: Store, config: Config) -> None:
    await offer(store)
    tour = (await book(store, config, await closed(store, await person(store)))).tour
    assert [lead.status for lead in await rows(store, Lead)] == ["in_progress"]
    await closed(store, tour.lead_id)
    await store.run(booking.cancel, config, secrets_of(config), BY, tour.id)
    assert [lead.status for lead in await rows(store, Lead)] == ["closed"]


async def closed(store: Store, lead_id: int) -> int:
    with store.writing() as session:
        session.get_one(Lead, lead_id).status = "closed"
    return lead_id


async def test_who_moves_a_tour_frees_the_old_time_and_gets_new_reminders(store: Store, config: Config) -> None:
    await offer(store)
    first, other = await person(store), await person(store, "+15125550178")
    tour = (await book(store, config, first, TUESDAY_TEN + timedelta(days=2))).tour
    moved = await store.run(booking.move, config, secrets_of(config), BY, tour.id, TUESDAY_TEN + timedelta(days=3))
    assert (moved.version, moved.slot.starts_at) == (2, TUESDAY_TEN + timedelta(days=3))
    assert (await book(store, config, other, TUESDAY_TEN + timedelta(days=2))).is_new
    waiting = [one for one in await rows(store, Message) if one.lead_id == first and one.purpose == "tour_reminder"]
    assert [(one.state, one.expires_at) for one in waiting] == [
        *[(DeliveryState.BLOCKED, TUESDAY_TEN + timedelta(days=2))] * 2,
        *[(DeliveryState.QUEUED, TUESDAY_TEN + timedelta(days=3))] * 2,
    ]


async def test_moving_to_a_taken_time_leaves_everything_as_it_is(store: Store, config: Config) -> None:
    await offer(store)
    first, other = await person(store), await person(store, "+15125550178")
    tour = (await book(store, config, first)).tour
    await book(store, config, other, TUESDAY_TEN + timedelta(minutes=30))
    with pytest.raises(Conflict):
        await store.run(booking.move, config, secrets_of(config), BY, tour.id, TUESDAY_TEN + timedelta(minutes=30))
    found, _ = await store.read(booking.get, tour.id)
    assert (found.slot.starts_at, found.slot.taken, found.version) == (TUESDAY_TEN, 1, 1)


async def test_a_cancelled_tour_frees_its_time_and_sends_no_reminder(store: Store, config: Config) -> None:
    await offer(store)
    tour = (await book(store, config, await person(store))).tour
    await store.run(booking.cancel, config, secrets_of(config), BY, tour.id)
    [interest] = await rows(store, Interest)
    assert interest.stage == LeasingStage.SHOWING_MISSED
    assert TUESDAY_TEN in [one.starts_at for one in await store.read(times.free, config, "maple", NOW)]
    states = {one.key: one.state for one in await rows(store, Message)}
    assert {state for key, state in states.items() if "reminder" in key} == {DeliveryState.BLOCKED}
    with pytest.raises(Conflict):
        await store.run(booking.cancel, config, secrets_of(config), BY, tour.id)


@pytest.mark.parametrize(
    ("state", "stage"), [("done", LeasingStage.STILL_DECIDING), ("missed", LeasingStage.SHOWING_MISSED)]
)
async def test_what_came_of_it_moves_the_interest(
    store: Store, config: Config, state: str, stage: LeasingStage
) -> None:
    await offer(store)
    tour = (await book(store, config, await person(store))).tour
    with pytest.raises(Conflict):
        await store.run(booking.close, config, secrets_of(config), BY, tour.id, TourState(state))
    afterwards = By("tests", TUESDAY_TEN + timedelta(hours=1))
    await store.run(booking.close, config, secrets_of(config), afterwards, tour.id, TourState(state))
    [interest] = await rows(store, Interest)
    assert interest.stage == stage


@pytest.mark.parametrize(
    "at",
    [
        TUESDAY_TEN + timedelta(minutes=10),  # between two slots
        TUESDAY_TEN + timedelta(hours=6),  # after the last
        NOW + timedelta(minutes=30),  # too soon
        NOW - timedelta(days=7),
    ],
)
async def test_a_time_that_is_not_offered_books_nothing(store: Store, config: Config, at: datetime) -> None:
    await offer(store)
    lead_id = await person(store)
    with pytest.raises(Invalid):
        await book(store, config, lead_id, at)
    assert await rows(store, Tour) == []
    assert await rows(store, TourSlot) == []
    assert await rows(store, Message) == []


async def test_a_time_blacked_out_cannot_be_booked(store: Store, config: Config) -> None:
    await offer(store)
    lead_id = await person(store)
    await store.run(
        times.black_out, BY, TUESDAY_TEN, TUESDAY_TEN + timedelta(hours=1), property_slug="maple", why="painting"
    )
    with pytest.raises(Invalid):
        await book(store, config, lead_id)
    [found] = await store.read(views.blackouts, NOW)
    await store.run(times.end_blackout, BY, found.id)
    assert (await book(store, config, lead_id)).is_new


async def test_a_reminder_that_quiet_hours_hold_back_past_the_tour_is_not_sent(store: Store, config: Config) -> None:
    await store.run(times.set_hours, BY, "maple", ["tue 08:00-09:00"], kind=TourKind.SELF_GUIDED, minutes=30)
    await book(store, config, await person(store), datetime(2026, 3, 3, 14, 0, tzinfo=UTC))
    transport = TextTransport(config, lambda trunk: pytest.fail("nothing is sent here"))
    outbox = Outbox(crm_at(config, store), transport)
    assert await store.run(outbox.claim, NOW, ()) is not None  # the confirmation
    at_six = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
    assert await store.run(outbox.claim, at_six, ()) is None
    [reminder] = [one for one in await rows(store, Message) if one.purpose == TextPurpose.TOUR_REMINDER]
    assert reminder.state == DeliveryState.BLOCKED
    assert "too late" in reminder.error


async def test_wrong_hours_are_refused_whole(store: Store) -> None:
    await offer(store)
    for openings, more in (
        (["mon 10:00-10:15"], {"minutes": 30}),
        (["mon 10:00-12:00"], {"minutes": 0}),
        (["mon 10:00-12:00"], {"minutes": 30, "capacity": 0}),
        (["mon 12:00-10:00"], {"minutes": 30}),
    ):
        with pytest.raises(CrmError):
            await store.run(times.set_hours, BY, "maple", openings, kind=TourKind.ACCOMPANIED, **more)
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(Tour)) == 0
    assert len(await store.read(views.hours, "maple")) == 5


async def test_a_property_in_another_zone_has_its_own_clock(store: Store, config: Config) -> None:
    await offer(store)
    with store.writing() as session:
        property = session.scalars(select(booking.Property).where(booking.Property.slug == "maple")).one()
        property.timezone = "America/Los_Angeles"
    [first, *_] = await store.read(times.free, config, "maple", NOW)
    assert first.starts_at == datetime(2026, 3, 2, 18, 0, tzinfo=UTC)


async def test_the_text_has_a_link_that_is_void_once_the_tour_was_moved(store: Store, config: Config) -> None:
    config = Config(home=config.home, web=Web(public_url="https://phone.example.com"))
    await offer(store)
    tour = (await book(store, config, await person(store))).tour
    [confirmed, *_] = await rows(store, Message)
    token = confirmed.body.rpartition("/tours/")[2]
    link = links.read(secrets_of(config), token, NOW)
    assert (link.tour_id, link.version) == (tour.id, 1)
    await store.run(booking.move, config, secrets_of(config), BY, tour.id, TUESDAY_TEN + timedelta(days=1))
    with pytest.raises(Conflict):
        await store.run(booking.cancel, config, secrets_of(config), BY, tour.id, version=link.version)
    with pytest.raises(Invalid):
        links.read(secrets_of(config), token, TUESDAY_TEN)
    for forged in (token[:-1], token + "x", "", "null", token.swapcase()):
        with pytest.raises(Invalid):
            links.read(secrets_of(config), forged, NOW)
