"""Guest cards."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import BindParameter, ColumnElement, Row, Select, and_, bindparam, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session

from crm.domain import blocks
from crm.domain import leads as rules
from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import NotFound
from crm.domain.leads import Happened, LeadFilter, LeadStatus, LeadType, Light
from crm.edge import vcard
from crm.store import prepared
from crm.store.models import (
    Activity,
    Agent,
    Call,
    Interest,
    Lead,
    LeadEmail,
    LeadExport,
    LeadExportPart,
    LeadMerge,
    LeadPhone,
    OptOut,
    Property,
    Recording,
    SavedFilter,
    Subteam,
    Task,
    Unit,
    Voicemail,
)
from crm.store.queries import reach as reached
from crm.store.queries.names import id_of
from crm.views import suggestions
from crm.views.suggestions import SuggestionEntry


class InterestEntry(msgspec.Struct):
    """A lead's interest in one property."""

    property: str
    """Slug."""
    unit: str | None
    """Number or name of the home they asked about last; null: none in particular."""
    stage: str
    """Its leasing stage."""
    updated_at: datetime


class NextAction(msgspec.Struct):
    """The task that is due first."""

    task: int
    kind: str
    owner: str | None
    """Slug; null: a subteam has it, and nobody has taken it yet."""
    team: str | None
    """Slug of that subteam."""
    why: str
    due_at: datetime
    overdue: bool


class ActivityEntry(msgspec.Struct):
    """An entry of the timeline."""

    id: int
    """0: a list that was exported, which is no entry of its own."""
    at: datetime
    kind: str
    """The industry's event name: CallFromProspect, Text, ..."""
    text: str
    by: str
    """Who did it, if a person did it by hand; otherwise empty."""
    call: str | None
    recording: bool
    """Whether the call left a recording or a voicemail that can be listened to."""


class LeadEntry(msgspec.Struct, kw_only=True):
    """One person's guest card."""

    id: int
    name: str | None
    """Null until it is known."""
    phones: list[str]
    """E.164; none for a caller who withheld the number, or whose number could not be read."""
    caller_digits: str
    """What a lead without phones showed in their last call, such as an extension; empty: no digits."""
    withheld: bool
    """Whether a lead without phones has called, and withheld the number."""
    email: str
    """Empty until somebody enters it."""
    kind: str
    """tenant or owner."""
    type: str
    """hot or cold."""
    status: str
    """new, in_progress or closed."""
    closed_because: str
    """Empty unless closed by hand."""
    source: str
    """Where their first call came from."""
    agent: str | None
    """Slug of the assigned agent."""
    language: str
    """Chosen in a call, and used from then on; empty: the line's."""
    bedrooms: int | None
    """That they look for; 0: a studio; null: not known, as with the next ones."""
    move_in_on: date | None
    budget: int | None
    """Dollars a month at most."""
    pets: str
    """Such as dog, 2 cats or none; empty: not known."""
    created_at: datetime
    first_answer_at: datetime | None
    """When somebody first talked or wrote to them; null: nobody yet."""
    last_contact_at: datetime | None
    light: str | None
    """green: the last contact was less than 24 hours ago; yellow: less than 48; red: longer; null: closed."""
    interests: list[InterestEntry]
    next_action: NextAction | None


class LeadCard(LeadEntry, kw_only=True):
    """A guest card with what is left out in lists."""

    further_emails: list[str]
    """Addresses that find this lead besides `email`, in lower case."""
    opted_out: list[str]
    """Numbers that want no texts, E.164."""
    no_news: list[str]
    """Email addresses that want no news, in lower case."""


class LeadDetail(LeadCard, kw_only=True):
    """A guest card with its timeline."""

    timeline: list[ActivityEntry]
    """Oldest first."""
    suggestions: list[SuggestionEntry]
    """What was understood from voicemail, and waits to be taken over."""


class MergeEntry(msgspec.Struct):
    """A lead that was merged into another one."""

    gone: int
    at: datetime
    by: str


class SavedFilterEntry(msgspec.Struct):
    """A named filter of the list of leads."""

    name: str
    filter: dict[str, Any]
    made_by: str


_CARD = select(
    Lead.id,
    Lead.name,
    Lead.email,
    Lead.kind,
    Lead.is_hot,
    Lead.status,
    Lead.closed_because,
    Lead.source,
    Agent.slug.label("agent"),
    Lead.language,
    Lead.bedrooms,
    Lead.move_in_on,
    Lead.budget,
    Lead.pets,
    Lead.created_at,
    Lead.first_answer_at,
    Lead.last_contact_at,
).outerjoin(Agent, Agent.id == Lead.assigned_agent_id)


_ENTRY = select(
    Activity.id,
    Activity.at,
    Activity.kind,
    Activity.text,
    Activity.by,
    Activity.call_id.label("call"),
    or_(
        exists().where(Recording.call_id == Activity.call_id, Recording.deleted_at.is_(None)),
        and_(Voicemail.call_id.is_not(None), Voicemail.purged_at.is_(None)),
    ).label("recording"),
).outerjoin(Voicemail, Voicemail.call_id == Activity.call_id)


def listed(
    session: Session,
    now: datetime,
    wanted: LeadFilter = LeadFilter(),  # noqa: B008 - it cannot change
    *,
    after: tuple[datetime, int] | None = None,
    limit: int = 50,
    reach: Reach = WHOLE_OFFICE,
) -> list[LeadEntry]:
    """The newest first. `after` is the creation time and id of the last lead on the page before."""
    are_many = reached.has_many_leads(session, reach)
    newest: list[Row[*tuple[Any, ...]]] = []
    is_by_status = reach.is_whole and wanted.property is None and wanted.subteam is None
    # The index returns those of one status in order; of two at once, a database would sort them all.
    two = (LeadStatus.NEW, LeadStatus.IN_PROGRESS) if wanted.status == rules.OPEN and is_by_status else ()
    for status in two or (wanted.status,):
        found = filtered(select(Lead.id), now, replace(wanted, status=status), reach, are_many=are_many)
        if after is not None:
            found = found.where(tuple_(Lead.created_at, Lead.id) < after)
        # Where they have to be sorted, their ids alone are, rather than their cards.
        ids = found.order_by(Lead.created_at.desc(), Lead.id.desc()).limit(limit)
        newest += session.execute(_CARD.where(Lead.id.in_(ids))).all()
    newest.sort(key=lambda card: (card.created_at, card.id), reverse=True)
    return [LeadEntry(**card) for card in _whole(session, newest[:limit], now, reach)]


def of_ids(
    session: Session, now: datetime, ids: Sequence[int], wanted: LeadFilter, reach: Reach = WHOLE_OFFICE
) -> dict[int, LeadEntry]:
    """Those of the leads that match the filter, by id."""
    found = filtered(_CARD.where(Lead.id.in_(ids)), now, wanted, reach, are_many=True)
    return {card["id"]: LeadEntry(**card) for card in _whole(session, session.execute(found).all(), now, reach)}


def within(session: Session, ids: Sequence[int], reach: Reach) -> list[int]:
    """Those of the leads that are within reach."""
    found = select(Lead.id).where(Lead.id.in_(ids), *reached.of_leads(reach, are_many=True))
    return list(session.scalars(found.order_by(Lead.id)))


def count(session: Session, now: datetime, wanted: LeadFilter) -> int:
    found: int = session.execute(filtered(select(func.count(Lead.id)), now, wanted)).scalar_one()
    return found


def ids(
    session: Session, now: datetime, wanted: LeadFilter, reach: Reach = WHOLE_OFFICE, *, after: int = 0, limit: int
) -> list[int]:
    """The ids of those that match, the lowest first."""
    found = filtered(select(Lead.id), now, wanted, reach).where(Lead.id > after).order_by(Lead.id).limit(limit)
    return list(session.scalars(found))


def filtered(
    found: Select[*tuple[Any, ...]],
    now: datetime,
    wanted: LeadFilter,
    reach: Reach = WHOLE_OFFICE,
    *,
    are_many: bool = False,
) -> Select[*tuple[Any, ...]]:
    """Narrows a query of leads to those that match the filter, going only by what is within reach. `are_many`: see
    `reached.of_leads`."""
    found = found.where(*reached.of_leads(reach, are_many=are_many))
    if wanted.kind is not None:
        found = found.where(Lead.kind == wanted.kind)
    if wanted.type is not None:
        found = found.where(Lead.is_hot == (wanted.type == LeadType.HOT))
    if wanted.status == rules.OPEN:
        found = found.where(Lead.status.in_((LeadStatus.NEW, LeadStatus.IN_PROGRESS)))
    elif wanted.status is not None:
        found = found.where(Lead.status == wanted.status)
    if wanted.source is not None:
        found = found.where(Lead.source == wanted.source)
        if (foreign := reached.foreign_sources(reach)) is not None:
            found = found.where(Lead.source.not_in(foreign))
    if wanted.agent == rules.NOBODY:
        found = found.where(Lead.assigned_agent_id.is_(None))
    elif wanted.agent is not None:
        found = found.where(Lead.assigned_agent_id == id_of(Agent.slug, wanted.agent))
    if about := list(_interest_conditions(wanted)):
        about += reached.of_interests(reach)
        # A property has few leads, so they are found from it; a stage has many, so it is looked for lead by lead.
        if wanted.property is not None or wanted.subteam is not None:
            found = found.where(Lead.id.in_(select(Interest.lead_id).where(*about)))
        else:
            found = found.where(exists().where(Interest.lead_id == Lead.id, *about))
    if wanted.light is not None:
        found = found.where(_has_light(Light(wanted.light), now))
    if wanted.overdue:
        late = (Task.lead_id == Lead.id, Task.done_at.is_(None), Task.due_at < now)
        found = found.where(exists().where(*late, *reached.of_leads_entries(reach, Task.property_id)))
    if wanted.since is not None:
        found = found.where(Lead.created_at >= wanted.since)
    if wanted.contact_since is not None:
        found = found.where(Lead.last_contact_at >= wanted.contact_since)
    if wanted.contact_before is not None:
        found = found.where(or_(Lead.last_contact_at < wanted.contact_before, Lead.last_contact_at.is_(None)))
    return found


def one(session: Session, lead_id: int, now: datetime) -> LeadDetail:
    """A lead with its whole timeline. Raises NotFound."""
    found = card(session, lead_id, now)
    shown = {name: getattr(found, name) for name in LeadCard.__struct_fields__}
    open_ones = suggestions.listed(session, lead_id)
    return LeadDetail(**shown, timeline=timeline(session, lead_id), suggestions=open_ones)


def surviving(session: Session, lead_id: int, reach: Reach) -> int:
    """The id itself, or that of the lead into which this one was merged. Raises NotFound unless it is within reach."""
    into = select(LeadMerge.lead_id).where(LeadMerge.gone_id == lead_id, LeadMerge.undone_at.is_(None))
    # One id: for one of two, joined with OR, PostgreSQL would read all leads.
    theirs = Lead.id == func.coalesce(into.scalar_subquery(), lead_id)
    found = select(Lead.id).where(theirs, *reached.of_leads(reach, are_many=True))
    if (id := session.scalar(found)) is None:
        raise _unknown(lead_id)
    return id


def card_within(session: Session, lead_id: int, now: datetime, reach: Reach) -> LeadCard | None:
    """None where there is none within reach."""
    try:
        return card(session, lead_id, now, reach)
    except NotFound:
        return None


def card(session: Session, lead_id: int, now: datetime, reach: Reach = WHOLE_OFFICE) -> LeadCard:
    """Raises NotFound."""
    found = session.execute(_CARD.where(Lead.id == lead_id, *reached.of_leads(reach, are_many=True))).all()
    if not found:
        raise _unknown(lead_id)
    [card] = _whole(session, found, now, reach)
    emails = select(LeadEmail.address).where(LeadEmail.lead_id == lead_id).order_by(LeadEmail.id)
    opted_out = (
        select(OptOut.number)
        .where(OptOut.ended_at.is_(None), OptOut.number.in_(card["phones"]))
        .distinct()
        .order_by(OptOut.number)
    )
    addresses = list(session.scalars(emails))
    no_news = (
        select(OptOut.address)
        .where(OptOut.ended_at.is_(None), OptOut.address.in_({*addresses, card["email"].lower()} - {""}))
        .order_by(OptOut.address)
    )
    return LeadCard(
        **card,
        further_emails=[one for one in addresses if one != card["email"].lower()],
        opted_out=list(session.scalars(opted_out)),
        no_news=list(session.scalars(no_news)),
    )


def reached_at(card: LeadCard) -> list[str]:
    """Their numbers (E.164) and email addresses."""
    return [*card.phones, *addresses(card)]


def addresses(card: LeadCard) -> list[str]:
    """Their email addresses, the one that mail goes to first."""
    return [*([card.email] if card.email else []), *card.further_emails]


def vcard_of(card: LeadCard) -> str:
    """A lead as a file for address books."""
    return vcard.file(card.name or "", card.phones, addresses(card))


def _unknown(lead_id: int) -> NotFound:
    return NotFound(f"There is no lead {lead_id}.", code="lead_unknown", lead=str(lead_id))


def timeline(
    session: Session,
    lead_id: int,
    *,
    before: tuple[datetime, int] | None = None,
    limit: int | None = None,
    reach: Reach = WHOLE_OFFICE,
) -> list[ActivityEntry]:
    """The oldest entry first; of a part of it the latest first. `before` is time and id of the last one on the page
    before. Exports are in the whole timeline alone."""
    found = _ENTRY.where(Activity.lead_id == lead_id, *reached.of_entries(reach))
    if limit is None:
        found = found.order_by(Activity.at, Activity.id)
    else:
        found = found.order_by(Activity.at.desc(), Activity.id.desc()).limit(limit)
    if before is not None:
        found = found.where(tuple_(Activity.at, Activity.id) < before)
    entries = [ActivityEntry(**row._mapping) for row in session.execute(found)]
    if limit is None and before is None and reach == WHOLE_OFFICE:
        entries = sorted([*entries, *_exports(session, lead_id)], key=lambda entry: entry.at)
    return entries


def _exports(session: Session, lead_id: int) -> list[ActivityEntry]:
    """Lists that the lead was in, also as a lead that was merged into this one."""
    merged = select(LeadMerge.gone_id).where(LeadMerge.lead_id == lead_id, LeadMerge.undone_at.is_(None))
    ids = [lead_id, *session.scalars(merged)]
    found = (
        select(
            LeadExport.id, LeadExport.at, LeadExport.what, LeadExport.by, LeadExportPart.block, LeadExportPart.members
        )
        .join(LeadExport, LeadExport.id == LeadExportPart.export_id)
        .where(LeadExportPart.block.in_({blocks.block_of(id) for id in ids}))
    )
    entries = {
        row.id: ActivityEntry(0, row.at, Happened.EXPORTED, row.what, row.by, None, False)
        for row in session.execute(found)
        if any(blocks.block_of(id) == row.block and blocks.has(row.members, id) for id in ids)
    }
    return list(entries.values())


def merges(session: Session, lead_id: int) -> list[MergeEntry]:
    """The leads that were merged into this one and can be parted from it again, the latest first."""
    found = select(LeadMerge.gone_id, LeadMerge.at, LeadMerge.by).where(
        LeadMerge.lead_id == lead_id, LeadMerge.undone_at.is_(None)
    )
    return [MergeEntry(*row) for row in session.execute(found.order_by(LeadMerge.id.desc()))]


def latest_entry(session: Session, lead_id: int) -> ActivityEntry:
    """The one that was entered last."""
    found = _ENTRY.where(Activity.lead_id == lead_id).order_by(Activity.id.desc()).limit(1)
    return ActivityEntry(**session.execute(found).one()._mapping)


def saved_filters(session: Session) -> list[SavedFilterEntry]:
    """By name."""
    found = select(SavedFilter.name, SavedFilter.filter, SavedFilter.made_by).order_by(SavedFilter.name)
    return [SavedFilterEntry(*row) for row in session.execute(found)]


def _interest_conditions(wanted: LeadFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.stage is not None:
        yield Interest.stage == wanted.stage
    if wanted.property is not None:
        yield Interest.property_id == id_of(Property.slug, wanted.property)
    if wanted.subteam is not None:
        yield Interest.property_id.in_(
            select(Property.id).where(Property.subteam_id == id_of(Subteam.slug, wanted.subteam))
        )


def _has_light(light: Light, now: datetime) -> ColumnElement[bool]:
    """Does in SQL what `crm.domain.leads.light` does for one lead."""
    at = func.coalesce(Lead.last_contact_at, Lead.created_at)
    yellow, red = now - rules.YELLOW_AFTER, now - rules.RED_AFTER
    within = {
        Light.GREEN: at > yellow,
        Light.YELLOW: and_(at <= yellow, at > red),
        Light.RED: at <= red,
    }
    return and_(Lead.status != LeadStatus.CLOSED, within[light])


def _whole(
    session: Session, cards: Sequence[Row[*tuple[Any, ...]]], now: datetime, reach: Reach = WHOLE_OFFICE
) -> list[dict[str, Any]]:
    """The cards, with what a lead may have several of, read for all of them at once."""
    ids = [card.id for card in cards]
    phones: dict[int, list[str]] = {id: [] for id in ids}
    for row in prepared.rows(session, _NUMBERS, {"ids": ids}):
        phones[row.lead_id].append(row.number)
    digits, withheld = _shown(session, [id for id in ids if not phones[id]])
    interests: dict[int, list[InterestEntry]] = {id: [] for id in ids}
    for row in prepared.rows(session, _interests(reach), {"ids": ids}):
        interests[row.lead_id].append(InterestEntry(row.slug, row.name, row.stage, row.updated_at))
    actions = _next_actions(session, ids, now, reach)
    foreign = reached.foreign_sources(reach)
    hidden = frozenset() if foreign is None else frozenset(session.scalars(foreign))
    return [
        {key: value for key, value in card._mapping.items() if key != "is_hot"}
        | {
            "source": "" if card.source in hidden else card.source,
            "type": LeadType.HOT if card.is_hot else LeadType.COLD,
            "light": rules.light(card.status, card.last_contact_at, card.created_at, now),
            "phones": phones[card.id],
            "caller_digits": digits.get(card.id, ""),
            "withheld": card.id in withheld,
            "interests": interests[card.id],
            "next_action": actions.get(card.id),
        }
        for card in cards
    ]


def _shown(session: Session, ids: Sequence[int]) -> tuple[dict[int, str], set[int]]:
    """What leads without a number showed last when they called, by lead; and who of them withheld it."""
    calls = prepared.rows(session, _SHOWN, {"ids": ids}) if ids else ()
    digits, withheld = {}, set()
    for row in calls:
        if row.caller_digits:
            digits[row.lead_id] = row.caller_digits
        else:
            withheld.add(row.lead_id)
    return digits, withheld


def _next_actions(session: Session, ids: Sequence[int], now: datetime, reach: Reach) -> dict[int, NextAction]:
    """Each lead's open task that is due first."""
    return {
        row.lead_id: NextAction(row.id, row.kind, row.slug, row.team, row.why, row.due_at, row.due_at < now)
        for row in prepared.rows(session, _open_tasks(reach), {"ids": ids})
    }


# A list of 50 leads is read faster than such a statement is written.
_IDS: BindParameter[Sequence[int]] = bindparam("ids", expanding=True)
_NUMBERS = select(LeadPhone.lead_id, LeadPhone.number).where(LeadPhone.lead_id.in_(_IDS)).order_by(LeadPhone.id)
_SHOWN = (
    select(Call.lead_id, Call.caller_digits)
    .where(Call.lead_id.in_(_IDS), or_(Call.caller_digits != "", Call.withheld, Call.caller.is_(None)))
    .order_by(Call.started_at)
)


@functools.lru_cache(maxsize=64)
def _interests(reach: Reach) -> Select[*tuple[Any, ...]]:
    return (
        select(Interest.lead_id, Property.slug, Unit.name, Interest.stage, Interest.updated_at)
        .join(Property, Property.id == Interest.property_id)
        .outerjoin(Unit, Unit.id == Interest.unit_id)
        .where(Interest.lead_id.in_(_IDS), *reached.of_interests(reach))
        .order_by(Interest.id)
    )


@functools.lru_cache(maxsize=64)
def _open_tasks(reach: Reach) -> Select[*tuple[Any, ...]]:
    return (
        select(Task.lead_id, Task.id, Task.kind, Agent.slug, Subteam.slug.label("team"), Task.why, Task.due_at)
        .outerjoin(Agent, Agent.id == Task.owner_id)
        .outerjoin(Subteam, Subteam.id == Task.subteam_id)
        .where(Task.lead_id.in_(_IDS), Task.done_at.is_(None), *reached.of_leads_entries(reach, Task.property_id))
        # The last one read for each lead is kept.
        .order_by(Task.due_at.desc(), Task.id.desc())
    )
