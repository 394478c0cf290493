"""The mark of the public site, by which whoever keeps its pages sees whether anything that they show has changed.

Why: the list of homes was read and written anew for each visitor.
What happens to rows that are there: nothing. The triggers that change the mark are made when all migrations are done
(crm/store/marks.py).
Down: the table goes.

Revision ID: 0052
Revises: 0051
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = op.create_table(
        "site_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(36), nullable=False, comment="random; another one after each change"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_mark")),
    )
    op.bulk_insert(table, [{"id": 1, "mark": uuid.uuid4().hex}])


def downgrade() -> None:
    op.drop_table("site_mark")
