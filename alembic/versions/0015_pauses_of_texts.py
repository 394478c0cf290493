"""Automatic texts are paused when there are far more than usual.

Why: whoever calls with others' numbers has us text strangers, at our cost.
What happens to rows that are there: nothing; how many texts there were lately is counted by an index.
Down: a pause is forgotten, and what waits for its end leaves then.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "text_pause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False, comment="by itself"),
        sa.Column("texts", sa.Integer(), nullable=False, comment="automatic ones in the minutes before"),
        sa.Column("resumed_at", TIME, nullable=True),
        sa.Column("resumed_by", sa.String(length=80), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_pause")),
    )
    op.create_index(op.f("ix_text_pause_ends_at"), "text_pause", ["ends_at"])
    op.create_index("ix_message_purpose_made", "message", ["purpose", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_message_purpose_made", "message")
    op.drop_table("text_pause")
