"""Texts, incoming and outgoing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from crm.domain.access import Scope
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Invalid
from crm.domain.texts import TextDirection
from crm.edge import numbers
from crm.services.office import numbering
from crm.services.texts import messages as service
from crm.views import messages
from crm.views.messages import MessageEntry
from crm.web.api import sees
from crm.web.api.cursors import page
from crm.web.api.routes import Ask, Body, Id, ListPage, Moment, Paged, Reply, Routes, Slug

routes = Routes("messages")

Number = Annotated[str, msgspec.Meta(max_length=40)]


class MessageQuery(Paged, kw_only=True):
    """Filters for texts."""

    lead: Id | None = None
    direction: TextDirection | None = None
    """in: from people to us; out: from us to people."""
    state: DeliveryState | None = None
    since: Moment | None = None
    """Only texts written then or later."""


@routes.get("/messages", Scope.MESSAGES_READ)
def list_messages(ask: Ask, query: MessageQuery) -> ListPage[MessageEntry]:
    """List texts, newest first."""
    return page(
        query,
        tuple[datetime, int],
        lambda one: (one.created_at, one.id),
        lambda after, limit: messages.listed(
            ask.session,
            since=query.since,
            state=query.state,
            direction=query.direction,
            lead=query.lead,
            after=after,
            limit=limit,
            reach=ask.reach,
        ),
    )


@routes.get("/messages/{message}", Scope.MESSAGES_READ)
def show_message(ask: Ask, message: Id) -> MessageEntry:
    """Show a text with its delivery state."""
    return messages.one(ask.session, message, ask.reach)


class NewMessage(Body, kw_only=True):
    """A text to send to a lead, or to a number."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=1600)]
    lead: Id | None = None
    number: Number | None = None
    """Instead of a lead, in any notation. Only for keys that see the whole office."""
    agent: Slug | None = None
    """Slug of the agent who writes it."""
    line: Number | None = None
    """Our number it is sent from; null: the one the person used last."""


@routes.post("/messages", Scope.MESSAGES_WRITE, 201)
def send_message(ask: Ask, body: NewMessage) -> Reply[MessageEntry]:
    """Queue a text to somebody.

    Whether it may be sent is decided at once, and again when it is sent: `decision` is send, wait or block, and
    `decision_reasons` says why. A blocked text stays on record and is not sent.
    """
    if (body.lead is None) == (body.number is None):
        raise Invalid("Give a lead or a number.", code="addressee_missing")
    if body.number is not None and not ask.reach.is_whole:
        raise Invalid("This key may only text leads: give one.", code="lead_missing")
    person = sees.lead(ask, body.lead) if body.lead is not None else _number(ask, body.number or "")
    line = sees.line_to_text(ask, body.lead, body.line)
    sent = service.send(ask.session, ask.config, ask.by, person, body.text, agent=body.agent, line=line)
    ask.session.flush()
    return Reply(messages.one(ask.session, sent.id), 201, f"/messages/{sent.id}")


def _number(ask: Ask, raw: str) -> str:
    # Otherwise a short number would be taken for a lead's id.
    if (number := numbers.typed(raw, ask.config.region, ask.config.area_code)) is None:
        numbering.check_area_code(raw, ask.config.region, ask.config.area_code)
        raise Invalid("That is not a phone number: write one like (512) 555-0100.", code="number_invalid")
    return number
