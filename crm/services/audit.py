"""The audit log: who changed what. An entry commits together with the change it describes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from crm.store.models import AuditEntry


@dataclass(frozen=True)
class By:
    """Who makes a change, and when (aware UTC)."""

    who: str
    """The operating system's user, or the part of the system that acts on its own."""
    now: datetime


def record(session: Session, by: By, what: str) -> None:
    """Records who did what, in the caller's transaction. `what` must not contain secrets."""
    session.add(AuditEntry(at=by.now, who=by.who[:80], what=what[:300]))
