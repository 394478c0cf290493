"""Emails with leads, both ways, in threads.

Why: what leads write and what the office answers belong together, and an answer has to find its thread; where news
goes by email, people can unsubscribe.
What happens to rows that are there: emails that were sent stay as they are, without lead and thread.
Down: the threads, the attachments, and what came in by email go; how it came in stays, in the arrivals and in files.

Revision ID: 0054
Revises: 0053
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_thread",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(16), nullable=False, comment="in the address that answers go to; random"),
        sa.Column("subject", sa.String(200), nullable=False, comment="of its first email"),
        sa.Column("topic", sa.String(200), nullable=False, comment="the subject without Re: and capitals"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False, comment="when something came or went last"),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_mail_thread_lead_id_lead"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_thread")),
        sa.UniqueConstraint("token", name=op.f("uq_mail_thread_token")),
    )
    op.create_index("ix_mail_thread_topic", "mail_thread", ["lead_id", "topic", "id"])
    op.create_index("ix_mail_thread_last", "mail_thread", ["lead_id", "last_at", "id"])
    with op.batch_alter_table("mail") as mail:
        mail.add_column(sa.Column("direction", sa.String(3), nullable=False, server_default="out", comment="in or out"))
        mail.add_column(
            sa.Column(
                "purpose",
                sa.String(10),
                nullable=False,
                server_default="notice",
                comment="as in crm.domain.mails.MailPurpose",
            )
        )
        mail.add_column(
            sa.Column(
                "from_address",
                sa.String(320),
                nullable=False,
                server_default="",
                comment="who wrote it; empty: we did",
            )
        )
        mail.add_column(sa.Column("from_name", sa.String(200), nullable=False, server_default=""))
        mail.add_column(
            sa.Column(
                "html",
                sa.Text(),
                nullable=False,
                server_default="",
                comment="the same as HTML, cleaned; empty: there is none",
            )
        )
        mail.add_column(
            sa.Column(
                "message_id",
                sa.String(250),
                nullable=False,
                server_default="",
                comment="Message-ID without brackets (RFC 5322, 3.6.4)",
            )
        )
        mail.add_column(
            sa.Column(
                "lead_id",
                sa.Integer(),
                sa.ForeignKey("lead.id", name=op.f("fk_mail_lead_id_lead"), ondelete="SET NULL"),
                nullable=True,
            )
        )
        mail.add_column(
            sa.Column(
                "thread_id",
                sa.Integer(),
                sa.ForeignKey("mail_thread.id", name=op.f("fk_mail_thread_id_mail_thread"), ondelete="SET NULL"),
                nullable=True,
            )
        )
        mail.add_column(
            sa.Column(
                "arrival_id",
                sa.Integer(),
                sa.ForeignKey("arrival.id", name=op.f("fk_mail_arrival_id_arrival"), ondelete="SET NULL"),
                nullable=True,
                comment="as what it came in",
            )
        )
        mail.add_column(
            sa.Column(
                "agent_id",
                sa.Integer(),
                sa.ForeignKey("agent.id", name=op.f("fk_mail_agent_id_agent"), ondelete="SET NULL"),
                nullable=True,
                comment="who wrote it",
            )
        )
    op.create_index("ix_mail_thread", "mail", ["thread_id", "id"])
    op.create_index(op.f("ix_mail_message_id"), "mail", ["message_id"])
    op.create_index(op.f("ix_mail_lead_id"), "mail", ["lead_id"])
    op.create_index(op.f("ix_mail_arrival_id"), "mail", ["arrival_id"])
    op.create_table(
        "mail_attachment",
        sa.Column("mail_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(200), nullable=False, comment="as the sender calls it"),
        sa.Column("kind", sa.String(100), nullable=False, comment="MIME type, by what is in it"),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes"),
        sa.ForeignKeyConstraint(
            ["mail_id"], ["mail.id"], name=op.f("fk_mail_attachment_mail_id_mail"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mail_id", "position", name=op.f("pk_mail_attachment")),
    )
    op.add_column(
        "lead_email",
        sa.Column(
            "unsubscribed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="from then on no news goes to it; null: it may",
        ),
    )


def downgrade() -> None:
    op.drop_column("lead_email", "unsubscribed_at")
    op.drop_table("mail_attachment")
    op.execute("DELETE FROM mail WHERE direction = 'in'")
    for name in ("ix_mail_arrival_id", "ix_mail_lead_id", "ix_mail_message_id", "ix_mail_thread"):
        op.drop_index(name, "mail")
    with op.batch_alter_table("mail") as mail:
        for table in ("agent", "arrival", "mail_thread", "lead"):
            column = "thread" if table == "mail_thread" else table
            mail.drop_constraint(op.f(f"fk_mail_{column}_id_{table}"), type_="foreignkey")
        for column in (
            "agent_id",
            "arrival_id",
            "thread_id",
            "lead_id",
            "message_id",
            "html",
            "from_name",
            "from_address",
            "purpose",
            "direction",
        ):
            mail.drop_column(column)
    op.drop_table("mail_thread")
