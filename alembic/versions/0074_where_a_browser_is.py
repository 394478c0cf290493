"""From which network the person at a browser said where it is.

Why: a browser moves, and an emergency call needs the address of where it is now: it is asked for at sign-in and when
the network changes.
What happens to rows that are there: their people are asked the next time.
Down: the column goes.

Revision ID: 0074
Revises: 0073
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("device") as table:
        table.add_column(
            sa.Column(
                "located_from",
                sa.String(45),
                comment="network from which the person at a browser last said where it is; null: they have not",
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("device") as table:
        table.drop_column("located_from")
