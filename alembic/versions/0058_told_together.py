"""What somebody sends again and again is told together.

Why: a flood of forms from one person rang their agent for each.
What happens to rows that are there: they have been told.
Down: what was still to be told is not.

Revision ID: 0058
Revises: 0057
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "arrival",
        sa.Column(
            "tell_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the owner is told of it, together with others; null: there is nothing left to tell",
        ),
    )
    there = sa.text("tell_at IS NOT NULL")
    op.create_index("ix_arrival_tell", "arrival", ["tell_at"], sqlite_where=there, postgresql_where=there)


def downgrade() -> None:
    op.drop_index("ix_arrival_tell", "arrival")
    op.drop_column("arrival", "tell_at")
