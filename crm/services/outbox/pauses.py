"""Pauses of automatic texts: started by a spike, ended by a person or when their time is up.

Each automatic text first checks for a spike, so a spike stops its own texts.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import spikes
from crm.domain.delivery import DeliveryState
from crm.domain.errors import NotFound
from crm.domain.gate import AUTOMATIC, Verdict
from crm.domain.texts import TextPurpose
from crm.services import audit
from crm.services.audit import By
from crm.services.office import owners
from crm.services.outbox import notices
from crm.services.outbox.outgoing import withdraw
from crm.store.models import Message, Organization, TextPause
from crm.store.queries import messages
from crm.words import notices as words

# Texts that we plan ourselves, such as follow-ups on a Monday morning, are no sign of a spike.
_SET_OFF = AUTOMATIC - {TextPurpose.FOLLOW_UP}

_log = logging.getLogger(__name__)


def look(session: Session, config: Config, now: datetime) -> TextPause | None:
    """The pause in force, if any; begins one if there is a spike, and notifies the admin once."""
    if pause := messages.pause_in_force(session, now):
        return pause
    count = _spike(session, config, now)
    if not count:
        return None
    # Two workers that notice the spike at once begin only one pause.
    session.execute(select(Organization.id).with_for_update())
    if pause := messages.pause_in_force(session, now):
        return pause
    pause = TextPause(started_at=now, ends_at=now + timedelta(minutes=config.texts.pause_minutes), texts=count)
    session.add(pause)
    session.flush()
    _log.error("automatic texts are paused: far more than usual", extra={"count": count})
    until = f"{pause.ends_at.astimezone(config.tz):%H:%M}"
    text = (
        f"Automatic texts are paused until {until}: {sentence(config, pause)} {words.more('texts_paused')} "
        "Texts from agents, and texts about tours, still go out."
    )
    told, subject = [owners.admin(session)], "Automatic texts are paused"
    notices.tell(session, config, told, f"text_pause:{pause.id}", subject, text, now)
    return pause


def sentence(config: Config, pause: TextPause) -> str:
    """Why texts are paused, in words."""
    return f"callers have triggered {pause.texts} in {config.texts.spike_minutes} minutes, far more than usual."


def _spike(session: Session, config: Config, now: datetime) -> int:
    """How many automatic texts callers have triggered lately, if that is a spike; else 0."""
    settings, window = config.texts, timedelta(minutes=config.texts.spike_minutes)
    if not settings.spike_texts:
        return 0
    # A spike that a person has seen and accepted does not start a second pause.
    ended = select(TextPause.resumed_at, TextPause.ends_at).order_by(TextPause.id.desc()).limit(1)
    last = session.execute(ended).first()
    since = max(now - window, (last.resumed_at or last.ends_at) if last else now - window)
    recent = messages.count_made(session, _SET_OFF, since, now)
    if recent < settings.spike_texts:
        return 0
    before = messages.count_made(session, _SET_OFF, now - window - spikes.USUAL_OVER, now - window)
    is_one = spikes.is_spike(recent, before, window, least=settings.spike_texts, times=settings.spike_times)
    return recent if is_one else 0


def resume(session: Session, by: By, *, drop: bool) -> int:
    """Ends the pause. What has waited is sent now, or with `drop` never; returns how many texts that were.

    Raises NotFound when automatic texts are not paused.
    """
    pause = messages.pause_in_force(session, by.now)
    if pause is None:
        raise NotFound("Automatic texts are not paused.", code="texts_not_paused")
    pause.resumed_at, pause.resumed_by = by.now, by.who[:80]
    waiting = Message.purpose.in_(AUTOMATIC), Message.created_at <= by.now, Message.decision == Verdict.WAIT
    if drop:
        # Planned texts have nothing to do with the callers of the spike.
        waits = *waiting, Message.purpose != TextPurpose.FOLLOW_UP
        count = withdraw(session, Message, f"Dropped by {by.who} after a spike."[:200], *waits)
    else:
        let_go = update(Message).where(Message.state == DeliveryState.QUEUED, *waiting).values(next_attempt_at=by.now)
        ended = let_go.returning(Message.id).execution_options(synchronize_session=False)
        count = len(session.scalars(ended).all())
    audit.record(session, by, f"automatic texts resumed, {count} {'dropped' if drop else 'go on'}")
    return count
