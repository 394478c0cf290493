"""The door to guest cards and to their timelines."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.leads import Happened, LeasingStage
from crm.services.people import intake, timeline
from crm.store.models import Activity, Interest, Lead, LeadPhone, Property
from crm.store.session import Store
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

PERSON = "+15125550177"
LATER = NOW + timedelta(hours=1)


async def test_of_many_who_meet_a_number_at_once_one_makes_its_lead(store: Store) -> None:
    def meet(session: Session) -> int:
        return intake.by_number(session, PERSON, NOW).id

    found = await asyncio.gather(*(store.run(meet) for _ in range(8)))
    with store.reading() as session:
        [phone] = session.scalars(select(LeadPhone)).all()
        assert set(found) == {phone.lead_id}
        assert len(session.scalars(select(Lead)).all()) == 1


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
        place = session.scalars(select(Property.id)).first()
        assert place is not None
        lead = intake.by_number(session, PERSON, NOW)
        for at in (LATER, NOW):
            intake.interest_in(lead, place, at)
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
