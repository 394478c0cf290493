"""Former names of properties are kept, as callers say them, besides short names.

Why: who calls about an old advertisement says what the property was called then.
What happens to rows that are there: nothing; earlier names are not known.
Down: they go.

Revision ID: 0092
Revises: 0091
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0092"
down_revision = "0091"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("former_name") as batch:
        batch.alter_column("name", existing_type=sa.String(40), type_=sa.String(200), existing_nullable=False)


def downgrade() -> None:
    op.execute("DELETE FROM former_name WHERE kind = 'property.name'")
    with op.batch_alter_table("former_name") as batch:
        batch.alter_column("name", existing_type=sa.String(200), type_=sa.String(40), existing_nullable=False)
