"""Which parts of a lead's card somebody has typed: figures show what calls, the voice agent and the site find out.

Why: a name that an agent had corrected counted as captured automatically.
What happens to rows that are there: corrections so far are not known any more, and count as they did.
Down: they are forgotten.

Revision ID: 0066
Revises: 0065
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "lead",
        sa.Column(
            "typed",
            sa.String(60),
            nullable=False,
            server_default="",
            comment="parts of the card that somebody has corrected by hand: metrics.CardPart, with commas",
        ),
    )


def downgrade() -> None:
    with op.batch_alter_table("lead") as batch:
        batch.drop_column("typed")
