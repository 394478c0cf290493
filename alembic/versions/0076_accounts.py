"""People have accounts, with which they sign in to the console.

Why: until now only those with a terminal on the machine could see and change anything.
What happens to rows that are there: nothing.
Down: the accounts go, and with them all sessions.

Revision ID: 0076
Revises: 0075
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crm.store.models.base import UtcDateTime

revision = "0076"
down_revision = "0075"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False, comment="slug; they sign in with it"),
        sa.Column("full_name", sa.String(80), nullable=False),
        sa.Column("email", sa.String(200), nullable=False, comment="empty: none"),
        sa.Column("role", sa.String(20), nullable=False, comment="as in crm.domain.access.Role"),
        sa.Column("agent_id", sa.Integer(), nullable=True, comment="the agent they are; null: none"),
        sa.Column(
            "is_narrow",
            sa.Boolean(),
            nullable=False,
            comment="sees only what `account_reach` names; false: the whole office",
        ),
        sa.Column("language", sa.String(5), nullable=False, comment="of the pages, such as en"),
        sa.Column("password", sa.String(200), nullable=False, comment="argon2id, as PHC writes it; empty: none yet"),
        sa.Column(
            "totp",
            sa.String(64),
            nullable=False,
            comment="secret of the one-time codes (RFC 6238), which is needed as it is to check them; empty: none",
        ),
        sa.Column(
            "totp_step",
            sa.Integer(),
            nullable=False,
            comment="the 30 seconds of the last code taken, so that none counts twice",
        ),
        sa.Column("failures", sa.Integer(), nullable=False, comment="wrong passwords and codes in a row"),
        sa.Column("locked_until", UtcDateTime(), nullable=True, comment="no sign-in before; null: at any time"),
        sa.Column("disabled_at", UtcDateTime(), nullable=True, comment="null: may sign in"),
        sa.Column("made_by", sa.String(80), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name="fk_account_agent_id_agent", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("name", name="uq_account_name"),
        sa.UniqueConstraint("agent_id", name="uq_account_agent_id"),
    )
    op.create_table(
        "account_reach",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=True),
        sa.Column("subteam_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("(property_id IS NULL) <> (subteam_id IS NULL)", name="ck_account_reach_one"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_account_reach_account_id_account", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name="fk_account_reach_property_id_property", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subteam_id"], ["subteam.id"], name="fk_account_reach_subteam_id_subteam", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_account_reach"),
        sa.UniqueConstraint("account_id", "property_id", name="uq_account_reach_account_id_property_id"),
        sa.UniqueConstraint("account_id", "subteam_id", name="uq_account_reach_account_id_subteam_id"),
    )
    op.create_table(
        "account_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the token in the cookie"),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=False, comment="the last time, to a few minutes"),
        sa.Column("idle_until", UtcDateTime(), nullable=False, comment="over then, unless it is used"),
        sa.Column("expires_at", UtcDateTime(), nullable=False, comment="over then, however much it is used"),
        sa.Column("address", sa.String(45), nullable=False, comment="the network address at sign-in"),
        sa.Column("browser", sa.String(120), nullable=False, comment="what it calls itself"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_account_session_account_id_account", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_account_session"),
        sa.UniqueConstraint("digest", name="uq_account_session_digest"),
    )
    op.create_index("ix_account_session_account_id", "account_session", ["account_id"])
    op.create_index("ix_account_session_expires_at", "account_session", ["expires_at"])
    op.create_table(
        "account_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the token in the link"),
        sa.Column("made_by", sa.String(80), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_account_link_account_id_account", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_account_link"),
        sa.UniqueConstraint("digest", name="uq_account_link_digest"),
    )
    op.create_index("ix_account_link_account_id", "account_link", ["account_id"])


def downgrade() -> None:
    op.drop_table("account_link")
    op.drop_table("account_session")
    op.drop_table("account_reach")
    op.drop_table("account")
