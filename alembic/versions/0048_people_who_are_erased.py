"""People who ask to be forgotten are erased; that it was done stays, and what is left to do outside of the database.

Why: files can only be removed once the rows are gone for good, and a process may be killed in between.
What happens to rows that are there: nothing.
Down: it is forgotten who was erased, and files that were still to be removed stay.

Revision ID: 0048
Revises: 0047
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False, comment="the id they had, which nobody gets again"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("why", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    op.create_index("ix_erasure_lead_id", "erasure", ["lead_id"])
    op.create_table(
        "erased_identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("erasure_id", sa.Integer(), nullable=False),
        sa.Column(
            "hash",
            sa.String(64),
            nullable=False,
            comment="HMAC-SHA256 of a number (E.164) or an address in lower case",
        ),
        sa.ForeignKeyConstraint(
            ["erasure_id"], ["erasure.id"], name=op.f("fk_erased_identity_erasure_id_erasure"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erased_identity")),
    )
    op.create_index("ix_erased_identity_erasure_id", "erased_identity", ["erasure_id"])
    op.create_index("ix_erased_identity_hash", "erased_identity", ["hash"])
    op.create_table(
        "erasure_work",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("erasure_id", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(40), nullable=False, comment="on whose disk it is; empty: the only one's"),
        sa.Column("kind", sa.String(10), nullable=False, comment="as in crm.services.people.erasing.WorkKind"),
        sa.Column(
            "what",
            sa.String(300),
            nullable=False,
            comment="name of a file, id of a call, or words to make illegible in logs",
        ),
        sa.ForeignKeyConstraint(
            ["erasure_id"], ["erasure.id"], name=op.f("fk_erasure_work_erasure_id_erasure"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_work")),
    )
    op.create_index("ix_erasure_work_erasure_id", "erasure_work", ["erasure_id"])
    op.create_index("ix_erasure_work_node", "erasure_work", ["node"])


def downgrade() -> None:
    op.drop_table("erasure_work")
    op.drop_table("erased_identity")
    op.drop_table("erasure")
