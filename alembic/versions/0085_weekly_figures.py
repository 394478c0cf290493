"""The admin gets the figures of each week by email.

Why: figures were only sent to addresses that somebody had given.
What happens to rows that are there: an office that has no report by email gets this one, at 12:00 UTC on the next
Monday at the earliest, and on its own clock from then on; `leaseline report schedule remove` ends it.
Down: it goes.

Revision ID: 0085
Revises: 0083
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0085"
down_revision = "0083"
branch_labels = None
depends_on = None

_COMMENT = "empty: whoever is the office's admin then"


def _table() -> sa.TableClause:
    texts = ("report", "group", "every", "to_address", "created_by")
    times = ("next_at", "created_at")
    return sa.table(
        "report_schedule",
        *(sa.column(name, sa.String) for name in texts),
        *(sa.column(name, sa.DateTime(timezone=True)) for name in times),
    )


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("report_schedule", "to_address", existing_type=sa.String(200), comment=_COMMENT)
    connection, reports = op.get_bind(), _table()
    offices = connection.execute(sa.text("SELECT count(*) FROM organization")).scalar_one()
    if not offices or connection.execute(sa.select(sa.func.count()).select_from(reports)).scalar_one():
        return
    now = datetime.now(UTC)
    monday = now.date() + timedelta(days=7 - now.weekday())
    connection.execute(
        reports.insert().values(
            report="metrics",
            group="",
            every="week",
            to_address="",
            next_at=datetime.combine(monday, time(12), UTC),
            created_at=now,
            created_by="update",
        )
    )


def downgrade() -> None:
    reports = _table()
    op.get_bind().execute(reports.delete().where(reports.c.to_address == ""))
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("report_schedule", "to_address", existing_type=sa.String(200), comment=None)
