"""A change of what is set up, and the note of who made it; both commit together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from crm.domain.errors import Conflict
from crm.store.models import AuditEntry
from crm.store.session import Store


@dataclass(frozen=True)
class By:
    """Who makes a change, and when (aware UTC)."""

    who: str
    """The operating system's user, or the part of the system that acts by itself."""
    now: datetime


@asynccontextmanager
async def changing(store: Store) -> AsyncIterator[AsyncSession]:
    """One write transaction. Raises Conflict when somebody else changed the same records meanwhile."""
    try:
        async with store.write() as session:
            yield session
    except IntegrityError as error:
        raise Conflict("Somebody else changed the same entry at this moment: look at it and try again.") from error


def note(session: AsyncSession, by: By, what: str) -> None:
    """Adds who did what to the transaction. `what` holds no secrets."""
    session.add(AuditEntry(at=by.now, who=by.who[:80], what=what[:300]))
