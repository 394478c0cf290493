"""Who wants no news by email is in the ledger of opt-outs, by address.

Why: on the lead's address it was lost as soon as the address was taken off the lead, and nothing said who had asked for
it, or how.
What happens to rows that are there: an address that had unsubscribed gets an entry as of that time.
Down: the time goes back to the lead's address, and the entries go.

Revision ID: 0056
Revises: 0055
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("opt_out") as table:
        table.add_column(
            sa.Column(
                "address",
                sa.String(200),
                nullable=False,
                server_default="",
                comment="email, in lower case; empty: it is about a number",
            )
        )
        table.alter_column(
            "number",
            existing_type=sa.String(20),
            existing_nullable=False,
            existing_comment="E.164",
            comment="E.164; empty: it is about an address",
        )
        table.alter_column(
            "scope",
            existing_type=sa.String(10),
            existing_nullable=False,
            existing_comment="texts, or all: no texts and no calls of ours",
            comment="texts, or all: no texts and no calls of ours; of an address, news: no news by email",
        )
        table.alter_column(
            "source",
            existing_type=sa.String(20),
            existing_nullable=False,
            existing_comment="keyword, sentence, carrier or admin",
            comment="keyword, sentence, carrier, link or admin",
        )
    there = sa.text("address <> ''")
    op.create_index("ix_opt_out_address", "opt_out", ["address"], sqlite_where=there, postgresql_where=there)
    op.execute(
        "INSERT INTO opt_out (number, address, scope, source, evidence, created_at) "
        "SELECT '', address, 'news', 'sentence', 'Unsubscribed by email.', unsubscribed_at "
        "FROM lead_email WHERE unsubscribed_at IS NOT NULL"
    )
    op.drop_column("lead_email", "unsubscribed_at")


def downgrade() -> None:
    op.add_column(
        "lead_email",
        sa.Column(
            "unsubscribed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="from then on no news goes to it; null: it may",
        ),
    )
    op.execute(
        "UPDATE lead_email SET unsubscribed_at = (SELECT min(created_at) FROM opt_out "
        "WHERE opt_out.address = lead_email.address AND opt_out.ended_at IS NULL)"
    )
    op.execute("DELETE FROM opt_out WHERE address <> ''")
    op.drop_index("ix_opt_out_address", "opt_out")
    with op.batch_alter_table("opt_out") as table:
        table.drop_column("address")
        table.alter_column(
            "number",
            existing_type=sa.String(20),
            existing_nullable=False,
            existing_comment="E.164; empty: it is about an address",
            comment="E.164",
        )
        table.alter_column(
            "scope",
            existing_type=sa.String(10),
            existing_nullable=False,
            existing_comment="texts, or all: no texts and no calls of ours; of an address, news: no news by email",
            comment="texts, or all: no texts and no calls of ours",
        )
        table.alter_column(
            "source",
            existing_type=sa.String(20),
            existing_nullable=False,
            existing_comment="keyword, sentence, carrier, link or admin",
            comment="keyword, sentence, carrier or admin",
        )
