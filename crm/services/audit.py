"""The audit log: who changed what. An entry commits together with the change it describes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Concatenate, Generic, ParamSpec, TypeVar

from sqlalchemy import insert, inspect
from sqlalchemy.orm import Session

from crm.store.models import AuditEntry, table_of

P = ParamSpec("P")
Result = TypeVar("Result")

_ENTRIES = "audit_entries"


@dataclass(frozen=True)
class By:
    """Who makes a change, and when (aware UTC)."""

    who: str
    """The operating system's user, or the part of the system that acts on its own."""
    now: datetime


def record(session: Session, by: By, what: str) -> None:
    """Records who did what, in the caller's transaction. `what` must not contain secrets."""
    entry = AuditEntry(at=by.now, who=by.who[:80], what=what[:300])
    session.add(entry)
    session.info.setdefault(_ENTRIES, []).append(entry)


def record_all(session: Session, by: By, whats: Sequence[str]) -> None:
    """`record` for many changes that one act makes, in one statement."""
    if whats:
        rows = [{"at": by.now, "who": by.who[:80], "what": what[:300]} for what in whats]
        session.connection().execute(insert(table_of(AuditEntry.__tablename__)), rows)


@dataclass(frozen=True)
class ChangeMade(Generic[Result]):
    """What became of an act that may have found everything as it was to be."""

    result: Result
    is_one: bool
    """Whether a row of the database is another than before."""


def change(
    session: Session, act: Callable[Concatenate[Session, P], Result], /, *args: P.args, **kwargs: P.kwargs
) -> ChangeMade[Result]:
    """Runs an act that is its transaction's only one. One that changed nothing leaves no entry in the log.

    The store notes each statement that writes, so it does not matter when and how the act did. Files and secrets that
    an act writes are not seen here.
    """
    result = act(session, *args, **kwargs)
    session.flush()
    is_one = bool(session.info["written"] - {AuditEntry.__tablename__})
    if not is_one:
        for entry in session.info.get(_ENTRIES, ()):
            # An act that is tried inside a savepoint may have taken its entry back.
            if inspect(entry).persistent:
                session.delete(entry)
    return ChangeMade(result, is_one)
