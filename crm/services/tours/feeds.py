"""Calendars of tours that calendar programs subscribe to, each at an address that nobody can guess.

A feed shows what its account may see at the moment it is read, and nothing of the people who come: calendar programs
keep their copies wherever they like.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.access import Reach
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.tours import TourKind, TourState
from crm.edge import calendar
from crm.edge.calendar import FeedEvent
from crm.services import audit
from crm.services.access import accounts
from crm.services.audit import By
from crm.services.office import agents, properties
from crm.store.models import Account, Agent, CalendarFeed, Property, Tour, TourSlot
from crm.store.queries import reach as reached

BEFORE, AFTER = timedelta(days=30), timedelta(days=180)
MOST_TOURS = 2_000
MOST_FEEDS = 50
"""Of one account."""


def add(
    session: Session, by: By, account_id: int, *, property_slug: str = "", agent: str = "", reach: Reach
) -> CalendarFeed:
    """A feed of a property's tours, or of an agent's. Raises Invalid, NotFound, Conflict."""
    if bool(property_slug) == bool(agent):
        raise Invalid("A calendar is of one property, or of one agent.", code="calendar_of_what")
    property = properties.named(session, property_slug) if property_slug else None
    if property is not None and not reach.holds(property.id):
        raise NotFound(f"There is no property {property_slug}.", code="property_unknown", property=property_slug)
    who = agents.named(session, agent) if agent else None
    theirs = CalendarFeed.account_id == account_id
    if (session.scalar(select(func.count()).select_from(CalendarFeed).where(theirs)) or 0) >= MOST_FEEDS:
        raise Conflict(
            f"{MOST_FEEDS} calendars are the most: revoke one first.", code="calendars_too_many", most=MOST_FEEDS
        )
    feed = CalendarFeed(
        token=secrets.token_urlsafe(32),
        account_id=account_id,
        property_id=property.id if property else None,
        agent_id=who.id if who else None,
        made_at=by.now,
    )
    session.add(feed)
    session.flush()
    of = f"property {property.slug}" if property else f"agent {agent}"
    audit.record(session, by, f"calendar {feed.id} of {of} can be subscribed to")
    return feed


def revoke(session: Session, by: By, account_id: int, feed_id: int) -> None:
    """Its address leads nowhere any more. Raises NotFound."""
    feed = session.get(CalendarFeed, feed_id)
    if feed is None or feed.account_id != account_id:
        raise NotFound("There is no such calendar.", code="calendar_unknown")
    session.delete(feed)
    audit.record(session, by, f"calendar {feed_id} revoked")


def read(session: Session, config: Config, token: str, by: By) -> str:
    """The calendar at an address, as a file. Raises NotFound."""
    row = session.execute(
        select(CalendarFeed, Account)
        .join(Account, Account.id == CalendarFeed.account_id)
        .where(CalendarFeed.token == token[:60], Account.disabled_at.is_(None))
    ).first()
    if row is None:
        raise NotFound("There is no such calendar.", code="calendar_unknown")
    feed, account = row
    reach = accounts.reach_of(session, account)
    found = (
        select(Tour, TourSlot, Property.name)
        .join(TourSlot, TourSlot.id == Tour.slot_id)
        .join(Property, Property.id == TourSlot.property_id)
        .where(
            Tour.state != TourState.CANCELLED,
            TourSlot.starts_at >= by.now - BEFORE,
            TourSlot.starts_at < by.now + AFTER,
            *reached.of_tours(reach),
        )
        .order_by(TourSlot.starts_at, Tour.id)
        .limit(MOST_TOURS)
    )
    if feed.property_id is not None:
        name = session.scalar(select(Property.name).where(Property.id == feed.property_id))
        found = found.where(TourSlot.property_id == feed.property_id)
    else:
        name = session.scalar(select(Agent.name).where(Agent.id == feed.agent_id))
        found = found.where(TourSlot.agent_id == feed.agent_id)
    if name is None:
        raise NotFound("There is no such calendar.", code="calendar_unknown")
    base = config.console.public_url.rstrip("/")
    events = [
        FeedEvent(
            key=f"{tour.key} {tour.booked_at.isoformat()}",
            sequence=tour.version,
            made_at=tour.booked_at,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            summary=f"{'Video tour' if slot.kind == TourKind.REMOTE else 'Tour'}: {where}",
            location=where,
            url=f"{base}/tours/{tour.id}" if base else "",
        )
        for tour, slot, where in session.execute(found)
    ]
    return calendar.feed(f"Tours: {name}", events)
