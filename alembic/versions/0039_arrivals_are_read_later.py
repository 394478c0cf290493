"""What arrives is kept first and read afterwards, and an address that a portal passes mail on from is marked.

Why: a mail has to be safe before anything looks into it, and what could not be read must be found again; an address of
a relay is a way to answer, but nobody's own.
What happens to rows that are there: arrivals were read when they came; no address is a relay's.
Down: the columns go. What was not read yet looks as if nobody knew whose it is.

Revision ID: 0039
Revises: 0038
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

UNREAD = sa.text("read_at IS NULL")
PROBLEM = sa.text("problem <> ''")


def upgrade() -> None:
    op.add_column(
        "arrival",
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True, comment="null: nobody has read it yet"),
    )
    op.add_column(
        "arrival",
        sa.Column(
            "outcome",
            sa.String(20),
            nullable=False,
            server_default="",
            comment="what it was, as in crm.domain.arrivals.Outcome",
        ),
    )
    op.add_column(
        "arrival",
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0", comment="how often reading it has begun"),
    )
    op.add_column(
        "arrival",
        sa.Column(
            "node",
            sa.String(10),
            nullable=False,
            server_default="",
            comment="whose disk has the rest of it; empty: there is no rest",
        ),
    )
    op.execute("UPDATE arrival SET read_at = received_at, outcome = 'lead'")
    op.create_index("ix_arrival_unread", "arrival", ["id"], sqlite_where=UNREAD, postgresql_where=UNREAD)
    op.create_index(
        "ix_arrival_problem", "arrival", ["received_at", "id"], sqlite_where=PROBLEM, postgresql_where=PROBLEM
    )
    op.add_column(
        "lead_email",
        sa.Column(
            "is_relay",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="a portal passes mail on: a way to answer, not their own address",
        ),
    )


def downgrade() -> None:
    op.drop_column("lead_email", "is_relay")
    op.drop_index("ix_arrival_problem", "arrival")
    op.drop_index("ix_arrival_unread", "arrival")
    op.drop_column("arrival", "node")
    op.drop_column("arrival", "tries")
    op.drop_column("arrival", "outcome")
    op.drop_column("arrival", "read_at")
