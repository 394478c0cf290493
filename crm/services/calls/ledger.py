"""The record of calls: takes facts as they come and keeps the call, its lead, task and texts as the facts so far say.

Recording a fact twice changes nothing, and the order does not matter: what is kept is told anew from all facts of the
call (`crm.domain.story`). A fact that comes after the end, such as a message found in the spool, corrects the outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.calls import CallDirection, Fact, Routed, VoicemailLeft
from crm.domain.mailboxes import BoxKind, box
from crm.domain.route_inputs import CallerKind, DeskKind
from crm.domain.story import CallStory, tell
from crm.services.calls import orders
from crm.services.calls.aftermath.promises import keep_promise
from crm.services.calls.aftermath.scene import Scene, fit
from crm.services.calls.aftermath.settling import settle
from crm.services.calls.aftermath.texts import text_link
from crm.services.calls.facts import from_row, to_row
from crm.services.people.identity import Identity, who_is
from crm.services.phones import own_forwarding
from crm.services.routing.arrivals import line_called
from crm.services.voicemail import mailboxes
from crm.store import decisions
from crm.store.models import (
    Agent,
    Call,
    Contact,
    Leg,
    Recording,
    Tour,
    Voicemail,
)
from crm.store.queries import agents, calls, lines, properties


def record(session: Session, config: Config, fact: Fact, now: datetime) -> None:
    """As `record_all`, for one fact."""
    record_all(session, config, [fact], now)


def record_all(session: Session, config: Config, facts: Sequence[Fact], now: datetime) -> None:
    """Records facts of one call, at least one, and what follows from them, in one transaction."""
    call = session.get(Call, facts[0].call_id, with_for_update={"key_share": True})
    if call is None:
        # Facts are recorded where their call was: its Asterisk and its app have told them.
        call = Call(id=facts[0].call_id, did="", started_at=facts[0].at, node=config.node)
        session.add(call)
        session.flush()
    told = [from_row(row) for row in calls.events(session, call.id)]
    by_id = {fact.id: fact for fact in told}
    # What is stated again says nothing new, even if it says something else.
    new = [fact for fact in facts if by_id.setdefault(fact.id, fact) is fact]
    if not new:
        return
    session.add_all(to_row(fact) for fact in new)
    for fact in new:
        if isinstance(fact, Routed):
            decisions.add(session, fact)
    session.flush()

    story = tell([*told, *new])
    known = _write_call(session, call, story)
    line = lines.by_id(session, call.line_id) if call.line_id else None
    place = properties.by_id(session, call.property_id) if call.property_id else None
    scene = Scene(session, config, now, call, story, known, line, place)
    if story.message:
        _write_message(scene, story.message)
    _write_recordings(session, call, story)
    _write_legs(session, call, story)
    own_forwarding.note(session, config, new, {leg.id: leg.device for leg in story.legs}, now)
    if story.placed and story.placed.order_id is not None:
        orders.placed(session, story.placed.order_id, call.id)
    if story.link_requested:
        text_link(scene)
    if story.promised:
        keep_promise(scene, story.promised)
    if story.tour_id is not None and (tour := session.get(Tour, story.tour_id)):
        tour.call_id = tour.call_id or call.id
    if story.ended_at:
        settle(scene, story.ended_at)


def open_calls(session: Session, config: Config) -> dict[str, datetime]:
    """Calls of this node without an outcome and when they began, oldest first: they are up, or were lost sight of while
    the app was away."""
    return calls.open_since(session, config.node)


def _write_call(session: Session, call: Call, story: CallStory) -> Identity:
    """Returns who the person is by now."""
    call.started_at = story.started_at
    if call.line_id is None or not story.dialled:
        # Once it is known which line was called, it stays so.
        call.did = fit(line_called(session, story.trunk, story.did, story.dialled), 40)
    call.withheld = story.withheld
    call.direction = story.direction
    call.attestation = fit(story.attestation, 30)
    if call.agent_id is None and story.placed and (agent := agents.by_slug(session, story.placed.agent)):
        call.agent_id = agent.id
    call.caller = story.caller
    call.trunk = fit(story.trunk, 40)
    call.step = story.step
    call.without_app = story.without_app
    call.talk_started_at = story.talk_started_at
    if call.line_id is None and call.did and (line := lines.by_number(session, call.did)):
        call.line_id = line.id
    call.desk = fit(story.desk, 20)
    if story.place and (chosen := properties.by_slug(session, story.place)):
        call.property_id = chosen.id
    elif call.property_id is None and call.line_id and (line := lines.by_id(session, call.line_id)):
        call.property_id = line.property_id
    known = who_is(session, call.caller)
    if call.contact_id is None and call.outcome is None and known.contact:
        # Who is entered after a call was none of them during it.
        call.contact_id = known.contact.id
    call.kind = fit(_kind(session, call, story, known), 10)
    if call.lead_id is None and known.lead and not known.is_line and call.kind == CallerKind.PROSPECT:
        call.lead_id = known.lead.id
    return known


def _kind(session: Session, call: Call, story: CallStory, known: Identity) -> str:
    """Who the person is: what the call has shown, else what is known of their number. Whom we call is a lead before all
    else."""
    if story.kind:
        return story.kind
    contact = session.get(Contact, call.contact_id) if call.contact_id else None
    if contact is None or (known.lead and story.direction is not CallDirection.IN):
        return call.kind or CallerKind.PROSPECT
    return contact.kind


def _write_message(scene: Scene, told: VoicemailLeft) -> None:
    session, call, story = scene.session, scene.call, scene.story
    voicemail = session.get(Voicemail, call.id)
    is_new = voicemail is None
    voicemail = voicemail or Voicemail(call_id=call.id)
    voicemail.file, voicemail.seconds, voicemail.left_at = fit(told.file, 200), told.seconds, told.at
    if is_new:
        mailbox = fit(told.mailbox or _of_callee(session, story), 60)
        is_urgent = story.desk == DeskKind.MAINTENANCE
        mailboxes.came_in(session, scene.config, voicemail, scene.place, mailbox, scene.now, is_urgent=is_urgent)
        session.add(voicemail)


def _of_callee(session: Session, story: CallStory) -> str:
    """The mailbox of the colleague who was called, for a message that was found when the app came back; else ""."""
    dialled = story.placed.extension if story.placed else ""
    callee = session.scalar(select(Agent).where(Agent.extension == dialled)) if dialled else None
    return box(BoxKind.AGENT, callee.slug) if callee else ""


def _write_recordings(session: Session, call: Call, story: CallStory) -> None:
    for told in story.recordings:
        recording = session.get(Recording, told.id)
        if recording is None:
            recording = Recording(id=told.id, call_id=call.id)
            session.add(recording)
        recording.mode, recording.file = fit(told.mode, 10), fit(told.file, 200)
        recording.started_at, recording.ended_at, recording.seconds = told.started_at, told.ended_at, told.seconds


def _write_legs(session: Session, call: Call, story: CallStory) -> None:
    if not story.legs:
        return
    rows = {leg.id: leg for leg in session.scalars(select(Leg).where(Leg.call_id == call.id))}
    for told in story.legs:
        leg = rows.get(told.id)
        if leg is None:
            leg = Leg(id=told.id, call_id=call.id)
            session.add(leg)
        leg.device = fit(told.device, 40)
        leg.stage = fit(told.stage, 20)
        leg.number, leg.announced_at = told.number, told.announced_at
        leg.started_at, leg.answered_at, leg.ended_at = told.started_at, told.answered_at, told.ended_at
        leg.status = told.status or ""
        if leg.agent_id is None and (told.agent or told.device):
            # The dialplan knows phones only, not whose they are.
            owner = agents.by_slug(session, told.agent) if told.agent else agents.by_device(session, told.device)
            leg.agent_id = owner.id if owner else None
        if told.answered_at and told.ended_at and leg.agent_id and (agent := session.get(Agent, leg.agent_id)):
            agent.last_talk_ended_at = max(told.ended_at, agent.last_talk_ended_at or told.ended_at)
