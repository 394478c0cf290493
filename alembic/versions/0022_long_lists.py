"""Indexes by which lists find their newest, or most pressing, rows.

Why: lists filter, order and cut in the database; without these it would sort whole tables for it.
What happens to rows that are there: nothing.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

OPEN = sa.text("done_at IS NULL")
NEW = (
    ("ix_call_outcome_started", "call", ["outcome", "started_at"]),
    ("ix_contact_kind_name", "contact", ["kind", "name", "number"]),
    ("ix_emergency_call_started_at", "emergency_call", ["started_at"]),
    ("ix_follow_up_state_due", "follow_up", ["state", "due_at", "id"]),
    ("ix_lead_made", "lead", ["created_at", "id"]),
    ("ix_lead_status_made", "lead", ["status", "created_at", "id"]),
    ("ix_mail_made", "mail", ["created_at", "id"]),
    ("ix_message_made", "message", ["created_at", "id"]),
    ("ix_message_state_made", "message", ["state", "created_at", "id"]),
    ("ix_opt_out_made", "opt_out", ["created_at", "id"]),
    ("ix_voicemail_left_at", "voicemail", ["left_at"]),
    ("ix_voicemail_mailbox_left", "voicemail", ["mailbox", "left_at"]),
)
OLD = (("call", "outcome"), ("follow_up", "state"), ("voicemail", "mailbox"))
"""A new one begins with the same column."""


def upgrade() -> None:
    for name, table, columns in NEW:
        op.create_index(name, table, columns)
    op.create_index("ix_task_open", "task", ["due_at", "id"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index(
        "ix_task_open_owner", "task", ["owner_id", "due_at", "id"], sqlite_where=OPEN, postgresql_where=OPEN
    )
    for table, column in OLD:
        op.drop_index(f"ix_{table}_{column}", table)


def downgrade() -> None:
    for table, column in OLD:
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.drop_index("ix_task_open_owner", "task")
    op.drop_index("ix_task_open", "task")
    for name, table, _ in NEW:
        op.drop_index(name, table)
