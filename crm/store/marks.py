"""Marks: of the office, a new one after each change to what the routing decision knows about it; of the site, after
each change to what its pages show.

Triggers change them (crm/store/triggers.py). A mark is part of the transaction that writes, like everything else there,
and chosen at random, so that one mark always stands for one state, even when a transaction is rolled back or an older
database replaces this one.

What changes with each call, such as the end of an agent's last talk, does not change the mark of the office.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from sqlalchemy import Connection, inspect
from sqlalchemy.orm import Session

from crm.store.triggers import Triggers, named

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Mark:
    table: str
    """Has one row, with the mark."""
    family: str
    """Of its triggers."""
    watched: Mapping[str, tuple[str, ...]]
    """Tables, and the columns in which a change counts; none: any column."""

    def read(self, session: Session) -> str:
        """As the session's transaction sees it, its own changes included."""
        session.flush()
        mark: str = session.connection().exec_driver_sql(f"SELECT mark FROM {self.table}").scalar_one()
        return mark

    def triggers(self, dialect: str) -> Triggers:
        function = self._function if dialect == "postgresql" else ""
        return Triggers(self.family, tuple(self._wanted(dialect)), function)

    def supported(self, connection: Connection) -> bool:
        """Whether the tables are there, in the revision that the database is at."""
        return inspect(connection).has_table(self.table)

    def as_of(self, connection: Connection) -> Mark:
        """Without the tables and columns that the revision the database is at does not have."""
        known = inspect(connection)
        tables = set(known.get_table_names())
        there = {
            table: {one["name"] for one in known.get_columns(table)}
            for table, some in self.watched.items()
            if some and table in tables
        }
        fitting = {
            table: tuple(one for one in columns if one in there[table]) if columns else ()
            for table, columns in self.watched.items()
            if table in tables
        }
        return replace(self, watched=fitting)

    def _wanted(self, dialect: str) -> Iterator[tuple[str, str]]:
        family = self.family
        for table, columns in self.watched.items():
            update = f"UPDATE OF {', '.join(columns)}" if columns else "UPDATE"
            if dialect == "postgresql":
                for what, happens in (("rows", f"INSERT OR DELETE OR {update}"), ("all", "TRUNCATE")):
                    does = f"AFTER {happens} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {family}()"
                    yield named(family, table, what, does, self._function)
            else:
                for happens in ("INSERT", "DELETE", update):
                    marks = f"UPDATE {self.table} SET mark = lower(hex(randomblob(16)))"
                    yield named(family, table, happens[:6].lower(), f"AFTER {happens} ON {table} BEGIN {marks}; END")

    @property
    def _function(self) -> str:
        return f"""
CREATE OR REPLACE FUNCTION {self.family}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Once in a transaction is enough: nobody keeps what is read in one that has changed something.
    UPDATE {self.table} SET mark = gen_random_uuid()::text WHERE xmin <> pg_current_xact_id()::xid;
    RETURN NULL;
END $$
"""


class KeptValue(Generic[Value]):
    """What was last read under a mark of one store, kept for the next reader."""

    def __init__(self) -> None:
        self._kept: tuple[str, Value] | None = None
        self.reading = threading.Lock()
        """Held by whoever reads it anew."""

    def of(self, mark: str) -> Value | None:
        kept = self._kept
        return kept[1] if kept and kept[0] == mark else None

    def keep(self, mark: str, value: Value) -> None:
        self._kept = (mark, value)

    def forget(self) -> None:
        self._kept = None


OFFICE = Mark(
    "office_mark",
    "mark_office",
    {
        "agent": ("slug", "on_duty", "forwarding", "retired_at"),
        "agent_hours": (),
        "desk": (),
        "device": (
            "slug",
            "agent_id",
            "kind",
            "dnd",
            "dnd_until",
            "number",
            "rings_after_seconds",
            "whisper",
            "forwards_since",
            "retired_at",
        ),
        "hours": (),
        "line": (),
        "node": ("name",),
        "organization": (),
        "property": (),
        "special_day": (),
        "subteam": (),
        "subteam_member": (),
        "subteam_sister": (),
        "text_wording": (),
        "tour_blackout": (),
        "tour_hours": (),
        "trunk": ("slug", "did_from", "retired_at"),
    },
)
"""Watches the tables that `crm.store.snapshot` reads whole."""
SITE = Mark(
    "site_mark",
    "mark_site",
    {
        "answer": (),
        "line": ("number", "property_id", "retired_at"),
        # Versions of what listings and properties say never change; which one is public stands in these.
        "listing": (),
        "organization": ("name",),
        "picture": (),
        "property": ("slug", "name", "retired_at"),
        "property_profile": (),
        "unit": ("name", "property_id", "retired_at"),
    },
)
"""Watches what a page of the public site shows of homes and properties (`crm.views.public_listings`, `.site`)."""
