"""One open task a person and kind, which stands for all their calls.

Why: whoever calls sixty times is to be called back once.
What happens to rows that are there: a call's task is found by the new table; open tasks stay as they are, several for a
person, and the next call makes the one that those after it join.
Down: which task takes care of a call that is not its first is forgotten; `report lost` may then name such calls.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

OPEN = sa.text("done_at IS NULL AND person <> ''")


def upgrade() -> None:
    op.add_column(
        "task",
        sa.Column(
            "person",
            sa.String(length=60),
            server_default="",
            nullable=False,
            comment="whom it is about, such as lead:12 or caller:+15125550199; empty: it stands for its cause alone",
        ),
    )
    op.add_column(
        "task",
        sa.Column(
            "times", sa.Integer(), server_default="1", nullable=False, comment="calls, or texts, that it stands for"
        ),
    )
    op.create_index("uq_task_open", "task", ["person", "kind"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_table(
        "task_call",
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_task_call_call_id_call"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_task_call_task_id_task"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_task_call")),
    )
    op.create_index(op.f("ix_task_call_task_id"), "task_call", ["task_id"])
    op.execute(
        "INSERT INTO task_call (call_id, task_id) SELECT call_id, id FROM task WHERE \"key\" = 'call:' || call_id"
    )
    op.create_index("ix_message_from_made", "message", ["from_number", "created_at"])
    op.create_index("ix_message_to_made", "message", ["to_number", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_message_to_made", "message")
    op.drop_index("ix_message_from_made", "message")
    op.drop_table("task_call")
    op.drop_index("uq_task_open", "task")
    op.drop_column("task", "times")
    op.drop_column("task", "person")
