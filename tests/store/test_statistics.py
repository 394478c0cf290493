"""What the database knows of its tables after an import."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from crm.store import statistics
from crm.store.models import Lead
from crm.store.session import Store

pytestmark = [pytest.mark.store, pytest.mark.both_databases]


async def test_the_database_learns_how_many_rows_a_table_has(store: Store) -> None:
    with store.writing() as session:
        session.add_all(Lead(status="new", created_at=datetime(2026, 3, 2, tzinfo=UTC)) for _ in range(700))
    await store.run(statistics.renew)
    with store.reading() as session:
        if session.get_bind().dialect.name == "sqlite":
            known = session.execute(text("SELECT max(CAST(stat AS INTEGER)) FROM sqlite_stat1 WHERE tbl = 'lead'"))
        else:
            known = session.execute(text("SELECT reltuples FROM pg_class WHERE oid = 'lead'::regclass"))
        # SQLite goes by the first rows of each index.
        assert 500 < known.scalar_one() < 1000
