"""Webhooks: who is told of what, what has happened that they may want to hear of, and deliveries.

Why: programs of others learn of leads, calls and tours without asking again and again.
What happens to rows that are there: nothing; of what happened before a webhook was added nobody is told.
Down: the tables go, and nobody is told of anything.

Revision ID: 0049
Revises: 0048
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    when = sa.DateTime(timezone=True)
    op.create_table(
        "webhook",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False, comment="as in crm.domain.webhooks.WebhookEvent"),
        sa.Column(
            "is_narrow",
            sa.Boolean(),
            nullable=False,
            comment="hears only of what `webhook_reach` names; false: of everything",
        ),
        sa.Column(
            "node",
            sa.String(16),
            server_default="",
            nullable=False,
            comment="name of the node that sends it, and has its secret",
        ),
        sa.Column("made_by", sa.String(80), nullable=False),
        sa.Column("made_at", when, nullable=False),
        sa.Column("stopped_at", when, nullable=True, comment="nothing is sent any more; null: it is"),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False, comment="in a row"),
        sa.Column("failing_since", when, nullable=True, comment="null: the last delivery arrived, or there was none"),
        sa.Column("told_at", when, nullable=True, comment="when the admin was told that it fails; null: not"),
        sa.Column("not_before", when, nullable=True, comment="after failures; null: at once"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_table(
        "webhook_reach",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("webhook_id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=True),
        sa.Column("subteam_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("(property_id IS NULL) <> (subteam_id IS NULL)", name=op.f("ck_webhook_reach_one")),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhook.id"], name=op.f("fk_webhook_reach_webhook_id_webhook"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_webhook_reach_property_id_property"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subteam_id"], ["subteam.id"], name=op.f("fk_webhook_reach_subteam_id_subteam"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_reach")),
        sa.UniqueConstraint("webhook_id", "property_id", name=op.f("uq_webhook_reach_webhook_id_property_id")),
        sa.UniqueConstraint("webhook_id", "subteam_id", name=op.f("uq_webhook_reach_webhook_id_subteam_id")),
    )
    op.create_table(
        "happening",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(20), nullable=False),
        sa.Column("at", when, nullable=True, comment="null: when it is noticed"),
        sa.Column("lead_id", sa.Integer(), nullable=True),
        sa.Column("call_id", sa.String(80), nullable=True),
        sa.Column("tour_id", sa.Integer(), nullable=True),
        sa.Column("property_id", sa.Integer(), nullable=True),
        sa.Column("was", sa.String(30), nullable=True, comment="stage or state before; null: there was none"),
        sa.Column("became", sa.String(30), nullable=True, comment="stage of the interest, or state of the tour"),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_happening_lead_id_lead"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_happening_call_id_call"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tour_id"], ["tour.id"], name=op.f("fk_happening_tour_id_tour"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_happening_property_id_property"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_happening")),
    )
    for column in ("lead_id", "call_id", "tour_id"):
        op.create_index(op.f(f"ix_happening_{column}"), "happening", [column])
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(40), nullable=False, comment="the header webhook-id"),
        sa.Column("webhook_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON, the same at each attempt"),
        sa.Column("replayed_at", when, nullable=True, comment="when somebody had it sent again; null: nobody has"),
        sa.Column("state", sa.String(10), nullable=False, comment="as in crm.domain.delivery.DeliveryState"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", when, nullable=True),
        sa.Column("error", sa.String(300), nullable=False),
        sa.Column("created_at", when, nullable=False),
        sa.Column("sent_at", when, nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhook.id"], name=op.f("fk_webhook_delivery_webhook_id_webhook"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint("key", name=op.f("uq_webhook_delivery_key")),
    )
    op.create_index("ix_webhook_delivery_queue", "webhook_delivery", ["webhook_id", "state", "next_attempt_at", "id"])
    op.create_index("ix_webhook_delivery_made", "webhook_delivery", ["created_at", "id"])


def downgrade() -> None:
    for table in ("webhook_delivery", "happening", "webhook_reach", "webhook"):
        op.drop_table(table)
