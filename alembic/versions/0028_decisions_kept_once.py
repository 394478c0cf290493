"""Decisions are kept once, and name agents by their places in a list.

Why: each was kept twice, with the names of all agents several times: most of what a call left in the database.
What happens to rows that are there: nothing; they are read as they are.
Down: new decisions can no longer be read: their inputs and plans are emptied, and the sentences stay.

Revision ID: 0028
Revises: 0027
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "roster",
        sa.Column("id", sa.String(16), nullable=False, comment="hash of the list"),
        sa.Column("agents", sa.JSON(), nullable=False, comment="slugs, in order"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster")),
    )
    op.add_column(
        "routing_decision",
        sa.Column("roster", sa.String(16), nullable=True, comment="by which it names agents; null: by their slugs"),
    )


def downgrade() -> None:
    is_new = 'roster IS NOT NULL OR CAST(plan AS TEXT) LIKE \'%"reasons": ["%\''
    op.execute(f"UPDATE routing_decision SET inputs = '{{}}', plan = '{{}}' WHERE {is_new}")
    op.drop_column("routing_decision", "roster")
    op.drop_table("roster")
