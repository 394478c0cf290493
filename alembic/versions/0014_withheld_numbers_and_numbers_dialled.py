"""Calls know that their caller withholds the number; trunks know where the number dialled stands.

Why: nothing is texted to whoever withholds their number, where the law lets us know it at all; and a trunk that we
register with puts its account where others put the number dialled.
What happens to rows that are there: calls count as not withheld; trunks look in the usual places.
Down: both are forgotten.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("call") as table:
        table.add_column(
            sa.Column(
                "withheld",
                sa.Boolean(),
                server_default=sa.false(),
                nullable=False,
                comment="the caller withholds their number",
            )
        )
    with op.batch_alter_table("trunk") as table:
        table.add_column(
            sa.Column(
                "did_from",
                sa.String(length=60),
                server_default="",
                nullable=False,
                comment="where the number dialled stands, in order; empty: as usual",
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("trunk") as table:
        table.drop_column("did_from")
    with op.batch_alter_table("call") as table:
        table.drop_column("withheld")
