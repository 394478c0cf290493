"""People sign in with passkeys, and with codes that are written down for when a phone is lost.

Why: a passkey cannot be told to anybody, so nobody can be talked out of it; and whoever loses their authenticator
should not have to wait for an admin.
What happens to rows that are there: nothing; who has one-time codes now has no codes written down yet.
Down: passkeys and these codes go.

Revision ID: 0079
Revises: 0078
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crm.store.models.base import UtcDateTime

revision = "0079"
down_revision = "0078"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_passkey",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False, comment="as its owner calls it"),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of `credential`"),
        sa.Column("credential", sa.LargeBinary(), nullable=False, comment="its id, as the device chose it"),
        sa.Column("public_key", sa.LargeBinary(), nullable=False, comment="COSE key (RFC 9052)"),
        sa.Column("signed", sa.BigInteger(), nullable=False, comment="how often, as the device counts; 0: it does not"),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column(
            "used_at", UtcDateTime(), nullable=True, comment="null: never; nothing asked before it is taken after it"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_account_passkey_account_id_account", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_account_passkey"),
        sa.UniqueConstraint("digest", name="uq_account_passkey_digest"),
    )
    op.create_index("ix_account_passkey_account_id", "account_passkey", ["account_id"])
    op.create_table(
        "account_recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the code's letters and digits"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_account_recovery_code_account_id_account", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_account_recovery_code"),
        sa.UniqueConstraint("account_id", "digest", name="uq_account_recovery_code_account_id_digest"),
    )


def downgrade() -> None:
    op.drop_table("account_recovery_code")
    op.drop_table("account_passkey")
