"""A document of an application is known by its content.

Why: one that was sent twice, such as by a second click, was kept twice.
What happens to rows that are there: nothing; what they hold is not known, and if one is sent again, it is kept again.
Down: documents that are sent twice are kept twice.

Revision ID: 0095
Revises: 0094
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0095"
down_revision = "0094"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = "SHA-256 of the file, in hexadecimal; empty: sent before this was kept"
    op.add_column(
        "application_document", sa.Column("sha256", sa.String(64), nullable=False, server_default="", comment=comment)
    )


def downgrade() -> None:
    op.drop_column("application_document", "sha256")
