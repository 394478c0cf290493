"""What a reach lets through, as conditions of queries. With the whole office there is none.

What is about a property is seen by whoever sees that property. What is about none hangs on its person, and is seen by
whoever sees them: people are seen where they are interested in a property that is.

Every list asks here, so that of the tables those alone are imported that calls are listed with; the others are mapped
by the condition that is first asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, or_, select, true
from sqlalchemy.orm import Session

from crm.domain.access import Reach
from crm.store import models
from crm.store.models import Call, Interest, Lead, Line, Property, Voicemail

Conditions = Iterator[ColumnElement[bool]]
FEW = 10
"""Properties whose leads can be found first."""
MANY = 3_000
"""Leads that take longer to sort than a page of them takes to find in order."""


def of_leads(reach: Reach, id: Any = Lead.id, *, are_many: bool = False) -> Conditions:
    """Leads that are interested in one of its properties; `id` is the column with theirs. `are_many`: more than the
    query looks at, so that they are not found first."""
    if reach.properties is not None:
        yield _is_interested(reach.properties, id) if are_many else id.in_(_leads(reach.properties))


def of_leads_looked_at(reach: Reach, lead_id: Any) -> Conditions:
    """The same for rows that a query goes through in their order, and many of which it looks at."""
    if reach.properties is not None:
        # Of "is true", PostgreSQL does not make a join, for which it would go through the rows in another way.
        yield _is_of_one_of(reach.properties, lead_id).is_(true())


def has_many_leads(session: Session, reach: Reach) -> bool:
    """Whether a page of them is found faster by looking at leads in their order than by sorting all within reach."""
    if reach.properties is None:
        return False
    some = _leads(reach.properties).limit(MANY).subquery()
    return session.scalar(select(func.count()).select_from(some)) == MANY


def foreign_sources(reach: Reach) -> Any:
    """Sources of lines that are of other properties alone; None with the whole office."""
    if reach.properties is None:
        return None
    own = select(Line.source).where(or_(Line.property_id.is_(None), Line.property_id.in_(reach.properties)))
    others = select(Line.source).where(Line.property_id.not_in(reach.properties), Line.source != "")
    return others.where(Line.source.not_in(own))


def of_interests(reach: Reach) -> Conditions:
    if reach.properties is not None:
        yield Interest.property_id.in_(reach.properties)


def of_entries(reach: Reach) -> Conditions:
    """Entries of one timeline."""
    return of_recent(reach, models.Activity.property_id, models.Activity.lead_id)


def of_tasks(reach: Reach) -> Conditions:
    if reach.properties is not None:
        yield _about(reach.properties, models.Task.property_id, models.Task.lead_id)


def parts_of_tasks(reach: Reach) -> Conditions:
    """The same as parts that have nothing in common, each of which the index of open tasks finds by itself."""
    if reach.properties is None:
        yield true()
    else:
        yield models.Task.property_id.in_(reach.properties)
        yield and_(models.Task.property_id.is_(None), _is_of_one_of(reach.properties, models.Task.lead_id))


def of_messages(reach: Reach) -> Conditions:
    """Texts. Notices to people in the office are about no property and no lead."""
    if reach.properties is not None:
        yield _about(reach.properties, models.Message.property_id, models.Message.lead_id)


def of_threads(reach: Reach) -> Conditions:
    """Threads of the inbox."""
    if reach.properties is not None:
        is_theirs = _is_of_one_of(reach.properties, models.InboxThread.lead_id)
        theirs = and_(models.InboxThread.lead_id.is_(None), models.InboxThread.property_id.in_(reach.properties))
        yield or_(is_theirs, theirs)


def of_leads_entries(reach: Reach, property_id: Any) -> Conditions:
    """What belongs to one lead who is within reach: all but what is about other properties."""
    if reach.properties is not None:
        yield or_(property_id.is_(None), property_id.in_(reach.properties))


def of_calls(reach: Reach, *, are_few: bool = False) -> Conditions:
    """Calls, in a query that joins their lines. `are_few`: the query is about few of them, such as those of a lead."""
    if reach.properties is not None:
        about = func.coalesce(Call.property_id, Line.property_id)
        yield _about(reach.properties, about, Call.lead_id, are_few=are_few)


def of_recent(reach: Reach, property_id: Any, lead_id: Any) -> Conditions:
    """Rows that are looked at in their order, such as the newest first: each one's lead is looked up by itself, because
    to find all leads within reach first would take longer than to find the rows."""
    if reach.properties is not None:
        yield _about(reach.properties, property_id, lead_id, are_few=True)


def of_voicemails(reach: Reach, own: str = "") -> Conditions:
    """Voicemails, and all those of the mailbox `own`."""
    for is_near in of_recent(reach, func.coalesce(Call.property_id, Line.property_id), Call.lead_id):
        # By each voicemail's own call: of a join, SQLite begins with the calls when there has been no voicemail yet.
        its = select(literal(1)).select_from(Call).outerjoin(Line, Line.id == Call.line_id)
        of_call = its.where(Call.id == Voicemail.call_id, is_near).correlate(Voicemail).scalar_subquery().is_not(None)
        yield or_(Voicemail.mailbox == own, of_call) if own else of_call


def of_tours(reach: Reach) -> Conditions:
    """Tours, in a query that joins their slots."""
    if reach.properties is not None:
        yield models.TourSlot.property_id.in_(reach.properties)


def of_listings(reach: Reach) -> Conditions:
    if reach.properties is not None:
        yield models.Listing.property_id.in_(reach.properties)


def of_properties(reach: Reach) -> Conditions:
    if reach.properties is not None:
        yield Property.id.in_(reach.properties)


def _about(properties: frozenset[int], property_id: Any, lead_id: Any, *, are_few: bool = False) -> ColumnElement[bool]:
    is_theirs = _is_interested(properties, lead_id) if are_few else _is_of_one_of(properties, lead_id)
    return or_(property_id.in_(properties), and_(property_id.is_(None), is_theirs))


def _is_of_one_of(properties: frozenset[int], lead_id: Any) -> ColumnElement[bool]:
    """With few properties, their leads are found first. With many, to find them all would take longer than to look up
    those of a page."""
    return _is_interested(properties, lead_id) if len(properties) > FEW else lead_id.in_(_leads(properties))


def _leads(properties: frozenset[int]) -> Any:
    return select(Interest.lead_id).where(Interest.property_id.in_(properties))


def _is_interested(properties: frozenset[int], lead_id: Any) -> ColumnElement[bool]:
    """For each row by itself, in the query's order. PostgreSQL would rather read all interests for an EXISTS or IN; and
    of IS NOT NULL it expects that most rows fulfil it, so that it is worth following the order."""
    first = select(literal(1)).where(Interest.lead_id == lead_id, Interest.property_id.in_(properties)).limit(1)
    return first.correlate_except(Interest).scalar_subquery().is_not(None)
