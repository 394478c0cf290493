"""Whether a caller may be the emergency service, which somebody in the office has just called."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import emergency
from crm.domain.calls import EmergencyCalledBack, HandedToDialplan
from crm.domain.route_inputs import EmergencyFacts
from crm.domain.story import EMERGENCY_CALLBACK
from crm.services.people.identity import Identity
from crm.store import snapshot
from crm.store.models import Call, CallEvent, EmergencyCall, Lead


def facts(
    session: Session,
    config: Config,
    device: str,
    caller: Identity,
    dialled: Iterable[tuple[str, str]],
    *,
    line_known: bool,
    now: datetime,
) -> EmergencyFacts:
    """About a caller to the number that `device` (slug) has shown to the emergency service a short time ago."""
    owner = snapshot.now(session).owner_of.get(device)
    # Digits that are no number, such as 911 itself, say nothing about who calls.
    lead = caller.lead if caller.number else None
    known = emergency.PossibleService(
        colleague=caller.colleague or "",
        contact=caller.contact.kind if caller.contact else None,
        lead_since=session.scalar(select(Lead.created_at).where(Lead.id == lead.id)) if lead else None,
        has_called_back=lead is not None and _has_called_back(session, caller.number),
    )
    before = _called_at(session, device, now - timedelta(minutes=config.emergency.callback_minutes))
    but = emergency.why_not_the_service(known, dialled, line_known=line_known, before=before)
    return EmergencyFacts(device, owner.slug if owner else "", but)


def _called_at(session: Session, device: str, since: datetime) -> datetime:
    """When the first emergency call of this phone since then was made; `since` itself, if none is on record yet."""
    made = select(func.min(EmergencyCall.started_at)).where(
        EmergencyCall.device == device, EmergencyCall.started_at >= since
    )
    return session.scalar(made) or since


def _has_called_back(session: Session, number: str | None) -> bool:
    kinds = (EmergencyCalledBack.__name__, HandedToDialplan.__name__)
    told = select(CallEvent.kind, CallEvent.data).join(Call, Call.id == CallEvent.call_id)
    rows = session.execute(told.where(Call.caller == number, CallEvent.kind.in_(kinds)))
    return any(row.kind == kinds[0] or row.data.get("reason") == EMERGENCY_CALLBACK for row in rows)
