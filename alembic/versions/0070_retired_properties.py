"""Properties, units, subteams, portfolios, trunks and locations are retired, not erased; their names can be used again.

Why: with them went what the history of calls, leads, tours and tasks said of them.
What happens to rows that are there: all are in use. What was erased before is not known any more.
Down: what is retired is there again under names that nobody has, off the site and without calls.

Revision ID: 0070
Revises: 0069
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

UNIQUE = {
    "location": ["slug"],
    "portfolio": ["slug"],
    "property": ["slug"],
    "subteam": ["slug"],
    "trunk": ["slug"],
    "unit": ["property_id", "name"],
}
LIVING = sa.text("retired_at IS NULL")


def upgrade() -> None:
    for table, columns in UNIQUE.items():
        name = f"uq_{table}_{'_'.join(columns)}"
        with op.batch_alter_table(table) as batch:
            batch.add_column(
                sa.Column(
                    "retired_at",
                    sa.DateTime(timezone=True),
                    nullable=True,
                    comment="on record only since then; null: it is in use",
                )
            )
            batch.drop_constraint(name, type_="unique")
        op.create_index(name, table, columns, unique=True, sqlite_where=LIVING, postgresql_where=LIVING)


def downgrade() -> None:
    op.execute("UPDATE trunk SET enabled = (1 = 0) WHERE retired_at IS NOT NULL")
    for table, columns in UNIQUE.items():
        op.execute(f"UPDATE {table} SET {columns[-1]} = 'retired-' || id WHERE retired_at IS NOT NULL")
        name = f"uq_{table}_{'_'.join(columns)}"
        op.drop_index(name, table)
        with op.batch_alter_table(table) as batch:
            batch.drop_column("retired_at")
            batch.create_unique_constraint(name, columns)
