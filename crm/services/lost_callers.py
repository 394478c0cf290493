"""Watches for callers that nobody is taking care of. There must never be any."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from crm.config import Config
from crm.services.office import owners
from crm.services.outbox import notices
from crm.store.queries import calls
from crm.words import notices as words

LOOK_SECONDS = 3600.0
WITHIN = timedelta(days=30)
"""Finished calls that began longer ago are left out: they have been checked hundreds of times."""

_log = logging.getLogger(__name__)


def alarm(session: Session, config: Config, now: datetime) -> int:
    """Tells the admin about each lost caller once; returns how many there are."""
    found = calls.lost(session, config.node, now, since=now - WITHIN)
    for one in found:
        notices.tell(
            session,
            config,
            [owners.admin(session)],
            f"lost:{one.call_id}",
            "A caller may be lost",
            f"Nobody is responsible for the call {one.call_id}. {one.why} {words.more('call_lost', call=one.call_id)}",
            now,
        )
    if found:
        _log.error("callers may be lost: nobody takes care of them", extra={"count": len(found)})
    return len(found)
