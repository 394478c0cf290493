"""The first tables.

Why: the office (properties, lines, agents and their devices, hours, trunks), the people who call, and what happened:
calls with their facts, messages, tasks, the leads' timelines.
What happens to rows that are there: there are none.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The code keeps UTC in every time; SQLite stores it without a zone.
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "agent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("extension", sa.String(length=10), nullable=True, comment="dialled by colleagues"),
        sa.Column("on_duty", sa.Boolean(), nullable=False),
        sa.Column(
            "last_talk_ended_at", TIME, nullable=True, comment="round robin: longest idle first, null first of all"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent")),
        sa.UniqueConstraint("extension", name=op.f("uq_agent_extension")),
        sa.UniqueConstraint("slug", name=op.f("uq_agent_slug")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("who", sa.String(length=80), nullable=False),
        sa.Column("what", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_table(
        "hours",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False, comment="0 is Monday"),
        sa.Column("opens", sa.String(length=5), nullable=False, comment="HH:MM"),
        sa.Column("closes", sa.String(length=5), nullable=False, comment="HH:MM, up to 24:00"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hours")),
    )
    op.create_table(
        "subteam",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("strategy", sa.String(length=20), nullable=False, comment="ring_all or round_robin"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subteam")),
        sa.UniqueConstraint("slug", name=op.f("uq_subteam_slug")),
    )
    op.create_table(
        "trunk",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("host", sa.String(length=200), nullable=False, comment="where calls and texts are sent"),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("transport", sa.String(length=5), nullable=False, comment="udp or tcp"),
        sa.Column(
            "auth", sa.String(length=10), nullable=False, comment="address or digest: how the peer proves who it is"
        ),
        sa.Column("addresses", sa.JSON(), nullable=False, comment="addresses or networks its calls come from"),
        sa.Column("username", sa.String(length=80), nullable=False, comment="digest user, both ways"),
        sa.Column("register", sa.Boolean(), nullable=False, comment="we register with the peer"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trunk")),
        sa.UniqueConstraint("slug", name=op.f("uq_trunk_slug")),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="desk, softphone, browser or mobile"),
        sa.Column("dnd", sa.Boolean(), nullable=False),
        sa.Column("dnd_until", TIME, nullable=True, comment="null with dnd set: until switched off"),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_device_agent_id_agent"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("slug", name=op.f("uq_device_slug")),
    )
    op.create_table(
        "lead",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True, comment="null until somebody knows it"),
        sa.Column("status", sa.String(length=20), nullable=False, comment="new, in_progress or closed"),
        sa.Column("source", sa.String(length=60), nullable=False, comment="source of the first line they called"),
        sa.Column("assigned_agent_id", sa.Integer(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["assigned_agent_id"], ["agent.id"], name=op.f("fk_lead_assigned_agent_id_agent"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead")),
    )
    op.create_table(
        "organization",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("listings_url", sa.String(length=500), nullable=False, comment="texted where a property has none"),
        sa.Column("admin_agent_id", sa.Integer(), nullable=True, comment="owns every task that has no better owner"),
        sa.ForeignKeyConstraint(["admin_agent_id"], ["agent.id"], name=op.f("fk_organization_admin_agent_id_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
    )
    op.create_table(
        "property",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("listings_url", sa.String(length=500), nullable=False),
        sa.Column("subteam_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["subteam_id"], ["subteam.id"], name=op.f("fk_property_subteam_id_subteam")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_property")),
        sa.UniqueConstraint("slug", name=op.f("uq_property_slug")),
    )
    op.create_table(
        "subteam_member",
        sa.Column("subteam_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_subteam_member_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subteam_id"], ["subteam.id"], name=op.f("fk_subteam_member_subteam_id_subteam"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subteam_id", "agent_id", name=op.f("pk_subteam_member")),
    )
    op.create_table(
        "interest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=30), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_interest_lead_id_lead"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name=op.f("fk_interest_property_id_property"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interest")),
        sa.UniqueConstraint("lead_id", "property_id", name=op.f("uq_interest_lead_id_property_id")),
    )
    op.create_table(
        "lead_phone",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False, comment="E.164"),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_phone_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_phone")),
        sa.UniqueConstraint("number", name=op.f("uq_lead_phone_number")),
    )
    op.create_index(op.f("ix_lead_phone_lead_id"), "lead_phone", ["lead_id"])
    op.create_table(
        "line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "number", sa.String(length=20), nullable=False, comment="E.164, or an extension of the office's system"
        ),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column(
            "source", sa.String(length=60), nullable=False, comment="where callers saw it: sign, website, an ILS"
        ),
        sa.Column("greeting", sa.Text(), nullable=False, comment="spoken first; empty is the standard greeting"),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("property_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["property_id"], ["property.id"], name=op.f("fk_line_property_id_property")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line")),
        sa.UniqueConstraint("number", name=op.f("uq_line_number")),
    )
    op.create_table(
        "call",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column(
            "did", sa.String(length=40), nullable=False, comment="number dialled, E.164 where it is a telephone number"
        ),
        sa.Column("line_id", sa.Integer(), nullable=True, comment="null: unknown DID"),
        sa.Column("trunk", sa.String(length=40), nullable=False),
        sa.Column("caller", sa.String(length=20), nullable=True, comment="E.164; null is withheld or malformed"),
        sa.Column("lead_id", sa.Integer(), nullable=True),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("talk_started_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("step", sa.String(length=20), nullable=False, comment="the step the call is in or ended in"),
        sa.Column("outcome", sa.String(length=20), nullable=True, comment="null while the call is up"),
        sa.Column("ended_by", sa.String(length=10), nullable=False, comment="caller, agent or system"),
        sa.Column("without_app", sa.Boolean(), nullable=False, comment="the dialplan's last resort had a part in it"),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_call_lead_id_lead"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["line_id"], ["line.id"], name=op.f("fk_call_line_id_line"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
    )
    op.create_index(op.f("ix_call_caller"), "call", ["caller"])
    op.create_index(op.f("ix_call_lead_id"), "call", ["lead_id"])
    op.create_index(op.f("ix_call_outcome"), "call", ["outcome"])
    op.create_index(op.f("ix_call_started_at"), "call", ["started_at"])
    op.create_table(
        "activity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column(
            "kind",
            sa.String(length=30),
            nullable=False,
            comment="CallFromProspect, Text, ...: the industry's event names",
        ),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("call_id", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_activity_call_id_call"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_activity_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
        sa.UniqueConstraint("key", name=op.f("uq_activity_key")),
    )
    op.create_index(op.f("ix_activity_lead_id"), "activity", ["lead_id"])
    op.create_table(
        "call_event",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_event_call_id_call"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_event")),
    )
    op.create_index(op.f("ix_call_event_call_id"), "call_event", ["call_id"])
    op.create_table(
        "leg",
        sa.Column("id", sa.String(length=80), nullable=False, comment="the channel's id, which we give it"),
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False, comment="slug, kept when the device is deleted"),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("stage", sa.String(length=20), nullable=False, comment="agent, subteam, everyone or last_resort"),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("answered_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False, comment="DialStatus once it is known"),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_leg_agent_id_agent"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_leg_call_id_call"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leg")),
    )
    op.create_index(op.f("ix_leg_call_id"), "leg", ["call_id"])
    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "key", sa.String(length=120), nullable=False, comment="what it is for; the same cause never texts twice"
        ),
        sa.Column("purpose", sa.String(length=20), nullable=False, comment="listings_link or missed_call"),
        sa.Column("to_number", sa.String(length=20), nullable=False),
        sa.Column("from_number", sa.String(length=20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=True),
        sa.Column("call_id", sa.String(length=80), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False, comment="queued, sending, sent, failed or unknown"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=True),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_message_call_id_call"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_message_lead_id_lead"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("key", name=op.f("uq_message_key")),
    )
    op.create_index(op.f("ix_message_lead_id"), "message", ["lead_id"])
    op.create_index(op.f("ix_message_outbox"), "message", ["state", "next_attempt_at"])
    op.create_index(op.f("ix_message_to_number"), "message", ["to_number"])
    op.create_table(
        "routing_decision",
        sa.Column("id", sa.String(length=120), nullable=False, comment="id of the fact that told it"),
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("stages", sa.JSON(), nullable=False, comment="names of the stages planned, in order"),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call.id"], name=op.f("fk_routing_decision_call_id_call"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_decision")),
    )
    op.create_index(op.f("ix_routing_decision_call_id"), "routing_decision", ["call_id"])
    op.create_table(
        "task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False, comment="its cause; one cause makes one task"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="call_back, listen, follow_up or unknown_did"),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=True),
        sa.Column("call_id", sa.String(length=80), nullable=True),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("done_at", TIME, nullable=True),
        sa.Column("result", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_task_call_id_call"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_task_lead_id_lead"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["owner_id"], ["agent.id"], name=op.f("fk_task_owner_id_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("key", name=op.f("uq_task_key")),
    )
    op.create_index(op.f("ix_task_due_at"), "task", ["due_at"])
    op.create_index(op.f("ix_task_lead_id"), "task", ["lead_id"])
    op.create_table(
        "voicemail",
        sa.Column("call_id", sa.String(length=80), nullable=False),
        sa.Column("file", sa.String(length=200), nullable=False, comment="name in the recordings folder"),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("left_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_voicemail_call_id_call"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_voicemail")),
    )


def downgrade() -> None:
    tables = (
        "voicemail",
        "task",
        "routing_decision",
        "message",
        "leg",
        "call_event",
        "activity",
        "call",
        "line",
        "lead_phone",
        "interest",
        "subteam_member",
        "property",
        "organization",
        "lead",
        "device",
        "trunk",
        "subteam",
        "hours",
        "audit_entry",
        "agent",
    )
    for table in tables:
        op.drop_table(table)
