"""Each person who wrote has a row that says where the office stands with them, and each may have a draft.

Why: a list of everybody who waits for an answer would have to read all texts and emails.
What happens to rows that are there: whoever wrote, or was written to by somebody of the office, gets a row. They wait
if the task to answer them is open; those of closed leads are done. The triggers that keep rows right are created when
all migrations are done (crm/store/inboxes.py).
Down: the tables go.

Revision ID: 0075
Revises: 0074
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0074"
branch_labels = None
depends_on = None

_WRITTEN = """
    SELECT message.lead_id AS lead_id,
        CASE WHEN message.direction = 'in' THEN message.from_number ELSE message.to_number END AS number,
        message.property_id AS property_id, message.created_at AS at, message.direction AS direction,
        substr(message.body, 1, 200) AS words
    FROM message WHERE message.direction = 'in' OR message.purpose = 'agent'
    UNION ALL
    SELECT mail.lead_id, NULL, NULL, mail.created_at, mail.direction, substr(mail.body, 1, 200)
    FROM mail WHERE mail.lead_id IS NOT NULL AND (mail.direction = 'in' OR mail.purpose = 'personal')
"""


def upgrade() -> None:
    op.create_table(
        "inbox_thread",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=True, comment="null: whoever has `number`, who is no lead"),
        sa.Column("number", sa.String(20), nullable=True, comment="E.164; null: the lead's numbers count"),
        sa.Column(
            "property_id",
            sa.Integer(),
            nullable=True,
            comment="that somebody who is no lead wrote to; null: unknown",
        ),
        sa.Column("agent_id", sa.Integer(), nullable=True, comment="whose it is; of a lead, a trigger keeps it"),
        sa.Column(
            "last_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when they or somebody of the office wrote last; null: nobody yet",
        ),
        sa.Column("last_direction", sa.String(3), nullable=False, server_default="", comment="in or out"),
        sa.Column(
            "last_words",
            sa.String(200),
            nullable=False,
            server_default="",
            comment="how that begins, as lists show it",
        ),
        sa.Column(
            "is_waiting",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="they wrote, and nobody has answered",
        ),
        sa.Column(
            "is_done",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="put away until they write again",
        ),
        sa.Column(
            "snoozed_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="it is not in lists before that, unless they write",
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name="fk_inbox_thread_agent_id_agent", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name="fk_inbox_thread_lead_id_lead", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["property_id"], ["property.id"], name="fk_inbox_thread_property_id_property", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_inbox_thread"),
        sa.UniqueConstraint("lead_id", name="uq_inbox_thread_lead_id"),
        sa.UniqueConstraint("number", name="uq_inbox_thread_number"),
    )
    op.create_table(
        "inbox_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("way", sa.String(10), nullable=False, comment="text or mail"),
        sa.Column("subject", sa.String(200), nullable=False, server_default=""),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "version", sa.Integer(), nullable=False, comment="grows with each change, so that two writers notice"
        ),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(80), nullable=False),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["inbox_thread.id"], name="fk_inbox_draft_thread_id_inbox_thread", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_inbox_draft"),
        sa.UniqueConstraint("thread_id", "way", name="uq_inbox_draft_thread_id_way"),
    )
    open_tasks = "SELECT {} FROM task WHERE done_at IS NULL AND kind IN ('reply', 'inquiry')"
    op.execute(
        f"""
        INSERT INTO inbox_thread (lead_id, agent_id, last_at, last_direction, last_words, is_waiting, is_done)
        SELECT latest.lead_id, lead.assigned_agent_id, latest.at, latest.direction, latest.words,
            lead.id IN ({open_tasks.format("lead_id")} AND lead_id IS NOT NULL), lead.status = 'closed'
        FROM (
            SELECT written.*, row_number() OVER (PARTITION BY lead_id ORDER BY at DESC) AS place
            FROM ({_WRITTEN}) AS written WHERE lead_id IS NOT NULL
        ) AS latest JOIN lead ON lead.id = latest.lead_id WHERE latest.place = 1
        """
    )
    op.execute(
        f"""
        INSERT INTO inbox_thread (number, property_id, last_at, last_direction, last_words, is_waiting)
        SELECT latest.number, coalesce(contact.property_id, latest.property_id), latest.at, latest.direction,
            latest.words, 'writer:' || latest.number IN ({open_tasks.format("person")} AND lead_id IS NULL)
        FROM (
            SELECT written.*, row_number() OVER (PARTITION BY number ORDER BY at DESC) AS place
            FROM ({_WRITTEN}) AS written WHERE lead_id IS NULL
        ) AS latest JOIN contact ON contact.number = latest.number WHERE latest.place = 1
        """
    )
    # Made now, so that they are filled in order.
    op.create_index("ix_inbox_thread_open", "inbox_thread", ["is_done", "is_waiting", "last_at", "id"])
    op.create_index("ix_inbox_thread_agent", "inbox_thread", ["agent_id", "is_done", "is_waiting", "last_at", "id"])
    op.create_index("ix_inbox_thread_last", "inbox_thread", ["last_at", "id"])
    for name in ("snoozed_until", "property_id"):
        there = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_inbox_thread_{name.partition('_')[0]}",
            "inbox_thread",
            [name],
            sqlite_where=there,
            postgresql_where=there,
        )


def downgrade() -> None:
    op.drop_table("inbox_draft")
    op.drop_table("inbox_thread")
