"""Whose mobile a number is, is found by an index.

Why: it is asked for each caller and each text.
What happens to rows that are there: nothing.
Down: the index goes.

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_device_number", "device", ["number"])


def downgrade() -> None:
    op.drop_index("ix_device_number", "device")
