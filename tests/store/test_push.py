"""Who is sent messages to closed browsers: whoever asked for it, as long as their session is good."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec
import pytest
from sqlalchemy import func, select

from crm.config import Config, Console
from crm.context import Crm
from crm.domain.access import Role
from crm.domain.errors import Invalid
from crm.domain.notices import NoticeKind
from crm.edge.push_target import LONGEST, PushTarget
from crm.services.access import accounts, push, sessions
from crm.services.audit import By
from crm.services.outbox import notice_settings, notices
from crm.services.outbox.pushes import AGAIN, OF_USE, NoticePusher, push_client
from crm.services.system.checks import work
from crm.store.models import Agent, AuditEntry, Call, Device, Notice, PushSubscription
from crm.store.session import Store
from tests.push_service import BrowserKeys, PushService, push_service
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("alice", NOW)
KEYS = BrowserKeys()


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    async with push_service() as found:
        yield found


@pytest.fixture
def config(config: Config) -> Config:
    """With a push service on this machine."""
    api = msgspec.structs.replace(config.api, webhook_networks=("127.0.0.0/8",))
    return msgspec.structs.replace(config, api=api, console=Console(push_hosts=("127.0.0.1",)))


def target(service: PushService, name: str) -> PushTarget:
    return PushTarget(f"{service.url}/{name}", KEYS.public, KEYS.auth)


def sign_in(store: Store, config: Config, agent: str) -> int:
    """A session of the agent's."""
    with store.writing() as session:
        account = accounts.find(session, agent)
        if account is None:
            account = accounts.add(session, BY, agent, agent.title(), Role.AGENT, agent=agent)
        token = sessions.begin(session, config, NOW, account.id, address="127.0.0.1", browser="test")
        found = sessions.find(session, token, NOW)
        assert found is not None
        return found.session_id


def subscribe(store: Store, config: Config, session_id: int, where: PushTarget, **told: str) -> None:
    with store.writing() as session:
        push.subscribe(session, config, BY, session_id, where, **told)


def reached(store: Store, now: datetime = NOW) -> list[str]:
    """The ends of the addresses that Alice and Bob are sent to."""
    with store.reading() as session:
        ids = session.scalars(select(Agent.id).where(Agent.slug.in_(["alice", "bob"]))).all()
        return [one.target.endpoint.rpartition("/")[2] for one in push.browsers(session, now, ids)]


def test_a_browser_is_sent_to_as_long_as_its_session_is_good(
    store: Store, config: Config, service: PushService
) -> None:
    first, second = sign_in(store, config, "alice"), sign_in(store, config, "alice")
    subscribe(store, config, first, target(service, "a"))
    subscribe(store, config, second, target(service, "b"))
    subscribe(store, config, second, target(service, "b"))
    assert reached(store) == ["a", "b"]
    assert reached(store, NOW + timedelta(hours=config.console.idle_hours)) == []
    with store.writing() as session:
        account = accounts.named(session, "alice")
        sessions.end(session, BY, account.id, first)
    assert reached(store) == ["b"]
    with store.writing() as session:
        accounts.disable(session, BY, "alice")
    assert reached(store) == []
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(PushSubscription)) == 0


def test_whoever_signed_in_last_gets_the_messages_of_a_browser(
    store: Store, config: Config, service: PushService
) -> None:
    subscribe(store, config, sign_in(store, config, "alice"), target(service, "shared"))
    subscribe(store, config, sign_in(store, config, "bob"), target(service, "shared"))
    with store.reading() as session:
        bob = session.scalars(select(Agent).where(Agent.slug == "bob")).one()
        [found] = push.browsers(session, NOW, session.scalars(select(Agent.id)).all())
        assert found.agent_id == bob.id


def test_a_renewed_browser_takes_the_place_of_itself_and_none_has_very_many(
    store: Store, config: Config, service: PushService
) -> None:
    mine, others = sign_in(store, config, "alice"), sign_in(store, config, "bob")
    subscribe(store, config, others, target(service, "bobs"))
    subscribe(store, config, mine, target(service, "old"))
    subscribe(store, config, mine, target(service, "new"), instead_of=f"{service.url}/old")
    # Nobody ends what is another's.
    subscribe(store, config, mine, target(service, "newer"), instead_of=f"{service.url}/bobs")
    assert reached(store) == ["bobs", "new", "newer"]
    for number in range(5):
        subscribe(store, config, mine, target(service, f"n{number}"))
    assert reached(store) == ["bobs", "n2", "n3", "n4"]


def test_addresses_that_no_push_service_has_are_refused(store: Store, config: Config, service: PushService) -> None:
    mine = sign_in(store, config, "alice")
    far = msgspec.structs.replace(config, console=Console())
    for where in (
        target(service, "x"),
        PushTarget("https://fcm.googleapis.com/" + "x" * 1000, KEYS.public, KEYS.auth),
        PushTarget("https://fcm.googleapis.com/x", "no key", KEYS.auth),
    ):
        with pytest.raises(Invalid, match="This browser can't be sent messages"):
            subscribe(store, far, mine, where)
    assert reached(store) == []


def test_what_is_asked_for_is_on_record(store: Store, config: Config, service: PushService) -> None:
    mine = sign_in(store, config, "alice")
    subscribe(store, config, mine, target(service, "a"))
    subscribe(store, config, mine, target(service, "a"))
    with store.writing() as session:
        push.unsubscribe(session, BY, mine, f"{service.url}/a")
        push.unsubscribe(session, BY, mine, f"{service.url}/a")
    with store.reading() as session:
        said = session.scalars(select(AuditEntry.what).where(AuditEntry.what.like("session%messages%"))).all()
    assert said == [
        f"session {mine} shows messages while it is closed",
        f"session {mine} shows no messages while it is closed",
    ]


def test_very_long_messages_are_cut() -> None:
    raw = push.message("Pat", "ü" * 5000, path="/", tag="t")
    assert len(raw) <= LONGEST
    assert json.loads(raw)["text"].startswith("üüü")


@pytest.mark.parametrize(
    ("step", "ended_at", "rings"), [("ring", None, True), ("talk", None, False), ("ring", NOW, False)]
)
def test_a_call_rings_until_somebody_has_it(store: Store, step: str, ended_at: datetime | None, rings: bool) -> None:
    with store.writing() as session:
        session.add(Call(id="c1", did="+15125550100", started_at=NOW, step=step, ended_at=ended_at))
    with store.reading() as session:
        assert push.rings(session, "c1") is rings
        assert push.rings(session, "c2") is True


def test_a_call_wakes_whoever_asked_for_it_and_has_a_phone_that_may_ring(
    store: Store, config: Config, service: PushService
) -> None:
    for agent in ("alice", "bob", "carol"):
        subscribe(store, config, sign_in(store, config, agent), target(service, agent))
    with store.writing() as session:
        for agent in ("alice", "bob"):
            owner = session.scalars(select(Agent).where(Agent.slug == agent)).one()
            session.add(Device(slug=f"{agent}-web", agent_id=owner.id, kind="browser", dnd=agent == "bob"))
    with store.reading() as session:
        found = push.to_wake(session, NOW, ["alice", "bob", "carol", "dana"])
    # Carol's browser becomes a phone when its page opens; Bob's is on DND.
    assert sorted((one.agent, one.devices) for one in found) == [("alice", ("alice-web",)), ("carol", ())]


# --- notices ---


def tell(store: Store, config: Config, key: str, *, at: datetime = NOW) -> None:
    with store.writing() as session:
        found = session.scalars(select(Agent).where(Agent.slug.in_(["alice", "bob"]))).all()
        notices.tell(session, config, found, key, "Missed call", "From Pat.", at, kind=NoticeKind.MISSED_CALL)


async def push_all(store: Store, config: Config, crm: Crm, now: datetime) -> None:
    """Shows what is due."""
    async with push_client(config, crm.secrets) as sender:
        worker = NoticePusher(crm, sender)
        while (claim := await store.run(worker.claim, now, ())) is not None:
            result = await worker.work(claim)
            await store.run(worker.record, claim, result, now)


def due(store: Store) -> list[datetime]:
    with store.reading() as session:
        return list(session.scalars(select(Notice.push_at).where(Notice.push_at.is_not(None))).all())


async def test_a_notice_is_shown_where_somebody_asked_for_it(
    store: Store, config: Config, crm: Crm, service: PushService
) -> None:
    mine = sign_in(store, config, "alice")
    subscribe(store, config, mine, target(service, "a"))
    tell(store, config, "k1")
    await push_all(store, config, crm, NOW)
    [came] = service.pushed
    assert came.path == "/a"
    assert json.loads(KEYS.decrypt(came.body))["title"] == "Missed call"
    assert due(store) == []
    with store.writing() as session:
        notice_settings.change(session, config, BY, "alice", ways=["missed-call=mail"])
    tell(store, config, "k2")
    assert due(store) == []


async def test_ntfy_1203_a_browser_that_is_gone_is_forgotten_and_one_that_fails_is_named(
    store: Store, config: Config, crm: Crm, service: PushService
) -> None:
    mine = sign_in(store, config, "alice")
    subscribe(store, config, mine, target(service, "a"))
    service.status = 503
    tell(store, config, "k1")
    await push_all(store, config, crm, NOW)
    assert due(store) == [NOW + AGAIN]
    with store.reading() as session:
        [found] = session.scalars(select(PushSubscription)).all()
        assert (found.failing_since, found.error) == (NOW, "It answered 503.")
        # The admin sees it, too.
        assert push.bells(session, NOW) == {"alice": push.Bell("alice", NOW, "It answered 503.")}
        checked = {one.check: one for one in work.waiting(session, config, NOW + timedelta(minutes=15))}
        assert checked["closed browsers"].code == "push_failing"
    # Nobody wants to be told hours later.
    await push_all(store, config, crm, NOW + OF_USE)
    assert due(store) == []
    service.status = 410
    tell(store, config, "k2")
    await push_all(store, config, crm, NOW)
    assert reached(store) == []
    assert due(store) == []


async def test_in_a_quiet_time_nothing_is_shown_before_its_end(
    store: Store, config: Config, crm: Crm, service: PushService
) -> None:
    subscribe(store, config, sign_in(store, config, "alice"), target(service, "a"))
    with store.writing() as session:
        notice_settings.change(session, config, BY, "alice", quiet="09:00-11:00")
    tell(store, config, "k1")
    assert due(store) == []
    later = NOW + timedelta(hours=1)
    with store.writing() as session:
        notices.send_held(session, config, later)
    assert due(store) == [later]
