"""A notice that waits keeps what its email says in full.

Why: messages that came in a quiet time, or with many others, were told in one email without their words.
What happens to rows that are there: nothing; they are told as before.
Down: what waits is told without its words.

Revision ID: 0091
Revises: 0090
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0091"
down_revision = "0090"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = "what an email says in place of the text, such as a transcript; empty once it has gone out"
    op.add_column("notice", sa.Column("in_full", sa.Text(), nullable=False, server_default="", comment=comment))


def downgrade() -> None:
    op.drop_column("notice", "in_full")
