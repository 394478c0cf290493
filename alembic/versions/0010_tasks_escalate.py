"""Tasks that nobody does in time go to somebody else.

Why: an owner may be away, and a caller who waits for them is lost all the same.
What happens to rows that are there: open tasks stay with their owners and are not passed on.
Down: how often a task was passed on is lost; its owner stays.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("task") as task:
        task.add_column(
            sa.Column(
                "escalation",
                sa.Integer(),
                nullable=False,
                server_default="0",
                comment="how often it went to somebody else because nobody did it in time",
            )
        )
        task.add_column(
            sa.Column(
                "escalate_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="it goes to somebody else then, if it is not done; null: to nobody any more",
            )
        )
    op.create_index(op.f("ix_task_escalate_at"), "task", ["escalate_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_task_escalate_at"), "task")
    with op.batch_alter_table("task") as task:
        task.drop_column("escalate_at")
        task.drop_column("escalation")
