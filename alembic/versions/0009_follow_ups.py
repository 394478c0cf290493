"""Portfolios and follow-ups.

Why: people whom nobody has reached get texts in a sequence that their portfolio may change; how long they have been
in a stage decides what is due.
What happens to rows that are there: properties belong to no portfolio; a stage counts from when the interest was last
touched.
Down: portfolios and all planned follow-ups are lost; those that wait in the outbox are failed.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def new_columns() -> dict[str, list[sa.Column[object]]]:
    # Made anew for each use: a column belongs to one table.
    return {
        "property": [
            sa.Column("portfolio_id", sa.Integer(), nullable=True),
        ],
        "interest": [
            sa.Column("stage_since", TIME, nullable=True, comment="null: since the interest was first known"),
        ],
    }


def upgrade() -> None:
    op.create_table(
        "portfolio",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portfolio")),
        sa.UniqueConstraint("slug", name=op.f("uq_portfolio_slug")),
    )
    op.create_table(
        "follow_up",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("interest_id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=30), nullable=False),
        sa.Column("stage_since", TIME, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False, comment="from 0"),
        sa.Column(
            "state",
            sa.String(length=10),
            nullable=False,
            comment="planned, paused until somebody answers the person, sent, or cancelled",
        ),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("is_edited", sa.Boolean(), nullable=False, comment="somebody changed its time or text"),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("ended_at", TIME, nullable=True, comment="when it was sent or cancelled"),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interest_id"], ["interest.id"], name=op.f("fk_follow_up_interest_id_interest"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_follow_up_lead_id_lead"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_follow_up_message_id_message"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
        sa.UniqueConstraint(
            "interest_id", "stage", "stage_since", "step", name=op.f("uq_follow_up_interest_id_stage_stage_since_step")
        ),
    )
    op.create_index(op.f("ix_follow_up_lead_id"), "follow_up", ["lead_id"])
    op.create_index(op.f("ix_follow_up_state"), "follow_up", ["state"])
    for table, columns in new_columns().items():
        with op.batch_alter_table(table) as altered:
            for column in columns:
                altered.add_column(column)
    with op.batch_alter_table("property") as altered:
        altered.create_foreign_key(op.f("fk_property_portfolio_id_portfolio"), "portfolio", ["portfolio_id"], ["id"])


def downgrade() -> None:
    waiting = "purpose = 'follow_up' AND state IN ('queued', 'sending')"
    op.execute(f"UPDATE message SET state = 'failed', next_attempt_at = NULL WHERE {waiting}")
    with op.batch_alter_table("property") as altered:
        altered.drop_constraint(op.f("fk_property_portfolio_id_portfolio"), type_="foreignkey")
    for table, columns in reversed(new_columns().items()):
        with op.batch_alter_table(table) as altered:
            for column in reversed(columns):
                altered.drop_column(column.name)
    op.drop_table("follow_up")
    op.drop_table("portfolio")
