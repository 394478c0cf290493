"""Calls, and what happened in them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from crm.domain.access import Scope
from crm.domain.calls import CallDirection, Outcome
from crm.views import calls
from crm.views.calls import CallEntry, CallSummary
from crm.web.api.cursors import page
from crm.web.api.routes import Ask, Id, ListPage, Moment, Paged, Routes, Slug

routes = Routes("calls")

CallId = Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"^[!-~]+$")]


class CallQuery(Paged, kw_only=True):
    """Filters for calls."""

    property: Slug | None = None
    lead: Id | None = None
    direction: CallDirection | None = None
    outcome: Outcome | None = None
    in_progress: bool = False
    """Only calls in progress."""
    since: Moment | None = None
    """Only calls that began then or later."""


@routes.get("/calls", Scope.CALLS_READ)
def list_calls(ask: Ask, query: CallQuery) -> ListPage[CallEntry]:
    """List calls, newest first."""
    return page(
        query,
        tuple[datetime, str],
        lambda one: (one.started_at, one.id),
        lambda after, limit: calls.listed(
            ask.session,
            since=query.since,
            outcome=query.outcome,
            direction=query.direction,
            in_progress=query.in_progress,
            property_slug=query.property,
            lead=query.lead,
            after=after,
            limit=limit,
            reach=ask.reach,
        ),
    )


@routes.get("/calls/{call}", Scope.CALLS_READ)
def show_call(ask: Ask, call: CallId) -> CallSummary:
    """Show a call with the phones that rang, and what it led to."""
    return calls.summary(ask.session, call, ask.reach)
