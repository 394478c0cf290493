"""Tours: free times, and who has booked one."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from crm.domain.access import Scope
from crm.domain.tours import OFFERED_DAYS, TourKind, TourState
from crm.services.tours import booking, times
from crm.views import tours
from crm.views.tours import SlotEntry, TourEntry
from crm.web.api import sees
from crm.web.api.cursors import page
from crm.web.api.routes import Ask, Body, Id, Limit, ListPage, Moment, Paged, Query, Reply, Routes, Slug

routes = Routes("tours")

JUST_OVER = timedelta(hours=12)
"""Without `since`, tours that began within this time are listed as well."""


class TimesQuery(Query, kw_only=True):
    """Filters for free times."""

    days: Annotated[int, msgspec.Meta(ge=0, le=90)] = OFFERED_DAYS
    """How many days ahead."""
    kind: TourKind | None = None
    limit: Limit = 50
    """Most times to return."""


@routes.get("/properties/{property}/tour-times", Scope.TOURS_READ)
def list_tour_times(ask: Ask, property: Slug, query: TimesQuery) -> ListPage[SlotEntry]:
    """List the times at which a tour of a property can be booked. There is only one page."""
    slug = sees.property_named(ask, property)
    free = times.free(ask.session, ask.config, slug, ask.now, days=query.days, kind=query.kind, limit=query.limit)
    return ListPage(items=[SlotEntry(slug, one.starts_at, one.ends_at, one.kind.value) for one in free], next=None)


class TourQuery(Paged, kw_only=True):
    """Filters for tours."""

    property: Slug | None = None
    lead: Id | None = None
    state: TourState | None = None
    since: Moment | None = None
    """Only tours that begin then or later; null: upcoming ones, and those of the last 12 hours."""


@routes.get("/tours", Scope.TOURS_READ)
def list_tours(ask: Ask, query: TourQuery) -> ListPage[TourEntry]:
    """List tours by the time they begin."""

    def read(after: tuple[datetime, int] | None, limit: int) -> list[TourEntry]:
        found = tours.listed(
            ask.session,
            since=query.since or ask.now - JUST_OVER,
            property_slug=query.property,
            state=query.state,
            lead=query.lead,
            after=after,
            limit=limit,
            reach=ask.reach,
        )
        return [tour for tour, _ in found]

    return page(query, tuple[datetime, int], lambda one: (one.at, one.id), read)


@routes.get("/tours/{tour}", Scope.TOURS_READ)
def show_tour(ask: Ask, tour: Id) -> TourEntry:
    """Show a tour."""
    return tours.one(ask.session, tour, ask.reach)[0]


class NewTour(Body, kw_only=True):
    """A tour to book."""

    property: Slug
    lead: Id
    at: Moment
    """One of the free times."""
    kind: TourKind | None = None
    """Which kind, if several are offered at that time."""
    note: Annotated[str, msgspec.Meta(max_length=300)] = ""
    """A note for the agent who gives the tour."""


@routes.post("/tours", Scope.TOURS_WRITE, 201)
def book_tour(ask: Ask, body: NewTour) -> Reply[TourEntry]:
    """Book a tour; the person gets a text and an email, and reminders before it."""
    slug, lead = sees.property_named(ask, body.property), sees.lead(ask, body.lead)
    booked = booking.book(
        ask.session,
        ask.config,
        ask.secrets,
        ask.by,
        person=lead,
        property_slug=slug,
        at=body.at,
        key=f"api:{uuid.uuid4().hex}",
        kind=body.kind,
        remark=body.note,
    )
    ask.session.flush()
    return Reply(tours.one(ask.session, booked.tour.id)[0], 201, f"/tours/{booked.tour.id}")


class NewTime(Body, kw_only=True):
    """Another time for a tour."""

    at: Moment


@routes.post("/tours/{tour}/move", Scope.TOURS_WRITE)
def move_tour(ask: Ask, tour: Id, body: NewTime) -> TourEntry:
    """Move a tour to another time; the person is notified."""
    booking.move(ask.session, ask.config, ask.secrets, ask.by, sees.tour(ask, tour), body.at)
    ask.session.flush()
    return tours.one(ask.session, tour)[0]


@routes.post("/tours/{tour}/cancellation", Scope.TOURS_WRITE)
def cancel_tour(ask: Ask, tour: Id) -> TourEntry:
    """Cancel a tour; the person is notified, and the time is free again."""
    booking.cancel(ask.session, ask.config, ask.secrets, ask.by, sees.tour(ask, tour))
    ask.session.flush()
    return tours.one(ask.session, tour)[0]


class TourResult(Body, kw_only=True):
    """The result of a tour."""

    state: Literal["done", "missed"]


@routes.post("/tours/{tour}/result", Scope.TOURS_WRITE)
def close_tour(ask: Ask, tour: Id, body: TourResult) -> TourEntry:
    """Record the result of a tour that has begun."""
    booking.close(ask.session, ask.config, ask.secrets, ask.by, sees.tour(ask, tour), TourState(body.state))
    ask.session.flush()
    return tours.one(ask.session, tour)[0]
