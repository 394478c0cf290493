"""Lists of leads that were exported, and who was in them; network addresses of forms are kept apart, and not for long.

Why: the timeline says when a lead was in a list that left the office. And a network address is needed only for as long
as somebody may have to look into abuse, while what was sent is kept.
What happens to rows that are there: exports that were made before are not known; network addresses move out of `raw`.
Down: exports are forgotten, and network addresses go back into `raw`.

Revision ID: 0051
Revises: 0050
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

IS_KEPT = sa.text("came_from <> ''")
UP = {
    "sqlite": (
        "UPDATE arrival SET came_from = substr(coalesce(json_extract(raw, '$.came_from'), ''), 1, 45),"
        " raw = json_remove(raw, '$.came_from') WHERE json_extract(raw, '$.came_from') IS NOT NULL"
    ),
    "postgresql": (
        "UPDATE arrival SET came_from = left(coalesce(raw ->> 'came_from', ''), 45),"
        " raw = (raw::jsonb - 'came_from')::json WHERE raw ->> 'came_from' IS NOT NULL"
    ),
}
DOWN = {
    "sqlite": "UPDATE arrival SET raw = json_set(raw, '$.came_from', came_from) WHERE came_from <> ''",
    "postgresql": (
        "UPDATE arrival SET raw = (raw::jsonb || jsonb_build_object('came_from', came_from))::json"
        " WHERE came_from <> ''"
    ),
}


def upgrade() -> None:
    op.create_table(
        "lead_export",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("what", sa.String(300), nullable=False, comment="as the timeline of each says it"),
        sa.Column("leads", sa.Integer(), nullable=False, comment="how many"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_export")),
    )
    op.create_table(
        "lead_export_part",
        sa.Column("export_id", sa.Integer(), nullable=False),
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"],
            ["lead_export.id"],
            name=op.f("fk_lead_export_part_export_id_lead_export"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("export_id", "block", name=op.f("pk_lead_export_part")),
    )
    op.create_index("ix_lead_export_part_block", "lead_export_part", ["block", "export_id"])
    op.add_column(
        "arrival",
        sa.Column(
            "came_from",
            sa.String(45),
            server_default="",
            nullable=False,
            comment="network address, for whoever has to look into abuse; empty: none, or no longer kept",
        ),
    )
    op.execute(UP[op.get_bind().dialect.name])
    op.create_index("ix_arrival_came_from", "arrival", ["received_at"], sqlite_where=IS_KEPT, postgresql_where=IS_KEPT)


def downgrade() -> None:
    op.execute(DOWN[op.get_bind().dialect.name])
    op.drop_index("ix_arrival_came_from", "arrival")
    op.drop_column("arrival", "came_from")
    op.drop_table("lead_export_part")
    op.drop_table("lead_export")
