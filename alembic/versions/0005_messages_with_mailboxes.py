"""Messages have a mailbox, somebody who takes them, a transcript, and go out by mail.

Why: a message belongs to an agent, a subteam, a property or the office, and groups are called about it until somebody
takes it. A property's messages may go to its subteam's box, and it may have nobody called.
What happens to rows that are there: messages that are there belong to the office's mailbox, unheard, and nobody is
called about them.
Down: who heard or took a message, transcripts and mails that wait are lost.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def new_columns() -> dict[str, list[sa.Column[object]]]:
    # Made anew for each use: a column belongs to one table.
    return {
        "property": [
            sa.Column(
                "messages_to",
                sa.String(length=10),
                server_default="property",
                nullable=False,
                comment="whose box messages go to: property or subteam",
            ),
            sa.Column(
                "escalates",
                sa.Boolean(),
                server_default=sa.true(),
                nullable=False,
                comment="groups are called about a message that nobody takes",
            ),
        ],
        "voicemail": [
            sa.Column(
                "mailbox",
                sa.String(length=60),
                server_default="",
                nullable=False,
                comment="agent:SLUG, subteam:SLUG, property:SLUG, or office",
            ),
            sa.Column("heard_at", TIME, nullable=True),
            sa.Column("deleted_at", TIME, nullable=True, comment="out of the mailbox; the audio goes with retention"),
            sa.Column("purged_at", TIME, nullable=True, comment="when retention removed audio and transcript"),
            sa.Column("taken_by_id", sa.Integer(), nullable=True),
            sa.Column("taken_at", TIME, nullable=True),
            sa.Column(
                "escalation", sa.Integer(), server_default="0", nullable=False, comment="groups called about it so far"
            ),
            sa.Column("escalate_at", TIME, nullable=True, comment="the next group is called then"),
            sa.Column("transcript", sa.Text(), server_default="", nullable=False),
            sa.Column(
                "transcript_state",
                sa.String(length=10),
                server_default="",
                nullable=False,
                comment="queued, done, failed, or none: there is no model",
            ),
        ],
    }


def upgrade() -> None:
    op.create_table(
        "mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False, comment="what it is for; one cause mails once"),
        sa.Column("to_address", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("voicemail_id", sa.String(length=80), nullable=True, comment="its audio is attached"),
        sa.Column("state", sa.String(length=10), nullable=False, comment="queued, sending, sent, failed or unknown"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=True),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["voicemail_id"], ["voicemail.call_id"], name=op.f("fk_mail_voicemail_id_voicemail"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("key", name=op.f("uq_mail_key")),
    )
    op.create_index("ix_mail_outbox", "mail", ["state", "next_attempt_at"])
    for table, columns in new_columns().items():
        with op.batch_alter_table(table) as altered:
            for column in columns:
                altered.add_column(column)
    with op.batch_alter_table("voicemail") as altered:
        altered.create_foreign_key(
            op.f("fk_voicemail_taken_by_id_agent"), "agent", ["taken_by_id"], ["id"], ondelete="SET NULL"
        )
    op.create_index(op.f("ix_voicemail_escalate_at"), "voicemail", ["escalate_at"])
    op.create_index(op.f("ix_voicemail_mailbox"), "voicemail", ["mailbox"])


def downgrade() -> None:
    with op.batch_alter_table("voicemail") as altered:
        altered.drop_constraint(op.f("fk_voicemail_taken_by_id_agent"), type_="foreignkey")
    op.drop_index(op.f("ix_voicemail_escalate_at"), "voicemail")
    op.drop_index(op.f("ix_voicemail_mailbox"), "voicemail")
    for table, columns in reversed(new_columns().items()):
        with op.batch_alter_table(table) as altered:
            for column in reversed(columns):
                altered.drop_column(column.name)
    op.drop_table("mail")
