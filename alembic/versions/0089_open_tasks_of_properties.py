"""Open tasks are found by their property, or by their lead where they are about none.

Why: somebody who sees one property has the office's open tasks gone through for three numbers of every page.
What happens to rows that are there: nothing.
Down: the index goes.

Revision ID: 0089
Revises: 0088
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0089"
down_revision = "0088"
branch_labels = None
depends_on = None

_NAME = "ix_task_open_about"


def upgrade() -> None:
    is_open = sa.text("done_at IS NULL")
    columns = ["property_id", "lead_id", "due_at", "kind", "call_id"]
    op.create_index(_NAME, "task", columns, sqlite_where=is_open, postgresql_where=is_open)


def downgrade() -> None:
    op.drop_index(_NAME, table_name="task")
