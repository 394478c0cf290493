"""The demo office, reset before each test."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, text

from crm.store.models import Roster
from crm.store.models.base import Base
from crm.store.session import Store
from tests.system.app import App
from tests.system.records import Records

ELM, LAKESIDE = "+15125550100", "+15125550101"
"""The demo office's lines: Elm Street (subteam north: alice, bob) and Lakeside (subteam south: carol)."""


class Office(App, Records):
    _new: Snapshot | None = None

    async def office_as_new(self) -> None:
        """Reverts all changes in the database, and tells Asterisk. The first test finds the office new."""
        if self._new is None:
            self._new = Snapshot(self.store)
        else:
            self._new.restore(self.store)
        for line in (ELM, LAKESIDE):
            # As if the latest emergency call was in 1970: its callers are waited for no longer.
            await self.set_global(f"LL_EMERGENCY_{line[-10:]}", "0/nobody")
        await self.publish()


class Snapshot:
    """All rows at one time, except rosters: the app remembers which it has stored, and nobody ever deletes one."""

    def __init__(self, store: Store) -> None:
        tables = [table for table in Base.metadata.sorted_tables if table is not Roster.__table__]
        with store.reading() as session:
            self._rows = {table: session.execute(select(table)).mappings().all() for table in tables}

    def restore(self, store: Store) -> None:
        with store.writing() as session:
            if session.get_bind().dialect.name == "sqlite":
                # References may be broken meanwhile, but in the end all rows are there.
                session.execute(text("PRAGMA defer_foreign_keys = ON"))
            for table in reversed(self._rows):
                session.execute(delete(table))
            for table, rows in self._rows.items():
                if rows:
                    session.execute(insert(table), [dict(row) for row in rows])
