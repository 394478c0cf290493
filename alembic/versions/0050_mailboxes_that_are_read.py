"""Folders of mailboxes that are read, with the emails in them that are known.

Why: every email of the mailbox has to be stored here, and that has to be shown by counting both.
What happens to rows that are there: nothing.
Down: both tables go; the emails stay. After the next way up, all are fetched once more and found to be stored.

Revision ID: 0050
Revises: 0049
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_folder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("server", sa.String(200), nullable=False),
        sa.Column("user", sa.String(200), nullable=False),
        sa.Column("folder", sa.String(200), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False, comment="once it changes, UIDs mean something else"),
        sa.Column(
            "first_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it was first read; emails from before are history",
        ),
        sa.Column(
            "counted_at", sa.DateTime(timezone=True), nullable=True, comment="when the two were counted; null: not yet"
        ),
        sa.Column("there", sa.Integer(), nullable=False, comment="emails in the folder"),
        sa.Column("here", sa.Integer(), nullable=False, comment="those of them that are stored here"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_folder")),
        sa.UniqueConstraint("server", "user", "folder", name=op.f("uq_mail_folder_server_user_folder")),
    )
    op.create_table(
        "mail_folder_entry",
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("arrival_id", sa.Integer(), nullable=True, comment="null: it was erased here"),
        sa.ForeignKeyConstraint(
            ["folder_id"],
            ["mail_folder.id"],
            name=op.f("fk_mail_folder_entry_folder_id_mail_folder"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["arrival_id"], ["arrival.id"], name=op.f("fk_mail_folder_entry_arrival_id_arrival"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("folder_id", "uid", name=op.f("pk_mail_folder_entry")),
    )
    op.create_index(op.f("ix_mail_folder_entry_arrival_id"), "mail_folder_entry", ["arrival_id"])


def downgrade() -> None:
    op.drop_table("mail_folder_entry")
    op.drop_table("mail_folder")
