"""An emergency call can be acknowledged.

Why: after a test, everybody who called its callback number would reach the phone that made it for half an hour.
What happens to rows that are there: nobody has acknowledged them.
Down: it is forgotten who acknowledged what; callers may reach such a phone again for the rest of the half hour.

Revision ID: 0059
Revises: 0058
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "emergency_call",
        sa.Column(
            "acknowledged_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="since then, nobody waits for the emergency service to call back; null: nobody said so",
        ),
    )


def downgrade() -> None:
    op.drop_column("emergency_call", "acknowledged_at")
