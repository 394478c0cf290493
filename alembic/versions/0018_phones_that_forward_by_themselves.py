"""A phone whose own forwarding is on is known, so that its agent is told once.

Why: Leaseline obeys no redirection (SIP 3xx); whoever has set one wonders where their calls are.
What happens to rows that are there: no phone is known to forward.
Down: what was known is forgotten.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("device") as batch:
        batch.add_column(
            sa.Column(
                "forwards_since",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="its own forwarding is on, which nobody obeys; null: it is not known to be",
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("device") as batch:
        batch.drop_column("forwards_since")
