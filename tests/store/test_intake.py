"""The door to guest cards and to their timelines."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.errors import Invalid, NotFound
from crm.domain.leads import Happened, LeasingStage
from crm.services.people import intake, timeline
from crm.store.models import Activity, Interest, Lead, LeadEmail, LeadPhone, Property
from crm.store.session import Store
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

PERSON = "+15125550177"
LATER = NOW + timedelta(hours=1)


@pytest.mark.both_databases
async def test_of_many_who_meet_a_number_at_once_one_makes_its_lead(store: Store) -> None:
    def meet(session: Session) -> int:
        return intake.by_number(session, PERSON, NOW).id

    found = await asyncio.gather(*(store.run(meet) for _ in range(8)))
    with store.reading() as session:
        [phone] = session.scalars(select(LeadPhone)).all()
        assert set(found) == {phone.lead_id}
        assert len(session.scalars(select(Lead)).all()) == 1


@pytest.mark.both_databases
async def test_of_many_who_meet_an_address_at_once_one_makes_its_lead(store: Store) -> None:
    def meet(session: Session, raw: str) -> int:
        return intake.by_address(session, raw, NOW).id

    written = ("pat@example.com", "Pat@Example.com", " PAT@EXAMPLE.COM ")
    found = await asyncio.gather(*(store.run(meet, written[n % 3]) for n in range(9)))
    with store.reading() as session:
        [email] = session.scalars(select(LeadEmail)).all()
        assert (set(found), email.address) == ({email.lead_id}, "pat@example.com")
        assert session.scalars(select(Lead.email)).all() == ["pat@example.com"]


@pytest.mark.both_databases
async def test_who_asks_for_an_address_has_its_lead_alone_until_the_end(store: Store) -> None:
    def count(session: Session) -> None:
        lead = intake.by_address(session, "pat@example.com", NOW)
        lead.name = str(int(lead.name or 0) + 1)

    await asyncio.gather(*(store.run(count) for _ in range(12)))
    with store.reading() as session:
        assert session.scalars(select(Lead.name)).all() == ["12"]


def test_no_address_makes_nobody(store: Store) -> None:
    for raw in ("", " ", "pat", "pat@", "pat@example.com, sam@example.com"):
        with pytest.raises(Invalid), store.writing() as session:
            intake.by_address(session, raw, NOW)
    with store.reading() as session:
        assert not session.scalars(select(Lead)).all()


def test_an_address_that_was_written_down_finds_whoever_had_it_first(store: Store) -> None:
    with store.writing() as session:
        first, second = intake.by_number(session, PERSON, NOW), intake.without_number(session, NOW)
        intake.write_address(session, first, "Pat@Example.com")
        intake.write_address(session, second, "pat@example.com")
        assert (first.email, second.email) == ("Pat@Example.com", "pat@example.com")
        assert intake.by_address(session, "PAT@example.com", NOW) is first
        intake.write_address(session, first, "sam@example.com")
        assert intake.by_address(session, "sam@example.com", NOW) is first
        assert intake.by_address(session, "pat@example.com", NOW) is second
        intake.write_address(session, first, "")
        assert (first.email, first.emails) == ("", [])


def test_a_lead_is_meant_by_id_number_or_address(store: Store, config: Config) -> None:
    with store.writing() as session:
        lead = intake.by_number(session, PERSON, NOW)
        intake.write_address(session, lead, "pat@example.com")
        for raw in (str(lead.id), "(512) 555-0177", "PAT@example.com"):
            assert intake.person(session, config, raw)[0] is lead
            assert intake.lead_of(session, config, raw, NOW) is lead
        with pytest.raises(NotFound):
            intake.person(session, config, "sam@example.com")
        assert intake.lead_of(session, config, "sam@example.com", NOW).email == "sam@example.com"


@pytest.mark.both_databases
async def test_who_asks_for_a_lead_has_it_alone_until_the_end(store: Store) -> None:
    """Each reads what the one before has written."""

    def count(session: Session) -> None:
        lead = intake.by_number(session, PERSON, NOW)
        lead.name = str(int(lead.name or 0) + 1)

    await asyncio.gather(*(store.run(count) for _ in range(12)))
    with store.reading() as session:
        assert session.scalars(select(Lead.name)).all() == ["12"]


def test_a_nameless_lead_gets_the_number_or_gives_way(store: Store) -> None:
    with store.writing() as session:
        first = intake.by_number(session, PERSON, NOW, nameless=intake.without_number(session, NOW))
        again = intake.by_number(session, PERSON, LATER, nameless=intake.without_number(session, LATER))
        assert (first.id, [phone.number for phone in first.phones]) == (again.id, [PERSON])
        assert len(session.scalars(select(Lead)).all()) == 1


def test_an_interest_is_one_and_knows_when_it_was_heard_of_last(store: Store) -> None:
    with store.writing() as session:
        property = session.scalars(select(Property.id)).first()
        assert property is not None
        lead = intake.by_number(session, PERSON, NOW)
        for at in (LATER, NOW):
            intake.interest_in(lead, property, at)
    with store.reading() as session:
        [interest] = session.scalars(select(Interest)).all()
        assert (interest.stage, interest.updated_at) == (LeasingStage.CONTACTED, LATER)


def test_an_entry_with_the_same_key_is_corrected(store: Store) -> None:
    def enter(session: Session, text: str, at: datetime) -> None:
        timeline.enter(session, intake.by_number(session, PERSON, NOW).id, Happened.NOTE, text, at, key="note:1")

    store.run_blocking(enter, "They want \x00a garden." + "." * 600, NOW)
    store.run_blocking(enter, "They want a balcony.", LATER)
    with store.reading() as session:
        [entry] = session.scalars(select(Activity)).all()
        assert (entry.kind, entry.text, entry.at) == ("Note", "They want a balcony.", LATER)
    with store.writing() as session:
        timeline.withdraw(session, "note:1")
        timeline.withdraw(session, "note:2")
    with store.reading() as session:
        assert not session.scalars(select(Activity)).all()
