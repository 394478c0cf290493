"""Mails and texts have the same states.

Why: what is withdrawn is blocked, a text or a mail; mails had no such state, and counted as failed.
What happens to rows that are there: mails that were dropped when a home was released become blocked.
Down: blocked mails become failed.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

COMMENT = "as in crm.domain.delivery.DeliveryState"
OLD = {
    "message": "queued, sending, sent, delivered, failed, blocked or unknown; received for one of theirs",
    "mail": "queued, sending, sent, failed or unknown",
}


def upgrade() -> None:
    _comment({table: (old, COMMENT) for table, old in OLD.items()})
    op.execute("UPDATE mail SET state = 'blocked' WHERE state = 'failed' AND error LIKE 'Dropped when the home was %'")


def downgrade() -> None:
    op.execute("UPDATE mail SET state = 'failed' WHERE state = 'blocked'")
    _comment({table: (COMMENT, old) for table, old in OLD.items()})


def _comment(changes: dict[str, tuple[str, str]]) -> None:
    # SQLite keeps no comments, and would copy the whole table for one.
    if op.get_bind().dialect.name == "sqlite":
        return
    for table, (old, new) in changes.items():
        op.alter_column(
            table,
            "state",
            existing_type=sa.String(length=10),
            existing_nullable=False,
            existing_comment=old,
            comment=new,
        )
