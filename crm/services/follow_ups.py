"""Runs follow-up sequences: plans the next step for each person, and sends it when it is due.

`tick` updates plans and puts what is due into the outbox, where the gate decides when it is sent. It only looks at
people who have a step due, or with whom something has happened that their plan depends on (`FollowUpLook`). It may run
in several processes: a step is one row, and its text has one key. A step that is long overdue is not sent late, but
expires into a task. Each person gets only one sequence, for the interest they were last in touch about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, case, delete, func, insert, select, update
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.context import Crm
from crm.domain import fields
from crm.domain.applications import ApplicationStatus
from crm.domain.calls import CallDirection
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Conflict, CrmError, Invalid, NotFound
from crm.domain.follow_ups import (
    CANCELLED,
    EXPIRED,
    LONGEST_TEXT,
    PAUSED,
    PLANNED,
    SENT,
    FollowUpAct,
    FollowUpRules,
    History,
    Next,
    is_too_late,
    next_step,
    parse,
    reworded,
)
from crm.domain.gate import TOO_LATE
from crm.domain.leads import Happened, LeadStatus, LeasingStage
from crm.domain.tasks import TaskKind, person_of
from crm.domain.text_templates import FIRST_LANGUAGE, FOLLOW_UP, check_placeholders, filled
from crm.domain.texts import TextDirection, TextPurpose
from crm.services import audit
from crm.services import tasks as task_acts
from crm.services.audit import By
from crm.services.office import owners
from crm.services.outbox import wording
from crm.services.outbox.outgoing import NewText, queue
from crm.services.people import short_links, timeline
from crm.services.phones.lines import line_for
from crm.store.models import (
    Application,
    Call,
    FollowUp,
    FollowUpLook,
    FollowUpRulesSeen,
    Interest,
    Lead,
    Message,
    Property,
    Task,
)
from crm.store.queries import leads, office, tasks
from crm.store.queries.names import id_of
from crm.store.session import ROOM_SECONDS
from crm.store.slices import SliceSize

TICK_SECONDS = 60.0
BATCH, MOST_BATCH = 15, 30
"""People in the first transaction of a tick, and at most in a later one: on SQLite all other writers wait for it."""
TOUCHED_AT_ONCE = 500
"""People made due per transaction when the sequences have changed."""
SOON = timedelta(seconds=1)
"""After a step was sent or a stage changed, the next tick looks again and plans what follows."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
DEFAULT = Path(__file__).parents[1] / "follow_ups" / "default.toml"

_Values = dict[str, Any]
"""Of a row's columns."""
OwnTexts = Mapping[tuple[str, str], str]
"""Bodies by name and language."""


async def tick(crm: Crm) -> int:
    """Updates the plans of everybody due for a look, and sends what is due; returns how many texts were queued.

    Raises Invalid when a file of sequences is wrong; nothing is sent to the people it applies to.
    """
    own, now = await crm.store.read(own_texts), crm.now()
    rules = _Rules(crm.config, own)
    await _notice_new_rules(crm, own)
    queued, may_be_more = 0, await crm.store.read(_is_anybody_due, now)
    size = SliceSize(BATCH, MOST_BATCH)
    while may_be_more:
        sent, people = await crm.store.run(size.timed(_step), crm.config, rules, now, size.rows)
        queued, may_be_more = queued + sent, people == size.rows
        size.done(people)
        if may_be_more:
            # After an import this goes on for minutes.
            await asyncio.sleep(ROOM_SECONDS)
    return queued


def next_look(session: Session) -> datetime | None:
    """When the next plan has to be looked at though nothing happens; None: none has to."""
    return session.scalar(select(func.min(FollowUpLook.look_at)))


def _is_anybody_due(session: Session, now: datetime) -> bool:
    return session.scalar(select(FollowUpLook.lead_id).where(FollowUpLook.look_at <= now).limit(1)) is not None


def _step(session: Session, config: Config, rules: _Rules, now: datetime, most: int) -> tuple[int, int]:
    """Updates the plans of the next people, `most` of them. Returns how many texts were queued, and of how many people
    the plans were looked at."""
    lead_ids = session.scalars(_DUE, {"now": now, "most": most}).all()
    if not lead_ids:
        return 0, 0
    interests = _one_each(session, lead_ids)
    known = _histories(session, interests)
    queued, looks, planned = 0, dict[int, datetime](), list[_Values]()
    for interest in interests:
        theirs = rules.of(interest.property)
        sent, look_at = _advance(session, config, theirs, interest, known, now, planned)
        queued += sent
        if look_at is not None:
            looks[interest.lead_id] = look_at
    # Written first, because triggers make these people due again for it.
    session.flush()
    connection = session.connection()
    if planned:
        connection.execute(_PLAN, planned)
    if done := [lead_id for lead_id in lead_ids if lead_id not in looks]:
        connection.execute(_NO_LOOK, {"ids": done})
    if looks:
        connection.execute(_NEXT_LOOK, [{"lead": lead_id, "next": look_at} for lead_id, look_at in looks.items()])
    return queued, len(lead_ids)


_IDS: BindParameter[list[int]] = bindparam("ids", expanding=True)
_DUE = (
    select(FollowUpLook.lead_id)
    .where(FollowUpLook.look_at <= bindparam("now"))
    .order_by(FollowUpLook.look_at, FollowUpLook.lead_id)
    .limit(bindparam("most"))
    # Other processes skip these rows. A transaction that makes one of them due again waits for us, so its change is
    # not lost.
    .with_for_update(skip_locked=True)
)
_PLAN = insert(FollowUp)
_NO_LOOK = delete(FollowUpLook).where(FollowUpLook.lead_id.in_(_IDS))
_NEXT_LOOK = update(FollowUpLook).where(FollowUpLook.lead_id == bindparam("lead")).values(look_at=bindparam("next"))


async def _notice_new_rules(crm: Crm, own: OwnTexts) -> None:
    """Makes everybody due again when the sequences, or the office's own texts, have changed since plans were made."""
    found, node = _hash_of_rules(crm.config, own), crm.config.node
    if await crm.store.read(lambda session: session.scalar(_seen(node))) == found:
        return
    after: int | None = 0
    while after is not None:
        after = await crm.store.run(_touch_next, after)
    await crm.store.run(_keep_seen, node, found)


def _touch_next(session: Session, after: int) -> int | None:
    """Makes the next `TOUCHED_AT_ONCE` people due. Returns the id of the last one, or None when there are no more."""
    following = select(Interest.lead_id).where(Interest.lead_id > after).distinct()
    lead_ids = session.scalars(following.order_by(Interest.lead_id).limit(TOUCHED_AT_ONCE)).all()
    if not lead_ids:
        return None
    session.execute(update(FollowUpLook).where(FollowUpLook.lead_id.in_(lead_ids)).values(look_at=LONG_AGO))
    there = set(session.scalars(select(FollowUpLook.lead_id).where(FollowUpLook.lead_id.in_(lead_ids))))
    missing = [{"lead_id": lead_id, "look_at": LONG_AGO} for lead_id in lead_ids if lead_id not in there]
    if missing:
        session.execute(insert(FollowUpLook), missing)
    return lead_ids[-1]


def _seen(node: str) -> Select[str]:
    return select(FollowUpRulesSeen.hash).where(FollowUpRulesSeen.node == node)


def _keep_seen(session: Session, node: str, found: str) -> None:
    row = session.get(FollowUpRulesSeen, node)
    if row is None:
        session.add(FollowUpRulesSeen(node=node, hash=found))
    else:
        row.hash = found


def _hash_of_rules(config: Config, own: OwnTexts) -> str:
    """Hash of all the files of sequences that may be in force here, and of the texts that replace theirs."""
    hashed = sha256(repr(sorted(own.items())).encode() if own else b"")
    for path in _files(config):
        with suppress(OSError):
            hashed.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return hashed.hexdigest()


def files_as_written(config: Config) -> object:
    """Another value when a file of sequences was written, added or removed."""
    found = []
    for path in _files(config):
        with suppress(OSError):
            file = path.stat()
            found.append((path, file.st_mtime_ns, file.st_ctime_ns, file.st_size))
    return found


def _files(config: Config) -> list[Path]:
    return [DEFAULT, *sorted((config.home / "follow_ups").glob("*.toml"))]


class _Rules:
    """The sequences of each portfolio, read once per tick."""

    def __init__(self, config: Config, own: OwnTexts) -> None:
        self._config, self._own = config, own
        self._known: dict[str, FollowUpRules] = {}

    def of(self, property: Property) -> FollowUpRules:
        name = property.portfolio.slug if property.portfolio else ""
        if name not in self._known:
            self._known[name] = sequences(self._config, name, self._own)
        return self._known[name]


def own_texts(session: Session) -> OwnTexts:
    """What the office wrote in place of texts of its sequences, by name and language."""
    return {of: row.body for of, row in wording.own(session).items()}


def sequences(config: Config, portfolio: str = "", own: OwnTexts | None = None) -> FollowUpRules:
    """The sequences in force for a portfolio: from its own file, else the office's, else ours. Raises Invalid.

    `own` are the office's own texts; a portfolio with a file of its own has none but those in it.
    """
    path = sequences_file(config, portfolio)
    try:
        rules = parse(path.read_text(encoding="utf-8"))
        return rules if path.stem == portfolio else reworded(rules, own or {})
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(
            f"{path} cannot be read: correct it or remove it.", code="sequences_file_unreadable", path=str(path)
        ) from error
    except Invalid as error:
        raise Invalid(f"{path}: {error}", code="sequences_file_wrong", path=str(path)) from None


def sequences_file(config: Config, portfolio: str = "") -> Path:
    """The file that `sequences` reads."""
    folder = config.home / "follow_ups"
    own = [folder / f"{portfolio}.toml"] if portfolio else []
    return next((path for path in (*own, folder / "default.toml") if path.exists()), DEFAULT)


_LATEST = (
    select(Interest.lead_id, func.max(Interest.updated_at).label("at"))
    .join(Lead, Lead.id == Interest.lead_id)
    .where(Interest.lead_id.in_(_IDS), Lead.status != LeadStatus.CLOSED)
    .group_by(Interest.lead_id)
    .subquery()
)
_LATEST_INTERESTS = (
    select(Interest)
    .join(_LATEST, (_LATEST.c.lead_id == Interest.lead_id) & (_LATEST.c.at == Interest.updated_at))
    .options(selectinload(Interest.property).selectinload(Property.portfolio))
    .order_by(Interest.lead_id, Interest.id)
    .with_for_update(of=Interest, key_share=True)
)
"""The interest that each of these leads was last in touch about, with property and portfolio. Closed leads are left
out. Interests updated at the same time are all returned."""


def _one_each(session: Session, lead_ids: Sequence[int]) -> Sequence[Interest]:
    one_each: dict[int, Interest] = {}
    for interest in session.scalars(_LATEST_INTERESTS, {"ids": lead_ids}):
        one_each.setdefault(interest.lead_id, interest)
    return list(one_each.values())


@dataclass(frozen=True)
class _Known:
    """What is on record about the leads in a batch, by lead id."""

    steps: Mapping[int, list[FollowUp]]
    heard_at: Mapping[int, datetime]
    answered_at: Mapping[int, datetime]
    too_late: frozenset[int]
    """Ids of steps whose text waited in the outbox until it was of no use."""
    languages: Mapping[int, str]
    """Of those who have chosen one."""
    begun: frozenset[tuple[int, int]]
    """Leads and properties with an application that is being filled in."""


def _histories(session: Session, interests: Sequence[Interest]) -> _Known:
    ids = {"ids": [interest.lead_id for interest in interests]}
    steps: dict[int, list[FollowUp]] = {}
    for row in session.scalars(_STEPS, ids):
        steps.setdefault(row.lead_id, []).append(row)
    connection = session.connection()
    heard_at, answered_at = dict[int, datetime](), dict[int, datetime]()
    for contacts in (_WRITTEN, _CALLED):
        for lead_id, heard, answered in connection.execute(contacts, ids):
            _keep_later(heard_at, lead_id, heard)
            _keep_later(answered_at, lead_id, answered)
    return _Known(
        steps,
        heard_at,
        answered_at,
        frozenset(id for id, reasons in connection.execute(_BLOCKED, ids) if TOO_LATE in reasons),
        {row.id: row.language for row in connection.execute(_LANGUAGES, ids)},
        frozenset((lead_id, property_id) for lead_id, property_id in connection.execute(_BEGUN, ids)),
    )


def _keep_later(found: dict[int, datetime], lead_id: int, at: datetime | None) -> None:
    if at is not None:
        found[lead_id] = max(at, found.get(lead_id, at))


_STEPS = select(FollowUp).where(FollowUp.lead_id.in_(_IDS)).order_by(FollowUp.step, FollowUp.id)
_is_answer = (Message.purpose == TextPurpose.AGENT) & (Message.state != DeliveryState.BLOCKED)
_WRITTEN = (
    select(
        Message.lead_id,
        func.max(case((Message.direction == TextDirection.IN, Message.created_at))).label("heard"),
        func.max(case((_is_answer, Message.created_at))).label("answered"),
    )
    .where(Message.lead_id.in_(_IDS))
    .group_by(Message.lead_id)
)
_CALLED = (
    select(
        Call.lead_id,
        func.max(case((Call.direction == CallDirection.IN, Call.started_at))).label("heard"),
        func.max(case((Call.talk_started_at.is_not(None), Call.ended_at))).label("answered"),
    )
    .where(Call.lead_id.in_(_IDS))
    .group_by(Call.lead_id)
)
_BLOCKED = (
    select(FollowUp.id, Message.decision_reasons)
    .join(Message, Message.id == FollowUp.message_id)
    .where(FollowUp.lead_id.in_(_IDS), FollowUp.state == SENT, Message.state == DeliveryState.BLOCKED)
)
_LANGUAGES = select(Lead.id, Lead.language).where(Lead.id.in_(_IDS), Lead.language != "")
_BEGUN = select(Application.lead_id, Application.property_id).where(
    Application.lead_id.in_(_IDS), Application.status == ApplicationStatus.STARTED
)


def _advance(
    session: Session,
    config: Config,
    rules: FollowUpRules,
    interest: Interest,
    known: _Known,
    now: datetime,
    planned: list[_Values],
) -> tuple[int, datetime | None]:
    """Updates one person's plan, which may already be up to date; a new step that is due later goes to `planned`.

    Returns how many texts were queued, and when to look again: None when only something new that happens can change the
    plan.
    """
    if interest.stage_since is None:
        interest.stage_since = interest.updated_at
    rows = known.steps.get(interest.lead_id, [])
    mine = [row for row in rows if (row.interest_id, row.stage) == (interest.id, interest.stage)]
    mine = [row for row in mine if row.stage_since == interest.stage_since]
    for row in rows:
        if row not in mine and row.state in (PLANNED, PAUSED):
            _end(row, CANCELLED, now, "The lead is in another stage now.")
        if row.id in known.too_late:
            _expire(session, config, interest, row, now)
    waiting = next((row for row in mine if row.state in (PLANNED, PAUSED)), None)
    if interest.property.retired_at is not None:
        if waiting is not None:
            _end(waiting, CANCELLED, now, _RETIRED)
        return 0, None
    found = next_step(rules, _history(interest, mine, known))
    if found.act is FollowUpAct.SEND:
        assert found.at is not None
        if waiting is None and found.at > now:
            planned.append(_new_step(interest, found))
            return 0, found.at
        step = waiting or FollowUp(**_new_step(interest, found))
        session.add(step)
        step.state, step.why = PLANNED, found.why
        if not step.is_edited:
            step.due_at, step.text = found.at, found.text
        if step.due_at > now:
            return 0, step.due_at
        session.flush()  # Its text or task goes by its id.
        if is_too_late(step.due_at, now):
            _expire(session, config, interest, step, now)
            return 0, None
        return _send(session, config, interest, step, now), now + SOON
    if waiting is not None:
        if found.act is FollowUpAct.PAUSE:
            waiting.state, waiting.why = PAUSED, found.why
        else:
            _end(waiting, CANCELLED, now, found.why)
    if found.act is FollowUpAct.MOVE and found.at is not None and found.stage is not None:
        if found.at > now:
            return 0, found.at
        _move(session, interest, found.stage, found.why, now)
        return 0, now + SOON
    return 0, None


def end_all_about(session: Session, by: By, property: Property) -> None:
    """Ends the plans about a property that is retired."""
    about = select(Interest.id).where(Interest.property_id == property.id)
    waiting = FollowUp.interest_id.in_(about) & FollowUp.state.in_((PLANNED, PAUSED))
    session.execute(
        update(FollowUp)
        .where(waiting)
        .values(state=CANCELLED, ended_at=by.now, why=_RETIRED)
        .execution_options(synchronize_session=False)
    )


_RETIRED = "The property is not leased any more."


def _history(interest: Interest, mine: Sequence[FollowUp], known: _Known) -> History:
    assert interest.stage_since is not None
    return History(
        stage=_stage(interest.stage),
        stage_since=interest.stage_since,
        sent=tuple(row.ended_at for row in mine if row.ended_at is not None),
        heard_at=known.heard_at.get(interest.lead_id),
        answered_at=known.answered_at.get(interest.lead_id),
        expired_at=max((row.ended_at for row in mine if row.state == EXPIRED and row.ended_at), default=None),
        language=known.languages.get(interest.lead_id, FIRST_LANGUAGE),
        has_begun=(interest.lead_id, interest.property_id) in known.begun,
    )


def _stage(name: str) -> LeasingStage:
    with suppress(ValueError):
        return LeasingStage(name)
    return LeasingStage.CONTACTED


def _new_step(interest: Interest, found: Next) -> _Values:
    return {
        "interest_id": interest.id,
        "lead_id": interest.lead_id,
        "stage": interest.stage,
        "stage_since": interest.stage_since,
        "step": found.step,
        "state": PLANNED,
        "due_at": found.at,
        "text": found.text,
        "is_edited": False,
        "why": found.why,
    }


def _send(session: Session, config: Config, interest: Interest, step: FollowUp, now: datetime) -> int:
    lead = leads.by_id(session, interest.lead_id)
    assert lead is not None
    if not lead.phones:
        _end(step, CANCELLED, now, "There is no number to text to.")
        return 0
    try:
        ours = line_for(session, config, lead, None)
    except CrmError as error:
        _end(step, CANCELLED, now, str(error))
        return 0
    url = short_links.to_listings(session, config, interest.property, lead.id, f"followup:{step.id}", now)
    body = " ".join(filled(step.text, name=interest.property.name, url=url).split())
    new = NewText(
        f"followup:{step.id}",
        TextPurpose.FOLLOW_UP,
        lead.phones[0].number,
        ours,
        body,
        lead_id=lead.id,
        about=interest.property_id,
    )
    step.message_id = queue(session, config, new, now).id
    _end(step, SENT, now, step.why)
    return 1


def _expire(session: Session, config: Config, interest: Interest, step: FollowUp, now: datetime) -> None:
    """Ends a step that is too late to send, and leaves a task to follow up, one open task per person."""
    due = f"{step.due_at.astimezone(config.tz):%b %d}"
    _end(step, EXPIRED, now, f"A follow-up about {interest.property.name} was due on {due}, too long ago to be sent.")
    key, about = f"followup:{step.id}", interest.property_id
    timeline.enter(session, interest.lead_id, Happened.FOLLOW_UP, step.why, now, key=key, about=about)
    person = person_of(TaskKind.FOLLOW_UP, lead_id=interest.lead_id, caller=None, did="", desk="")
    if tasks.open_one(session, person, TaskKind.FOLLOW_UP):
        return
    lead = leads.by_id(session, interest.lead_id)
    due_at = office.schedule(session, config.tz, interest.property).due_time(now, config.tasks.due_minutes)
    session.add(
        Task(
            key=f"followup:{step.id}",
            kind=TaskKind.FOLLOW_UP,
            person=person,
            held_by=owners.owner(session, lead, interest.property, due_at.astimezone(config.tz)),
            lead_id=interest.lead_id,
            property_id=interest.property_id,
            created_at=now,
            due_at=due_at,
            why=f"A follow-up about {interest.property.name} was due on {due} and was not sent: call or text them.",
            result="",
            # Not passed on: an import may bring up thousands at once. Their owners are told once a day (tasks.remind).
            escalation=task_acts.MOST_ESCALATIONS,
        )
    )
    session.flush()


def _end(step: FollowUp, state: str, now: datetime, why: str) -> None:
    step.state, step.ended_at, step.why = state, now, why[:300]


def _move(session: Session, interest: Interest, stage: LeasingStage, why: str, now: datetime) -> None:
    old, interest.stage, interest.stage_since = interest.stage, stage.value, now
    interest.updated_at = now
    told = f"{interest.property.name}: from {old} to {stage}. {why}"
    key = f"stage:{interest.id}:{now.isoformat()}"
    timeline.enter(session, interest.lead_id, Happened.STAGE_CHANGED, told, now, key=key, about=interest.property_id)


# --- changes by people ---


def change(session: Session, by: By, step_id: int, *, due_at: datetime | None = None, text: str | None = None) -> None:
    """Changes the time or text of a planned step; None leaves it as it is."""
    if text is not None and not 1 <= len(text.strip()) <= LONGEST_TEXT:
        raise Invalid(
            f"The text has to have 1 to {LONGEST_TEXT} characters.", code="follow_up_text_length", longest=LONGEST_TEXT
        )
    step = _waiting(session, step_id)
    if due_at is not None:
        step.due_at = due_at
    if text is not None:
        check_placeholders("This text", text, (), FOLLOW_UP)
        step.text = fields.text(text, "text", LONGEST_TEXT, required=True)
    step.is_edited = True
    audit.record(session, by, f"follow-up {step_id} changed")


def cancel(session: Session, by: By, step_id: int) -> None:
    """Cancels a step; the wait for the one after it counts from now."""
    _end(_waiting(session, step_id), CANCELLED, by.now, f"Canceled by {by.who}.")
    audit.record(session, by, f"follow-up {step_id} canceled")


def _waiting(session: Session, step_id: int) -> FollowUp:
    step = session.get(FollowUp, step_id, with_for_update=True)
    if step is None:
        raise NotFound(f"There is no follow-up {step_id}.", code="follow_up_unknown", step=step_id)
    if step.state not in (PLANNED, PAUSED):
        raise Conflict(
            f"Follow-up {step_id} is already {step.state}.", code="follow_up_over", step=step_id, state=step.state
        )
    return step


def set_stage(
    session: Session,
    by: By,
    lead_id: int,
    property_slug: str,
    stage: LeasingStage,
    *,
    why: str = "",
    was: str | None = None,
) -> None:
    """Sets the stage of a lead's interest in a property; a new stage starts its own sequence. An interest is ended as
    lost, which needs a reason. `was`: only if it still has that stage.

    Raises Invalid, NotFound, Conflict.
    """
    why = fields.text(why, "reason", 200)
    interest = session.scalar(
        select(Interest)
        .join(Property, Interest.property_id == Property.id)
        .where(Interest.lead_id == lead_id, Property.id == id_of(Property.slug, fields.slug(property_slug)))
        .options(selectinload(Interest.property))
        .with_for_update(of=Interest, key_share=True)
    )
    if interest is None:
        raise NotFound(
            f"Lead {lead_id} has no interest in {property_slug}.",
            code="interest_unknown",
            lead=lead_id,
            property=property_slug,
        )
    if was is not None and interest.stage != was:
        raise Conflict("Somebody else has changed the stage just now: look at it again.", code="changed_meanwhile")
    if stage is LeasingStage.LOST and not why:
        raise Invalid("Say why the interest has ended, such as: rented elsewhere.", code="loss_without_reason")
    if interest.stage != stage:
        told = f"Set by {by.who}: {why}" if why else f"Set by {by.who}."
        _move(session, interest, stage, told, by.now)
    audit.record(session, by, f"stage of lead {lead_id} at {property_slug}: {stage}")
