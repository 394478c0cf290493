"""Phones, and where calls are forwarded to.

Why: agents get mobiles, which have a number in place of a SIP account and ring later than their other phones, phones
may whisper before they connect, or encrypt, and the office may send every call to one number.
What happens to rows that are there: phones ring as before, at once and without a whisper; nobody forwards.
Down: mobiles lose their numbers and stay as devices that nobody can ring.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def new_columns() -> dict[str, list[sa.Column[object]]]:
    # Made anew for each use: a column belongs to one table.
    return {
        "organization": [
            sa.Column(
                "forward_to",
                sa.String(length=20),
                nullable=True,
                comment="E.164: every leasing call goes there instead of to the team; null: none does",
            ),
            sa.Column(
                "forward_confirm",
                sa.Boolean(),
                server_default=sa.true(),
                nullable=False,
                comment="who answers there presses 1 to connect",
            ),
        ],
        "device": [
            sa.Column(
                "number", sa.String(length=20), nullable=True, comment="E.164 of a mobile, dialled through a trunk"
            ),
            sa.Column(
                "rings_after_seconds",
                sa.Integer(),
                server_default="0",
                nullable=False,
                comment="so long the agent's other phones ring before this one",
            ),
            sa.Column(
                "whisper",
                sa.Boolean(),
                server_default=sa.false(),
                nullable=False,
                comment="who answers hears who calls and presses 1; a mobile always",
            ),
            sa.Column(
                "encrypted",
                sa.Boolean(),
                server_default=sa.false(),
                nullable=False,
                comment="SRTP; its signalling comes over TLS",
            ),
        ],
        "agent": [
            sa.Column(
                "email", sa.String(length=200), server_default="", nullable=False, comment="for notices and messages"
            ),
            sa.Column(
                "dialing",
                sa.String(length=10),
                server_default="allowed",
                nullable=False,
                comment="allowed or none: may they dial outside?",
            ),
            sa.Column(
                "forwarding",
                sa.Boolean(),
                server_default=sa.false(),
                nullable=False,
                comment="their mobiles ring, too, when their calls come",
            ),
        ],
    }


def upgrade() -> None:
    for table, columns in new_columns().items():
        with op.batch_alter_table(table) as altered:
            for column in columns:
                altered.add_column(column)


def downgrade() -> None:
    for table, columns in reversed(new_columns().items()):
        with op.batch_alter_table(table) as altered:
            for column in reversed(columns):
                altered.drop_column(column.name)
