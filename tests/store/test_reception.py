"""What a flow learns at the beginning of a call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.ringing import Mobile
from crm.services.office import hours
from crm.services.people.identity import Identity
from crm.services.routing import reception
from crm.services.routing.reception import Reception
from crm.store.models import Device, Hours, Lead, LeadPhone
from crm.store.queries import agents
from crm.store.session import Store

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
MAPLE = "+15125550100"
PROSPECT = "+15125550123"


async def test_a_new_caller_on_a_property_line(store: Store, config: Config) -> None:
    assert await store.read(reception.receive, config, MAPLE, PROSPECT) == Reception(
        did=MAPLE,
        caller=PROSPECT,
        person=Identity(PROSPECT),
        line_known=True,
        line_label="Maple sign",
        greeting="Hello.",
        source="sign",
        property_name="Maple Court",
        property_slug="maple",
        property_id=1,
        listings_url="https://maple.example.com",
        subteam="east",
        mailbox="property:maple",
    )


async def test_a_known_caller_has_their_agent(store: Store, config: Config) -> None:
    with store.writing() as session:
        bob = agents.by_slug(session, "bob")
        session.add(Lead(name="Pat", assigned_agent=bob, created_at=NOW, phones=[LeadPhone(number=PROSPECT)]))
    found = await store.read(reception.receive, config, MAPLE, PROSPECT)
    assert (found.lead_known, found.lead_name, found.assigned_agent) == (True, "Pat", "bob")


async def test_a_line_without_property_has_the_offices_link(store: Store, config: Config) -> None:
    found = await store.read(reception.receive, config, "+15125550101", None)
    assert (found.line_known, found.language, found.property_name) == (True, "es", "")
    assert found.listings_url == "https://oak.example.com"
    assert not found.can_text_link, "the number is withheld"


async def test_an_extension_is_a_line_too_and_an_unknown_did_is_none(store: Store, config: Config) -> None:
    assert (await store.read(reception.receive, config, "6001", PROSPECT)).can_text_link
    found = await store.read(reception.receive, config, "+15125559999", PROSPECT)
    assert found == Reception("+15125559999", PROSPECT, Identity(PROSPECT))
    assert not (await store.read(reception.receive, config, "", None)).line_known


async def test_our_own_numbers_are_not_texted(store: Store, config: Config) -> None:
    found = await store.read(reception.receive, config, MAPLE, "+15125550101")
    assert found.caller_is_line
    assert not found.can_text_link


async def test_nothing_is_promised_to_numbers_that_nothing_may_go_to(store: Store, config: Config) -> None:
    for number in ("+19005550199", "+18765550199"):  # pay per call; Jamaica
        found = await store.read(reception.receive, config, MAPLE, number)
        assert found.line_known
        assert not found.can_text_link
        assert not found.can_call_back


async def test_who_is_available(store: Store, config: Config) -> None:
    with store.writing() as session:
        desk = session.scalars(select(Device).where(Device.slug == "bob-desk")).one()
        desk.dnd, desk.dnd_until = True, NOW + timedelta(hours=1)
        carol = agents.by_slug(session, "carol")
        assert carol
        carol.on_duty = False
    found = await store.read(reception.availability, config, online={"alice-desk", "bob-desk"}, on_call={"alice-desk"})
    by_slug = {agent.slug: agent for agent in found}
    assert list(by_slug) == ["alice", "bob", "carol", "dana"]
    assert by_slug["alice"].is_on_call
    assert by_slug["bob"].devices[0].has_dnd(NOW)
    assert not by_slug["carol"].on_duty
    assert not by_slug["dana"].devices[0].online
    assert by_slug["dana"].devices[0].slug == "dana-desk"


async def test_a_mobile_needs_no_registration_and_rings_when_forwarding_is_on(store: Store, config: Config) -> None:
    mobile = Device(slug="alice-mobile", kind="mobile", number="+15125550150", rings_after_seconds=8)
    with store.writing() as session:
        alice = agents.by_slug(session, "alice")
        assert alice
        alice.devices.append(mobile)
    for online, expected in ((set[str](), 0), ({"alice-desk"}, 8)):
        for forwarding in (False, True):
            with store.writing() as session:
                alice = agents.by_slug(session, "alice")
                assert alice
                alice.forwarding = forwarding
            [found, *_] = await store.read(reception.availability, config, online=online)
            refs = {ref.device: ref for ref in found.reachable_devices(NOW)}
            assert ("alice-mobile" in refs) == forwarding
            if forwarding:
                mobile = Mobile("+15125550150", device="alice-mobile", agent="alice", after_seconds=expected)
                assert refs["alice-mobile"] == mobile


async def test_the_schedule(store: Store, config: Config) -> None:
    assert (await store.read(hours.schedule, config)).always_open
    with store.writing() as session:
        session.add(Hours(weekday=0, opens="09:00", closes="18:00"))
    schedule = await store.read(hours.schedule, config)
    assert schedule.is_open(NOW)
    assert not schedule.is_open(NOW + timedelta(hours=9))
