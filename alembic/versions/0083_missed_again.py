"""Pages tell of a missed call also when it joins a task that is open already.

Why: pages looked for new tasks, and somebody who calls a second time makes none, though they have waited longer.
What happens to rows that are there: nothing; of calls before now nobody is told again.
Down: the column goes.

Revision ID: 0083
Revises: 0079
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crm.store.models.base import UtcDateTime

revision = "0083"
down_revision = "0079"
branch_labels = None
depends_on = None

_COMMENT = "when another call was put on it, of which pages tell; null: it stands for one call, or for none"


def upgrade() -> None:
    op.add_column("task", sa.Column("again_at", UtcDateTime(), nullable=True, comment=_COMMENT))
    there = sa.text("again_at IS NOT NULL")
    op.create_index("ix_task_again", "task", ["again_at"], sqlite_where=there, postgresql_where=there)


def downgrade() -> None:
    op.drop_index("ix_task_again", "task")
    with op.batch_alter_table("task") as batch:
        batch.drop_column("again_at")
