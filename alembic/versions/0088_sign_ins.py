"""From where people have signed in is remembered beyond the session.

Why: whoever signs in from somewhere new, or with a browser of another kind, is told by email; sessions alone cannot say
what is new, because they go when somebody signs out.
What happens to rows that are there: nothing; the next sign-in of each account counts as its first one.
Down: the table goes.

Revision ID: 0088
Revises: 0087
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crm.store.models.base import UtcDateTime

revision = "0088"
down_revision = "0087"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_sign_in",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(45), nullable=False, comment="IPv4 address, or the network of an IPv6 address"),
        sa.Column("browser", sa.String(120), nullable=False, comment="what it calls itself, without versions"),
        sa.Column("used_at", UtcDateTime(), nullable=False, comment="the last time"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_account_sign_in_account_id_account", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_account_sign_in"),
        sa.UniqueConstraint("account_id", "network", "browser", name="uq_account_sign_in_account_id_network_browser"),
    )


def downgrade() -> None:
    op.drop_table("account_sign_in")
