"""What refers to a row that is deleted is found by an index.

Why: without one the database reads a whole table for each call, text or voicemail of a person who is erased.
What happens to rows that are there: nothing.
Down: the indexes go.

Revision ID: 0055
Revises: 0054
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_activity_call", "activity", "call_id"),
    ("ix_call_order_task", "call_order", "task_id"),
    ("ix_consent_arrival", "consent", "arrival_id"),
    ("ix_follow_up_message", "follow_up", "message_id"),
    ("ix_mail_voicemail", "mail", "voicemail_id"),
    ("ix_opt_out_message", "opt_out", "message_id"),
)


def upgrade() -> None:
    for name, table, column in INDEXES:
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, table, [column], sqlite_where=there, postgresql_where=there)


def downgrade() -> None:
    for name, table, _ in INDEXES:
        op.drop_index(name, table)
