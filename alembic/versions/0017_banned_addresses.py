"""Addresses whose SIP is dropped for a time.

Why: whoever guesses passwords is kept out, also over a restart, and each time for longer.
What happens to rows that are there: there are none.
Down: the list is forgotten, and Asterisk hears everybody again with its next reload.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sip_ban",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(length=20), nullable=False, comment="IPv4 address or network"),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True, comment="null: until somebody takes it off"),
        sa.Column("times", sa.Integer(), nullable=False, comment="how many bans within a day of one another"),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sip_ban")),
        sa.UniqueConstraint("network", name=op.f("uq_sip_ban_network")),
    )
    op.create_index(op.f("ix_sip_ban_until"), "sip_ban", ["until"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_sip_ban_until"), table_name="sip_ban")
    op.drop_table("sip_ban")
