"""Reports that are mailed when a day, a week or a month is over, with a CSV file attached.

Why: figures were only there for whoever asked at the terminal.
What happens to rows that are there: nothing.
Down: nobody gets reports any more.

Revision ID: 0069
Revises: 0068
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "report_schedule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report", sa.String(20), nullable=False, comment="metrics.ReportKind"),
        sa.Column("group", sa.String(20), nullable=False, comment="metrics.MetricGroup; empty: none"),
        sa.Column("every", sa.String(10), nullable=False, comment="periods.PeriodKind"),
        sa.Column("to_address", sa.String(200), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True, comment="when the last one was queued"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_schedule"),
    )
    op.create_index("ix_report_schedule_next_at", "report_schedule", ["next_at"])
    op.add_column(
        "mail", sa.Column("sheet", sa.Text(), server_default="", nullable=False, comment="a CSV file that is attached")
    )


def downgrade() -> None:
    with op.batch_alter_table("mail") as batch:
        batch.drop_column("sheet")
    op.drop_table("report_schedule")
