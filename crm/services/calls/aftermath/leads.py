"""The caller's lead, and what the call changes in it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from crm.domain.calls import CallDirection, Outcome
from crm.domain.delivery import DeliveryState
from crm.domain.leads import Happened, event_of_call
from crm.domain.story import how_it_went
from crm.domain.text_templates import FIRST_LANGUAGE
from crm.services.calls.aftermath.scene import Scene, fit
from crm.services.people import intake, standing, timeline
from crm.services.people.timeline import NewEntry
from crm.store.models import Activity, Call, Lead, Message
from crm.store.queries import leads, messages


def lead_of(scene: Scene) -> Lead:
    """Returns the caller's lead, locked, creating one if needed. Each call from a withheld number, or showing one of
    our own lines as its number, gets a lead of its own; calls that show the same digits on a trunk share one."""
    lead = lead_to_change(scene)
    scene.session.flush()
    return lead


def lead_to_change(scene: Scene) -> Lead:
    """Like `lead_of`, but a new lead has no id before the session is flushed."""
    session, call, known = scene.session, scene.call, scene.known
    lead = leads.locked(session, call.lead_id) if call.lead_id else None
    is_theirs = lead is not None and known.lead is not None and known.lead.id == lead.id
    if call.caller and not known.is_line and not is_theirs and (lead is None or not lead.phones):
        if lead is None and known.lead is None and call.caller not in scene.found:
            lead = intake.make(session, call.caller, call.started_at)
        else:
            # The lead has no number yet if the call's end was recorded before its beginning.
            lead = intake.by_number(session, call.caller, call.started_at, nameless=lead)
        scene.found[call.caller] = lead
    elif lead is None and call.caller_digits:
        lead = _shown_before(scene)
    lead = lead or intake.without_number(session, call.started_at)
    call.lead = lead
    if scene.story.direction is CallDirection.IN:
        intake.came_by(lead, scene.line)
    return lead


def _shown_before(scene: Scene) -> Lead:
    """The lead of earlier calls that showed the same digits in place of a number, locked; else a new one."""
    key, known = f"{scene.call.trunk}:{scene.call.caller_digits}", scene.known.lead
    lead = scene.found.get(key) or (leads.locked(scene.session, known.id) if known else None)
    scene.found[key] = lead = lead or intake.without_number(scene.session, scene.call.started_at)
    return lead


def forget_lead(scene: Scene) -> None:
    """Detaches the call from a lead it got before the caller was known; deletes a lead that only this call made."""
    session, call = scene.session, scene.call
    lead = leads.by_id(session, call.lead_id, for_update=True) if call.lead_id else None
    if lead is None:
        return
    call.lead_id = None
    timeline.withdraw(session, _key(call))
    timeline.withdraw(session, timeline.transcript_key(call.id))
    timeline.withdraw(session, timeline.voice_key(call.id))
    for recording in scene.story.recordings:
        timeline.withdraw(session, timeline.talk_key(recording.id))
    missed = messages.by_key(session, f"missed:{call.id}")
    if missed and missed.state == DeliveryState.QUEUED:
        session.delete(missed)
    session.flush()
    if lead.created_at != call.started_at or lead.name is not None:
        return
    for mark in (Call.lead_id, Message.lead_id, Activity.lead_id):
        if session.scalar(select(mark).where(mark == lead.id).limit(1)):
            return
    session.delete(lead)
    session.flush()


def keep_lead(scene: Scene, lead: Lead, outcome: Outcome, ended_at: datetime) -> None:
    """Updates the lead's interests, status and agent."""
    story = scene.story
    # A concern shows no interest in a home, and nobody who calls with one is followed up by text.
    if scene.about_property and outcome is not Outcome.BLOCKED and not story.desk:
        intake.interest_in(lead, scene.about_property.id, ended_at)

    if outcome is not Outcome.BLOCKED:
        standing.happened(lead, event_of_call(story.direction, outcome), ended_at)
    by_us = outcome in (Outcome.TALKED, Outcome.INTERRUPTED)
    is_leased_by = by_us and not story.desk and lead.assigned_agent_id is None
    if is_leased_by and (answered := story.answered_by):
        # The agent they talked to first knows them; from now on their phone rings first.
        whose = scene.office.whose(answered.agent, answered.device, answered.started_at)
        lead.assigned_agent_id = whose if whose in scene.office.agents_by_id else None


def enter_call(scene: Scene, lead: Lead, outcome: Outcome) -> None:
    """Writes in the timeline of the lead, which has an id by now, that they called."""
    went = how_it_went(scene.story, outcome)
    enter(scene, lead, Happened.CALL_FROM, f"Called {scene.name()} and {went}.{_digits(scene)}")


def _digits(scene: Scene) -> str:
    return scene.unread_number() if scene.call.caller_digits else ""


def remember_language(scene: Scene, lead: Lead | None) -> None:
    """Remembers the caller's language, for future calls and texts: the one they chose by key or spoke with the voice
    agent; else, for somebody who has none yet, that of a line in another language than English."""
    story, line = scene.story, scene.line
    spoken = story.voice_talk.language if story.voice_talk else ""
    heard = line.language if line else FIRST_LANGUAGE
    chosen = story.language or (spoken if spoken != heard else "")
    for person in (lead, scene.contact()):
        if person and chosen:
            person.language = fit(chosen, 10)
        elif person and not person.language and heard != FIRST_LANGUAGE:
            person.language = fit(heard, 10)


def drop_nameless(scene: Scene) -> None:
    """Deletes the lead that a call between colleagues made before its beginning was on record."""
    session, call = scene.session, scene.call
    lead = leads.by_id(session, call.lead_id) if call.lead_id else None
    if lead and not lead.phones:
        call.lead_id = None
        session.flush()
        session.delete(lead)


def enter(scene: Scene, lead: Lead, kind: Happened, text: str) -> None:
    """Writes the call's entry in the lead's timeline."""
    call, key = scene.call, _key(scene.call)
    if scene.is_first:
        scene.entries.append(
            NewEntry(lead.id, kind, text, call.started_at, key, call_id=call.id, about=call.property_id)
        )
        return
    timeline.enter(
        scene.session, lead.id, kind, text, call.started_at, key=key, call_id=call.id, about=call.property_id
    )


def _key(call: Call) -> str:
    return f"call:{call.id}"
