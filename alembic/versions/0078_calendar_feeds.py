"""Calendars of tours that calendar programs can subscribe to; the tours of a week are found by property and by agent.

Why: agents live in their own calendars; a week of a large office has tens of thousands of tours.
What happens to rows that are there: nothing.
Down: no calendar can be subscribed to any more.

Revision ID: 0078
Revises: 0077
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0078"
down_revision = "0077"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(43), nullable=False, comment="in its address; random"),
        sa.Column("account_id", sa.Integer(), nullable=False, comment="who reads it, with what they may see"),
        sa.Column("property_id", sa.Integer(), nullable=True, comment="null: of an agent"),
        sa.Column("agent_id", sa.Integer(), nullable=True, comment="null: of a property"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_calendar_feed_account_id_account", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name="fk_calendar_feed_agent_id_agent", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name="fk_calendar_feed_property_id_property", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_calendar_feed"),
        sa.UniqueConstraint("token", name="uq_calendar_feed_token"),
        sa.CheckConstraint("(property_id IS NULL) <> (agent_id IS NULL)", name="ck_calendar_feed_one"),
    )
    op.create_index("ix_calendar_feed_account_id", "calendar_feed", ["account_id"])
    op.create_index("ix_tour_slot_property_starts", "tour_slot", ["property_id", "starts_at"])
    op.create_index("ix_tour_slot_agent_starts", "tour_slot", ["agent_id", "starts_at"])
    op.drop_index("ix_tour_slot_property_id", "tour_slot")


def downgrade() -> None:
    op.create_index("ix_tour_slot_property_id", "tour_slot", ["property_id"])
    op.drop_index("ix_tour_slot_agent_starts", "tour_slot")
    op.drop_index("ix_tour_slot_property_starts", "tour_slot")
    op.drop_table("calendar_feed")
