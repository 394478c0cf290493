"""Webhooks: what is told to whom, at least once, however receivers behave."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from crm.config import Api, Config
from crm.context import Crm
from crm.domain import webhooks as rules
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.tours import TourKind
from crm.edge.webhooks import Taken, WebhookError
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.people import intake, leads, merging, unmerging
from crm.services.tours import booking, times
from crm.services.webhooks import fanout, subscriptions
from crm.services.webhooks.delivery import WebhookWorker
from crm.services.webhooks.fanout import fan_out
from crm.store.models import Agent, Happening, Lead, Mail, Property, Webhook, WebhookDelivery
from crm.store.session import Store
from crm.worker import Troubles, keep
from tests.store.conftest import NOW
from tests.store.test_ledger import CallMaker, record
from tests.waiting import until

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("dana", NOW)
URL = "https://hooks.example.com/leaseline"
EVERYTHING = ("lead.created,call.ended,tour.booked,tour.changed,stage.changed",)
PAT = "+15125550188"


def secrets(config: Config) -> Secrets:
    return Secrets(config.secrets_file)


def add(store: Store, config: Config, *events: str, url: str = URL, **sees: Any) -> int:
    with store.writing() as session:
        webhook, _ = subscriptions.add(session, config, secrets(config), BY, url, events or EVERYTHING, **sees)
        return webhook.id


def told(store: Store, webhook_id: int | None = None, now: datetime = NOW) -> list[tuple[str, dict[str, Any]]]:
    """Makes deliveries of what has happened; events and data of all there are."""
    with store.writing() as session:
        while fan_out(session, now):
            pass
        found = select(WebhookDelivery).order_by(WebhookDelivery.id)
        if webhook_id is not None:
            found = found.where(WebhookDelivery.webhook_id == webhook_id)
        bodies = [json.loads(one.body) for one in session.scalars(found)]
    return [(one["type"], one["data"]) for one in bodies]


def deliveries(store: Store) -> list[WebhookDelivery]:
    with store.reading() as session:
        return list(session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))


def only(store: Store) -> Webhook:
    with store.reading() as session:
        return session.scalars(select(Webhook)).one()


def make_lead(store: Store, config: Config, **given: Any) -> int:
    with store.writing() as session:
        return leads.add(session, config, BY, **given)[0].id


# --- what is told ---


async def test_a_lead_and_what_it_is_interested_in_are_told(store: Store, config: Config) -> None:
    add(store, config)
    id = make_lead(store, config, name="Pat", property_slug="maple")
    assert told(store) == [
        ("lead.created", {"lead": id}),
        ("stage.changed", {"lead": id, "property": "maple", "stage": "contacted", "previous": None}),
    ]
    # Who it is, receivers read with a key.
    assert "Pat" not in "".join(one.body for one in deliveries(store))


async def test_a_tour_is_told_with_each_change(store: Store, config: Config) -> None:
    add(store, config, "tour.booked,tour.changed,stage.changed")
    id = make_lead(store, config, name="Pat", property_slug="maple")
    told(store)
    tuesday = datetime.fromisoformat("2026-03-03T16:00:00Z")
    with store.writing() as session:
        times.set_hours(session, BY, "maple", ["mon-fri 09:00-17:00"], kind=TourKind.ACCOMPANIED, minutes=60)
        booked = booking.book(
            session, config, secrets(config), BY, person=id, property_slug="maple", at=tuesday, key="t"
        )
        tour = booked.tour.id
        booking.move(session, config, secrets(config), BY, tour, tuesday + timedelta(hours=1))
        booking.cancel(session, config, secrets(config), BY, tour)
    at = "2026-03-03T17:00:00Z"
    about = {"tour": tour, "lead": id, "property": "maple", "at": at}
    assert told(store)[1:] == [
        ("tour.booked", {**about, "state": "booked"}),
        ("stage.changed", {"lead": id, "property": "maple", "stage": "showing_booked", "previous": "contacted"}),
        ("tour.changed", {**about, "state": "booked"}),
        ("tour.changed", {**about, "state": "cancelled"}),
        ("stage.changed", {"lead": id, "property": "maple", "stage": "showing_missed", "previous": "showing_booked"}),
    ]


async def test_a_call_is_told_once_when_it_has_ended(store: Store, config: Config) -> None:
    add(store, config, "call.ended")
    call = CallMaker("c1", caller=PAT, begins=NOW)
    await record(store, config, call.ended())
    await record(store, config, call.ended())
    with store.reading() as session:
        lead = session.scalars(select(Lead.id)).one()
    data = {"call": "c1", "direction": "in", "outcome": "gave_up", "lead": lead, "property": "maple"}
    assert told(store) == [("call.ended", data)]


async def test_what_is_undone_is_not_told(store: Store, config: Config) -> None:
    add(store, config)
    with contextlib.suppress(Conflict), store.writing() as session:
        leads.add(session, config, BY, name="Pat", phones=[PAT])
        session.flush()
        raise Conflict("It cannot be.", code="test")
    assert told(store) == []


async def test_without_a_webhook_nothing_is_noted(store: Store, config: Config) -> None:
    id = add(store, config)
    with store.writing() as session:
        subscriptions.remove(session, secrets(config), BY, id)
    make_lead(store, config, name="Pat", property_slug="maple")
    with store.reading() as session:
        assert session.scalars(select(Happening)).all() == []


async def test_each_webhook_hears_of_what_it_asked_for_and_may(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.add(Property(slug="oak", name="Oak Court"))
    everything = add(store, config, "lead.created,stage.changed")
    maple = add(store, config, "lead.created,stage.changed", property_slugs=["maple"])
    team = add(store, config, "stage.changed", subteam_slugs=["east"])
    pat = make_lead(store, config, name="Pat", property_slug="maple")
    sam = make_lead(store, config, name="Sam", property_slug="oak")
    lee = make_lead(store, config, name="Lee")

    def heard(webhook: int) -> list[tuple[str, int]]:
        return [(event, data["lead"]) for event, data in told(store, webhook)]

    assert heard(everything) == [
        ("lead.created", pat),
        ("stage.changed", pat),
        ("lead.created", sam),
        ("stage.changed", sam),
        ("lead.created", lee),
    ]
    assert heard(maple) == [("lead.created", pat), ("stage.changed", pat)]
    assert heard(team) == [("stage.changed", pat)]


async def test_a_narrow_webhook_hears_nothing_when_its_property_is_gone(store: Store, config: Config) -> None:
    with store.writing() as session:
        oak = Property(slug="oak", name="Oak Court")
        session.add(oak)
    id = add(store, config, property_slugs=["oak"])
    with store.writing() as session:
        session.delete(session.get(Property, oak.id))
    make_lead(store, config, name="Pat", property_slug="maple")
    assert told(store, id) == []


async def test_merging_and_parting_tells_nobody(store: Store, config: Config) -> None:
    one = make_lead(store, config, name="Pat", phones=[PAT], property_slug="maple")
    other = make_lead(store, config, name="Patricia", email="pat@example.com", property_slug="maple")
    add(store, config)
    with store.writing() as session:
        merging.merge(session, config, BY, str(one), str(other))
    with store.writing() as session:
        unmerging.unmerge(session, config, BY, other)
    assert told(store) == []


async def test_an_import_is_told_in_slices(store: Store, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout, "AT_ONCE", 20)
    add(store, config, "lead.created")
    with store.writing() as session:
        for number in range(45):
            intake.by_number(session, f"+1512556{number:04d}", NOW)
    with store.writing() as session:
        assert [fan_out(session, NOW) for _ in range(4)] == [20, 20, 5, 0]
    assert len(deliveries(store)) == 45


# --- how it is delivered ---


@dataclass
class Receivers:
    """Receivers that answer what a test says, by host, and what each got."""

    answers: dict[str, Callable[[], WebhookError | None]] = field(default_factory=dict)
    got: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)
    waiting: dict[str, asyncio.Event] = field(default_factory=dict)
    """Hosts that answer only when their event is set."""

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Taken:
        host = url.split("/")[2]
        self.got.append((host, body, headers))
        if host in self.waiting:
            await self.waiting[host].wait()
        if error := self.answers.get(host, lambda: None)():
            raise error
        return Taken(204)


@dataclass
class Clock:
    now: datetime = NOW


@contextlib.asynccontextmanager
async def working(
    store: Store, config: Config, receivers: Receivers, clock: Clock, held: Callable[[], bool] = lambda: False
) -> AsyncIterator[WebhookWorker]:
    crm = Crm(config, store, secrets(config), lambda: clock.now)
    worker = WebhookWorker(crm, receivers, held)
    worker.wake = asyncio.Event()
    task = asyncio.create_task(keep(crm, worker, Troubles(crm.now)))
    yield worker
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def pass_time(store: Store, worker: WebhookWorker, clock: Clock, **span: float) -> None:
    clock.now += timedelta(**span)
    assert worker.wake
    worker.wake.set()


def fails(message: str = "It answered 500.", **more: Any) -> Callable[[], WebhookError]:
    return lambda: WebhookError(message, **more)


async def test_a_delivery_says_which_it_is_and_that_it_is_from_us(store: Store, config: Config) -> None:
    with store.writing() as session:
        _, secret = subscriptions.add(session, config, secrets(config), BY, URL, ["lead.created"])
    receivers, clock = Receivers(), Clock()
    async with working(store, config, receivers, clock):
        make_lead(store, config, name="Pat")
        await until(lambda: [one.state for one in deliveries(store)] == ["sent"])
    [(_, body, headers)] = receivers.got
    [row] = deliveries(store)
    assert headers["webhook-id"] == row.key
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert headers["webhook-signature"] == rules.signature(secret, row.key, NOW, body)
    assert json.loads(body) == {"type": "lead.created", "timestamp": "2026-03-02T16:00:00Z", "data": {"lead": 1}}


async def test_what_is_not_taken_is_sent_again_later_and_later_and_is_the_same(store: Store, config: Config) -> None:
    add(store, config, "lead.created")
    receivers, clock = Receivers({"hooks.example.com": fails()}), Clock()
    async with working(store, config, receivers, clock) as worker:
        make_lead(store, config, name="Pat")
        waits = []
        for attempt in range(1, 4):
            await until(lambda attempt=attempt: [one.attempts for one in deliveries(store)] == [attempt])
            await until(lambda: deliveries(store)[0].state == "queued")
            waits.append((deliveries(store)[0].next_attempt_at - clock.now).total_seconds())
            later = (only(store).not_before - clock.now).total_seconds()
            await pass_time(store, worker, clock, seconds=max(waits[-1], later) + 0.001)
        receivers.answers.clear()
        await until(lambda: deliveries(store)[0].state == "sent")
    assert 4 <= waits[0] <= 6 < 8 <= waits[1] <= 12 < 16 <= waits[2] <= 24
    assert len({(body, headers["webhook-id"]) for _, body, headers in receivers.got}) == 1
    assert only(store).failing_since is None


async def test_a_receiver_says_how_long_to_wait(store: Store, config: Config) -> None:
    add(store, config, "lead.created")
    receivers = Receivers({"hooks.example.com": fails("It answered 429.", retry_after_seconds=600.0)})
    async with working(store, config, receivers, Clock()):
        make_lead(store, config, name="Pat")
        await until(lambda: deliveries(store) != [] and deliveries(store)[0].error != "")
    assert only(store).not_before == NOW + timedelta(seconds=600)


async def test_one_receiver_that_is_slow_or_silent_delays_no_other(store: Store, config: Config) -> None:
    add(store, config, "lead.created", url="https://slow.example.com/")
    add(store, config, "lead.created", url="https://broken.example.com/")
    add(store, config, "lead.created", url="https://quick.example.com/")
    answer = asyncio.Event()
    receivers = Receivers({"broken.example.com": fails()}, waiting={"slow.example.com": answer})
    async with working(store, config, receivers, Clock()):
        for number in range(3):
            make_lead(store, config, name=f"Pat {number}")
        await until(lambda: [one.state for one in deliveries(store) if one.webhook_id == 3] == ["sent"] * 3)
        # One at a time for each.
        assert [host for host, _, _ in receivers.got].count("slow.example.com") == 1
        answer.set()
        await until(lambda: [one.state for one in deliveries(store) if one.webhook_id == 1] == ["sent"] * 3)


async def test_a_receiver_that_is_back_gets_at_once_what_waits_for_it(store: Store, config: Config) -> None:
    add(store, config, "lead.created")
    receivers, clock = Receivers({"hooks.example.com": fails()}), Clock()
    async with working(store, config, receivers, clock) as worker:
        for number in range(5):
            make_lead(store, config, name=f"Pat {number}")
        for count in range(1, 5):
            await until(lambda count=count: only(store).failures == count)
            await pass_time(store, worker, clock, hours=1)
        await until(lambda: only(store).failures == 5)
        receivers.answers.clear()
        await pass_time(store, worker, clock, hours=1)
        await until(lambda: [one.state for one in deliveries(store)] == ["sent"] * 5)


async def test_what_cannot_be_delivered_is_given_up_and_the_admin_told_once(store: Store, config: Config) -> None:
    add(store, config, "lead.created")
    with store.writing() as session:
        session.scalars(select(Agent).where(Agent.slug == "dana")).one().email = "dana@example.com"
    receivers, clock = Receivers({"hooks.example.com": fails()}), Clock()

    def mails() -> list[Mail]:
        with store.reading() as session:
            return list(session.scalars(select(Mail)))

    async with working(store, config, receivers, clock) as worker:
        make_lead(store, config, name="Pat")
        for count in range(1, 14):
            await until(lambda count=count: only(store).failures == count)
            assert bool(mails()) == (count > 4)
            await pass_time(store, worker, clock, hours=6)
            if deliveries(store)[0].state == "failed":
                break
        await until(lambda: deliveries(store)[0].state == "failed")
    [mail] = mails()
    assert mail.to_address == "dana@example.com"
    assert "hooks.example.com" in mail.subject
    assert "It answered 500." in mail.body
    assert deliveries(store)[0].error.startswith("Given up after ")
    assert clock.now - NOW >= rules.OF_USE


@pytest.mark.both_databases
async def test_who_is_gone_is_left_alone_until_somebody_sends_again(store: Store, config: Config) -> None:
    id = add(store, config, "lead.created")
    receivers, clock = Receivers({"hooks.example.com": fails("It answered 410.", is_gone=True)}), Clock()
    async with working(store, config, receivers, clock):
        for number in range(3):
            make_lead(store, config, name=f"Pat {number}")
        await until(lambda: [one.state for one in deliveries(store)] == ["blocked"] * 3)
        assert len(receivers.got) == 1
        receivers.answers.clear()
        make_lead(store, config, name="Nobody hears of it")
        with store.writing() as session:
            assert subscriptions.replay(session, BY, id, failed_only=True) == 3
        await until(lambda: [one.state for one in deliveries(store)] == ["sent"] * 3)


async def test_what_was_under_way_when_a_process_died_is_sent_again(store: Store, config: Config) -> None:
    add(store, config, "lead.created")
    make_lead(store, config, name="Pat")
    told(store)
    crm = Crm(config, store, secrets(config), lambda: NOW)
    dead = WebhookWorker(crm, Receivers())
    with store.writing() as session:
        assert dead.claim(session, NOW, []) is not None
    receivers = Receivers()
    async with working(store, config, receivers, Clock()):
        await until(lambda: deliveries(store)[0].state == "sent")
    assert deliveries(store)[0].attempts == 2


async def test_a_home_that_may_be_a_copy_tells_nobody(store: Store, config: Config) -> None:
    add(store, config, "lead.created")
    is_copy, receivers, clock = True, Receivers(), Clock()
    async with working(store, config, receivers, clock, lambda: is_copy) as worker:
        make_lead(store, config, name="Pat")
        await until(lambda: worker.due is not None)
        assert receivers.got == []
        is_copy = False
        await pass_time(store, worker, clock, seconds=6)
        await until(lambda: len(receivers.got) == 1)


async def test_deliveries_are_sent_again_by_name_or_by_time(store: Store, config: Config) -> None:
    id = add(store, config, "lead.created")
    make_lead(store, config, name="Pat")
    told(store)
    make_lead(store, config, name="Sam")
    told(store, now=NOW + timedelta(hours=1))
    receivers, clock = Receivers(), Clock(NOW + timedelta(hours=2))
    async with working(store, config, receivers, clock):
        await until(lambda: [one.state for one in deliveries(store)] == ["sent", "sent"])
        later = By("dana", clock.now)
        with store.writing() as session:
            assert subscriptions.replay(session, later, id, since=NOW + timedelta(minutes=30)) == 1
        await until(lambda: len(receivers.got) == 3)
        first = deliveries(store)[0].key
        with store.writing() as session:
            assert subscriptions.replay(session, later, id, keys=[first]) == 1
        await until(lambda: len(receivers.got) == 4)
    assert receivers.got[3][2]["webhook-id"] == first
    with store.writing() as session, pytest.raises(NotFound):
        subscriptions.replay(session, later, id, keys=["msg_none"])


async def test_a_secret_that_is_gone_holds_up_nothing_but_its_webhook(store: Store, config: Config) -> None:
    lost = add(store, config, "lead.created", url="https://lost.example.com/")
    add(store, config, "lead.created", url="https://quick.example.com/")
    secrets(config).remove(subscriptions.secret_name(lost))
    receivers = Receivers()
    async with working(store, config, receivers, Clock()):
        make_lead(store, config, name="Pat")
        await until(lambda: "sent" in [one.state for one in deliveries(store)])
        await until(lambda: any("missing" in one.error for one in deliveries(store)))
    assert [host for host, _, _ in receivers.got] == ["quick.example.com"]


async def test_deliveries_are_kept_for_a_month(store: Store, config: Config) -> None:
    add(store, config, "lead.created")
    make_lead(store, config, name="Pat")
    told(store)
    with store.writing() as session:
        assert subscriptions.prune(session, NOW + timedelta(days=31)) == 0
        session.scalars(select(WebhookDelivery)).one().state = "sent"
    with store.writing() as session:
        assert subscriptions.prune(session, NOW + timedelta(days=29)) == 0
        assert subscriptions.prune(session, NOW + timedelta(days=31)) == 1


@pytest.mark.parametrize("url", ["https://10.0.0.7/", "http://example.com/", "https://localhost:1/x y", "nonsense", ""])
async def test_an_address_that_cannot_be_is_refused(store: Store, config: Config, url: str) -> None:
    with store.writing() as session, pytest.raises(Invalid):
        subscriptions.add(session, config, secrets(config), BY, url, ["lead.created"])


async def test_an_allowed_network_may_be_private_and_without_tls(store: Store, config: Config) -> None:
    near = Config(config.home, api=Api(webhook_networks=("10.0.0.0/8",)))
    with store.writing() as session:
        webhook, _ = subscriptions.add(session, near, secrets(near), BY, "http://10.0.0.7/hooks", ["lead.created"])
    assert webhook.url == "http://10.0.0.7/hooks"


async def test_removing_a_webhook_removes_its_secret_and_its_deliveries(store: Store, config: Config) -> None:
    id = add(store, config, "lead.created")
    make_lead(store, config, name="Pat")
    told(store)
    with store.writing() as session:
        subscriptions.remove(session, secrets(config), BY, id)
    assert deliveries(store) == []
    assert not secrets(config).has(subscriptions.secret_name(id))
