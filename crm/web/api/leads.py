"""Leads: guest cards, their timelines, and who somebody is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from crm.domain.access import Scope
from crm.domain.errors import Invalid
from crm.domain.leads import OPEN, LeadFilter, LeadKind, LeadStatus, LeadType, LeasingStage, Light
from crm.edge import numbers
from crm.services import assignment
from crm.services import tasks as tasks_service
from crm.services.people import identity, intake, wishes
from crm.services.people import leads as service
from crm.views import leads, search, tasks
from crm.views.leads import ActivityEntry, LeadCard, LeadEntry
from crm.views.search import LeadHit
from crm.views.tasks import TaskEntry
from crm.web.api import sees
from crm.web.api.cursors import page
from crm.web.api.routes import Ask, Body, Id, Limit, ListPage, Moment, Paged, Query, Reply, Routes, Slug, given

routes = Routes("leads")

Text = Annotated[str, msgspec.Meta(max_length=200)]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Prose = Annotated[str, msgspec.Meta(min_length=1, max_length=service.LONGEST_NOTE)]
Number = Annotated[str, msgspec.Meta(max_length=40)]
Pets = Annotated[str, msgspec.Meta(max_length=100)]
Bedrooms = Annotated[int, msgspec.Meta(ge=0, le=wishes.MOST_BEDROOMS)]
Budget = Annotated[int, msgspec.Meta(ge=1, le=wishes.MOST_BUDGET)]
Source = Annotated[str, msgspec.Meta(max_length=60)]


class LeadQuery(Paged, kw_only=True):
    """Filters for leads."""

    kind: LeadKind | None = None
    type: LeadType | None = None
    status: Annotated[str, msgspec.Meta(pattern=f"^({'|'.join((*LeadStatus, OPEN))})$")] | None = None
    """new, in_progress, closed, or open (new or in_progress)."""
    stage: LeasingStage | None = None
    """Stage of any interest; with `property`, of the interest in that property."""
    light: Light | None = None
    """green: the last contact was less than 24 hours ago; yellow: less than 48; red: longer."""
    source: Source | None = None
    property: Slug | None = None
    """Only with an interest in this property."""
    subteam: Slug | None = None
    """Only with an interest in a property of this subteam."""
    agent: Slug | None = None
    """Only this agent's leads; none: unassigned ones."""
    overdue: bool = False
    """Only leads with an overdue task."""
    since: Moment | None = None
    """Only people who first got in touch then or later."""
    contact_since: Moment | None = None
    """Only if the last contact was then or later."""
    contact_before: Moment | None = None
    """Only without any contact since then."""


class NewLead(Body, kw_only=True):
    """Somebody who wants to rent a home, or to have one managed."""

    name: Text = ""
    phones: Annotated[list[Number], msgspec.Meta(max_length=10)] = msgspec.field(default_factory=list)
    """In any notation. A name, a number or an email address is required."""
    email: Text = ""
    kind: LeadKind = LeadKind.TENANT
    type: LeadType = LeadType.HOT
    source: Source = ""
    """Where they came from, such as walk-in."""
    property: Slug | None = None
    """Slug of the property they are interested in. Required for keys that do not see the whole office."""
    bedrooms: Bedrooms | None = None
    """That they look for; 0 is a studio."""
    move_in_on: date | None = None
    budget: Budget | None = None
    """Dollars a month."""
    pets: Pets = ""


class LeadChanges(Body, kw_only=True):
    """Changes to a lead. Fields that are left out stay as they are; an empty text clears a field."""

    name: Text | UnsetType = UNSET
    email: Text | UnsetType = UNSET
    add_phone: Number | UnsetType = UNSET
    """A number to add."""
    remove_phone: Number | UnsetType = UNSET
    """A number to remove."""
    kind: LeadKind | UnsetType = UNSET
    type: LeadType | UnsetType = UNSET
    status: LeadStatus | UnsetType = UNSET
    """closed requires a `reason`, and makes the lead cold."""
    reason: Annotated[str, msgspec.Meta(max_length=300)] | UnsetType = UNSET
    """Why the lead is closed."""
    source: Source | UnsetType = UNSET
    language: Annotated[str, msgspec.Meta(max_length=10)] | UnsetType = UNSET
    """Language of what they hear and read, such as es; empty: the line's."""
    bedrooms: Bedrooms | UnsetType | None = UNSET
    """That they look for; 0 is a studio, null: not known."""
    move_in_on: date | UnsetType | None = UNSET
    budget: Budget | UnsetType | None = UNSET
    """Dollars a month."""
    pets: Pets | UnsetType = UNSET


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

    If there is a person with the same phone number or email address, that lead gets what was missing, and the status is
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
        property_slug=sees.property_named(ask, body.property) if body.property else None,
        cold=body.type is LeadType.COLD,
    )
    looked_for = _wishes({name: getattr(body, name) for name in _WISHES})
    wishes.complete(lead, wishes.read(**{name: raw for name, raw in looked_for.items() if raw}))
    ask.session.flush()
    card = leads.card(ask.session, lead.id, ask.now, ask.reach)
    return Reply(card, 201 if is_new else 200, f"/leads/{lead.id}")


@routes.get("/leads/{lead}", Scope.LEADS_READ)
def show_lead(ask: Ask, lead: Id) -> LeadCard:
    """Show a lead. The id of a lead that was merged into another shows the other."""
    return leads.card(ask.session, sees.lead(ask, lead), ask.now, ask.reach)


@routes.patch("/leads/{lead}", Scope.LEADS_WRITE)
def change_lead(ask: Ask, lead: Id, body: LeadChanges) -> LeadCard:
    """Change a lead."""
    lead = sees.lead(ask, lead)
    service.named(ask.session, ask.config, lead, lock=True)
    ask.check_unchanged(leads.card(ask.session, lead, ask.now, ask.reach))
    changes = given(body)
    if not changes:
        raise Invalid("There is nothing to change.", code="nothing_to_change")
    if "type" in changes:
        changes["hot"] = changes.pop("type") is LeadType.HOT
    changes |= _wishes({name: changes.pop(name) for name in _WISHES if name in changes})
    service.change(ask.session, ask.config, ask.by, lead, **changes)
    return leads.card(ask.session, lead, ask.now, ask.reach)


_WISHES = {"bedrooms": "bedrooms", "move_in_on": "move_in", "budget": "budget", "pets": "pets"}
"""Fields, and what services call them."""


def _wishes(found: Mapping[str, object]) -> dict[str, str]:
    """As services read them; an empty text for none."""
    return {_WISHES[name]: "" if value is None else str(value) for name, value in found.items()}


class Assignment(Body, kw_only=True):
    """The agent that a lead is assigned to."""

    agent: Slug | None = None
    """Slug; null unassigns the lead, unless `in_turn` is set."""
    in_turn: bool = False
    """Assign it to whoever is next in the property's subteam, or else in the office."""


@routes.post("/leads/{lead}/assignment", Scope.LEADS_WRITE)
def assign_lead(ask: Ask, lead: Id, body: Assignment) -> LeadCard:
    """Assign a lead to an agent; both agents are notified."""
    lead = sees.lead(ask, lead)
    if body.in_turn:
        if body.agent is not None:
            raise Invalid("Give an agent or in_turn, not both.", code="assignment_twice")
        assignment.in_turn(ask.session, ask.config, ask.by, lead, property_slug=_own_interest(ask, lead))
    else:
        assignment.by_hand(ask.session, ask.config, ask.by, lead, body.agent)
    ask.session.flush()
    return leads.card(ask.session, lead, ask.now, ask.reach)


def _own_interest(ask: Ask, lead: int) -> str | None:
    """Returns the property within reach with the latest interest; None if the key sees the whole office."""
    if ask.reach.is_whole:
        return None
    interests = leads.card(ask.session, lead, ask.now, ask.reach).interests
    return max(interests, key=lambda one: one.updated_at).property


@routes.get("/leads/{lead}/timeline", Scope.LEADS_READ)
def list_timeline(ask: Ask, lead: Id, query: Paged) -> ListPage[ActivityEntry]:
    """List the timeline of a lead, latest first."""
    lead = sees.lead(ask, lead)
    return page(
        query,
        tuple[datetime, int],
        lambda one: (one.at, one.id),
        lambda after, limit: leads.timeline(ask.session, lead, before=after, limit=limit, reach=ask.reach),
    )


class NewNote(Body, kw_only=True):
    """A note about a lead."""

    text: Prose


@routes.post("/leads/{lead}/notes", Scope.LEADS_WRITE, 201)
def add_note(ask: Ask, lead: Id, body: NewNote) -> ActivityEntry:
    """Add a note to a lead's timeline."""
    lead = sees.lead(ask, lead)
    service.write_note(ask.session, ask.config, ask.by, lead, body.text)
    ask.session.flush()
    return leads.latest_entry(ask.session, lead)


class NewEvent(Body, kw_only=True):
    """An event that bypassed the system."""

    kind: Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(service.LOGGED)})$")]
    """call: we called and talked; call-from: they called; attempt: nobody answered; email, text, meeting."""
    text: Prose
    at: Moment | None = None
    """When it happened; null: now."""


@routes.post("/leads/{lead}/events", Scope.LEADS_WRITE, 201)
def log_event(ask: Ask, lead: Id, body: NewEvent) -> ActivityEntry:
    """Record a call, text, email or meeting that bypassed the system."""
    at = ask.now if body.at is None else body.at
    lead = sees.lead(ask, lead)
    service.log(ask.session, ask.config, ask.by, lead, body.kind, body.text, at)
    ask.session.flush()
    return leads.latest_entry(ask.session, lead)


class NewTask(Body, kw_only=True):
    """A task for a lead."""

    why: Line
    due_at: Moment
    owner: Slug | None = None
    """Slug of the agent who should do it; null: the lead's agent, or the next."""


@routes.post("/leads/{lead}/tasks", Scope.TASKS_WRITE, 201)
def add_task(ask: Ask, lead: Id, body: NewTask) -> Reply[TaskEntry]:
    """Add a task for a lead; its owner is notified."""
    lead = sees.lead(ask, lead)
    made = tasks_service.add(ask.session, ask.config, ask.by, lead, body.why, body.due_at, body.owner)
    return Reply(tasks.one(ask.session, made.id, ask.now, ask.reach), 201, f"/tasks/{made.id}")


class SearchQuery(Query, kw_only=True):
    """A search."""

    q: Annotated[str, msgspec.Meta(min_length=search.FEWEST, max_length=search.LONGEST)]
    """Part of a name, number (in any notation) or email address, or words of the timeline; the last word may be
    incomplete."""
    limit: Limit = 20
    """Most results to return."""


@routes.get("/search/leads", Scope.LEADS_READ)
def search_leads(ask: Ask, query: SearchQuery) -> ListPage[LeadHit]:
    """Find leads by who they are, or by words in their timeline. There is only one page."""
    hits = search.found(ask.session, query.q, ask.now, limit=query.limit, reach=ask.reach)
    return ListPage(items=hits, next=None)


class PersonQuery(Query, kw_only=True):
    """A number or an address."""

    number: Number | None = None
    """A phone number, in any notation."""
    email: Text | None = None


class KnownAs(msgspec.Struct, kw_only=True):
    """A resident, owner or vendor."""

    kind: str
    name: str
    """Empty if it is not known."""
    property: str | None
    """Slug."""


class KnownPerson(msgspec.Struct, kw_only=True):
    """Who has a number or an address; it may belong to a lead and a resident at once, or to nobody."""

    number: str | None
    """E.164; null if an address was given."""
    lead: LeadCard | None
    contact: KnownAs | None
    colleague: str | None
    """Slug of the agent whose mobile it is. Only for keys that see the whole office."""
    is_ours: bool
    """Whether it is one of our own lines. Only for keys that see the whole office."""
    is_blocked: bool
    """Whether calls from it are refused. Only for keys that see the whole office."""


@routes.get("/people", Scope.LEADS_READ)
def who_is(ask: Ask, query: PersonQuery) -> KnownPerson:
    """Find out who has a phone number or an email address."""
    if (query.number is None) == (query.email is None):
        raise Invalid("Give a number or an email address.", code="person_not_named")
    if query.email is not None:
        found = intake.by_known_address(ask.session, query.email)
        return _person(ask, identity.NOBODY, None, found)
    number = numbers.typed(query.number, ask.config.region, ask.config.area_code)
    if number is None:
        raise Invalid("That is not a phone number: write one like (512) 555-0100.", code="number_invalid")
    known = identity.who_is(ask.session, number)
    return _person(ask, known, number, known.lead.id if known.lead else None)


def _person(ask: Ask, known: identity.Identity, number: str | None, lead: int | None) -> KnownPerson:
    is_whole, contact = ask.reach.is_whole, known.contact
    if contact and not ask.reach.holds(contact.property_id):
        contact = None
    return KnownPerson(
        number=number,
        lead=leads.card_within(ask.session, lead, ask.now, ask.reach) if lead is not None else None,
        contact=KnownAs(kind=contact.kind, name=contact.name, property=contact.property or None) if contact else None,
        colleague=known.colleague if is_whole else None,
        is_ours=is_whole and known.is_line,
        is_blocked=is_whole and known.blocked is not None,
    )
