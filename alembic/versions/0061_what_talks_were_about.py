"""What a recorded talk was about, in a few words.

Why: a transcript of ten minutes is read by nobody who only wants to know whether it was about a tour.
What happens to rows that are there: their talks have none.
Down: it is lost; the transcripts stay.

Revision ID: 0061
Revises: 0060
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "recording",
        sa.Column(
            "summary",
            sa.String(300),
            nullable=False,
            server_default="",
            comment="what the talk was about; goes with the transcript",
        ),
    )


def downgrade() -> None:
    op.drop_column("recording", "summary")
