"""Leads: guest cards."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from crm.domain.access import Scope
from crm.domain.errors import Invalid
from crm.domain.leads import OPEN, LeadFilter, LeadKind, LeadStatus, LeadType, LeasingStage, Light
from crm.services.people import leads as service
from crm.views import leads
from crm.views.leads import LeadCard, LeadEntry
from crm.web.api.cursors import page
from crm.web.api.routes import Ask, Body, Id, ListPage, Moment, Paged, Reply, Routes, Slug, given
from crm.web.api.sees import property_named

routes = Routes("leads")

Text = Annotated[str, msgspec.Meta(max_length=200)]
Number = Annotated[str, msgspec.Meta(max_length=40)]
Source = Annotated[str, msgspec.Meta(max_length=60)]


class LeadQuery(Paged, kw_only=True):
    """Which leads."""

    kind: LeadKind | None = None
    type: LeadType | None = None
    status: Annotated[str, msgspec.Meta(pattern=f"^({'|'.join((*LeadStatus, OPEN))})$")] | None = None
    """new, in_progress, closed, or open: either of the first two."""
    stage: LeasingStage | None = None
    """Of an interest; with `property`, of the interest in that one."""
    light: Light | None = None
    """green: the last contact was less than 24 hours ago; yellow: less than 48; red: longer."""
    source: Source | None = None
    property: Slug | None = None
    """Only with an interest in this property."""
    subteam: Slug | None = None
    """Only with an interest in a property of this subteam."""
    agent: Slug | None = None
    """Only this agent's; none: nobody's."""
    overdue: bool = False
    """Only with a task that is overdue."""
    since: Moment | None = None
    """Only those who first came then or later."""
    contact_since: Moment | None = None
    """Only if the last contact was then or later."""
    contact_before: Moment | None = None
    """Only without any contact since then."""


class NewLead(Body, kw_only=True):
    """Somebody who wants to rent a home, or to have one managed."""

    name: Text = ""
    phones: Annotated[list[Number], msgspec.Meta(max_length=10)] = msgspec.field(default_factory=list)
    """In any notation; a name, a number or an address has to be there."""
    email: Text = ""
    kind: LeadKind = LeadKind.TENANT
    type: LeadType = LeadType.HOT
    source: Source = ""
    """Where they came from, such as walk-in."""
    property: Slug | None = None
    """Slug of the property they are interested in. A key that does not see the whole office has to name one."""


class LeadChanges(Body, kw_only=True):
    """What is to be changed of a lead; what is left out stays as it is, and an empty text takes it away."""

    name: Text | UnsetType = UNSET
    email: Text | UnsetType = UNSET
    add_phone: Number | UnsetType = UNSET
    """A further number of theirs."""
    remove_phone: Number | UnsetType = UNSET
    """A number that is not theirs."""
    kind: LeadKind | UnsetType = UNSET
    type: LeadType | UnsetType = UNSET
    status: LeadStatus | UnsetType = UNSET
    """closed needs a `reason`, and makes them cold."""
    reason: Annotated[str, msgspec.Meta(max_length=300)] | UnsetType = UNSET
    """Why they are closed."""
    source: Source | UnsetType = UNSET
    language: Annotated[str, msgspec.Meta(max_length=10)] | UnsetType = UNSET
    """What they hear and read, such as es; empty: the line's."""


@routes.get("/leads", Scope.LEADS_READ)
def list_leads(ask: Ask, query: LeadQuery) -> ListPage[LeadEntry]:
    """List leads, newest first."""
    wanted = LeadFilter(**{name: getattr(query, name) for name in LeadFilter.__dataclass_fields__})
    return page(
        query,
        tuple[datetime, int],
        lambda one: (one.created_at, one.id),
        lambda after, limit: leads.listed(ask.session, ask.now, wanted, after=after, limit=limit, reach=ask.reach),
    )


@routes.post("/leads", Scope.LEADS_WRITE, 201, 200)
def add_lead(ask: Ask, body: NewLead) -> Reply[LeadCard]:
    """Add a lead.

    A person with the same phone number or email address stays one lead, gets what was missing, and is answered with
    200.
    """
    if body.property is None and not ask.reach.is_whole:
        raise Invalid("Say which property they are interested in.", code="property_missing")
    lead, is_new = service.add(
        ask.session,
        ask.config,
        ask.by,
        name=body.name,
        phones=body.phones,
        email=body.email,
        kind=body.kind,
        source=body.source,
        property_slug=property_named(ask, body.property) if body.property else None,
        cold=body.type is LeadType.COLD,
    )
    card = leads.card(ask.session, lead.id, ask.now, ask.reach)
    return Reply(card, 201 if is_new else 200, f"/leads/{lead.id}")


@routes.get("/leads/{lead}", Scope.LEADS_READ)
def show_lead(ask: Ask, lead: Id) -> LeadCard:
    """Show a lead."""
    return leads.card(ask.session, lead, ask.now, ask.reach)


@routes.patch("/leads/{lead}", Scope.LEADS_WRITE)
def change_lead(ask: Ask, lead: Id, body: LeadChanges) -> LeadCard:
    """Change a lead."""
    leads.card(ask.session, lead, ask.now, ask.reach)
    service.named(ask.session, ask.config, lead, lock=True)
    ask.check_unchanged(leads.card(ask.session, lead, ask.now, ask.reach))
    changes = given(body)
    if not changes:
        raise Invalid("Nothing is to be changed.", code="nothing_to_change")
    if "type" in changes:
        changes["hot"] = changes.pop("type") is LeadType.HOT
    service.change(ask.session, ask.config, ask.by, lead, **changes)
    return leads.card(ask.session, lead, ask.now, ask.reach)
