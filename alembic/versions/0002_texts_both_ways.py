"""Texts both ways.

Why: people answer our texts. A message gets a direction, its pieces, media links, who wrote it, the carrier's id, and
what the gate decided; the ledger of people who want no texts is a table of its own.
What happens to rows that are there: they are texts of ours, sent or waiting; nothing about them changes.
Down: received texts and the ledger are lost, so no text of ours may leave afterwards; those that wait are failed.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)

COMMENTS = (
    (
        "message",
        "purpose",
        20,
        "listings_link or missed_call",
        "why it was written, as in crm.domain.texts.Purpose",
    ),
    (
        "message",
        "state",
        10,
        "queued, sending, sent, failed or unknown",
        "queued, sending, sent, delivered, failed, blocked or unknown; received for one of theirs",
    ),
    (
        "task",
        "kind",
        20,
        "call_back, listen, follow_up or unknown_did",
        "call_back, listen, follow_up, reply or unknown_did",
    ),
)
"""Table, column, length, old and new comment."""
INDEXES = {
    "ix_message_from_number": ["from_number"],
    "ix_message_carrier_id": ["carrier_id"],
    "ix_message_person_sent": ["to_number", "sent_at"],
    "ix_message_sent_at": ["sent_at"],
}


def new_columns() -> list[sa.Column[object]]:
    # Made anew for each use: a column belongs to one table.
    return [
        sa.Column("direction", sa.String(length=3), nullable=False, server_default="out", comment="in or out"),
        sa.Column("media", sa.JSON(), nullable=False, server_default="[]", comment="MMS: links, as they came"),
        sa.Column(
            "segments", sa.Integer(), nullable=False, server_default="0", comment="pieces it is sent and paid in"
        ),
        sa.Column("agent_id", sa.Integer(), nullable=True, comment="who wrote it"),
        sa.Column("carrier", sa.String(length=10), nullable=False, server_default="", comment="sip, twilio or telnyx"),
        sa.Column("carrier_id", sa.String(length=120), nullable=True, comment="the carrier's own id of it"),
        sa.Column(
            "decision",
            sa.String(length=10),
            nullable=False,
            server_default="",
            comment="what the gate said last: send, wait or block",
        ),
        sa.Column("decision_reasons", sa.JSON(), nullable=False, server_default="[]"),
    ]


def upgrade() -> None:
    with op.batch_alter_table("message") as message:
        for column in new_columns():
            message.add_column(column)
        message.create_foreign_key(
            op.f("fk_message_agent_id_agent"), "agent", ["agent_id"], ["id"], ondelete="SET NULL"
        )
    for name, columns in INDEXES.items():
        op.create_index(name, "message", columns)
    op.create_table(
        "opt_out",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False, comment="E.164"),
        sa.Column(
            "scope", sa.String(length=10), nullable=False, comment="texts, or all: no texts and no calls of ours"
        ),
        sa.Column("source", sa.String(length=20), nullable=False, comment="keyword, sentence, carrier or admin"),
        sa.Column(
            "evidence",
            sa.String(length=300),
            nullable=False,
            comment="the words, the carrier's error, or the admin's why",
        ),
        sa.Column("message_id", sa.Integer(), nullable=True, comment="the text that said so, or that was refused"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True, comment="null: in force"),
        sa.Column("ended_source", sa.String(length=20), nullable=False, comment="keyword or admin"),
        sa.Column("ended_evidence", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_opt_out_message_id_message"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_out")),
    )
    op.create_index(op.f("ix_opt_out_number"), "opt_out", ["number"])
    for table, column, length, old, new in COMMENTS:
        with op.batch_alter_table(table) as altered:
            altered.alter_column(column, existing_type=sa.String(length), existing_comment=old, comment=new)


def downgrade() -> None:
    for table, column, length, old, new in COMMENTS:
        with op.batch_alter_table(table) as altered:
            altered.alter_column(column, existing_type=sa.String(length), existing_comment=new, comment=old)
    op.drop_table("opt_out")
    op.execute("UPDATE task SET kind = 'follow_up' WHERE kind = 'reply'")
    op.execute("UPDATE message SET state = 'failed', next_attempt_at = NULL WHERE state IN ('queued', 'sending')")
    op.execute("DELETE FROM message WHERE direction = 'in'")
    op.execute("UPDATE message SET state = 'sent' WHERE state = 'delivered'")
    op.execute("UPDATE message SET state = 'failed' WHERE state = 'blocked'")
    for name in INDEXES:
        op.drop_index(name, "message")
    with op.batch_alter_table("message") as message:
        message.drop_constraint(op.f("fk_message_agent_id_agent"), type_="foreignkey")
        for column in reversed(new_columns()):
            message.drop_column(column.name)
