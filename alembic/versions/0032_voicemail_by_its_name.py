"""Voicemail is called voicemail; a message is a text.

Why: the same word stood for both, in the outcome of a call, the path of a decision and where a property's voicemail
goes.
What happens to rows that are there: they get the new words. Decisions keep theirs in what is stored of the plan, which
is read as before (crm/store/decisions.py).
Down: the former words.

Revision ID: 0032
Revises: 0031
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE call SET outcome = 'left_voicemail' WHERE outcome = 'left_message'")
    op.execute("UPDATE routing_decision SET path = 'voicemail' WHERE path = 'message'")
    op.execute("ALTER TABLE property RENAME COLUMN messages_to TO voicemail_to")
    _comment("voicemail_to", sa.String(10), "whose box voicemail goes to: property or subteam")
    _comment("escalates", sa.Boolean(), "groups are called about a voicemail that nobody takes")


def downgrade() -> None:
    _comment("escalates", sa.Boolean(), "groups are called about a message that nobody takes")
    _comment("voicemail_to", sa.String(10), "whose box messages go to: property or subteam")
    op.execute("ALTER TABLE property RENAME COLUMN voicemail_to TO messages_to")
    op.execute("UPDATE routing_decision SET path = 'message' WHERE path = 'voicemail'")
    op.execute("UPDATE call SET outcome = 'left_message' WHERE outcome = 'left_voicemail'")


def _comment(column: str, kind: sa.types.TypeEngine[object], comment: str) -> None:
    # SQLite keeps no comments, and would copy the whole table for one.
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("property", column, existing_type=kind, existing_nullable=False, comment=comment)
