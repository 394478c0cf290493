"""Calls of ours: from desk phones, ordered by a command or a promise, and every number that was asked to be dialled.

Why: calls go both ways, so a call has a direction and perhaps an agent who placed it, and what the agent wrote after
it.
What happens to rows that are there: all calls so far came in.
Down: calls of ours and between colleagues are deleted, since nothing would tell them from those that came in.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


COMMENTS = (
    (
        "call",
        "did",
        40,
        "number dialled, E.164 where it is a telephone number",
        "our number: the one dialled, or shown; E.164 where it is a telephone number",
    ),
    ("leg", "stage", 20, "agent, subteam, everyone or last_resort", "agent, subteam, everyone, last_resort, ..."),
    ("task", "kind", 20, "call_back, listen, follow_up, reply or unknown_did", "as in crm.domain.tasks.TaskKind"),
)
"""Table, column, length, old and new comment."""


def new_columns() -> dict[str, list[sa.Column[object]]]:
    # Made anew for each use: a column belongs to one table.
    return {
        "call": [
            sa.Column(
                "direction",
                sa.String(length=10),
                server_default="in",
                nullable=False,
                comment="in, out, or internal between colleagues",
            ),
            sa.Column("agent_id", sa.Integer(), nullable=True, comment="who placed a call of ours"),
            sa.Column("remark", sa.Text(), server_default="", nullable=False, comment="what the agent wrote after it"),
        ],
        "leg": [
            sa.Column(
                "number", sa.String(length=20), nullable=True, comment="E.164 dialled through a trunk; null for a phone"
            ),
        ],
    }


def upgrade() -> None:
    op.create_table(
        "call_order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("to_number", sa.String(length=20), nullable=False, comment="E.164"),
        sa.Column("lead_id", sa.Integer(), nullable=True),
        sa.Column("task_id", sa.Integer(), nullable=True),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False, comment="later than that it would surprise everybody"),
        sa.Column(
            "state", sa.String(length=10), nullable=False, comment="waiting, dialling, done, failed or cancelled"
        ),
        sa.Column("tries_left", sa.Integer(), nullable=False, comment="how often the agent may still be rung for it"),
        sa.Column(
            "claimed_until",
            TIME,
            nullable=True,
            comment="dialling: whoever does it has until then to come to an end, or is dead",
        ),
        sa.Column("call_id", sa.String(length=80), nullable=True, comment="of the latest try"),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_call_order_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_call_order_lead_id_lead"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_call_order_task_id_task"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_order")),
    )
    op.create_index(op.f("ix_call_order_not_before"), "call_order", ["not_before"])
    op.create_index(op.f("ix_call_order_state"), "call_order", ["state"])
    op.create_table(
        "dialled",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column(
            "number", sa.String(length=40), nullable=False, comment="E.164, or as it was asked for when it is none"
        ),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("call_id", sa.String(length=80), nullable=True),
        sa.Column(
            "purpose",
            sa.String(length=20),
            nullable=False,
            comment="forward, office, desk, order, transfer or escalation",
        ),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False, comment="why not"),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_dialled_agent_id_agent"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialled")),
    )
    op.create_index(op.f("ix_dialled_at"), "dialled", ["at"])
    for table, columns in new_columns().items():
        with op.batch_alter_table(table) as altered:
            for column in columns:
                altered.add_column(column)
    with op.batch_alter_table("call") as altered:
        altered.create_foreign_key(op.f("fk_call_agent_id_agent"), "agent", ["agent_id"], ["id"], ondelete="SET NULL")

    for table, column, length, old, new in COMMENTS:
        with op.batch_alter_table(table) as altered:
            altered.alter_column(column, existing_type=sa.String(length), existing_comment=old, comment=new)


def downgrade() -> None:
    for table, column, length, old, new in COMMENTS:
        with op.batch_alter_table(table) as altered:
            altered.alter_column(column, existing_type=sa.String(length), existing_comment=new, comment=old)
    op.execute("DELETE FROM \"call\" WHERE direction <> 'in'")
    with op.batch_alter_table("call") as altered:
        altered.drop_constraint(op.f("fk_call_agent_id_agent"), type_="foreignkey")
    for table, columns in reversed(new_columns().items()):
        with op.batch_alter_table(table) as altered:
            for column in reversed(columns):
                altered.drop_column(column.name)
    op.drop_table("dialled")
    op.drop_table("call_order")
