"""A text that failed can be sent again by a person's decision.

Why: its tries, and the pauses between them, then begin anew, while the carrier still has to tell them from the others.
What happens to rows that are there: they have none before.
Down: the pauses of a text that was sent again go on where they were.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "message",
        sa.Column(
            "attempts_before",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="those of them before a person had it sent again",
        ),
    )


def downgrade() -> None:
    op.drop_column("message", "attempts_before")
