"""Leads that may be one person are proposed, and a person decides; who asked about one home is found by an index.

Why: what comes in may contradict what is known of the person it seems to come from.
What happens to rows that are there: nothing.
Down: what was proposed, and decided about it, goes.

Revision ID: 0043
Revises: 0042
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    op.create_table(
        "lead_proposal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=False),
        sa.Column("pair", sa.String(24), nullable=False, comment="both ids, the lower one first, such as 12-15"),
        sa.Column("reason", sa.String(20), nullable=False, comment="as in crm.domain.merging.ProposalReason"),
        sa.Column("said", sa.Text(), nullable=False, comment="what came in, as a sentence"),
        sa.Column("state", sa.String(10), server_default="open", nullable=False, comment="open, merged or dismissed"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(80), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["lead.id"], name=op.f("fk_lead_proposal_lead_id_lead"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["lead.id"], name=op.f("fk_lead_proposal_other_id_lead"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_proposal")),
    )
    op.create_index("ix_lead_proposal_lead_id", "lead_proposal", ["lead_id"])
    op.create_index("ix_lead_proposal_other_id", "lead_proposal", ["other_id"])
    op.create_index("ix_lead_proposal_pair", "lead_proposal", ["pair"])
    op.create_index("ix_lead_proposal_state", "lead_proposal", ["state", "id"])
    op.create_index(
        "uq_lead_proposal_open", "lead_proposal", ["pair"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_index("ix_interest_unit", "interest", ["unit_id", "lead_id"])


def downgrade() -> None:
    op.drop_index("ix_interest_unit", "interest")
    op.drop_table("lead_proposal")
