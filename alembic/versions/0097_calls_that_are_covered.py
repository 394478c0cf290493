"""Calls that a task takes care of are marked, and the others that need one are found by an index.

Why: whoever looked for lost callers asked each call that ever had to leave a task whether it did: 53,000 of 150,000.
What happens to rows that are there: calls of which a task is on record are marked here; the hourly look marks the rest.
Down: the column and the index go.

Revision ID: 0097
Revises: 0096
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0097"
down_revision = "0096"
branch_labels = None
depends_on = None

_NAME = "ix_call_uncovered"


def upgrade() -> None:
    op.add_column(
        "call",
        sa.Column(
            "covered",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="a task takes care of it, or of its person (crm/store/coverage.py)",
        ),
    )
    op.execute("UPDATE call SET covered = true WHERE id IN (SELECT call_id FROM task_call)")
    uncovered = sa.text(
        "NOT covered AND NOT unreachable AND direction <> 'internal'"
        " AND (direction = 'in' OR lead_id IS NOT NULL OR contact_id IS NOT NULL)"
        " AND outcome NOT IN ('talked', 'booked', 'blocked', 'handed_over')"
    )
    op.create_index(_NAME, "call", ["started_at"], sqlite_where=uncovered, postgresql_where=uncovered)


def downgrade() -> None:
    op.drop_index(_NAME, table_name="call")
    op.drop_column("call", "covered")
