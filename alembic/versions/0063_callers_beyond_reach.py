"""Calls whose callers cannot be reached: they left neither a number nor a message.

Why: each left a task to call back that nobody could do.
What happens to rows that are there: none counts as such, so their tasks stay until somebody closes them.
Down: such calls have no task, and count as lost.

Revision ID: 0063
Revises: 0062
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "call",
        sa.Column(
            "unreachable",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="nobody was reached, and the caller left neither a number nor a message: nothing can be done",
        ),
    )


def downgrade() -> None:
    op.drop_column("call", "unreachable")
