"""Two leads become one, and two again; a lead keeps its id for ever.

Why: a merge is undone from what was kept of it. On SQLite the highest id was given again once its row was gone, so a
lead that was merged could not have come back, and whatever named it would have meant somebody else.
What happens to rows that are there: on SQLite the tables of leads and interests are written again, row by row.
Down: merges can no longer be undone; what was merged stays merged.

Revision ID: 0042
Revises: 0041
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rebuild(sqlite_autoincrement=True)
    op.create_index("ix_call_order_lead_id", "call_order", ["lead_id"])
    op.create_table(
        "lead_merge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False, comment="the survivor, or what that was merged into"),
        sa.Column(
            "gone_id",
            sa.Integer(),
            nullable=False,
            comment="the other lead, which has no row until the merge is undone",
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False, comment="as crm.services.people.merging.Before"),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(80), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_merge_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_merge")),
    )
    op.create_index("ix_lead_merge_lead_id", "lead_merge", ["lead_id"])
    op.create_index(
        "uq_lead_merge_gone",
        "lead_merge",
        ["gone_id"],
        unique=True,
        sqlite_where=sa.text("undone_at IS NULL"),
        postgresql_where=sa.text("undone_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("lead_merge")
    op.drop_index("ix_call_order_lead_id", "call_order")
    _rebuild(sqlite_autoincrement=False)


def _rebuild(*, sqlite_autoincrement: bool) -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for name in ("lead", "interest"):
        with op.batch_alter_table(name, recreate="always", table_kwargs={"sqlite_autoincrement": sqlite_autoincrement}):
            pass
