"""A sender that is no telephone number is kept whole.

Why: whatsapp:+15125550199 was cut to the length of a number, and nobody could tell who it was.
What happens to rows that are there: nothing.
Down: longer ones are cut.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

COMMENT = "E.164, or a sender of another kind as it came"


def upgrade() -> None:
    with op.batch_alter_table("message") as message:
        message.alter_column(
            "from_number",
            existing_type=sa.String(length=20),
            type_=sa.String(length=80),
            existing_nullable=False,
            comment=COMMENT,
        )


def downgrade() -> None:
    op.execute("UPDATE message SET from_number = substr(from_number, 1, 20)")
    with op.batch_alter_table("message") as message:
        message.alter_column(
            "from_number",
            existing_type=sa.String(length=80),
            type_=sa.String(length=20),
            existing_nullable=False,
            comment=None,
            existing_comment=COMMENT,
        )
