"""Short names that something had before it was renamed.

Why: facts of calls in progress, links that are out and settings use a name that was right when they were written.
What happens to rows that are there: nothing has been renamed yet.
Down: former names are forgotten.

Revision ID: 0072
Revises: 0071
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "former_name",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False, comment="table of what had the name"),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False, comment="id of what had it, in that table"),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False, comment="when it got another name"),
        sa.PrimaryKeyConstraint("id", name="pk_former_name"),
    )
    op.create_index("ix_former_name_kind_name", "former_name", ["kind", "name", "until"])
    op.create_index("ix_former_name_row", "former_name", ["kind", "row_id"])


def downgrade() -> None:
    op.drop_table("former_name")
