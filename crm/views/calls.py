"""Calls and what happened in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import NotFound
from crm.domain.route_plan import as_it_went
from crm.store import facts
from crm.store.models import (
    Agent,
    Call,
    CallEvent,
    Contact,
    Leg,
    Line,
    Property,
    Recording,
    RoutingDecision,
    TalkRecord,
    Voicemail,
    VoiceTurn,
)
from crm.store.models.living import ALL
from crm.store.queries import reach as reached
from crm.store.queries.names import id_of, ids_of


class CallEntry(msgspec.Struct, kw_only=True):
    """A call, from beginning to end."""

    id: str
    direction: str
    """in, out, or internal between colleagues."""
    started_at: datetime
    did: str
    """Our number: the one that was dialed or, in a call out, the one that was shown; E.164 if it is a phone number."""
    line: str | None
    """Label of the line, or its number; null when it is not one of our lines."""
    property: str | None
    """Slug of the property it was about: the line's, or the one the caller chose by key."""
    trunk: str
    agent: str | None
    """Slug of the agent who placed a call out."""
    answered_by: str | None
    """Slug of the agent who answered first, or else the number or device of the phone; null: nobody."""
    answered_by_name: str | None
    """Their name; null when it is not known."""
    caller: str | None
    """The outside person, E.164; null when withheld or unreadable, or for a colleague."""
    caller_digits: str
    """What a caller showed whose number could not be read, such as an extension; empty: no digits."""
    attestation: str
    """STIR/SHAKEN: what the trunk says about the caller's number, such as TN-Validation-Passed-A; empty: nothing."""
    kind: str
    """Who the person is to the office: prospect, resident, owner or vendor."""
    contact: str | None
    """Name of the resident, owner or vendor, or their number; null when they are not a known one."""
    desk: str
    """The desk it was for, other than leasing: resident, owner, vendor, maintenance or concern; empty: none."""
    lead: int | None
    outcome: str | None
    """talked, not_reached, left_voicemail, got_link, gave_up, ...; null while the call is up."""
    unreachable: bool
    """Whether the caller reached nobody and left neither a number nor a message, so that nobody can call back."""
    step: str
    """The step of the flow it is in or ended in."""
    talk_started_at: datetime | None
    ended_at: datetime | None
    ended_by: str
    """caller, agent or system; empty while the call is up."""
    seconds: int | None
    """From arrival to end; null while the call is up."""
    without_app: bool
    """Whether Asterisk's last resort handled part of it."""
    remark: str
    """What agents wrote about it, one line per note."""
    voicemail: str | None
    """File of the voicemail the caller left, in the home's recordings folder."""


class LegEntry(msgspec.Struct):
    """One phone that rang."""

    device: str
    agent: str | None
    stage: str
    """The stage in which it rang: agent, subteam, everyone, office, last_resort, or another one."""
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    status: str
    """How ringing ended, in Asterisk's terms: ANSWER, NOANSWER, CANCEL, BUSY, ..."""
    announced_at: datetime | None
    """When it had heard the whole announcement that the call is recorded."""
    number: str | None
    """E.164 of an outside phone; null for one of ours."""


class RecordingEntry(msgspec.Struct):
    """Audio of the talk, across its transfers."""

    file: str
    """Name in the recordings folder."""
    mode: str
    """announced, or demand: an agent keyed the code."""
    started_at: datetime
    ended_at: datetime | None
    seconds: int
    deleted_at: datetime | None
    """When the file was removed because it had been kept long enough."""
    transcript: str
    """What was said, by both in one; empty unless talks are transcribed."""
    summary: str
    """What it was about, in a few words; empty: not known."""


class CiteEntry(msgspec.Struct):
    """A row that something spoken comes from."""

    kind: str
    """listing, property, answer, hours or tour_times."""
    id: int
    version: int


class VoiceTurnEntry(msgspec.Struct):
    """Something that was said or done in the talk with the voice agent."""

    number: int
    who: str
    """caller; agent: the voice agent; keys: the caller, by key; or act: something was done."""
    started: float
    """Seconds from the beginning of the talk."""
    ended: float
    text: str
    """What was said, keyed or done; empty once it was deleted."""
    language: str
    confidence: float | None
    """0 to 1, of what the caller said."""
    template: str
    """Name of the agent's sentence; empty for what is none."""
    cites: list[CiteEntry]
    """What the sentence comes from."""
    result: str
    """How an act went: done, already, refused, ...; of a sentence of the agent's: heard, cut, or lost."""


class VoiceTalkEntry(msgspec.Struct):
    """The talk with the voice agent."""

    language: str
    """The caller's, as it was heard last."""
    why_ended: str
    """finished, failed, or why the caller was passed on to a person; empty: the caller hung up, or is on the line."""
    summary: str
    """Who the caller is and what they want."""
    purged_at: datetime | None
    """When what was said was deleted because it had been kept long enough."""
    turns: list[VoiceTurnEntry]


class EventEntry(msgspec.Struct):
    """A fact about the call, as recorded."""

    at: datetime
    kind: str
    data: dict[str, object]


class RoutingEntry(msgspec.Struct):
    """Why the call rang these people."""

    at: datetime
    path: str
    """live, voicemail, link, ..."""
    rule: str
    reasons: list[str]
    stages: list[str]


class CallSummary(CallEntry, kw_only=True):
    """A call with what was part of it, and what it led to."""

    legs: list[LegEntry]
    recordings: list[RecordingEntry]
    tasks: list[int]
    """Ids of the tasks it led to."""
    messages: list[int]
    """Ids of the texts it led to."""
    voice_talk: VoiceTalkEntry | None
    """What the caller and the voice agent said; null where it did not answer."""


class CallDetail(CallSummary, kw_only=True):
    """A call with everything that happened in it."""

    events: list[EventEntry]
    routing: list[RoutingEntry]


_CALL = (
    select(
        Call.id,
        Call.direction,
        Call.started_at,
        Call.did,
        func.coalesce(func.nullif(Line.label, ""), Line.number).label("line"),
        Property.slug.label("property"),
        Call.trunk,
        Agent.slug.label("agent"),
        Call.caller,
        Call.caller_digits,
        Call.attestation,
        Call.kind,
        func.coalesce(func.nullif(Contact.name, ""), Contact.number).label("contact"),
        Call.desk,
        Call.lead_id.label("lead"),
        Call.outcome,
        Call.unreachable,
        Call.step,
        Call.talk_started_at,
        Call.ended_at,
        Call.ended_by,
        Call.without_app,
        Call.remark,
        Voicemail.file.label("voicemail"),
    )
    .outerjoin(Line, Line.id == Call.line_id)
    .outerjoin(Property, Property.id == Call.property_id)
    .outerjoin(Agent, Agent.id == Call.agent_id)
    .outerjoin(Contact, Contact.id == Call.contact_id)
    .outerjoin(Voicemail, Voicemail.call_id == Call.id)
)


def count_unreachable(session: Session, since: datetime) -> int:
    """How many callers have left neither a number nor a message since then."""
    found = select(func.count()).select_from(Call).where(Call.started_at >= since, Call.unreachable)
    return session.scalar(found) or 0


def listed(
    session: Session,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    did: str | None = None,
    agent: str | None = None,
    outcome: str | None = None,
    direction: str | None = None,
    in_progress: bool = False,
    property_slug: str | None = None,
    lead: int | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
    reach: Reach = WHOLE_OFFICE,
) -> list[CallEntry]:
    """The newest first; `in_progress` are those without an outcome yet. `did` is the line's number, `agent` the slug of
    somebody who answered or placed it, retired or not. `after` is start and id of the last one on the page before."""
    found = _CALL.where(*reached.of_calls(reach, are_few=lead is not None))
    found = found.order_by(Call.started_at.desc(), Call.id.desc()).limit(limit)
    if since is not None:
        found = found.where(Call.started_at >= since)
    if until is not None:
        found = found.where(Call.started_at < until)
    if did is not None:
        found = found.where(Call.did == did)
    if agent is not None:
        found = found.where(_took_part(session, agent))
    if outcome is not None:
        found = found.where(Call.outcome == outcome)
    if direction is not None:
        found = found.where(Call.direction == direction)
    if after is not None:
        found = found.where(tuple_(Call.started_at, Call.id) < after)
    if property_slug is not None:
        found = found.where(Call.property_id == id_of(Property.slug, property_slug))
    if lead is not None:
        found = found.where(Call.lead_id == lead)
    if in_progress:
        found = found.where(Call.outcome.is_(None))
    rows = session.execute(found).all()
    answered = answers(session, [row.id for row in rows])
    return [CallEntry(**_of(row, answered)) for row in rows]


def _took_part(session: Session, slug: str) -> ColumnElement[bool]:
    named = list(session.scalars(ids_of(Agent.slug, slug).execution_options(**ALL)))
    if not named:
        raise NotFound(f"There is no agent {slug}.", code="agent_unknown", agent=slug)
    answered = exists().where(Leg.call_id == Call.id, Leg.agent_id.in_(named), Leg.answered_at.is_not(None))
    return or_(Call.agent_id.in_(named), answered)


def summary(session: Session, call_id: str, reach: Reach = WHOLE_OFFICE) -> CallSummary:
    """Raises NotFound."""
    # Their tables are mapped for a call that is shown, and not for a list of calls.
    from crm.views import messages, tasks

    row = session.execute(_CALL.where(Call.id == call_id, *reached.of_calls(reach))).first()
    if row is None:
        raise NotFound(f"There is no call {call_id}.", code="call_unknown", call=call_id)
    recordings = select(
        Recording.file,
        Recording.mode,
        Recording.started_at,
        Recording.ended_at,
        Recording.seconds,
        Recording.deleted_at,
        Recording.transcript,
        Recording.summary,
    ).where(Recording.call_id == call_id)
    return CallSummary(
        **_of(row, answers(session, [call_id])),
        legs=legs(session, call_id),
        recordings=[RecordingEntry(*one) for one in session.execute(recordings.order_by(Recording.started_at))],
        tasks=tasks.ids_of_call(session, call_id, reach),
        messages=messages.ids_of_call(session, call_id, reach),
        voice_talk=voice_talk(session, call_id),
    )


def one(session: Session, call_id: str, reach: Reach = WHOLE_OFFICE) -> CallDetail:
    """Raises NotFound."""
    from crm.views import tasks  # As in `summary`.

    found = summary(session, call_id, reach)
    events = select(CallEvent.at, CallEvent.kind, CallEvent.data).where(CallEvent.call_id == call_id)
    decisions = select(
        RoutingDecision.at,
        RoutingDecision.path,
        RoutingDecision.rule,
        RoutingDecision.reasons,
        RoutingDecision.stages,
    ).where(RoutingDecision.call_id == call_id)
    led_to = tasks.owners_of_call(session, call_id)
    return CallDetail(
        **{name: getattr(found, name) for name in CallSummary.__struct_fields__},
        events=[
            EventEntry(at, kind, facts.whole(call_id, kind, data))
            for at, kind, data in session.execute(events.order_by(CallEvent.at, CallEvent.number))
        ],
        routing=[_routing(row, led_to) for row in session.execute(decisions.order_by(RoutingDecision.at))],
    )


def _routing(row: Row[*tuple[Any, ...]], led_to: Sequence[tuple[str, str]]) -> RoutingEntry:
    one = RoutingEntry(*row)
    one.reasons = [as_it_went(reason, led_to) for reason in one.reasons]
    return one


def voice_talk(session: Session, call_id: str) -> VoiceTalkEntry | None:
    """What was said in a call's talk with the voice agent; None when it did not answer."""
    talk = session.get(TalkRecord, call_id)
    if talk is None:
        return None
    turns = select(
        VoiceTurn.number,
        VoiceTurn.who,
        VoiceTurn.started,
        VoiceTurn.ended,
        VoiceTurn.text,
        VoiceTurn.language,
        VoiceTurn.confidence,
        VoiceTurn.template,
        VoiceTurn.cites,
        VoiceTurn.result,
    ).where(VoiceTurn.call_id == call_id)
    return VoiceTalkEntry(
        talk.language,
        talk.why_ended,
        talk.summary,
        talk.purged_at,
        [_turn(row) for row in session.execute(turns.order_by(VoiceTurn.number, VoiceTurn.started))],
    )


def _turn(row: Row[*tuple[Any, ...]]) -> VoiceTurnEntry:
    return VoiceTurnEntry(**{**row._mapping, "cites": [CiteEntry(*one) for one in row.cites]})


def legs(session: Session, call_id: str) -> list[LegEntry]:
    """Phones that rang for a call, in order."""
    found = (
        select(
            Leg.device,
            Agent.slug,
            Leg.stage,
            Leg.started_at,
            Leg.answered_at,
            Leg.ended_at,
            Leg.status,
            Leg.announced_at,
            Leg.number,
        )
        .outerjoin(Agent, Agent.id == Leg.agent_id)
        .where(Leg.call_id == call_id)
    )
    return [LegEntry(*row) for row in session.execute(found.order_by(Leg.started_at))]


Answer = tuple[str, str | None]
"""As in CallEntry: answered_by, and their name."""


def answers(session: Session, call_ids: Sequence[str]) -> dict[str, Answer]:
    """Who answered each of the calls first."""
    answered = (
        select(Leg.call_id, Agent.slug, Agent.name, Leg.number, Leg.device)
        .outerjoin(Agent, Agent.id == Leg.agent_id)
        .where(Leg.call_id.in_(call_ids), Leg.answered_at.is_not(None))
        .order_by(Leg.answered_at, Leg.id)
    )
    found: dict[str, Answer] = {}
    for call_id, slug, name, number, device in session.execute(answered):
        found.setdefault(call_id, (slug or number or device, name or None))
    return found


def _of(row: Row[*tuple[Any, ...]], answers: Mapping[str, Answer]) -> dict[str, Any]:
    seconds = round((row.ended_at - row.started_at).total_seconds()) if row.ended_at else None
    by, name = answers.get(row.id, (None, None))
    return {**row._mapping, "seconds": seconds, "answered_by": by, "answered_by_name": name}
