"""The lead of whoever called, and what the call changes in it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from crm.domain.calls import CallDirection, Outcome
from crm.domain.delivery import DeliveryState
from crm.domain.leads import Happened, event_of_call
from crm.domain.story import how_it_went
from crm.services.calls.aftermath.scene import Scene, fit
from crm.services.people import intake, standing, timeline
from crm.store.models import Activity, Call, Lead, Leg, Message
from crm.store.queries import leads, messages


def lead_of(scene: Scene) -> Lead:
    """The caller's lead, locked; made when there is none. Each call from a withheld number makes one of its
    own, and so does each that shows a line of ours."""
    session, call = scene.session, scene.call
    lead = leads.locked(session, call.lead_id) if call.lead_id else None
    is_theirs = lead is not None and scene.known.lead is not None and scene.known.lead.id == lead.id
    if call.caller and not scene.known.is_line and not is_theirs and (lead is None or not lead.phones):
        # It has no number when the call's end was known before its beginning.
        lead = intake.by_number(session, call.caller, call.started_at, nameless=lead)
    lead = lead or intake.without_number(session, call.started_at)
    call.lead_id = lead.id
    if scene.story.direction is CallDirection.IN:
        intake.came_by(lead, scene.line)
    return lead


def forget_lead(scene: Scene) -> None:
    """Takes the call from the lead it was put with before it was known who called; one that it made goes."""
    session, call = scene.session, scene.call
    lead = leads.by_id(session, call.lead_id, for_update=True) if call.lead_id else None
    if lead is None:
        return
    call.lead_id = None
    timeline.withdraw(session, _key(call))
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
    """The lead's interest, timeline, status and agent as this call leaves them."""
    session, story = scene.session, scene.story
    # A concern is no interest in a home, and nobody who has one is followed up by texts.
    if scene.place and outcome is not Outcome.BLOCKED and not story.desk:
        intake.interest_in(lead, scene.place.id, ended_at)

    enter(scene, lead, Happened.CALL_FROM, f"Called {scene.name()} and {how_it_went(story, outcome)}.")

    if outcome is Outcome.BLOCKED:
        return
    standing.happened(lead, event_of_call(story.direction, outcome), ended_at)
    by_us = outcome in (Outcome.TALKED, Outcome.INTERRUPTED)
    is_leased_by = by_us and not story.desk and lead.assigned_agent_id is None
    if is_leased_by and (answered := story.answered_by):
        # Whom they talked to first knows them; from now on that phone rings first.
        leg = session.get(Leg, answered.id)
        lead.assigned_agent_id = leg.agent_id if leg else None


def remember_language(scene: Scene, lead: Lead | None) -> None:
    """What the caller chose to hear is what they hear, and read, from now on."""
    for person in (lead, scene.contact()):
        if person and scene.story.language:
            person.language = fit(scene.story.language, 10)


def drop_nameless(scene: Scene) -> None:
    """Takes away the lead that a call between colleagues made while its beginning was not known."""
    session, call = scene.session, scene.call
    lead = leads.by_id(session, call.lead_id) if call.lead_id else None
    if lead and not lead.phones:
        call.lead_id = None
        session.flush()
        session.delete(lead)


def enter(scene: Scene, lead: Lead, kind: Happened, text: str) -> None:
    """The call's entry in the timeline."""
    call = scene.call
    key, is_new = _key(call), scene.is_first
    timeline.enter(scene.session, lead.id, kind, text, call.started_at, key=key, call_id=call.id, is_new=is_new)


def _key(call: Call) -> str:
    return f"call:{call.id}"
