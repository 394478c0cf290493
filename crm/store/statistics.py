"""What the database knows of how its tables are filled, by which it chooses the index to read them by.

PostgreSQL finds it out by itself, but not before the first lists after a big import; SQLite never does.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

EVERY_SECONDS = 86400.0
_ROWS = 400
"""SQLite reads about so many of each index, which its manual recommends: milliseconds, however large the table is."""


def renew(session: Session) -> None:
    """After an import, and on SQLite once a day."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text(f"PRAGMA analysis_limit = {_ROWS}"))
    session.execute(text("ANALYZE"))
