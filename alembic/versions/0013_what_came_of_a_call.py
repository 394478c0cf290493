"""What came of a call is found at once: tasks, texts and tours by their call.

Why: whether anybody was lost is looked at every hour, and asks for each call of all time whether it has a task.
What happens to rows that are there: nothing.
Down: the same, slowly.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = ("message", "task", "tour")


def upgrade() -> None:
    for table in TABLES:
        op.create_index(op.f(f"ix_{table}_call_id"), table, ["call_id"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(op.f(f"ix_{table}_call_id"), table)
