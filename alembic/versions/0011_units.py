"""Units and what they are offered for.

Why: a caller asks what a home costs and when it is free; what they were told stays on record when the price changes.
What happens to rows that are there: there are none.
Down: units and listings are lost.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "unit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False, comment="as it stands on the door, e.g. 204B"),
        sa.Column("bedrooms", sa.Integer(), nullable=False, comment="0 is a studio"),
        sa.Column("bathrooms", sa.Numeric(precision=3, scale=1), nullable=False),
        sa.Column("square_feet", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_unit_property_id_property"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint("property_id", "name", name=op.f("uq_unit_property_id_name")),
    )
    op.create_table(
        "listing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="from 1; the highest is in force"),
        sa.Column("rent", sa.Numeric(precision=10, scale=2), nullable=False, comment="a month"),
        sa.Column("deposit", sa.Numeric(precision=10, scale=2), nullable=False),
        sa.Column("fees", sa.String(length=200), nullable=False),
        sa.Column("pets", sa.String(length=200), nullable=False),
        sa.Column("available_on", sa.Date(), nullable=True, comment="null: not to be had"),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_listing_unit_id_unit"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing")),
        sa.UniqueConstraint("unit_id", "version", name=op.f("uq_listing_unit_id_version")),
    )


def downgrade() -> None:
    op.drop_table("listing")
    op.drop_table("unit")
