"""A lead is found by an email address as by a number.

Why: somebody who writes to us, or fills in a form, is known by an address alone, and stays one lead if it is unique.
What happens to rows that are there: a lead's address finds it, in lower case; one that several have finds the oldest.
Down: the table goes; the address that mail goes to stays with the lead.

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = op.create_table(
        "lead_email",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False, comment="in lower case"),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_email_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_email")),
        sa.UniqueConstraint("address", name=op.f("uq_lead_email_address")),
    )
    op.create_index(op.f("ix_lead_email_lead_id"), "lead_email", ["lead_id"])
    lead = sa.table("lead", sa.column("id", sa.Integer), sa.column("email", sa.String))
    address = sa.func.lower(lead.c.email)
    oldest = sa.select(sa.func.min(lead.c.id), address).where(lead.c.email != "").group_by(address)
    op.execute(table.insert().from_select(["lead_id", "address"], oldest))


def downgrade() -> None:
    op.drop_table("lead_email")
