"""Browsers that are closed show messages, and ring.

Why: people close their pages, and a call for them would not ring anywhere.
What happens to rows that are there: no notice is shown on browsers later; new ones are.
Down: browsers have to be asked anew.

Revision ID: 0077
Revises: 0076
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crm.store.models.base import UtcDateTime

revision = "0077"
down_revision = "0076"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "push_subscription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("endpoint", sa.String(1000), nullable=False, comment="where to send to (RFC 8030)"),
        sa.Column("public_key", sa.String(100), nullable=False, comment="the browser's, base64url"),
        sa.Column("auth", sa.String(30), nullable=False, comment="secret between the browser and us, base64url"),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True, comment="when its service last took a message; null: never"),
        sa.Column("failing_since", UtcDateTime(), nullable=True, comment="null: it works, as far as is known"),
        sa.Column("error", sa.String(200), nullable=False, comment="why the last message was not taken; empty: it was"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["account_session.id"],
            name="fk_push_subscription_session_id_account_session",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_push_subscription"),
        sa.UniqueConstraint("endpoint", name="uq_push_subscription_endpoint"),
    )
    op.create_index("ix_push_subscription_session_id", "push_subscription", ["session_id"])
    op.add_column(
        "notice",
        sa.Column(
            "push_at",
            UtcDateTime(),
            nullable=True,
            comment="it is shown on their closed browsers then; null: it is not, or was",
        ),
    )
    some = sa.text("push_at IS NOT NULL")
    op.create_index("ix_notice_push", "notice", ["push_at"], sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    op.drop_index("ix_notice_push", "notice")
    op.drop_column("notice", "push_at")
    op.drop_table("push_subscription")
