"""A text knows the language it is written in.

Why: what names the office and says how to stop is added when the first text to a person leaves. That its caller had
chosen another language was not known yet while the call went on, so half of it was in English, half in Spanish.
What happens to rows that are there: their language is unknown, so it counts as the person's, as before.
Down: the language is lost.

Revision ID: 0098
Revises: 0097
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0098"
down_revision = "0097"
branch_labels = None
depends_on = None

COMMENT = "of its words; empty: the person's"


def upgrade() -> None:
    op.add_column("message", sa.Column("language", sa.String(10), server_default="", nullable=False, comment=COMMENT))


def downgrade() -> None:
    op.drop_column("message", "language")
