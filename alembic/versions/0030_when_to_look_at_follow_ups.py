"""When the follow-ups of each lead have to be looked at again.

Why: each minute the app read all open leads to find the few whose plan changes; with 100,000 it did little else.
What happens to rows that are there: every open lead with an interest is looked at once, at the next tick. The triggers
that touch a lead are created when all migrations are done (crm/store/touches.py).
Down: the tables go.

Revision ID: 0030
Revises: 0029
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "follow_up_look",
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["lead.id"], name=op.f("fk_follow_up_look_lead_id_lead"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lead_id", name=op.f("pk_follow_up_look")),
    )
    op.create_index(op.f("ix_follow_up_look_look_at"), "follow_up_look", ["look_at"])
    op.create_table(
        "follow_up_rules_seen",
        sa.Column("node", sa.String(40), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, comment="of the files with the sequences"),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_follow_up_rules_seen")),
    )
    with op.batch_alter_table("follow_up") as follow_up:
        follow_up.alter_column(
            "state",
            existing_type=sa.String(10),
            existing_nullable=False,
            comment="planned, paused until somebody answers the person, sent, cancelled, or expired",
        )
    epoch = "'1970-01-01 00:00:00.000000'" if op.get_bind().dialect.name == "sqlite" else "timestamptz 'epoch'"
    op.execute(
        f"INSERT INTO follow_up_look (lead_id, look_at) SELECT DISTINCT interest.lead_id, {epoch} FROM interest"
        " JOIN lead ON lead.id = interest.lead_id WHERE lead.status <> 'closed'"
    )


def downgrade() -> None:
    op.drop_table("follow_up_rules_seen")
    op.drop_table("follow_up_look")
