"""Watches for callers that nobody is taking care of. There must never be any."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.services.office import owners
from crm.services.outbox import notices
from crm.store.queries import calls
from crm.words import notices as words

LOOK_SECONDS = 3600.0
AT_ONCE = 500
"""Calls that are marked in one transaction."""

_log = logging.getLogger(__name__)


async def look(crm: Crm) -> None:
    """Marks the calls that are taken care of, and tells of those that are not."""
    while await crm.store.run(calls.mark_covered, AT_ONCE) == AT_ONCE:
        pass
    await crm.store.run(alarm, crm.config, crm.now())


def alarm(session: Session, config: Config, now: datetime) -> int:
    """Tells the admin about each lost caller once; returns how many there are."""
    found = calls.lost(session, config.node, now)
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
