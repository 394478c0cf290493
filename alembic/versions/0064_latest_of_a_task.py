"""When the latest of the calls, texts or inquiries came that a task stands for.

Why: a talk ends a task only if nothing has come up after it, and whoever has the task sees how long ago that was.
What happens to rows that are there: open ones from calls have the beginning of the latest call; others have none, which
means the time at which they were created.
Down: it is lost.

Revision ID: 0064
Revises: 0063
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "task",
        sa.Column(
            "last_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the latest of what it stands for came; null: it stands for one thing, since it was created",
        ),
    )
    latest = "SELECT call.started_at FROM call WHERE call.id = task.call_id"
    op.execute(f"UPDATE task SET last_at = ({latest}) WHERE done_at IS NULL AND call_id IS NOT NULL")


def downgrade() -> None:
    op.drop_column("task", "last_at")
