"""Voicemail that nobody has heard is found by an index.

Why: every page of the console shows how much there is, and to count it read all that was ever left.
What happens to rows that are there: nothing.
Down: the index goes.

Revision ID: 0087
Revises: 0086
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0087"
down_revision = "0086"
branch_labels = None
depends_on = None

_NAME = "ix_voicemail_new"


def upgrade() -> None:
    new = sa.text("heard_at IS NULL AND deleted_at IS NULL")
    op.create_index(_NAME, "voicemail", ["mailbox", "left_at"], sqlite_where=new, postgresql_where=new)


def downgrade() -> None:
    op.drop_index(_NAME, table_name="voicemail")
