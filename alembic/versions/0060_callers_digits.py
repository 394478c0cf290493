"""Digits of callers whose number could not be read, and how trunks give numbers.

Why: callers who show an extension were on record as if they withheld their number, and were somebody else each time.
What happens to rows that are there: nobody knows any more what they showed.
Down: the digits are lost, and trunks' formats with them.

Revision ID: 0060
Revises: 0059
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "call",
        sa.Column(
            "caller_digits",
            sa.String(20),
            nullable=False,
            server_default="",
            comment="shown by a caller whose number could not be read",
        ),
    )
    shown = sa.text("caller_digits != ''")
    columns = ["caller_digits", "trunk", "started_at"]
    op.create_index("ix_call_caller_digits", "call", columns, sqlite_where=shown, postgresql_where=shown)
    op.add_column(
        "trunk",
        sa.Column(
            "caller_format",
            sa.String(60),
            nullable=False,
            server_default="",
            comment="how it gives callers' numbers, in order; empty: as usual",
        ),
    )


def downgrade() -> None:
    op.drop_column("trunk", "caller_format")
    op.drop_index("ix_call_caller_digits", "call")
    op.drop_column("call", "caller_digits")
