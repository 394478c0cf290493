"""How many events of a call are on record.

Why: the app holds the stories of calls that are up, and has to notice when somebody else records facts of one. It
counted the call's events in each transaction; now it compares the number as it writes the call.
What happens to rows that are there: they have 0 until their call is written again. The number is compared only in the
process that has written it.
Down: the column goes.

Revision ID: 0037
Revises: 0036
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "call",
        sa.Column(
            "event_count",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="how many events were on record when the ledger last wrote the call",
        ),
    )


def downgrade() -> None:
    with op.batch_alter_table("call") as call:
        call.drop_column("event_count")
