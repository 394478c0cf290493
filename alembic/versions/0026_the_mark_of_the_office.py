"""The mark of the office, by which whoever has read all of it sees whether it has changed since.

Why: each call asked for lines, people and hours anew, with up to 15 statements.
What happens to rows that are there: nothing. The triggers that change the mark are made when all migrations are done
(crm/store/marks.py).
Down: the table goes.

Revision ID: 0026
Revises: 0025
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = op.create_table(
        "office_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(36), nullable=False, comment="random; another one after each change"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_mark")),
    )
    op.bulk_insert(table, [{"id": 1, "mark": uuid.uuid4().hex}])


def downgrade() -> None:
    op.drop_table("office_mark")
