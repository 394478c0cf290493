"""Recordings of talks.

Why: a property may have its talks recorded, announced to everybody who is heard.
What happens to rows that are there: nothing is recorded until a property says so.
Down: which files are recordings of which call is lost; the files stay.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def new_columns() -> dict[str, list[sa.Column[object]]]:
    # Made anew for each use: a column belongs to one table.
    return {
        "property": [
            sa.Column(
                "recording",
                sa.String(length=10),
                server_default="off",
                nullable=False,
                comment="off, announced, or demand: when an agent asks",
            ),
        ],
        "leg": [
            sa.Column("announced_at", TIME, nullable=True, comment="heard that the call is recorded"),
        ],
    }


def upgrade() -> None:
    op.create_table(
        "recording",
        sa.Column("id", sa.String(length=120), nullable=False, comment="the recording's name in Asterisk"),
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False, comment="announced or demand"),
        sa.Column("file", sa.String(length=200), nullable=False, comment="name in the recordings folder"),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("deleted_at", TIME, nullable=True, comment="when retention removed the file"),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_recording_call_id_call"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
    )
    op.create_index(op.f("ix_recording_call_id"), "recording", ["call_id"])
    for table, columns in new_columns().items():
        with op.batch_alter_table(table) as altered:
            for column in columns:
                altered.add_column(column)


def downgrade() -> None:
    for table, columns in reversed(new_columns().items()):
        with op.batch_alter_table(table) as altered:
            for column in reversed(columns):
                altered.drop_column(column.name)
    op.drop_table("recording")
