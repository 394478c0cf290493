"""The lead of whoever called, and what the call changes in it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from crm.domain.calls import Direction, Outcome
from crm.domain.delivery import DeliveryState
from crm.domain.leads import event_of_call, status_after
from crm.domain.story import how_it_went
from crm.services.calls.aftermath.scene import Scene, fit
from crm.store.models import Activity, Call, Interest, Lead, LeadPhone, Leg, Message
from crm.store.queries import leads, messages


def lead_of(scene: Scene) -> Lead:
    """The caller's lead, locked; made when there is none. A withheld number makes one of its own for each call."""
    session, call = scene.session, scene.call
    lead = leads.by_id(session, call.lead_id, for_update=True) if call.lead_id else None
    if call.caller and (lead is None or not lead.phones):
        known = leads.by_phone(session, call.caller, for_update=True)
        if lead and known:
            # Made when the call's end was known before its beginning; what hangs on it moves with the call.
            session.delete(lead)
            session.flush()
        elif lead:
            lead.phones.append(LeadPhone(number=call.caller))
        lead = known or lead
    if lead is None:
        lead = Lead(
            status="new",
            created_at=call.started_at,
            phones=[LeadPhone(number=call.caller)] if call.caller else [],
            interests=[],
            assigned_agent=None,
        )
        session.add(lead)
        session.flush()
    call.lead_id = lead.id
    if scene.story.direction is Direction.IN:
        lead.source = lead.source or (scene.line.source if scene.line else "")
    return lead


def forget_lead(scene: Scene) -> None:
    """Takes the call from the lead it was put with before it was known who called; one that it made goes."""
    session, call = scene.session, scene.call
    lead = leads.by_id(session, call.lead_id, for_update=True) if call.lead_id else None
    if lead is None:
        return
    call.lead_id = None
    for activity in session.scalars(select(Activity).where(Activity.key == f"call:{call.id}")):
        session.delete(activity)
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
        interest = next((found for found in lead.interests if found.property_id == scene.place.id), None)
        if interest is None:
            interest = Interest(property_id=scene.place.id, stage="contacted", updated_at=ended_at)
            lead.interests.append(interest)
        interest.updated_at = max(interest.updated_at, ended_at)

    enter(scene, lead, "CallFromProspect", f"Called {scene.name()} and {how_it_went(story, outcome)}.")

    if outcome is Outcome.BLOCKED:
        return
    lead.status = status_after(lead.status, event_of_call(story.direction, outcome))
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


def enter(scene: Scene, lead: Lead, kind: str, text: str) -> None:
    """The call's entry in the timeline."""
    key = f"call:{scene.call.id}"
    activity = scene.session.scalars(select(Activity).where(Activity.key == key)).first()
    if activity is None:
        activity = Activity(key=key, call_id=scene.call.id)
        scene.session.add(activity)
    activity.kind, activity.lead_id, activity.at, activity.text = kind, lead.id, scene.call.started_at, fit(text, 500)
