"""What the routing decision knows: holidays and special days, agents' hours, sister subteams, contacts and desks.

Why: a call is to reach the right property and people at every hour, and the decision is kept with what it was taken
from.
What happens to rows that are there: hours stay the office's; decisions of the past have no inputs and cannot be
replayed; calls of the past are about no property of their own.
Down: all of this is lost; hours of single properties, too.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "agent_hours",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False, comment="0 is Monday"),
        sa.Column("opens", sa.String(length=5), nullable=False, comment="HH:MM"),
        sa.Column("closes", sa.String(length=5), nullable=False, comment="HH:MM, up to 24:00"),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_agent_hours_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_hours")),
    )
    with op.batch_alter_table("agent_hours", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_agent_hours_agent_id"), ["agent_id"], unique=False)

    op.create_table(
        "subteam_sister",
        sa.Column("subteam_id", sa.Integer(), nullable=False),
        sa.Column("sister_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sister_id"], ["subteam.id"], name=op.f("fk_subteam_sister_sister_id_subteam"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subteam_id"], ["subteam.id"], name=op.f("fk_subteam_sister_subteam_id_subteam"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subteam_id", "sister_id", name=op.f("pk_subteam_sister")),
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False, comment="E.164"),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="resident, owner or vendor"),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=10), nullable=False, comment="chosen in an earlier call"),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_contact_property_id_property"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("number", name=op.f("uq_contact_number")),
    )
    op.create_table(
        "desk",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind", sa.String(length=20), nullable=False, comment="resident, owner, vendor, maintenance or concern"
        ),
        sa.Column("property_id", sa.Integer(), nullable=True, comment="null: for properties without one of their own"),
        sa.Column("target", sa.String(length=60), nullable=False, comment="agent:SLUG, subteam:SLUG, or E.164"),
        sa.Column("confirm", sa.Boolean(), nullable=False, comment="who answers a number outside presses 1"),
        sa.Column("hours", sa.JSON(), nullable=False, comment="as 'mon-fri 09:00-17:00'; none: at any time"),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_desk_property_id_property"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk")),
        sa.UniqueConstraint("kind", "property_id", name=op.f("uq_desk_kind_property_id")),
    )
    op.create_table(
        "special_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=True, comment="null: everywhere"),
        sa.Column("opens", sa.String(length=5), nullable=False, comment="HH:MM; empty: closed all day"),
        sa.Column("closes", sa.String(length=5), nullable=False, comment="HH:MM, up to 24:00"),
        sa.Column("as_usual", sa.Boolean(), nullable=False, comment="open as in the week, though it is a holiday"),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_special_day_property_id_property"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_special_day")),
        sa.UniqueConstraint("day", "property_id", name=op.f("uq_special_day_day_property_id")),
    )
    with op.batch_alter_table("special_day", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_special_day_day"), ["day"], unique=False)

    op.create_table(
        "call_review",
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("routed_right", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("who", sa.String(length=80), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_review_call_id_call"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_call_review")),
    )
    with op.batch_alter_table("call_order", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "since",
                TIME,
                nullable=True,
                comment="the person keeps the place of who has waited since then, and is called when somebody is free",
            )
        )
        batch_op.add_column(
            sa.Column(
                "agents",
                sa.JSON(),
                server_default="[]",
                nullable=False,
                comment="slugs of those who may be rung for a kept place",
            )
        )

    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "kind",
                sa.String(length=10),
                server_default="prospect",
                nullable=False,
                comment="prospect, resident, owner or vendor",
            )
        )
        batch_op.add_column(
            sa.Column(
                "desk",
                sa.String(length=20),
                server_default="",
                nullable=False,
                comment="the desk it was for, beside leasing; empty: none",
            )
        )
        batch_op.add_column(
            sa.Column(
                "property_id", sa.Integer(), nullable=True, comment="what it was about: the line's, or chosen by key"
            )
        )
        batch_op.add_column(sa.Column("contact_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_call_property_id_property"), "property", ["property_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_call_contact_id_contact"), "contact", ["contact_id"], ["id"], ondelete="SET NULL"
        )

    with op.batch_alter_table("hours", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("property_id", sa.Integer(), nullable=True, comment="null: the office, else its own")
        )
        batch_op.create_index(batch_op.f("ix_hours_property_id"), ["property_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_hours_property_id_property"), "property", ["property_id"], ["id"], ondelete="CASCADE"
        )

    with op.batch_alter_table("lead", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "language",
                sa.String(length=10),
                server_default="",
                nullable=False,
                comment="chosen in an earlier call; empty: the line's",
            )
        )

    with op.batch_alter_table("line", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "portfolio_id",
                sa.Integer(),
                nullable=True,
                comment="without a property: callers choose among these; null: among all",
            )
        )
        batch_op.create_foreign_key(batch_op.f("fk_line_portfolio_id_portfolio"), "portfolio", ["portfolio_id"], ["id"])

    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "calendar",
                sa.Text(),
                server_default="",
                nullable=False,
                comment="an iCalendar file that is attached (RFC 5545)",
            )
        )

    with op.batch_alter_table("organization", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "holidays",
                sa.String(length=10),
                server_default="",
                nullable=False,
                comment="whose holidays close the office, e.g. US-TX; empty: none",
            )
        )
        batch_op.add_column(
            sa.Column(
                "answering_service",
                sa.String(length=20),
                nullable=True,
                comment="E.164 of who answers when nobody here does; null: nobody",
            )
        )

    with op.batch_alter_table("property", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "area",
                sa.String(length=60),
                server_default="",
                nullable=False,
                comment="as callers know it; long lists begin with areas",
            )
        )
        batch_op.add_column(
            sa.Column(
                "holidays",
                sa.String(length=10),
                server_default="",
                nullable=False,
                comment="e.g. US-TX; empty: the office's; none: it has none",
            )
        )

    with op.batch_alter_table("routing_decision", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("path", sa.String(length=20), server_default="", nullable=False, comment="routing.Path")
        )
        batch_op.add_column(
            sa.Column(
                "inputs",
                sa.JSON(),
                server_default="{}",
                nullable=False,
                comment="everything that was known; it can be decided again",
            )
        )
        batch_op.add_column(
            sa.Column("plan", sa.JSON(), server_default="{}", nullable=False, comment="what was decided")
        )

    with op.batch_alter_table("subteam", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("answering_service", sa.String(length=20), nullable=True, comment="E.164; null is the office's")
        )


def downgrade() -> None:
    op.execute("DELETE FROM hours WHERE property_id IS NOT NULL")
    with op.batch_alter_table("subteam", schema=None) as batch_op:
        batch_op.drop_column("answering_service")

    with op.batch_alter_table("routing_decision", schema=None) as batch_op:
        batch_op.drop_column("plan")
        batch_op.drop_column("inputs")
        batch_op.drop_column("path")

    with op.batch_alter_table("property", schema=None) as batch_op:
        batch_op.drop_column("holidays")
        batch_op.drop_column("area")

    with op.batch_alter_table("organization", schema=None) as batch_op:
        batch_op.drop_column("answering_service")
        batch_op.drop_column("holidays")

    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.drop_column("calendar")

    with op.batch_alter_table("line", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_line_portfolio_id_portfolio"), type_="foreignkey")
        batch_op.drop_column("portfolio_id")

    with op.batch_alter_table("lead", schema=None) as batch_op:
        batch_op.drop_column("language")

    with op.batch_alter_table("hours", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_hours_property_id_property"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_hours_property_id"))
        batch_op.drop_column("property_id")

    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_call_contact_id_contact"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_call_property_id_property"), type_="foreignkey")
        batch_op.drop_column("contact_id")
        batch_op.drop_column("desk")
        batch_op.drop_column("property_id")
        batch_op.drop_column("kind")

    op.execute("DELETE FROM call_order WHERE since IS NOT NULL")
    with op.batch_alter_table("call_order", schema=None) as batch_op:
        batch_op.drop_column("agents")
        batch_op.drop_column("since")

    op.drop_table("call_review")
    with op.batch_alter_table("special_day", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_special_day_day"))

    op.drop_table("special_day")
    op.drop_table("desk")
    op.drop_table("contact")
    op.drop_table("subteam_sister")
    with op.batch_alter_table("agent_hours", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_agent_hours_agent_id"))

    op.drop_table("agent_hours")
