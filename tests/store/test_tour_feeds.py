"""Calendars of tours to subscribe to, on real databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import icalendar
import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.access import WHOLE_OFFICE, Reach, Role
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.tours import TourKind
from crm.secrets import Secrets
from crm.services.access import accounts
from crm.services.audit import By
from crm.services.tours import booking, feeds, times
from crm.store.models import Property
from crm.store.session import Store
from crm.views import tours as view
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

BY = By("dana", NOW)
PAT = "+15125550188"


def starts(text: str) -> list[datetime]:
    return [one.decoded("dtstart") for one in icalendar.Calendar.from_ical(text).walk("VEVENT")]


def test_a_feed_has_the_tours_of_its_agent_or_property_within_reach(store: Store, config: Config) -> None:
    secrets = Secrets(config.secrets_file)
    with store.writing() as session:
        for agent in ("alice", "bob"):
            times.set_hours(
                session, BY, "maple", ["mon-fri 09:00-17:00"], kind=TourKind.ACCOMPANIED, minutes=60, agent=agent
            )
        account = accounts.add(session, BY, "dana", "Dana", Role.ADMIN).id
    with store.writing() as session:
        at = NOW + timedelta(hours=2)
        booked = booking.book(
            session, config, secrets, BY, person=PAT, property_slug="maple", at=at, key="one", remark="Two dogs"
        ).tour
        shows = view.in_calendar(session, booked.id).agent
        assert shows is not None
        other = "bob" if shows == "alice" else "alice"
        made = {
            name: feeds.add(session, BY, account, **of, reach=WHOLE_OFFICE).token  # type: ignore[arg-type]
            for name, of in {
                "property": {"property_slug": "maple"},
                "shows": {"agent": shows},
                "other": {"agent": other},
            }.items()
        }
        for of in ({}, {"property_slug": "maple", "agent": other}):
            with pytest.raises(Invalid):
                feeds.add(session, BY, account, **of, reach=WHOLE_OFFICE)  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            feeds.add(session, BY, account, property_slug="maple", reach=Reach(frozenset()))
    with store.reading() as session:
        read = {name: feeds.read(session, config, token, BY) for name, token in made.items()}
        assert {name: starts(text) for name, text in read.items()} == {"property": [at], "shows": [at], "other": []}
        assert "dogs" not in read["property"]
        assert PAT not in read["property"]
        assert read["property"] == feeds.read(session, config, made["property"], By("", NOW + timedelta(minutes=1)))
        assert [one.name for one in view.feeds(session, account)] == ["Maple Court", shows.title(), other.title()]
    with store.writing() as session:
        accounts.change(session, BY, "dana", accounts.AccountChange(language="es"))
        booking.cancel(session, config, secrets, BY, booked.id)
    with store.reading() as session:
        assert starts(feeds.read(session, config, made["property"], BY)) == []


def test_what_an_account_no_longer_sees_its_feeds_do_not_show(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.add(Property(slug="oak", name="Oak"))
        times.set_hours(session, BY, "maple", ["mon-fri 09:00-17:00"], kind=TourKind.ACCOMPANIED, minutes=60)
        accounts.add(session, BY, "boss", "Boss", Role.ADMIN)
        account = accounts.add(session, BY, "eve", "Eve", Role.AGENT, property_slugs=["oak"])
        at = NOW + timedelta(hours=2)
        booking.book(
            session, config, Secrets(config.secrets_file), BY, person=PAT, property_slug="maple", at=at, key="one"
        )
        made = feeds.add(session, BY, account.id, property_slug="maple", reach=WHOLE_OFFICE)
        token, id = made.token, made.id
    with store.reading() as session:
        assert starts(feeds.read(session, config, token, BY)) == []
    with store.writing() as session:
        with pytest.raises(NotFound):
            feeds.revoke(session, BY, account.id + 1, id)
        feeds.revoke(session, BY, account.id, id)
        for _ in range(feeds.MOST_FEEDS):
            feeds.add(session, BY, account.id, agent="alice", reach=WHOLE_OFFICE)
        with pytest.raises(Conflict):
            feeds.add(session, BY, account.id, agent="alice", reach=WHOLE_OFFICE)
        with pytest.raises(NotFound):
            feeds.read(session, config, token, BY)


def test_a_calendar_has_what_begins_within_its_time(store: Store, config: Config) -> None:
    with store.writing() as session:
        times.set_hours(session, BY, "maple", ["mon-fri 09:00-17:00"], kind=TourKind.ACCOMPANIED, minutes=60)
        maple = session.scalars(select(Property.id).where(Property.slug == "maple")).one()
        for hours in (2, 3, 24):
            at = NOW + timedelta(hours=hours)
            booking.book(
                session,
                config,
                Secrets(config.secrets_file),
                BY,
                person=PAT,
                property_slug="maple",
                at=at,
                key=str(hours),
            )
    with store.reading() as session:

        def found(**more: object) -> list[str]:
            return [one.key for one in view.between(session, NOW, NOW + timedelta(hours=24), **more)]  # type: ignore[arg-type]

        assert found() == ["2", "3"]
        assert found(property_id=maple, limit=1) == ["2"]
        assert found(property_id=maple + 1) == []
        assert found(reach=Reach(frozenset({maple + 1}))) == []
        assert found(agent_id=1) == []
        free = times.free_on(session, config, "maple", NOW, NOW, 0)
        assert [one.starts_at.hour for one in free] == [17, 20, 21, 22], "UTC: 18 and 19 are taken"
