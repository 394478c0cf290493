"""The inbox: lists of threads, and one with what was written and said in it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import ColumnElement, exists, false, func, or_, select, tuple_, union
from sqlalchemy.orm import Session

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import NotFound
from crm.domain.leads import Happened
from crm.domain.mails import MailPurpose
from crm.domain.texts import TextPurpose
from crm.store.models import (
    Activity,
    Agent,
    Contact,
    InboxDraft,
    InboxThread,
    Interest,
    Lead,
    LeadEmail,
    LeadPhone,
    Mail,
    Message,
    Property,
)
from crm.store.queries import reach as reached
from crm.views import calls


class InboxFilter(StrEnum):
    """Which threads are listed."""

    OPEN = "open"
    """Of everybody; those who wait for an answer first."""
    MINE = "mine"
    UNASSIGNED = "unassigned"
    SNOOZED = "snoozed"
    """Those that come back first."""
    ALL = "all"
    """Done ones, too; the latest first."""


class ThreadEntry(msgspec.Struct, kw_only=True):
    """One person, and how the office stands with them in writing."""

    id: int
    lead: int | None
    """null: somebody who is no lead, such as a resident."""
    name: str
    """Empty when it is not known."""
    number: str
    """E.164; empty: they have none."""
    email: str
    agent: str | None
    """Slug of whose it is."""
    agent_name: str | None
    last_at: datetime | None
    last_direction: str
    """in or out."""
    last_words: str
    is_waiting: bool
    """They wrote, and nobody has answered."""
    is_done: bool
    snoozed_until: datetime | None
    has_draft: bool


class DraftEntry(msgspec.Struct):
    """What is being written."""

    way: str
    """text or mail."""
    subject: str
    body: str
    version: int
    changed_at: datetime
    changed_by: str


class ThreadDetail(ThreadEntry, kw_only=True):
    """A thread with what somebody has to know who answers."""

    language: str
    kind: str
    """prospect, or of a contact: resident, owner or vendor."""
    numbers: list[str]
    emails: list[str]
    interests: list[tuple[str, str]]
    """Name of each property, and the stage."""
    drafts: dict[str, DraftEntry]
    """By way."""


class BubbleKind(StrEnum):
    TEXT = "text"
    MAIL = "mail"
    CALL = "call"
    NOTE = "note"
    FORM = "form"


class BubbleEntry(msgspec.Struct, kw_only=True):
    """Something that was written or said, or noted."""

    kind: str
    """text, mail, call, note or form."""
    id: str
    at: datetime
    direction: str
    """in, out, or empty: within the office."""
    who: str
    """Name of who wrote, answered or noted it, if it was somebody of the office."""
    text: str
    subject: str = ""
    number: str = ""
    """The person's own, of a text or a call."""
    state: str = ""
    """Of a text or an email: as crm.domain.delivery.DeliveryState; of a call: its outcome, empty while it is up."""
    error: str = ""
    reasons: list[str] = []
    next_attempt_at: datetime | None = None
    segments: int = 0
    media: list[str] = []
    """Links to pictures."""
    is_automatic: bool = False
    """Nobody of the office wrote it."""
    seconds: int | None = None
    """Of a call."""
    voicemail: bool = False


_FIRST_NUMBER = (
    select(LeadPhone.number)
    .where(LeadPhone.lead_id == InboxThread.lead_id)
    .order_by(LeadPhone.id)
    .limit(1)
    .correlate(InboxThread)
    .scalar_subquery()
)
_THREAD = (
    select(
        InboxThread.id,
        InboxThread.lead_id.label("lead"),
        func.coalesce(Lead.name, Contact.name, "").label("name"),
        func.coalesce(InboxThread.number, _FIRST_NUMBER, "").label("number"),
        func.coalesce(Lead.email, "").label("email"),
        Agent.slug.label("agent"),
        Agent.name.label("agent_name"),
        InboxThread.last_at,
        InboxThread.last_direction,
        InboxThread.last_words,
        InboxThread.is_waiting,
        InboxThread.is_done,
        InboxThread.snoozed_until,
        exists().where(InboxDraft.thread_id == InboxThread.id).label("has_draft"),
    )
    .outerjoin(Lead, Lead.id == InboxThread.lead_id)
    .outerjoin(Contact, Contact.number == InboxThread.number)
    .outerjoin(Agent, Agent.id == InboxThread.agent_id)
)

Cursor = tuple[bool, datetime, int]
"""`is_waiting`, the time that the list is sorted by, and the id."""


def listed(
    session: Session,
    now: datetime,
    which: InboxFilter = InboxFilter.OPEN,
    *,
    agent_id: int | None = None,
    after: Cursor | None = None,
    limit: int = 50,
    reach: Reach = WHOLE_OFFICE,
) -> list[ThreadEntry]:
    """`agent_id` is whose are mine; `after` says where the page before ended."""
    found = _THREAD.where(*reached.of_threads(reach)).limit(limit)
    if which is InboxFilter.SNOOZED:
        found = found.where(InboxThread.snoozed_until > now).order_by(InboxThread.snoozed_until, InboxThread.id)
        if after is not None:
            found = found.where(tuple_(InboxThread.snoozed_until, InboxThread.id) > after[1:])
    elif which is InboxFilter.ALL:
        found = found.where(InboxThread.last_at.is_not(None))
        found = found.order_by(InboxThread.last_at.desc(), InboxThread.id.desc())
        if after is not None:
            found = found.where(tuple_(InboxThread.last_at, InboxThread.id) < after[1:])
    else:
        found = found.where(*_open(now)).order_by(
            InboxThread.is_waiting.desc(), InboxThread.last_at.desc(), InboxThread.id.desc()
        )
        if which is InboxFilter.MINE:
            found = found.where(InboxThread.agent_id == (agent_id or 0))
        elif which is InboxFilter.UNASSIGNED:
            found = found.where(InboxThread.agent_id.is_(None))
        if after is not None:
            found = found.where(tuple_(InboxThread.is_waiting, InboxThread.last_at, InboxThread.id) < after)
    return [ThreadEntry(**row._mapping) for row in session.execute(found)]


def cursor_of(entry: ThreadEntry, which: InboxFilter) -> Cursor:
    """Where a page ended that this was the last of."""
    at = entry.snoozed_until if which is InboxFilter.SNOOZED else entry.last_at
    assert at is not None
    return entry.is_waiting, at, entry.id


def _open(now: datetime) -> tuple[ColumnElement[bool], ...]:
    awake = or_(InboxThread.snoozed_until.is_(None), InboxThread.snoozed_until <= now)
    return InboxThread.is_done == false(), InboxThread.last_at.is_not(None), awake


def properties_of(session: Session, thread_id: int) -> frozenset[int]:
    """The properties by which a thread is seen."""
    lead = select(InboxThread.lead_id).where(InboxThread.id == thread_id).scalar_subquery()
    found = set(session.scalars(select(Interest.property_id).where(Interest.lead_id == lead)))
    own = session.scalar(select(InboxThread.property_id).where(InboxThread.id == thread_id))
    return frozenset(found | ({own} if own is not None else set()))


def id_of_lead(session: Session, lead_id: int, reach: Reach = WHOLE_OFFICE) -> int | None:
    """None: nobody has written to them yet, or they are not within reach."""
    found = select(InboxThread.id).where(InboxThread.lead_id == lead_id, *reached.of_threads(reach))
    return session.scalar(found)


def one(session: Session, thread_id: int, reach: Reach = WHOLE_OFFICE) -> ThreadDetail:
    """Raises NotFound."""
    row = session.execute(
        _THREAD.add_columns(Lead.language, Contact.kind, Contact.language.label("theirs")).where(
            InboxThread.id == thread_id, *reached.of_threads(reach)
        )
    ).first()
    if row is None:
        raise NotFound("There is no such conversation.", code="thread_unknown", thread=thread_id)
    *thread, language, kind, theirs = row
    entry = ThreadEntry(**dict(zip(ThreadEntry.__struct_fields__, thread, strict=True)))
    numbers, emails, interests = [entry.number] if entry.number else [], [], []
    if entry.lead is not None:
        numbers = list(
            session.scalars(select(LeadPhone.number).where(LeadPhone.lead_id == entry.lead).order_by(LeadPhone.id))
        )
        emails = list(
            session.scalars(select(LeadEmail.address).where(LeadEmail.lead_id == entry.lead).order_by(LeadEmail.id))
        )
        about = select(Property.name, Interest.stage).join(Property, Property.id == Interest.property_id)
        about = about.where(Interest.lead_id == entry.lead, *reached.of_interests(reach))
        interests = [
            (name, stage) for name, stage in session.execute(about.order_by(Interest.updated_at.desc()).limit(10))
        ]
    drafts = select(
        InboxDraft.way,
        InboxDraft.subject,
        InboxDraft.body,
        InboxDraft.version,
        InboxDraft.changed_at,
        InboxDraft.changed_by,
    ).where(InboxDraft.thread_id == thread_id)
    return ThreadDetail(
        **{name: getattr(entry, name) for name in ThreadEntry.__struct_fields__},
        language=language or theirs or "",
        kind=kind or "prospect",
        numbers=numbers,
        emails=emails,
        interests=interests,
        drafts={row.way: DraftEntry(*row) for row in session.execute(drafts)},
    )


def bubbles(
    session: Session,
    thread: ThreadDetail,
    *,
    before: datetime | None = None,
    limit: int = 50,
    reach: Reach = WHOLE_OFFICE,
) -> list[BubbleEntry]:
    """What was written and said, the oldest first: the latest `limit`, or those right before a moment."""
    found = [
        *_texts(session, thread, before, limit, reach),
        *_mails(session, thread, before, limit),
        *_calls(session, thread, before, limit, reach),
        *_notes(session, thread, before, limit, reach),
    ]
    return sorted(found, key=lambda one: (one.at, one.kind, one.id))[-limit:]


def _texts(
    session: Session, thread: ThreadDetail, before: datetime | None, limit: int, reach: Reach
) -> list[BubbleEntry]:
    # Each by its index: of one condition with OR, a database may rather walk through all texts in their order.
    theirs = [
        select(Message.id).where(Message.to_number.in_(thread.numbers)),
        select(Message.id).where(Message.from_number.in_(thread.numbers)),
    ]
    if thread.lead is not None:
        theirs.append(select(Message.id).where(Message.lead_id == thread.lead))
    found = (
        select(
            Message.id,
            Message.created_at,
            Message.direction,
            Message.purpose,
            Agent.name,
            Message.body,
            Message.to_number,
            Message.from_number,
            Message.state,
            Message.error,
            Message.decision_reasons,
            Message.next_attempt_at,
            Message.segments,
            Message.media,
        )
        .outerjoin(Agent, Agent.id == Message.agent_id)
        .where(Message.id.in_(union(*theirs)), Message.purpose != TextPurpose.STAFF, *_of_texts(thread, reach))
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(limit)
    )
    if before is not None:
        found = found.where(Message.created_at < before)
    return [
        BubbleEntry(
            kind=BubbleKind.TEXT,
            id=str(row.id),
            at=row.created_at,
            direction=row.direction,
            who=row.name or "",
            text=row.body,
            number=row.from_number if row.direction == "in" else row.to_number,
            state=row.state,
            error=row.error,
            reasons=row.decision_reasons,
            next_attempt_at=row.next_attempt_at,
            segments=row.segments,
            media=row.media,
            is_automatic=row.direction == "out" and row.purpose != TextPurpose.AGENT,
        )
        for row in session.execute(found)
    ]


def _of_texts(thread: ThreadDetail, reach: Reach) -> list[ColumnElement[bool]]:
    if thread.lead is not None:
        return list(reached.of_leads_entries(reach, Message.property_id))
    return [Message.lead_id.is_(None)]


def _mails(session: Session, thread: ThreadDetail, before: datetime | None, limit: int) -> list[BubbleEntry]:
    if thread.lead is None:
        return []
    found = (
        select(
            Mail.id,
            Mail.created_at,
            Mail.direction,
            Mail.purpose,
            Agent.name,
            Mail.subject,
            Mail.body,
            Mail.state,
            Mail.error,
            Mail.next_attempt_at,
        )
        .outerjoin(Agent, Agent.id == Mail.agent_id)
        .where(Mail.lead_id == thread.lead)
        .order_by(Mail.created_at.desc(), Mail.id.desc())
        .limit(limit)
    )
    if before is not None:
        found = found.where(Mail.created_at < before)
    return [
        BubbleEntry(
            kind=BubbleKind.MAIL,
            id=str(row.id),
            at=row.created_at,
            direction=row.direction,
            who=row.name or "",
            text=row.body,
            subject=row.subject,
            state=row.state,
            error=row.error,
            next_attempt_at=row.next_attempt_at,
            is_automatic=row.direction == "out" and row.purpose != MailPurpose.PERSONAL,
        )
        for row in session.execute(found)
    ]


def _calls(
    session: Session, thread: ThreadDetail, before: datetime | None, limit: int, reach: Reach
) -> list[BubbleEntry]:
    if thread.lead is None:
        return []
    return [
        BubbleEntry(
            kind=BubbleKind.CALL,
            id=one.id,
            at=one.started_at,
            direction=one.direction,
            who=one.answered_by_name or "",
            text=one.remark,
            number=one.caller or "",
            state=one.outcome or "",
            seconds=one.seconds,
            voicemail=bool(one.voicemail),
        )
        for one in calls.listed(session, lead=thread.lead, until=before, limit=limit, reach=reach)
    ]


def _notes(
    session: Session, thread: ThreadDetail, before: datetime | None, limit: int, reach: Reach
) -> list[BubbleEntry]:
    if thread.lead is None:
        return []
    found = (
        select(Activity.id, Activity.at, Activity.kind, Activity.text, Activity.by)
        .where(
            Activity.lead_id == thread.lead,
            Activity.kind.in_((Happened.NOTE, Happened.FORM)),
            *reached.of_leads_entries(reach, Activity.property_id),
        )
        .order_by(Activity.at.desc(), Activity.id.desc())
        .limit(limit)
    )
    if before is not None:
        found = found.where(Activity.at < before)
    return [
        BubbleEntry(
            kind=BubbleKind.FORM if row.kind == Happened.FORM else BubbleKind.NOTE,
            id=str(row.id),
            at=row.at,
            direction="in" if row.kind == Happened.FORM else "",
            who=row.by,
            text=row.text,
        )
        for row in session.execute(found)
    ]
