"""Every call, order and emergency call belongs to a node.

Why: two systems on one database each ended the open calls of the other.
What happens to rows that are there: calls and emergency calls get the name of the home that migrates. Where nobody says
which one that is, they stay without, and every node takes them for its own, as before.
Down: which node had what is forgotten.

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

NODE = "name of the node that has it; empty: the only one there was"


def upgrade() -> None:
    op.create_table(
        "node",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("place", sa.String(length=300), nullable=False, comment="machine and folder of the home"),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, comment="the app's latest sign of life here"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_node")),
    )
    for table in ("call", "emergency_call"):
        op.add_column(table, sa.Column("node", sa.String(16), server_default="", nullable=False, comment=NODE))
    op.add_column(
        "call_order",
        sa.Column(
            "node",
            sa.String(length=16),
            server_default="",
            nullable=False,
            comment="name of the node that carries it out, or tried last; empty: none has yet",
        ),
    )
    config = op.get_context().config
    node = config.attributes.get("node", "") if config else ""
    for table in (sa.table("call", sa.column("node")), sa.table("emergency_call", sa.column("node"))):
        op.execute(table.update().values(node=node))


def downgrade() -> None:
    for table in ("call_order", "emergency_call", "call"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("node")
    op.drop_table("node")
