"""What leads look for, and what was understood from what they said.

Why: bedrooms, date, budget and pets stood in notes at best; what somebody says on voicemail is now understood and
suggested for their card, with the words and the second it comes from.
What happens to rows that are there: nothing is known of them.
Down: both are forgotten.

Revision ID: 0044
Revises: 0043
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crm.store.models.base import UtcDateTime

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "lead",
        sa.Column("bedrooms", sa.Integer(), comment="that they look for; 0: a studio; null: not known"),
    )
    op.add_column("lead", sa.Column("move_in_on", sa.Date(), comment="when they want to move in; null: not known"))
    op.add_column("lead", sa.Column("budget", sa.Integer(), comment="dollars a month at most; null: not known"))
    op.add_column(
        "lead",
        sa.Column(
            "pets",
            sa.String(100),
            nullable=False,
            server_default="",
            comment="such as dog, 2 cats or none; empty: not known",
        ),
    )
    op.create_table(
        "suggestion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(120), nullable=False, comment="the same field of the same call comes once"),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(80), nullable=True),
        sa.Column("field", sa.String(20), nullable=False, comment="as crm.domain.heard.CardField"),
        sa.Column("value", sa.String(200), nullable=False),
        sa.Column("words", sa.String(300), nullable=False, comment="that it comes from, as they were heard"),
        sa.Column("second", sa.Integer(), nullable=False, comment="of the recording, in which they begin"),
        sa.Column("state", sa.String(10), nullable=False, comment="open, taken or dismissed"),
        sa.Column("decided_by", sa.String(80), nullable=False, server_default=""),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_suggestion_lead_id_lead"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_suggestion_call_id_call"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion")),
        sa.UniqueConstraint("key", name=op.f("uq_suggestion_key")),
    )
    op.create_index("ix_suggestion_lead", "suggestion", ["lead_id", "state"])
    op.create_index("ix_suggestion_open", "suggestion", ["state", "id"])
    op.create_index(op.f("ix_suggestion_call_id"), "suggestion", ["call_id"])


def downgrade() -> None:
    op.drop_table("suggestion")
    with op.batch_alter_table("lead") as lead:
        for column in ("bedrooms", "move_in_on", "budget", "pets"):
            lead.drop_column(column)
