"""Callers that Asterisk's SIP stack refused or ignored before there was a channel: each is put on record as a call, up
to a limit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from asterisk_conf.render import REFUSALS_A_MINUTE
from crm.config import Config
from crm.domain.calls import REFUSALS, CallArrived, CallEnded, CallerBlocked, CallRefused, EndedBy, Fact
from crm.services.office import owners
from crm.services.outbox import notices
from crm.services.routing.arrivals import Arrival
from crm.store.models import Call

PER_MINUTE = REFUSALS_A_MINUTE
"""How many refused calls per trunk and minute are put on record; one notice covers the rest."""
SPELL = timedelta(hours=1)
"""At most one such notice is sent per trunk in this time."""


def facts(arrival: Arrival, sip_call: str, trunk: str, status: int, entry: str, at: datetime) -> Sequence[Fact]:
    """The facts of one refused call; recording them again changes nothing. `sip_call` is the INVITE's Call-ID, `entry`
    the block list entry that matched the caller, or ""."""
    # A Call-ID is free text of any length, and may contain a withheld number.
    call_id = f"refused-{hashlib.sha256(f'{trunk} {sip_call}'.encode()).hexdigest()[:24]}"
    return (
        CallArrived(
            f"{call_id}/arrived",
            call_id,
            at,
            arrival.did,
            arrival.caller,
            trunk,
            attestation=arrival.attestation,
            withheld=arrival.is_withheld,
            dialled=arrival.dialled,
            caller_digits=arrival.caller_digits,
        ),
        CallRefused(f"{call_id}/refused", call_id, at, status),
        *([CallerBlocked(f"{call_id}/blocked", call_id, at, entry)] if entry else []),
        CallEnded(f"{call_id}/ended", call_id, at, EndedBy.SYSTEM),
    )


def has_called_since(session: Session, caller: str, since: datetime) -> bool:
    """Whether a call from this number is on record that began then or later."""
    return session.scalar(select(exists().where(Call.caller == caller, Call.started_at >= since))) or False


def tell(session: Session, config: Config, trunk: str, status: int, now: datetime) -> None:
    """Tells the admin, at most once an hour per trunk, that not every caller is on record."""
    text = (
        f"More than {PER_MINUTE} callers within a minute did not get through on trunk {trunk}: {REFUSALS[status]} (SIP "
        f"{status}). The rest are not on record. Show this to your carrier, whose log has them."
    )
    spell = int(now.timestamp() // SPELL.total_seconds())
    key, subject = f"sip-refused:{trunk}:{spell}", "Callers do not get through"
    notices.tell(session, config, [owners.admin(session)], key, subject, text, now)
