"""A task may be a subteam's, until somebody of it takes it.

Why: when nobody was on duty at the time a task was due, it went to somebody who knew nothing of the property, or to the
admin.
What happens to rows that are there: each has its agent.
Down: what subteams have is the admin's, else the first agent's.

Revision ID: 0067
Revises: 0066
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

THERE = sa.text("subteam_id IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("task") as task:
        task.alter_column(
            "owner_id",
            existing_type=sa.Integer(),
            nullable=True,
            comment="null: a subteam has it, and nobody has taken it yet",
        )
        task.add_column(
            sa.Column(
                "subteam_id",
                sa.Integer(),
                nullable=True,
                comment="whoever of it takes the task owns it; null: an agent has it",
            )
        )
        task.create_foreign_key("fk_task_subteam_id_subteam", "subteam", ["subteam_id"], ["id"])
        task.create_check_constraint(op.f("ck_task_one_owner"), "(owner_id IS NULL) <> (subteam_id IS NULL)")
    op.create_index("ix_task_subteam", "task", ["subteam_id"], sqlite_where=THERE, postgresql_where=THERE)


def downgrade() -> None:
    admin = "SELECT admin_agent_id FROM organization WHERE admin_agent_id IS NOT NULL ORDER BY id LIMIT 1"
    owner = f"COALESCE(({admin}), (SELECT MIN(id) FROM agent))"
    op.execute(f"UPDATE task SET owner_id = {owner}, subteam_id = NULL WHERE {THERE}")
    op.drop_index("ix_task_subteam", "task")
    with op.batch_alter_table("task") as task:
        task.drop_constraint(op.f("ck_task_one_owner"), type_="check")
        task.drop_constraint("fk_task_subteam_id_subteam", type_="foreignkey")
        task.drop_column("subteam_id")
        task.alter_column("owner_id", existing_type=sa.Integer(), nullable=False, comment=None)
