"""Sources of leads: listing portals with an email address or a secret path of their own.

Why: portals post what they have unsigned, so that it comes to a path that nobody else knows, one for each, that can be
changed; and where a lead comes from shows in reports.
What happens to rows that are there: arrivals are from no source that is set up.
Down: the table goes, and portals can post nothing.

Revision ID: 0046
Revises: 0045
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

UNREAD = sa.text("read_at IS NULL")
PROBLEM = sa.text("problem <> ''")


def upgrade() -> None:
    op.create_table(
        "lead_source",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(40), nullable=False),
        sa.Column("name", sa.String(60), nullable=False, comment="as a lead's source shows it"),
        sa.Column("property_id", sa.Integer(), nullable=True, comment="what they ask about unless they say otherwise"),
        sa.Column(
            "address",
            sa.String(200),
            nullable=False,
            comment="what is sent to it is from there; lower case; empty: none",
        ),
        sa.Column("token_hash", sa.String(64), nullable=False, comment="SHA-256 of the end of its secret path"),
        sa.Column("old_token_hash", sa.String(64), nullable=True, comment="of the path before"),
        sa.Column(
            "old_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="until then the path before is accepted, too",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True, comment="null: it has its first path"),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_lead_source_property_id_property"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_source")),
        sa.UniqueConstraint("slug", name=op.f("uq_lead_source_slug")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_lead_source_token_hash")),
        sa.UniqueConstraint("old_token_hash", name=op.f("uq_lead_source_old_token_hash")),
    )
    op.create_index(op.f("ix_lead_source_address"), "lead_source", ["address"])
    _drop_partial_indexes()
    with op.batch_alter_table("arrival") as table:
        table.add_column(
            sa.Column(
                "source_id",
                sa.Integer(),
                sa.ForeignKey("lead_source.id", name=op.f("fk_arrival_source_id_lead_source"), ondelete="SET NULL"),
                nullable=True,
                comment="null: none that is set up",
            )
        )
    _create_partial_indexes()
    op.create_index("ix_arrival_source", "arrival", ["source_id", "received_at"])


def downgrade() -> None:
    op.drop_index("ix_arrival_source", "arrival")
    _drop_partial_indexes()
    with op.batch_alter_table("arrival") as table:
        table.drop_constraint(op.f("fk_arrival_source_id_lead_source"), type_="foreignkey")
        table.drop_column("source_id")
    _create_partial_indexes()
    op.drop_table("lead_source")


# SQLite rebuilds the table, and the conditions of its indexes would be lost on the way.


def _drop_partial_indexes() -> None:
    op.drop_index("ix_arrival_problem", "arrival")
    op.drop_index("ix_arrival_unread", "arrival")


def _create_partial_indexes() -> None:
    op.create_index("ix_arrival_unread", "arrival", ["id"], sqlite_where=UNREAD, postgresql_where=UNREAD)
    op.create_index(
        "ix_arrival_problem", "arrival", ["received_at", "id"], sqlite_where=PROBLEM, postgresql_where=PROBLEM
    )
