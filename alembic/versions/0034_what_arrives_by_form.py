"""What comes in by a form is kept as it came; consents to texts with their wording.

Why: nothing that comes from outside may be lost, also when what reads it is mended later; and a consent is worth what
it can be shown to have said (47 CFR 64.1200(f)(9)).
What happens to rows that are there: nothing.
Down: both tables go.

Revision ID: 0034
Revises: 0033
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "arrival",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(120), nullable=False, comment="the same thing has the same key, and comes once"),
        sa.Column("channel", sa.String(40), nullable=False, comment="how it came, such as form:question"),
        sa.Column("raw", sa.JSON(), nullable=False, comment="as it came"),
        sa.Column("parser", sa.String(40), nullable=False, comment="what read it"),
        sa.Column("parser_version", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=True, comment="whose it is; null: it could not be read"),
        sa.Column("problem", sa.String(300), nullable=False, comment="why it could not be read; empty: it was"),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_arrival_lead_id_lead"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrival")),
        sa.UniqueConstraint("key", name=op.f("uq_arrival_key")),
    )
    op.create_index("ix_arrival_received", "arrival", ["received_at", "id"])
    op.create_index(op.f("ix_arrival_lead_id"), "arrival", ["lead_id"])
    op.create_table(
        "consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(20), nullable=False, comment="E.164"),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("version", sa.String(20), nullable=False, comment="of the wording"),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("arrival_id", sa.Integer(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_consent_lead_id_lead"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["arrival_id"], ["arrival.id"], name=op.f("fk_consent_arrival_id_arrival"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(op.f("ix_consent_lead_id"), "consent", ["lead_id"])
    op.create_index(op.f("ix_consent_number"), "consent", ["number"])


def downgrade() -> None:
    op.drop_table("consent")
    op.drop_table("arrival")
