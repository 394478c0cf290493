"""A node says its home, and who is called back in turn has a position in line.

Why: "place" stood for these and more.
What happens to rows that are there: they stay. Facts of older versions (PlaceKept) are read as before
(crm/store/facts.py).
Down: the former names.

Revision ID: 0033
Revises: 0032
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE node RENAME COLUMN place TO home")
    _comment(
        "the person keeps the position of one who has waited since then, and is called when somebody is free",
        "slugs of those who may be rung for a queued callback",
    )


def downgrade() -> None:
    _comment(
        "the person keeps the place of who has waited since then, and is called when somebody is free",
        "slugs of those who may be rung for a kept place",
    )
    op.execute("ALTER TABLE node RENAME COLUMN home TO place")


def _comment(since: str, agents: str) -> None:
    # SQLite keeps no comments, and would copy the whole table for one.
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column(
            "call_order", "since", existing_type=sa.DateTime(timezone=True), existing_nullable=True, comment=since
        )
        op.alter_column("call_order", "agents", existing_type=sa.JSON(), existing_nullable=False, comment=agents)
