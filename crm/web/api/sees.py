"""What a key can see: anything else does not exist for it."""

from __future__ import annotations

from sqlalchemy import select

from crm.domain.errors import CrmError, Invalid, NotFound
from crm.edge import numbers
from crm.services.office import properties
from crm.services.people import leads as people
from crm.services.phones.lines import line_for
from crm.store.models import Line, Listing
from crm.store.queries import lines
from crm.views import leads, tasks, tours
from crm.web.api.routes import Ask


def property_named(ask: Ask, slug: str) -> str:
    """Returns the slug of a property that the key can see, which may have been named by a former one. Raises
    NotFound."""
    found = properties.named(ask.session, slug)
    if not ask.reach.holds(found.id):
        raise NotFound(f"There is no property {slug}.", code="property_unknown", property=slug)
    return found.slug


def lead(ask: Ask, id: int) -> int:
    """Returns the id of a lead that the key can see, or of the lead it was merged into. Raises NotFound."""
    return leads.surviving(ask.session, id, ask.reach)


def listing(ask: Ask, id: int) -> int:
    """Returns the id of a listing that the key can see. Raises NotFound."""
    of = ask.session.scalar(select(Listing.property_id).where(Listing.id == id))
    if of is None or not ask.reach.holds(of):
        raise NotFound(f"There is no listing {id}.", code="listing_unknown", listing=id)
    return id


def task(ask: Ask, id: int) -> int:
    """Returns the id of a task that the key can see. Raises NotFound."""
    return tasks.one(ask.session, id, ask.now, ask.reach).id


def tour(ask: Ask, id: int) -> int:
    """Returns the id of a tour that the key can see. Raises NotFound."""
    return tours.one(ask.session, id, ask.reach)[0].id


def line_to_text(ask: Ask, lead: int | None, named: str | None) -> str | None:
    """Returns the line to send a text from: the named or the usual one if its property is visible to the key, or else
    any visible one. None leaves the choice to the outbox. Raises NotFound, Invalid."""
    if ask.reach.properties is None:
        return named
    if named is not None:
        found = lines.by_number(ask.session, numbers.clean_did(named, ask.config.region))
        if found is None or not ask.reach.holds(found.property_id):
            raise NotFound("There is no such line.", code="line_unknown")
        return found.number
    own = select(Line.number).where(Line.property_id.in_(ask.reach.properties), Line.number.startswith("+"))
    mine = list(ask.session.scalars(own.order_by(Line.id)))
    if not mine:
        raise Invalid("None of the properties that this key can see has a line.", code="line_to_text_missing")
    try:
        person = people.named(ask.session, ask.config, lead) if lead is not None else None
        usual = line_for(ask.session, ask.config, person, None)
    except CrmError:
        usual = ""
    return usual if usual in mine else mine[0]
