"""The subteams of an agent are found by an index.

Why: a list of somebody's tasks asks for those of their subteams, too.
What happens to rows that are there: nothing.
Down: the index goes.

Revision ID: 0073
Revises: 0072
"""

from __future__ import annotations

from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_subteam_member_agent", "subteam_member", ["agent_id"])


def downgrade() -> None:
    op.drop_index("ix_subteam_member_agent", "subteam_member")
