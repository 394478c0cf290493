"""Short links in texts, one for each person and cause, so that opening one shows in their timeline.

Why: a text has room for a short link only, and whoever opens one is interested.
What happens to rows that are there: nothing.
Down: the table goes, and its links lead nowhere.

Revision ID: 0035
Revises: 0034
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "short_link",
        sa.Column("token", sa.String(16), nullable=False, comment="the end of its address; random"),
        sa.Column("key", sa.String(120), nullable=False, comment="what it is for; the same cause makes one"),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(200), nullable=False, comment="of the site, such as /properties/elm"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="after that it leads to the list of homes, and nobody is told",
        ),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True, comment="the last time; null: not yet"),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_short_link_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_short_link")),
        sa.UniqueConstraint("key", name=op.f("uq_short_link_key")),
    )
    op.create_index(op.f("ix_short_link_lead_id"), "short_link", ["lead_id"])


def downgrade() -> None:
    op.drop_table("short_link")
