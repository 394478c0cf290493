"""What an office writes in place of the standard texts, in each language.

Why: a text that callers get could only be changed in the program.
What happens to rows that are there: there are none; the standard texts stay in force.
Down: what was written is lost.

Revision ID: 0068
Revises: 0067
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "text_wording",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "name",
            sa.String(60),
            nullable=False,
            comment="as in crm.domain.text_templates, or of a step of the follow-ups",
        ),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="with placeholders, such as {name}"),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_wording")),
        sa.UniqueConstraint("name", "language", name=op.f("uq_text_wording_name_language")),
    )


def downgrade() -> None:
    op.drop_table("text_wording")
