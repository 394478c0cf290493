"""The end of a call: gives it an outcome, and makes sure that somebody takes care of the person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime

from crm.domain.calls import TALKS, CallDirection, Outcome, outcome_of
from crm.domain.leads import Happened, event_of_call
from crm.domain.story import how_ours_went
from crm.services.calls import voice_acts
from crm.services.calls.aftermath import voice_talk
from crm.services.calls.aftermath.leads import (
    drop_nameless,
    enter,
    enter_call,
    forget_lead,
    keep_lead,
    lead_of,
    lead_to_change,
    remember_language,
)
from crm.services.calls.aftermath.promises import queue_callback
from crm.services.calls.aftermath.scene import Scene
from crm.services.calls.aftermath.tasks import keep_own_task, keep_task, served, void
from crm.services.calls.aftermath.texts import text_missed
from crm.services.people import standing
from crm.store import changes
from crm.store.models import Lead, Voicemail
from crm.store.queries import messages


def close_call(scene: Scene, ended_at: datetime) -> Iterator[None]:
    """Gives an ended call its outcome and makes sure that somebody takes care of the caller.

    It stops once, when its lead is to be written, which gives a new one its id: whoever runs this for several calls
    flushes the session once for all of them, and then lets each go on.
    """
    session, call, story = scene.session, scene.call, scene.story
    talk = story.voice_talk
    link = messages.by_key(session, f"link:{call.id}") if story.link_requested else None
    # The app may have been killed before it could state what it had just texted.
    has_link = link is not None or bool(
        talk and (talk.links or messages.has_any_keyed(session, voice_acts.link_key(call.id)))
    )
    outcome = outcome_of(
        known_line=scene.line is not None,
        talked=scene.has_talked,
        voicemail_left=story.voicemail is not None,
        link_sent=has_link,
        direction=story.direction,
        blocked=story.blocked,
        handed_over=story.handed_over,
        booked=story.tour_id is not None,
        callback_queued=story.callback_queued is not None,
        interrupted=story.cut is not None,
        answered=talk is not None and talk.has_served,
    )
    call.outcome = outcome
    call.ended_at = ended_at
    call.ended_by = story.ended_by or ""
    if story.voicemail:
        # Nobody is called about a voicemail while its caller is still on the line; now they may be.
        changes.stir(session, Voicemail.__tablename__)

    if story.direction is not CallDirection.IN:
        _close_ours(scene, outcome, ended_at)
        return
    lead, was_active, is_new = None, False, False
    if not scene.is_leasing:
        forget_lead(scene)
    elif outcome not in (Outcome.WRONG_NUMBER, Outcome.BLOCKED) or call.lead_id:
        # A wrong number or a blocked caller does not become a lead, but an existing lead stays one. A call that may
        # have been an emergency service calling back may as well have been a prospect: it is kept like any other, but
        # never answered by a text.
        with session.no_autoflush:
            lead = lead_to_change(scene)
            is_new = lead in session.new
            was_active = any(interest.updated_at < call.started_at for interest in lead.interests)
            remember_language(scene, lead)
            keep_lead(scene, lead, outcome, ended_at)
    yield
    # Nothing is on record about somebody new, so what others leave in this transaction need not be written first.
    looks_for_nothing = is_new and scene.is_first and talk is None and story.callback_queued is None
    with session.no_autoflush if looks_for_nothing else nullcontext():
        _leave(scene, lead, outcome, ended_at, has_link=has_link, was_active=was_active, is_new=is_new)


def _leave(
    scene: Scene,
    lead: Lead | None,
    outcome: Outcome,
    ended_at: datetime,
    *,
    has_link: bool,
    was_active: bool,
    is_new: bool,
) -> None:
    """What a caller leaves behind, besides changes to their lead."""
    story, talk = scene.story, scene.story.voice_talk
    if lead is None:
        remember_language(scene, None)
    else:
        enter_call(scene, lead, outcome)
    keep_task(scene, lead, outcome, ended_at, is_new_lead=is_new)
    if talk:
        voice_talk.tell(scene, lead, talk)
    if outcome is Outcome.CALLBACK and story.callback_queued:
        queue_callback(scene, lead, story.callback_queued)
        return
    is_missed = outcome not in (*TALKS, Outcome.BOOKED, Outcome.ANSWERED, Outcome.BLOCKED)
    is_answered = has_link or story.promised or story.is_emergency_callback
    if is_missed and lead and not is_answered and not story.desk:
        text_missed(scene, lead, was_active)


def _close_ours(scene: Scene, outcome: Outcome, ended_at: datetime) -> None:
    """Closes a call that an agent placed: it goes on the lead's timeline, and leaves a next action if nobody was
    reached."""
    if scene.call.caller is None:
        # Between colleagues, only a voicemail needs anything done. Whatever the call left before its beginning was on
        # record is undone.
        if outcome is Outcome.LEFT_VOICEMAIL:
            keep_task(scene, None, outcome, ended_at)
        else:
            void(scene)
        drop_nameless(scene)
        return
    is_nobody = scene.calls_service or scene.is_misdialled
    if is_nobody:
        forget_lead(scene)
    lead = lead_of(scene) if scene.is_leasing else None
    went = how_ours_went(scene.story, scene.agent_name("Somebody"), outcome)
    if not scene.is_leasing:
        went = f"{went} It was for {scene.person()}."
    if lead:
        enter(scene, lead, Happened.CALL_TO, went)
        standing.happened(lead, event_of_call(scene.story.direction, outcome), ended_at)
        if outcome in TALKS:
            lead.assigned_agent_id = lead.assigned_agent_id or scene.call.agent_id
    if scene.story.voicemail or scene.story.left_waiting or outcome is Outcome.INTERRUPTED:
        # They were transferred after the talk and nobody took the call, or they were cut off.
        keep_task(scene, lead, outcome, ended_at)
    elif outcome is Outcome.TALKED:
        served(scene, lead, ended_at)
    elif is_nobody:
        void(scene)
    else:
        keep_own_task(scene, lead, went, ended_at)
