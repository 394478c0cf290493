"""What people and the system have changed, and used, and when."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import AuditEntry


class AuditRow(msgspec.Struct):
    """A change to the setup or the records, or a use that is on record, such as listening to a recording."""

    id: int
    at: datetime
    who: str
    """The operating system's user, somebody who signs in to the console, a key of the API, or a part of the system."""
    what: str


def listed(
    session: Session,
    *,
    who: str | None = None,
    about: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
) -> list[AuditRow]:
    """Newest first. `who` and `about` are parts of the name and of what was done, in any case."""
    # By id, the primary key: entries are only ever added, so the newest need no sorting.
    wanted = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if who:
        wanted = wanted.where(AuditEntry.who.icontains(who, autoescape=True))
    if about:
        wanted = wanted.where(AuditEntry.what.icontains(about, autoescape=True))
    if since:
        wanted = wanted.where(AuditEntry.at >= since)
    if until:
        wanted = wanted.where(AuditEntry.at < until)
    return [AuditRow(one.id, one.at, one.who, one.what) for one in session.scalars(wanted)]
