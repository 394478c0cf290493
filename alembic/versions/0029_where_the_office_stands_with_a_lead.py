"""Leads have a kind, are hot or cold, and know when they were last in contact; entries of a timeline say who made them.

Why: the list of leads is filtered and sorted by these, so they are columns rather than looked up in the timeline.
What happens to rows that are there: all leads become tenants; closed ones become cold, the others hot. The last contact
is the latest call, text or tour in the timeline, and the first answer the earliest talk, call out, or text of an agent.
Down: they go; the timeline keeps what they were made of.

Revision ID: 0029
Revises: 0028
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

CONTACTS = "('CallFromProspect', 'CallToProspect', 'Text', 'Appointment', 'Show')"
"""Of the timeline, what counts as a contact."""


def upgrade() -> None:
    with op.batch_alter_table("lead") as lead:
        lead.add_column(
            sa.Column("kind", sa.String(10), server_default="tenant", nullable=False, comment="tenant or owner")
        )
        lead.add_column(
            sa.Column(
                "is_hot", sa.Boolean(), server_default=sa.true(), nullable=False, comment="false: cold; closed is cold"
            )
        )
        lead.add_column(
            sa.Column(
                "closed_because",
                sa.String(300),
                server_default="",
                nullable=False,
                comment="as whoever closed it said; empty when it is open",
            )
        )
        for name, comment in (
            ("assigned_at", "null: by a call or text, not by hand or in turn"),
            ("last_contact_at", "the last call, text, mail, meeting or tour, either way; null: none yet"),
            (
                "first_answer_at",
                "when somebody first talked or wrote to them, or booked a tour with them; null: nobody yet",
            ),
        ):
            lead.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True, comment=comment))
        lead.create_index("ix_lead_contact", ["last_contact_at", "id"])
        lead.create_index("ix_lead_agent_assigned", ["assigned_agent_id", "assigned_at"])
    with op.batch_alter_table("organization") as organization:
        organization.add_column(
            sa.Column(
                "manages_for_owners",
                sa.Boolean(),
                server_default=sa.false(),
                nullable=False,
                comment="leads may be owners who want their property managed",
            )
        )
    with op.batch_alter_table("interest") as interest:
        interest.add_column(
            sa.Column(
                "unit_id",
                sa.Integer(),
                sa.ForeignKey("unit.id", name=op.f("fk_interest_unit_id_unit"), ondelete="SET NULL"),
                nullable=True,
                comment="the home they asked about last; null: none in particular",
            )
        )
    with op.batch_alter_table("activity") as activity:
        activity.alter_column("text", existing_type=sa.String(500), type_=sa.Text(), existing_nullable=False)
        activity.add_column(
            sa.Column(
                "by",
                sa.String(80),
                server_default="",
                nullable=False,
                comment="who did it, if a person at a terminal or a page did",
            )
        )
    op.create_table(
        "saved_filter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("filter", sa.JSON(), nullable=False, comment="as crm.domain.leads.LeadFilter"),
        sa.Column("made_by", sa.String(80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filter")),
        sa.UniqueConstraint("name", name=op.f("uq_saved_filter_name")),
    )
    op.execute("UPDATE lead SET is_hot = false WHERE status = 'closed'")
    op.execute(
        "UPDATE lead SET last_contact_at = (SELECT max(activity.at) FROM activity"
        f" WHERE activity.lead_id = lead.id AND activity.kind IN {CONTACTS})"
    )
    op.execute(
        "UPDATE lead SET first_answer_at = (SELECT min(call.started_at) FROM call WHERE call.lead_id = lead.id"
        " AND (call.outcome IN ('talked', 'interrupted', 'handed_over') OR call.direction = 'out'))"
    )
    op.execute(
        "UPDATE lead SET first_answer_at = (SELECT min(message.created_at) FROM message WHERE message.lead_id = lead.id"
        " AND message.purpose = 'agent') WHERE EXISTS (SELECT 1 FROM message WHERE message.lead_id = lead.id"
        " AND message.purpose = 'agent'"
        " AND (lead.first_answer_at IS NULL OR message.created_at < lead.first_answer_at))"
    )


def downgrade() -> None:
    op.drop_table("saved_filter")
    op.execute("UPDATE activity SET text = substr(text, 1, 500)")
    with op.batch_alter_table("activity") as activity:
        activity.drop_column("by")
        activity.alter_column("text", existing_type=sa.Text(), type_=sa.String(500), existing_nullable=False)
    with op.batch_alter_table("interest") as interest:
        interest.drop_column("unit_id")
    with op.batch_alter_table("organization") as organization:
        organization.drop_column("manages_for_owners")
    with op.batch_alter_table("lead") as lead:
        lead.drop_index("ix_lead_agent_assigned")
        lead.drop_index("ix_lead_contact")
        for name in ("first_answer_at", "last_contact_at", "assigned_at", "closed_because", "is_hot", "kind"):
            lead.drop_column(name)
