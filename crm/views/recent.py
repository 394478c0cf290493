"""Recent contacts: calls, texts, emails and inquiries in one list, the newest first.

Each of the four has a table and an index of its own by time. A page takes the newest rows of each and merges them. What
filters leave out cannot be skipped by an index, so a page looks at `LOOKED_AT` rows of each table at most, and says how
far back it has looked: the next page goes on there. So a page takes the same short time for whoever asks, with any
filter, however many rows there are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Row,
    String,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Session, aliased

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.calls import CallArrived, CallDirection
from crm.domain.errors import NotFound
from crm.domain.excerpts import excerpt
from crm.domain.invite import diverted_from
from crm.domain.mails import MailPurpose
from crm.domain.route_inputs import CallerKind
from crm.domain.route_plan import Rule
from crm.domain.texts import TextDirection, TextPurpose
from crm.store.models import (
    Activity,
    Agent,
    ArrivalRecord,
    Call,
    CallEvent,
    Contact,
    Interest,
    Lead,
    LeadSource,
    Leg,
    Line,
    Mail,
    Message,
    Property,
    RoutingDecision,
    TalkRecord,
)
from crm.store.models.living import ALL
from crm.store.queries import reach as reached
from crm.store.queries.names import ids_of
from crm.views import calls

LOOKED_AT = 1000
"""Rows of each table for one page."""
BEGINNING = 200
"""Characters of what was written."""


class ContactWay(StrEnum):
    """How somebody was in touch."""

    CALL = "call"
    TEXT = "text"
    MAIL = "mail"
    FORM = "form"
    """An inquiry: by a form of the site, or from a portal."""


class RecentEntry(msgspec.Struct, kw_only=True):
    """One contact."""

    way: str
    """call, text, mail or form."""
    id: str
    at: datetime
    direction: str
    """in or out."""
    lead: int | None
    name: str
    """Of the lead, or of a resident, owner or vendor; empty: not known."""
    kind: str
    """prospect, resident, owner or vendor."""
    number: str
    """Theirs, E.164; empty: withheld, unreadable, or none."""
    digits: str = ""
    """What a caller showed in place of a number."""
    email: str = ""
    line: str = ""
    """Label or number of our line."""
    property: str | None = None
    """Slug."""
    property_name: str = ""
    source: str = ""
    """Where they saw it: of the line, or of the portal."""
    outcome: str = ""
    """Of a call: its outcome, empty while it is up; of a text or an email: its delivery's state."""
    step: str = ""
    """Of a call."""
    unreachable: bool = False
    """Whether a caller left nothing by which they could be called back."""
    who: str = ""
    """Name of who talked or wrote on our side; of a call else the phone that answered."""
    by_voice_agent: bool = False
    seconds: int | None = None
    """Of a call: of the talk, or from arrival to end where there was none; null while it is up."""
    words: str = ""
    """How what was written begins; of a call what an agent noted."""
    forwarded_from: str = ""
    """The number that the caller dialed, which is forwarded to ours; empty: they dialed ours."""
    sent_outside: bool = False
    """Whether the call was passed on to an outside number, because all calls of the office were."""


class RecentFilter(msgspec.Struct, frozen=True):
    """Empty: all."""

    way: str = ""
    direction: str = ""
    property: str = ""
    """Slug."""
    agent: str = ""
    """Slug."""


class RecentCursor(msgspec.Struct, frozen=True):
    """Where a page ended."""

    at: datetime
    way: str = ""
    """Empty: everything from that moment on has been shown."""
    id: str = ""


class RecentPage(msgspec.Struct):
    entries: list[RecentEntry]
    next: RecentCursor | None
    """None: there is nothing older."""
    looked_back_to: datetime | None
    """Set where the page is short because the filter lets little through."""


_RANKS = {ContactWay.CALL: 3, ContactWay.TEXT: 2, ContactWay.MAIL: 1, ContactWay.FORM: 0}
"""Of contacts at the same moment, the highest comes first."""


@dataclass(frozen=True)
class _RecentScope:
    """The filter with ids in place of names."""

    property_id: int | None
    agent_ids: Sequence[int]
    direction: str
    reach: Reach

    @property
    def is_dense(self) -> bool:
        return self.reach.is_whole and self.property_id is None and not self.agent_ids


@dataclass(frozen=True)
class _RecentPart:
    way: ContactWay
    entries: list[RecentEntry]
    horizon: datetime | None
    """Everything from then on has been looked at; None: everything there is, or as much as a page can show."""


def page(
    session: Session,
    asked: RecentFilter,
    *,
    after: RecentCursor | None = None,
    limit: int = 50,
    reach: Reach = WHOLE_OFFICE,
) -> RecentPage:
    """Raises NotFound for a property or an agent there is none of, or that is out of reach."""
    which = _RecentScope(_property_id(session, asked, reach), _agent_ids(session, asked), asked.direction, reach)
    sources = {ContactWay.CALL: _calls, ContactWay.TEXT: _texts, ContactWay.MAIL: _mails, ContactWay.FORM: _forms}
    found = [source(session, which, after, limit + 1) for way, source in sources.items() if asked.way in ("", way)]
    horizon = max((one.horizon for one in found if one.horizon is not None), default=None)
    # Sorting keeps the order of equals: each table's rows have come in the database's own order.
    ranked = [(one.at, _RANKS[part.way], one) for part in found for one in part.entries]
    ranked = [one for one in ranked if horizon is None or one[0] >= horizon]
    ranked.sort(key=lambda one: one[:2], reverse=True)
    entries = [one for _, _, one in ranked]
    if len(entries) > limit:
        last = entries[limit - 1]
        return RecentPage(entries[:limit], RecentCursor(last.at, last.way, last.id), None)
    return RecentPage(entries, RecentCursor(horizon) if horizon else None, horizon)


def call(session: Session, call_id: str, reach: Reach = WHOLE_OFFICE) -> RecentEntry:
    """One call, also one between colleagues. Raises NotFound."""
    within = reached.of_recent(reach, func.coalesce(Call.property_id, Line.property_id), Call.lead_id)
    row = session.execute(_CALL.where(Call.id == call_id, *within).execution_options(**ALL)).first()
    if row is None:
        raise NotFound(f"There is no call {call_id[:80]}.", code="call_unknown", call=call_id[:80])
    [found] = _call_entries(session, [row])
    return found


def within(session: Session, call_ids: Collection[str], reach: Reach) -> set[str]:
    """Those of the calls that are within reach."""
    if reach.is_whole:
        return set(call_ids)
    found = select(Call.id).outerjoin(Line, Line.id == Call.line_id).where(Call.id.in_(call_ids))
    found = found.where(*reached.of_recent(reach, func.coalesce(Call.property_id, Line.property_id), Call.lead_id))
    return set(session.scalars(found))


def _property_id(session: Session, asked: RecentFilter, reach: Reach) -> int | None:
    if not asked.property:
        return None
    found = ids_of(Property.slug, asked.property).where(*reached.of_properties(reach))
    id = session.scalar(found.order_by(Property.retired_at.is_not(None)).limit(1).execution_options(**ALL))
    if id is None:
        raise NotFound(f"There is no property {asked.property}.", code="property_unknown", property=asked.property)
    return id


def _agent_ids(session: Session, asked: RecentFilter) -> Sequence[int]:
    if not asked.agent:
        return ()
    found = session.scalars(ids_of(Agent.slug, asked.agent).execution_options(**ALL)).all()
    if not found:
        raise NotFound(f"There is no agent {asked.agent}.", code="agent_unknown", agent=asked.agent)
    return found


# --- one table ---


@dataclass(frozen=True)
class _RecentTable:
    """Where the contacts of one way are."""

    way: ContactWay
    found: Any
    """The query of their rows."""
    at: Any
    id: Any


def _before(table: _RecentTable, after: RecentCursor | None) -> list[ColumnElement[bool]]:
    """What comes after the cursor."""
    if after is None:
        return []
    if after.way == table.way:
        last: Any = after.id if table.way is ContactWay.CALL else int(after.id)
        return [tuple_(table.at, table.id) < (after.at, last)]
    is_before_all = not after.way or _RANKS[table.way] > _RANKS[ContactWay(after.way)]
    return [table.at < after.at if is_before_all else table.at <= after.at]


def _rows(
    session: Session,
    table: _RecentTable,
    asked: _RecentScope,
    after: RecentCursor | None,
    limit: int,
    scope: Sequence[ColumnElement[bool]],
    filters: Sequence[ColumnElement[bool]],
) -> tuple[list[Row[Any]], datetime | None]:
    """`scope` is what an index gives in order, `filters` what has to be looked at. Returns the horizon, too: None also
    where there are as many rows as a page can show."""
    at, scope = table.at, [*_before(table, after), *scope]
    looked_at = select(at.label("at")).where(*scope).order_by(at.desc()).limit(LOOKED_AT).subquery()
    found = table.found.where(*scope, *filters).order_by(at.desc(), table.id.desc()).limit(limit)
    found = found.execution_options(**ALL)
    if asked.is_dense:
        # One statement less, as a rule. Of conditions on reach, SQLite would make a worse plan.
        rows = list(session.execute(found.where(at >= select(func.min(looked_at.c.at)).scalar_subquery())))
        if len(rows) == limit:
            return rows, None
    count, oldest = session.execute(select(func.count(), func.min(looked_at.c.at))).one()
    horizon = oldest if count == LOOKED_AT else None
    if not asked.is_dense:
        rows = list(session.execute(found.where(at >= horizon) if horizon is not None else found))
    return rows, horizon


def _written(
    session: Session,
    table: _RecentTable,
    asked: _RecentScope,
    after: RecentCursor | None,
    limit: int,
    filters: Sequence[ColumnElement[bool]],
    scope: Sequence[ColumnElement[bool]] = (),
) -> _RecentPart:
    """Of a table whose columns are named like the fields of `RecentEntry`."""
    rows, horizon = _rows(session, table, asked, after, limit, scope, filters)
    return _RecentPart(table.way, [_entry(table.way, row) for row in rows], horizon)


def _entry(way: ContactWay, row: Row[Any]) -> RecentEntry:
    known = {name: value for name, value in row._mapping.items() if value is not None}
    return RecentEntry(**{**_UNKNOWN, **known, "way": way, "id": str(row.id)})


_UNKNOWN = {"direction": CallDirection.IN, "lead": None, "name": "", "kind": CallerKind.PROSPECT, "number": ""}


# --- calls ---

_OF_CALL, _OF_LINE = aliased(Property), aliased(Property)
_PLACED_BY = aliased(Agent)
_CALL = (
    select(
        Call.id,
        Call.started_at,
        Call.direction,
        Call.caller,
        Call.caller_digits,
        Call.kind,
        Call.lead_id,
        Lead.name.label("lead_name"),
        Contact.name.label("contact_name"),
        func.coalesce(func.nullif(Line.label, ""), Line.number, Call.did).label("line"),
        Line.source,
        func.coalesce(_OF_CALL.slug, _OF_LINE.slug).label("property"),
        func.coalesce(_OF_CALL.name, _OF_LINE.name).label("property_name"),
        _PLACED_BY.name.label("placed_by"),
        Call.outcome,
        Call.step,
        Call.unreachable,
        Call.talk_started_at,
        Call.ended_at,
        Call.remark,
        TalkRecord.call_id.label("voice_talk"),
    )
    .outerjoin(Line, Line.id == Call.line_id)
    .outerjoin(_OF_CALL, _OF_CALL.id == Call.property_id)
    .outerjoin(_OF_LINE, _OF_LINE.id == Line.property_id)
    .outerjoin(_PLACED_BY, _PLACED_BY.id == Call.agent_id)
    .outerjoin(Lead, Lead.id == Call.lead_id)
    .outerjoin(Contact, Contact.id == Call.contact_id)
    .outerjoin(TalkRecord, TalkRecord.call_id == Call.id)
)
_CALLS = _RecentTable(ContactWay.CALL, _CALL, Call.started_at, Call.id)


def _calls(session: Session, asked: _RecentScope, after: RecentCursor | None, limit: int) -> _RecentPart:
    scope = [] if asked.property_id is None else [Call.property_id == asked.property_id]
    filters = [
        Call.direction == asked.direction if asked.direction else Call.direction != CallDirection.INTERNAL,
        *reached.of_recent(asked.reach, func.coalesce(Call.property_id, Line.property_id), Call.lead_id),
    ]
    if asked.agent_ids:
        answered = exists().where(
            Leg.call_id == Call.id, Leg.agent_id.in_(asked.agent_ids), Leg.answered_at.is_not(None)
        )
        filters.append(or_(Call.agent_id.in_(asked.agent_ids), answered))
    rows, horizon = _rows(session, _CALLS, asked, after, limit, scope, filters)
    return _RecentPart(ContactWay.CALL, _call_entries(session, rows), horizon)


def _call_entries(session: Session, rows: Sequence[Row[Any]]) -> list[RecentEntry]:
    ids = [row.id for row in rows]
    answers = calls.answers(session, ids)
    forwarded = _forwarded(session, ids)
    outside = _sent_outside(session, ids)
    return [_call(row, answers.get(row.id), forwarded.get(row.id, ""), row.id in outside) for row in rows]


def _call(row: Row[Any], answer: calls.Answer | None, forwarded_from: str, sent_outside: bool) -> RecentEntry:
    began = row.talk_started_at or row.started_at
    who = (answer[1] or answer[0]) if answer else ""
    if row.direction == CallDirection.OUT:
        who = row.placed_by or who
    return RecentEntry(
        way=ContactWay.CALL,
        id=row.id,
        at=row.started_at,
        direction=row.direction,
        lead=row.lead_id,
        name=row.lead_name or row.contact_name or "",
        kind=row.kind,
        number=row.caller or "",
        digits=row.caller_digits,
        line=row.line,
        property=row.property,
        property_name=row.property_name or "",
        source=row.source or "",
        outcome=row.outcome or "",
        step=row.step,
        unreachable=row.unreachable,
        who=who,
        by_voice_agent=not who and row.voice_talk is not None,
        seconds=max(0, round((row.ended_at - began).total_seconds())) if row.ended_at else None,
        words=excerpt(row.remark, BEGINNING),
        forwarded_from=forwarded_from,
        sent_outside=sent_outside,
    )


def _forwarded(session: Session, ids: Sequence[str]) -> dict[str, str]:
    """Calls that came through another number's forwarding, such as that of the office's former phone system."""
    arrived = select(CallEvent.call_id, CallEvent.data).where(
        CallEvent.call_id.in_(ids), CallEvent.kind == CallArrived.__name__
    )
    return {id: number for id, data in session.execute(arrived) if (number := diverted_from(data.get("dialled", ())))}


def _sent_outside(session: Session, ids: Sequence[str]) -> set[str]:
    found = select(RoutingDecision.call_id)
    return set(
        session.scalars(found.where(RoutingDecision.call_id.in_(ids), RoutingDecision.rule == Rule.OFFICE_FORWARD))
    )


# --- texts ---

_IS_IN = Message.direction == TextDirection.IN
_THEIRS = case((_IS_IN, Message.from_number), else_=Message.to_number)
_OURS = case((_IS_IN, Message.to_number), else_=Message.from_number)
_TEXT = (
    select(
        Message.id,
        Message.created_at.label("at"),
        Message.direction,
        Message.lead_id.label("lead"),
        func.coalesce(func.nullif(Lead.name, ""), Contact.name).label("name"),
        Contact.kind,
        _THEIRS.label("number"),
        func.coalesce(func.nullif(Line.label, ""), _OURS).label("line"),
        Line.source,
        Property.slug.label("property"),
        Property.name.label("property_name"),
        Message.state.label("outcome"),
        Agent.name.label("who"),
        func.substr(Message.body, 1, BEGINNING + 1).label("words"),
    )
    .outerjoin(Lead, Lead.id == Message.lead_id)
    .outerjoin(Contact, and_(Message.lead_id.is_(None), Contact.number == _THEIRS))
    .outerjoin(Line, and_(Line.number == _OURS, Line.retired_at.is_(None)))
    .outerjoin(Property, Property.id == Message.property_id)
    .outerjoin(Agent, Agent.id == Message.agent_id)
)
_TEXTS = _RecentTable(ContactWay.TEXT, _TEXT, Message.created_at, Message.id)


def _texts(session: Session, asked: _RecentScope, after: RecentCursor | None, limit: int) -> _RecentPart:
    scope = [] if asked.property_id is None else [Message.property_id == asked.property_id]
    filters = [
        Message.purpose != TextPurpose.STAFF,
        *reached.of_recent(asked.reach, Message.property_id, Message.lead_id),
    ]
    if asked.direction:
        filters.append(Message.direction == asked.direction)
    if asked.agent_ids:
        filters.append(Message.agent_id.in_(asked.agent_ids))
    return _written(session, _TEXTS, asked, after, limit, filters, scope)


# --- emails, and inquiries that came in another way ---


def _is_interested(lead_id: Any, property_id: int) -> ColumnElement[bool]:
    return exists().where(Interest.lead_id == lead_id, Interest.property_id == property_id)


_MAIL = (
    select(
        Mail.id,
        Mail.created_at.label("at"),
        Mail.direction,
        Mail.lead_id.label("lead"),
        func.coalesce(func.nullif(Lead.name, ""), case((Mail.direction == "in", Mail.from_name))).label("name"),
        case((Mail.direction == "in", Mail.from_address), else_=Mail.to_address).label("email"),
        Mail.state.label("outcome"),
        Agent.name.label("who"),
        Mail.subject.label("words"),
    )
    .outerjoin(Lead, Lead.id == Mail.lead_id)
    .outerjoin(Agent, Agent.id == Mail.agent_id)
)
_MAILS = _RecentTable(ContactWay.MAIL, _MAIL, Mail.created_at, Mail.id)


def _mails(session: Session, asked: _RecentScope, after: RecentCursor | None, limit: int) -> _RecentPart:
    filters = [
        Mail.purpose != MailPurpose.NOTICE,
        Mail.lead_id.is_not(None),
        *reached.of_recent(asked.reach, null(), Mail.lead_id),
    ]
    if asked.property_id is not None:
        filters.append(_is_interested(Mail.lead_id, asked.property_id))
    if asked.direction:
        filters.append(Mail.direction == asked.direction)
    if asked.agent_ids:
        filters.append(Mail.agent_id.in_(asked.agent_ids))
    return _written(session, _MAILS, asked, after, limit, filters)


_FORM = (
    select(
        ArrivalRecord.id,
        ArrivalRecord.received_at.label("at"),
        ArrivalRecord.lead_id.label("lead"),
        Lead.name,
        Lead.email,
        LeadSource.name.label("source"),
        Property.slug.label("property"),
        Property.name.label("property_name"),
        func.substr(Activity.text, 1, BEGINNING + 1).label("words"),
    )
    .outerjoin(Lead, Lead.id == ArrivalRecord.lead_id)
    .outerjoin(LeadSource, LeadSource.id == ArrivalRecord.source_id)
    .outerjoin(Activity, Activity.key == literal("arrival:") + cast(ArrivalRecord.id, String))
    .outerjoin(Property, Property.id == Activity.property_id)
)
_FORMS = _RecentTable(ContactWay.FORM, _FORM, ArrivalRecord.received_at, ArrivalRecord.id)


def _forms(session: Session, asked: _RecentScope, after: RecentCursor | None, limit: int) -> _RecentPart:
    if asked.agent_ids or asked.direction == CallDirection.OUT:
        return _RecentPart(ContactWay.FORM, [], None)
    filters = [
        ArrivalRecord.lead_id.is_not(None),
        # An email that came in is in the list as such.
        ~exists().where(Mail.arrival_id == ArrivalRecord.id),
        *reached.of_recent(asked.reach, Activity.property_id, ArrivalRecord.lead_id),
    ]
    if asked.property_id is not None:
        about_none = and_(Activity.property_id.is_(None), _is_interested(ArrivalRecord.lead_id, asked.property_id))
        filters.append(or_(Activity.property_id == asked.property_id, about_none))
    return _written(session, _FORMS, asked, after, limit, filters)
