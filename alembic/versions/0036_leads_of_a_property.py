"""The leads of a property are found by an index.

Why: with 100,000 leads, a list of the open ones of one property took 50 ms, because it looked at lead after lead.
What happens to rows that are there: they are indexed.
Down: the index goes.

Revision ID: 0036
Revises: 0035
"""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_interest_property_stage", "interest", ["property_id", "stage", "lead_id"])


def downgrade() -> None:
    op.drop_index("ix_interest_property_stage", "interest")
