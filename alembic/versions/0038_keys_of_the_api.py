"""Keys of the REST API, the part of the office that each sees, and answers that are given again.

Why: programs that work with the office are told apart, and may do and see no more than they have to; a request that is
sent twice counts once.
What happens to rows that are there: nothing.
Down: all keys are gone.

Revision ID: 0038
Revises: 0037
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False, comment="slug; whose it is, as the audit says it"),
        sa.Column("prefix", sa.String(16), nullable=False, comment="the beginning of the key, which is no secret"),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the whole key, hexadecimal"),
        sa.Column("scopes", sa.JSON(), nullable=False, comment="as in crm.domain.access.Scope"),
        sa.Column(
            "is_narrow",
            sa.Boolean(),
            nullable=False,
            comment="sees only what `api_key_reach` names; false: the whole office",
        ),
        sa.Column("made_by", sa.String(80), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True, comment="null: never"),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True, comment="null: in force"),
        sa.Column(
            "used_at", sa.DateTime(timezone=True), nullable=True, comment="the last time, to a few minutes; null: never"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("name", name=op.f("uq_api_key_name")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_key_prefix")),
    )
    op.create_table(
        "api_key_reach",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=True),
        sa.Column("subteam_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("(property_id IS NULL) <> (subteam_id IS NULL)", name=op.f("ck_api_key_reach_one")),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_key.id"], name=op.f("fk_api_key_reach_key_id_api_key"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_api_key_reach_property_id_property"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subteam_id"], ["subteam.id"], name=op.f("fk_api_key_reach_subteam_id_subteam"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key_reach")),
        sa.UniqueConstraint("key_id", "property_id", name=op.f("uq_api_key_reach_key_id_property_id")),
        sa.UniqueConstraint("key_id", "subteam_id", name=op.f("uq_api_key_reach_key_id_subteam_id")),
    )
    op.create_table(
        "kept_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False, comment="the Idempotency-Key that the program chose"),
        sa.Column("fingerprint", sa.String(64), nullable=False, comment="SHA-256 of method, path and body"),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("location", sa.String(200), nullable=False, comment="empty: none"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_key.id"], name=op.f("fk_kept_answer_key_id_api_key"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_answer")),
        sa.UniqueConstraint("key_id", "name", name=op.f("uq_kept_answer_key_id_name")),
    )
    op.create_index("ix_kept_answer_made", "kept_answer", ["made_at"])


def downgrade() -> None:
    op.drop_table("kept_answer")
    op.drop_table("api_key_reach")
    op.drop_table("api_key")
