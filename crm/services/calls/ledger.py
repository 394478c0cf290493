"""The record of calls: takes facts as they come, and keeps the call, its lead, task and texts in line with them.

Recording a fact twice changes nothing, and the order does not matter: the story is told anew from all facts of the call
(`crm.domain.story`). A fact that comes after the end, such as a message found in the spool, corrects the outcome.

To record many facts, keep a `Ledger`. It caches the stories of calls that are up, so recording most facts means writing
a few rows and reading nothing. When the cache disagrees with the database, or a transaction fails, the call is dropped
from the cache and its story is told from the recorded facts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property, partial
from typing import Any

from sqlalchemy import BindParameter, Connection, Insert, Update, bindparam, insert, or_, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.calls import CallDirection, Fact, LegEnded, Routed, StepTaken, VoicemailLeft, VoiceTurnTaken
from crm.domain.mailboxes import BoxKind, TranscriptState, box
from crm.domain.route_inputs import CallerKind, DeskKind
from crm.domain.story import CallStory, LegStory, tell
from crm.services.calls import orders, voice_talks
from crm.services.calls.aftermath.closing import close_call
from crm.services.calls.aftermath.promises import keep_promise
from crm.services.calls.aftermath.scene import Scene, fit
from crm.services.calls.aftermath.texts import text_link
from crm.services.calls.aftermath.voice_talk import is_urgent as is_emergency
from crm.services.people import timeline
from crm.services.people.identity import Identity, who_calls
from crm.services.people.timeline import NewEntry
from crm.services.phones import own_forwarding
from crm.services.routing.arrivals import line_among
from crm.services.voicemail import mailboxes
from crm.store import bulk, changes, decisions, snapshot
from crm.store.facts import from_row, to_values
from crm.store.models import (
    Agent,
    Call,
    CallEvent,
    Contact,
    Lead,
    Leg,
    Recording,
    Tour,
    Voicemail,
)
from crm.store.models.base import Base
from crm.store.queries import calls
from crm.store.session import Collision, after_commit

MOST_HELD = 2000
"""Calls whose stories are cached. The one that has been silent longest is dropped first."""


def record(session: Session, config: Config, fact: Fact, now: datetime) -> None:
    """Like `record_all`, for one fact."""
    record_all(session, config, [fact], now)


def record_all(session: Session, config: Config, facts: Sequence[Fact], now: datetime) -> None:
    """Like `Ledger.record`, for recording a few facts once."""
    Ledger(config).record(session, facts, now)


class Ledger:
    """One per process."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.held: dict[str, _Told] = {}
        """Cached stories by call, as committed."""
        self._rosters: set[str] = set()
        """Ids of those known to be on record."""

    def record(self, session: Session, facts: Sequence[Fact], now: datetime) -> None:
        """Records facts of any number of calls, and what follows from them, in one transaction."""
        stated: dict[str, list[Fact]] = {}
        for fact in facts:
            stated.setdefault(fact.call_id, []).append(fact)
        # Put back on commit: if anything goes wrong before, the next try reads what is on record.
        held = {id: told for id in stated if (told := self.held.pop(id, None))}
        page = _Page(session, self._config, now, self._rosters)
        news = {id: _news(told, stated[id], is_held=True) for id, told in held.items()}
        plain = {id for id, one in news.items() if one.is_plain}
        page.lock(stated.keys() - plain)
        news = {id: one for id, one in news.items() if id in plain or page.is_on_record(one)}
        page.write(news, {id: of_call for id, of_call in stated.items() if id not in news})
        after_commit(session, partial(self._hold, page))

    def _hold(self, page: _Page) -> None:
        self._rosters |= page.rosters
        for id, one in page.told.items():
            if one.story.ended_at is None:
                self.held[id] = one
        while len(self.held) > MOST_HELD:
            del self.held[next(iter(self.held))]


@dataclass(frozen=True)
class _Told:
    """What is on record of a call."""

    facts: Mapping[str, Fact]
    """By id."""
    story: CallStory


@dataclass(frozen=True)
class _News:
    """What new facts add to the record of a call."""

    call_id: str
    before: CallStory | None
    """None when the call is not on record yet."""
    told: _Told
    new: Sequence[Fact]
    is_held: bool
    """Whether the story so far came from the cache and did not have to be read."""

    @property
    def story(self) -> CallStory:
        return self.told.story

    @property
    def count_before(self) -> int:
        return len(self.told.facts) - len(self.new)

    @cached_property
    def is_plain(self) -> bool:
        """Whether the facts change only rows of their own: no line, person, text or task depends on them."""
        return (
            self.is_held
            and self.before is not None
            and self.story.ended_at is None
            and _decisive(self.story) == _decisive(self.before)
            and not any(isinstance(fact, LegEnded) and fact.forwards for fact in self.new)
        )


def _news(before: _Told | None, stated: Iterable[Fact], *, is_held: bool) -> _News:
    facts, new = dict(before.facts if before else {}), []
    for fact in stated:
        # The first version of a fact stands, even if a later one differs.
        if fact.id not in facts:
            facts[fact.id] = _lean(fact)
            new.append(fact)
    call_id = next(iter(facts.values())).call_id
    return _News(call_id, before.story if before else None, _Told(facts, tell(facts.values())), new, is_held)


def _rounds(news: Iterable[_News]) -> list[list[_News]]:
    """Calls that can be closed side by side: of each caller one, because the second finds what the first leaves."""
    rounds: list[dict[object, _News]] = []
    for one in news:
        caller = _shown(one.story) if one.story.caller or one.story.caller_digits else one.call_id
        free = next((calls for calls in rounds if caller not in calls), None)
        if free is None:
            rounds.append(free := {})
        free[caller] = one
    return [list(calls.values()) for calls in rounds]


def _lean(fact: Fact) -> Fact:
    """Drops the inputs of a routing decision, and what was said: they have rows of their own and are not part of the
    story."""
    if isinstance(fact, VoiceTurnTaken):
        return replace(fact, text="", confidence=None, state="")
    return replace(fact, reasons=(), inputs={}, plan={}, roster=()) if isinstance(fact, Routed) else fact


def _decisive(story: CallStory) -> tuple[object, ...]:
    return (
        story.did,
        story.dialled,
        story.trunk,
        story.caller,
        story.caller_digits,
        story.direction,
        story.placed,
        story.property_slug,
        story.kind,
        story.voicemail,
        story.recordings,
        story.link_requested,
        story.promised,
        story.tour_id,
        story.voice_talk and (story.voice_talk.links, story.voice_talk.promises, story.voice_talk.why_ended),
    )


def _shown(story: CallStory) -> tuple[str | None, str, str]:
    """What tells who the person is: their number, or else the trunk (slug) and the digits shown there."""
    return story.caller, story.trunk, story.caller_digits


def open_calls(session: Session, config: Config) -> dict[str, datetime]:
    """Calls of this node without an outcome, and when they began, oldest first. They are up, or ended unnoticed while
    the app was away."""
    return calls.open_since(session, config.node)


@dataclass(frozen=True)
class Begun:
    """When a call began, and its latest step."""

    at: datetime
    step_at: datetime
    step: str = ""


def begun(session: Session, call_ids: Collection[str]) -> dict[str, Begun]:
    """When these calls began, and their latest steps, as far as they are on record."""
    found = {
        row.id: Begun(row.started_at, row.started_at)
        for row in session.execute(select(Call.id, Call.started_at).where(Call.id.in_(call_ids)))
    }
    steps = select(CallEvent.call_id, CallEvent.at, CallEvent.data)
    steps = steps.where(CallEvent.call_id.in_(found), CallEvent.kind == StepTaken.__name__)
    steps = steps.order_by(CallEvent.at, CallEvent.number)
    for row in session.execute(steps):
        found[row.call_id] = Begun(found[row.call_id].at, row.at, str(row.data.get("step", "")))
    return found


class _Page:
    """What one transaction writes. Rows of facts, decisions and legs, and changes to calls that are up, are written in
    bulk."""

    def __init__(self, session: Session, config: Config, now: datetime, rosters: Collection[str]) -> None:
        self._session, self._config, self._now = session, config, now
        # Before anything is written, so that the snapshot is kept for the next transaction.
        self._office = snapshot.now(session)
        self.told: dict[str, _Told] = {}
        """By call, what will be on record after the commit."""
        self.rosters = {*rosters}
        """Ids of those that are on record."""
        self._rows: dict[str, Call] = {}
        """By id, locked."""
        self._found: dict[str, Lead] = {}
        """Leads found or made in this transaction, by their number."""
        self._entries: list[NewEntry] = []
        """Of timelines, still to be written."""

    def lock(self, ids: Collection[str]) -> None:
        """Keeps others from recording facts of these calls until the commit."""
        if ids:
            self._rows |= {call.id: call for call in self._session.scalars(_LOCKED, {"ids": list(ids)})}

    def is_on_record(self, news: _News) -> bool:
        """Whether the facts so far of a locked call are all that are on record: nobody else has recorded any."""
        call = self._rows.get(news.call_id)
        return call is not None and call.event_count == news.count_before

    def write(self, held: Mapping[str, _News], rest: Mapping[str, Sequence[Fact]]) -> None:
        """Writes only the facts themselves for plain calls, and for the others everything that follows from them.
        `rest` are the facts of calls whose stories were not held."""
        session, rows = self._session, self._rows
        known = self._read(rows.keys() - held.keys())
        news = {**held, **{id: _news(known.get(id), facts, is_held=False) for id, facts in rest.items()}}
        self.told = {id: one.told for id, one in news.items()}
        plain = [one for one in news.values() if one.is_plain]
        whole = [one for one in news.values() if one.new and not one.is_plain]
        # Nobody's identity depends on what is written here, and asked later each would send what is written first.
        who = {shown: who_calls(session, *shown) for shown in {_shown(one.story) for one in whole}}
        fresh = [_fresh(one, self._config.node) for one in whole if one.call_id not in rows]
        rows |= {call.id: call for call in fresh}
        with session.no_autoflush:
            for one in whole:
                self._write_call(rows[one.call_id], one.story, who[_shown(one.story)])
        bulk.add_all(session, fresh)
        if session.new:
            session.flush()
        self._write_facts(plain, whole)
        for together in _rounds(whole):
            ends = [self._what_follows(rows[one.call_id], one, who[_shown(one.story)]) for one in together]
            for end in ends:
                next(end, None)
            session.flush()
            for end in ends:
                next(end, None)
            timeline.enter_new(session, self._entries)
            self._entries.clear()

    # --- what is on record ---

    def _read(self, ids: Collection[str]) -> dict[str, _Told]:
        """What is on record for locked calls whose stories are not held."""
        if not ids:
            return {}
        facts: dict[str, dict[str, Fact]] = {}
        events = select(CallEvent).where(CallEvent.call_id.in_(sorted(ids))).order_by(CallEvent.at, CallEvent.number)
        for row in self._session.scalars(events):
            fact = _lean(from_row(row))
            facts.setdefault(row.call_id, {})[fact.id] = fact
        return {id: _Told(of_call, tell(of_call.values())) for id, of_call in facts.items()}

    # --- what is told ---

    def _write_facts(self, plain: Iterable[_News], whole: Iterable[_News]) -> None:
        """Writes the rows of facts and legs, and the changes to plain calls."""
        connection = self._session.connection()
        _advance(connection, plain)
        news = [*plain, *whole]
        new = [fact for one in news for fact in one.new]
        rows = [to_values(fact, number) for one in news for number, fact in enumerate(one.new, one.count_before)]
        _insert(connection, CallEvent, rows)
        self.rosters |= decisions.add_all(connection, [fact for fact in new if isinstance(fact, Routed)], self.rosters)
        voice_talks.write_turns(connection, [fact for fact in new if isinstance(fact, VoiceTurnTaken)])
        self._write_legs(connection, news)
        devices = {leg.id: leg.device for one in news for leg in one.story.legs}
        own_forwarding.learn(self._session, self._config, self._office, new, devices, self._now)

    def _write_legs(self, connection: Connection, news: Sequence[_News]) -> None:
        before = {(one.call_id, leg.id): leg for one in news if one.before for leg in one.before.legs}
        fresh: list[tuple[str, LegStory]] = []
        changes: list[tuple[str, dict[str, Any]]] = []
        whose: list[LegStory] = []
        talked: list[LegStory] = []
        for one in news:
            for leg in one.story.legs:
                was = before.get((one.call_id, leg.id))
                if was == leg:
                    continue
                if was is None:
                    fresh.append((one.call_id, leg))
                elif changed := _changed(_leg_columns(was), _leg_columns(leg)):
                    changes.append((leg.id, changed))
                if was is None or (was.agent, was.device) != (leg.agent, leg.device):
                    whose.append(leg)
                if leg.answered_at and leg.ended_at:
                    talked.append(leg)
        # Whose it was then, whatever it is called now, and whoever has it.
        found = ((leg.id, self._office.whose(leg.agent, leg.device, leg.started_at)) for leg in whose)
        owners = {id: owner for id, owner in found if owner is not None}
        _insert(
            connection,
            Leg,
            [{"id": leg.id, "call_id": id, "agent_id": owners.get(leg.id), **_leg_columns(leg)} for id, leg in fresh],
        )
        made = {leg.id for _, leg in fresh}
        changes += [(leg.id, {"agent_id": owners[leg.id]}) for leg in whose if leg.id in owners and leg.id not in made]
        _update(connection, Leg, changes)
        if talked:
            # In a fixed order, so that two concurrent writers do not deadlock.
            ends = sorted((leg.agent or leg.device, leg.id, leg.ended_at) for leg in talked)
            connection.execute(_TALKED_LAST, [{"leg": id, "ended_at": ended_at} for _, id, ended_at in ends])

    # --- what follows ---

    def _what_follows(self, call: Call, news: _News, person: Identity) -> Iterator[None]:
        """Writes what follows from a call's facts; stops once, when the session is to be flushed (`close_call`)."""
        session, story = self._session, news.story
        if story.recordings:
            _write_recordings(session, self._config, call, story)
        if story.placed and story.placed.order_id is not None:
            orders.placed(session, story.placed.order_id, call.id)
        if story.tour_id is not None and (tour := session.get(Tour, story.tour_id)):
            tour.call_id = tour.call_id or call.id
        if not (story.voicemail or story.link_requested or story.promised or story.ended_at):
            return
        scene = Scene(
            session,
            self._config,
            self._now,
            call,
            story,
            person,
            self._office,
            self._found,
            self._entries,
            is_routed=any(isinstance(fact, Routed) for fact in news.told.facts.values()),
            is_first=(news.is_held or news.before is None) and call.outcome is None and not story.promised,
        )
        if story.voicemail:
            _write_voicemail(scene, story.voicemail)
        if story.link_requested:
            text_link(scene)
        if story.promised:
            keep_promise(scene, story.promised)
        if story.ended_at:
            yield from close_call(scene, story.ended_at)

    def _write_call(self, call: Call, story: CallStory, known: Identity) -> None:
        """Updates the row of the call. `known` is who the person is now."""
        session, office = self._session, self._office
        for name, value in _columns(story).items():
            setattr(call, name, value)
        call.event_count = len(self.told[call.id].facts)
        if call.line_id is None or not story.dialled:
            # Once the line called is known, it does not change.
            call.did = fit(line_among(office, story.trunk, story.did, story.dialled), 40)
        call.direction = story.direction
        if call.agent_id is None and story.placed:
            call.agent_id = office.holder("agent", story.placed.agent, story.started_at)
        call.caller = story.caller
        call.caller_digits = fit(story.caller_digits, 20)
        call.trunk = fit(story.trunk, 40)
        if call.line_id is None:
            call.line_id = office.holder("line", call.did, story.started_at)
        line = office.lines_by_id.get(call.line_id) if call.line_id else None
        chosen = story.property_slug and office.holder("property", story.property_slug, story.started_at)
        if chosen:
            call.property_id = chosen
        elif call.property_id is None and line and line.property:
            call.property_id = line.property.id
        if call.contact_id is None and call.outcome is None and known.contact:
            # Somebody added to the contacts after the call was not a contact during it.
            call.contact_id = known.contact.id
        call.kind = fit(_kind(session, call, story, known), 10)
        if call.lead_id is None and known.lead and not known.is_line and call.kind == CallerKind.PROSPECT:
            call.lead_id = known.lead.id
        if story.voice_talk:
            voice_talks.keep(session, call, story, story.voice_talk)


def _fresh(news: _News, node: str) -> Call:
    """A call that is not on record. Facts are recorded on the node that had it."""
    return bulk.new(Call, id=news.call_id, did="", started_at=news.new[0].at, node=node)


def _columns(story: CallStory) -> dict[str, Any]:
    """The columns of a call that follow from its facts alone."""
    return {
        "started_at": story.started_at,
        "withheld": story.withheld,
        "attestation": fit(story.attestation, 30),
        "step": story.step,
        "without_app": story.without_app,
        "talk_started_at": story.talk_started_at,
        "desk": fit(story.desk, 20),
    }


def _leg_columns(leg: LegStory) -> dict[str, Any]:
    return {
        "device": fit(leg.device, 40),
        "stage": fit(leg.stage, 20),
        "number": leg.number,
        "announced_at": leg.announced_at,
        "started_at": leg.started_at,
        "answered_at": leg.answered_at,
        "ended_at": leg.ended_at,
        "status": leg.status or "",
    }


_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
# In a fixed order, so that two transactions locking the same calls do not deadlock.
_LOCKED = select(Call).where(Call.id.in_(_IDS)).order_by(Call.id).with_for_update(of=Call, key_share=True)
_TALKED_LAST = (
    update(Agent)
    .where(Agent.id == select(Leg.agent_id).where(Leg.id == bindparam("leg")).scalar_subquery())
    .where(or_(Agent.last_talk_ended_at.is_(None), Agent.last_talk_ended_at < bindparam("ended_at")))
    .values(last_talk_ended_at=bindparam("ended_at", type_=Agent.last_talk_ended_at.type))
    # Every call writes it, and no worker waits for it.
    .execution_options(**changes.UNTOLD)
)


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in after.items() if before[name] != value}


def _insert(connection: Connection, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(_insert_of(model), rows)


def _advance(connection: Connection, plain: Iterable[_News]) -> None:
    """Writes what changes in calls whose new facts are plain. Raises Collision when others have recorded facts of one
    of them: the next try tells its story from what is on record."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for one in plain:
        if one.before and one.new:
            changed = _changed(_columns(one.before), _columns(one.story))
            counts = {"row": one.call_id, "count_before": one.count_before, "event_count": len(one.told.facts)}
            alike.setdefault(tuple(changed), []).append({**counts, **changed})
    for names, rows in alike.items():
        if connection.execute(_advance_of(names), rows).rowcount != len(rows):
            raise Collision("Others are recording the same call: try again.", code="call_recorded_by_others")


@cache
def _advance_of(names: tuple[str, ...]) -> Update:
    as_known = (Call.id == bindparam("row"), Call.event_count == bindparam("count_before"))
    return update(Call).where(*as_known).values({name: bindparam(name) for name in ("event_count", *names)})


def _update(connection: Connection, model: type[Base], changes: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Updates rows by id. Rows that change in the same columns are written together."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for id, changed in changes:
        if changed:
            alike.setdefault(tuple(changed), []).append({"row": id, **changed})
    for names, rows in alike.items():
        connection.execute(_update_of(model, names), rows)


@cache
def _insert_of(model: type[Base]) -> Insert:
    return insert(model)


@cache
def _update_of(model: type[Base], names: tuple[str, ...]) -> Update:
    columns = model.__table__.c
    return update(model).where(columns["id"] == bindparam("row")).values({name: bindparam(name) for name in names})


def _kind(session: Session, call: Call, story: CallStory, known: Identity) -> str:
    """The kind of person: what the call has shown, else what is known about their number. Somebody we call who is both
    a lead and a contact counts as the lead."""
    if story.kind:
        return story.kind
    contact = session.get(Contact, call.contact_id) if call.contact_id else None
    if contact is None or (known.lead and story.direction is not CallDirection.IN):
        return call.kind or CallerKind.PROSPECT
    return contact.kind


def _write_voicemail(scene: Scene, told: VoicemailLeft) -> None:
    session, call, story = scene.session, scene.call, scene.story
    voicemail = session.get(Voicemail, call.id)
    is_new = voicemail is None
    voicemail = voicemail or Voicemail(call_id=call.id)
    voicemail.file, voicemail.seconds, voicemail.left_at = fit(told.file, 200), told.seconds, told.at
    if is_new:
        mailbox = fit(told.mailbox or _of_callee(session, story), 60)
        mailbox = scene.office.mailbox_now(mailbox, story.started_at)
        is_urgent = story.desk == DeskKind.MAINTENANCE or is_emergency(story.voice_talk)
        mailboxes.came_in(
            session, scene.config, voicemail, scene.about_property, mailbox, scene.now, is_urgent=is_urgent
        )
        session.add(voicemail)


def _of_callee(session: Session, story: CallStory) -> str:
    """The mailbox of the colleague who was called, for a message found when the app came back; empty if none was."""
    dialled = story.placed.extension if story.placed else ""
    callee = session.scalar(select(Agent).where(Agent.extension == dialled)) if dialled else None
    return box(BoxKind.AGENT, callee.slug) if callee else ""


def _write_recordings(session: Session, config: Config, call: Call, story: CallStory) -> None:
    for told in story.recordings:
        recording = session.get(Recording, told.id)
        if recording is None:
            recording = Recording(id=told.id, call_id=call.id)
            session.add(recording)
        recording.mode, recording.file = fit(told.mode, 10), fit(told.file, 200)
        recording.started_at, recording.ended_at, recording.seconds = told.started_at, told.ended_at, told.seconds
        if config.voice.talks and recording.ended_at and not recording.transcript_state:
            recording.transcript_state = TranscriptState.QUEUED
