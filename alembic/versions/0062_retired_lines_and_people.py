"""Lines, agents and devices are retired, not erased; their numbers and short names can be used again.

Why: with a line or an agent went what the history of calls said of them.
What happens to rows that are there: all are in use. What was erased before is not known any more.
Down: what is retired is there again, off duty and under names and numbers that nobody dials.

Revision ID: 0062
Revises: 0061
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None

UNIQUE = (("agent", "slug"), ("agent", "extension"), ("device", "slug"), ("line", "number"))
LIVING = sa.text("retired_at IS NULL")


def upgrade() -> None:
    for table in ("agent", "device", "line"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(
                sa.Column(
                    "retired_at",
                    sa.DateTime(timezone=True),
                    nullable=True,
                    comment="on record only since then; null: it is in use",
                )
            )
            for column in (column for one, column in UNIQUE if one == table):
                batch.drop_constraint(f"uq_{table}_{column}", type_="unique")
    for table, column in UNIQUE:
        name = f"uq_{table}_{column}"
        op.create_index(name, table, [column], unique=True, sqlite_where=LIVING, postgresql_where=LIVING)
    op.create_index("ix_agent_slug", "agent", ["slug"])


def downgrade() -> None:
    retired = "WHERE retired_at IS NOT NULL"
    op.execute(f"UPDATE agent SET slug = 'retired-' || id, extension = NULL, on_duty = (1 = 0) {retired}")
    op.execute(f"UPDATE device SET slug = 'retired-' || id, number = NULL {retired}")
    op.execute(f"UPDATE line SET number = 'retired-' || id {retired}")
    op.drop_index("ix_agent_slug", "agent")
    for table, column in UNIQUE:
        op.drop_index(f"uq_{table}_{column}", table)
    for table in ("agent", "device", "line"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("retired_at")
            for column in (column for one, column in UNIQUE if one == table):
                batch.create_unique_constraint(f"uq_{table}_{column}", [column])
