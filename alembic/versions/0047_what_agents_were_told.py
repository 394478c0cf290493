"""What agents were told of, in a list of their own.

Why: notices went out as texts and emails alone, so an agent without either was told of nothing, and nobody could look
up what they had been told.
What happens to rows that are there: notices that were sent before are not in the list.
Down: the list goes; what was sent stays in the outbox.

Revision ID: 0047
Revises: 0046
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crm.store.models.base import UtcDateTime

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(120), nullable=False, comment="the same cause tells an agent once"),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=True, comment="whom it is about; null: no lead"),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=True, comment="null: not yet"),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_notice_agent_id_agent"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_notice_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("key", name=op.f("uq_notice_key")),
    )
    op.create_index("ix_notice_agent_read", "notice", ["agent_id", "read_at", "id"])
    op.create_index("ix_notice_made", "notice", ["made_at"])
    op.create_index(op.f("ix_notice_lead_id"), "notice", ["lead_id"])


def downgrade() -> None:
    op.drop_table("notice")
