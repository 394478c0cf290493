"""Notices to people of the office: once each, by text and mail, with the transaction that caused them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.access import Role
from crm.domain.delivery import DeliveryState
from crm.domain.gate import Verdict
from crm.domain.notices import AT_ONCE, GATHERED, NoticeKind
from crm.domain.texts import TextPurpose
from crm.services.access import accounts
from crm.services.audit import By
from crm.services.outbox import gatekeeper, notices
from crm.services.people import opt_outs
from crm.store.models import Agent, Device, Mail, Message
from crm.store.session import Store

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NIGHT = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
"""2:00 in Chicago."""
MOBILE = "+15125550140"


@pytest.fixture
async def reachable(office: None, store: Store) -> None:
    """Alice has two mobiles and an address, Bob an address, Carol nothing."""
    with store.writing() as session:
        by_slug = {agent.slug: agent for agent in session.scalars(select(Agent))}
        by_slug["alice"].email, by_slug["bob"].email = "alice@example.com", "bob@example.com"
        for number in (MOBILE, "+15125550141"):
            slug = f"alice-mobile-{number[-1]}"
            session.add(Device(slug=slug, agent_id=by_slug["alice"].id, kind="mobile", number=number))


async def tell(store: Store, config: Config, key: str, *who: str, text: str = "Somebody dialed 911.") -> None:
    with store.writing() as session:
        found = session.scalars(select(Agent).where(Agent.slug.in_(who))).all()
        notices.tell(session, config, found, key, "Emergency call", text, NIGHT)


async def waiting(store: Store) -> tuple[list[Message], list[Mail]]:
    with store.reading() as session:
        texts = session.scalars(select(Message).order_by(Message.to_number)).all()
        return list(texts), list(session.scalars(select(Mail).order_by(Mail.to_address)).all())


@pytest.mark.usefixtures("reachable")
async def test_everybody_is_told_once_however_often_it_is_said(store: Store, config: Config) -> None:
    for _ in range(2):
        await tell(store, config, "911:1", "alice", "bob", "carol")
    texts, mails = await waiting(store)
    assert [(one.to_number, one.from_number, one.purpose, one.body) for one in texts] == [
        (number, "+15125550100", TextPurpose.STAFF, "Somebody dialed 911.") for number in (MOBILE, "+15125550141")
    ]
    assert [(one.to_address, one.subject, one.body) for one in mails] == [
        (f"{who}@example.com", "Emergency call", "Somebody dialed 911.") for who in ("alice", "bob")
    ]
    await tell(store, config, "911:2", "alice")
    texts, mails = await waiting(store)
    assert len(texts) == 4
    assert len(mails) == 3


@pytest.mark.usefixtures("reachable")
async def test_a_notice_leaves_at_night_and_beyond_the_limits(store: Store, config: Config) -> None:
    for n in range(config.texts.per_person_per_hour + 1):
        await tell(store, config, f"911:{n}", "alice")
    with store.writing() as session:
        for one in session.scalars(select(Message).where(Message.to_number == MOBILE)):
            decision = gatekeeper.decide(session, config, one, NIGHT)
            assert decision.verdict is Verdict.SEND, decision
            one.state, one.sent_at = DeliveryState.SENT, NIGHT


@pytest.mark.usefixtures("reachable")
async def test_pain_11_an_agent_who_opted_out_gets_no_text_and_the_text_says_so(store: Store, config: Config) -> None:
    with store.writing() as session:
        opt_outs.enter(session, MOBILE, source="keyword", evidence='"STOP"', now=NIGHT - timedelta(days=1))
    await tell(store, config, "911:1", "alice")
    with store.writing() as session:
        one = session.scalars(select(Message).where(Message.to_number == MOBILE)).one()
        assert gatekeeper.decide(session, config, one, NIGHT).verdict is Verdict.BLOCK
        assert one.state == DeliveryState.BLOCKED


@pytest.mark.usefixtures("reachable")
async def test_notices_do_not_use_up_what_prospects_may_get(store: Store, config: Config) -> None:
    await tell(store, config, "911:1", "alice")
    with store.writing() as session:
        for one in session.scalars(select(Message)):
            one.state, one.sent_at = DeliveryState.SENT, NIGHT
        full = Message(
            key="k",
            purpose=TextPurpose.MISSED_CALL,
            to_number=MOBILE,
            from_number="+15125550100",
            body="x",
            media=[],
            state=DeliveryState.QUEUED,
            created_at=NIGHT,
        )
        session.add(full)
        session.flush()
        narrow = msgspec.structs.replace(
            config, texts=msgspec.structs.replace(config.texts, per_hour=1, per_person_per_hour=1)
        )
        assert gatekeeper.decide(session, narrow, full, NIGHT).verdict is Verdict.SEND


async def test_who_has_neither_mobile_nor_address_is_left_out(store: Store, config: Config) -> None:
    await tell(store, config, "911:1", "carol")
    assert await waiting(store) == ([], [])


@pytest.mark.usefixtures("reachable")
async def test_what_a_stranger_wrote_is_cleaned_and_cut(store: Store, config: Config) -> None:
    await tell(store, config, "text:1", "alice", text="a\x00b\x1b[2J\ud800" + "x" * 2000)
    texts, mails = await waiting(store)
    assert texts[0].body.startswith("a b [2J?xx")
    assert len(texts[0].body) == notices.LONGEST_TEXT
    assert len(mails[0].body) > 2000


@pytest.mark.usefixtures("reachable")
async def test_everybody_is_told_in_the_language_of_their_pages(store: Store, config: Config) -> None:
    with store.writing() as session:
        accounts.add(session, By("test", NIGHT), "alicia", "Alice", Role.AGENT, agent="alice", language="es")
    told = "Pat, (512) 555-0123: Called Elm and reached nobody."
    with store.writing() as session:
        both = session.scalars(select(Agent).where(Agent.slug.in_(("alice", "bob")))).all()
        notices.tell(session, config, both, "alarm", "Missed call from Pat", told, NIGHT)
        for number in range(AT_ONCE + 2):
            key, kind = f"missed:{number}", NoticeKind.MISSED_CALL
            notices.tell(session, config, both, key, "Missed call from Pat", told, NIGHT, kind=kind)
    with store.writing() as session:
        for _ in both:
            notices.send_held(session, config, NIGHT + GATHERED)
    texts, mails = await waiting(store)
    spanish = "Pat, (512) 555-0123: Llamó a Elm y no encontró a nadie."
    assert {one.body for one in texts} == {spanish}
    assert {(one.to_address, one.subject, one.body) for one in mails} == {
        ("alice@example.com", "Llamada perdida de Pat", spanish),
        ("alice@example.com", "2 avisos", "\n\n".join([f"Llamada perdida de Pat\n{spanish}"] * 2)),
        ("bob@example.com", "Missed call from Pat", told),
        ("bob@example.com", "2 notices", "\n\n".join([f"Missed call from Pat\n{told}"] * 2)),
    }
