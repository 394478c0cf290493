"""Whose mail goes to an address is found by an index.

Why: two leads may share one, and erasing either, or taking the address from either, read all leads for it.
What happens to rows that are there: nothing.
Down: the index goes.

Revision ID: 0086
Revises: 0085
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0086"
down_revision = "0085"
branch_labels = None
depends_on = None

_NAME = "ix_lead_email_lower"


def upgrade() -> None:
    some = sa.text("email != ''")
    op.create_index(_NAME, "lead", [sa.text("lower(email)")], sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    op.drop_index(_NAME, table_name="lead")
