"""Tours.

Why: a showing gets a time that nobody else can have, reminders, and an outcome that moves the person's interest on; a
property may lie in another time zone than the office.
What happens to rows that are there: properties are in the office's zone, people have no email address, and no text
expires.
Down: tours, their hours and their blackouts are lost; reminders that wait are failed.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def new_columns() -> dict[str, list[sa.Column[object]]]:
    # Made anew for each use: a column belongs to one table.
    return {
        "property": [
            sa.Column(
                "timezone",
                sa.String(length=40),
                server_default="",
                nullable=False,
                comment="IANA; empty is the office's",
            ),
        ],
        "lead": [
            sa.Column("email", sa.String(length=200), server_default="", nullable=False),
        ],
        "message": [
            sa.Column("expires_at", TIME, nullable=True, comment="of no use any more after that, such as a reminder"),
        ],
    }


def upgrade() -> None:
    op.create_table(
        "tour_hours",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True, comment="who shows; null: nobody in particular"),
        sa.Column("weekday", sa.Integer(), nullable=False, comment="0 is Monday"),
        sa.Column("opens", sa.String(length=5), nullable=False, comment="HH:MM"),
        sa.Column(
            "closes", sa.String(length=5), nullable=False, comment="HH:MM, up to 24:00; the last tour has ended by then"
        ),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="accompanied, self_guided or remote"),
        sa.Column("minutes", sa.Integer(), nullable=False, comment="length of a tour"),
        sa.Column("buffer_minutes", sa.Integer(), nullable=False, comment="between one tour and the next"),
        sa.Column("capacity", sa.Integer(), nullable=False, comment="people who may have the same time"),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_tour_hours_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_tour_hours_property_id_property"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tour_hours")),
    )
    op.create_index(op.f("ix_tour_hours_property_id"), "tour_hours", ["property_id"])
    op.create_table(
        "tour_blackout",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=True),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_tour_blackout_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_tour_blackout_property_id_property"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tour_blackout")),
    )
    op.create_table(
        "tour_slot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False, comment="property, time, kind and agent"),
        sa.Column("property_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False, comment="tours booked in it; never more than its capacity"),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_tour_slot_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_tour_slot_property_id_property"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tour_slot")),
        sa.UniqueConstraint("key", name=op.f("uq_tour_slot_key")),
    )
    op.create_index(op.f("ix_tour_slot_property_id"), "tour_slot", ["property_id"])
    op.create_index(op.f("ix_tour_slot_starts_at"), "tour_slot", ["starts_at"])
    op.create_table(
        "tour",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False, comment="what asked for it; asking twice books once"),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(length=80), nullable=True, comment="booked in it"),
        sa.Column("state", sa.String(length=20), nullable=False, comment="booked, done, missed or cancelled"),
        sa.Column(
            "version", sa.Integer(), nullable=False, comment="grows when it is moved: links for an older one are void"
        ),
        sa.Column(
            "booked_by", sa.String(length=80), nullable=False, comment="keypad, web, or who did it at the command line"
        ),
        sa.Column("booked_at", TIME, nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_tour_call_id_call"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_tour_lead_id_lead"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["slot_id"], ["tour_slot.id"], name=op.f("fk_tour_slot_id_tour_slot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tour")),
        sa.UniqueConstraint("key", name=op.f("uq_tour_key")),
    )
    op.create_index(op.f("ix_tour_lead_id"), "tour", ["lead_id"])
    op.create_index(op.f("ix_tour_slot_id"), "tour", ["slot_id"])
    for table, columns in new_columns().items():
        with op.batch_alter_table(table) as altered:
            for column in columns:
                altered.add_column(column)


def downgrade() -> None:
    waiting = "purpose IN ('tour', 'tour_reminder') AND state IN ('queued', 'sending')"
    op.execute(f"UPDATE message SET state = 'failed', next_attempt_at = NULL WHERE {waiting}")
    for table, columns in reversed(new_columns().items()):
        with op.batch_alter_table(table) as altered:
            for column in reversed(columns):
                altered.drop_column(column.name)
    op.drop_table("tour")
    op.drop_table("tour_slot")
    op.drop_table("tour_blackout")
    op.drop_table("tour_hours")
