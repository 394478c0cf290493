"""How each agent wants to be told of what: ways by kind, a quiet time, a daily digest.

Why: everything was texted and emailed to everybody, at any hour, except a missed call, of which nobody was told.
What happens to rows that are there: notices that went out before count as alarms; nobody has chosen anything, and
nobody is told of calls that are over.
Down: what was chosen is lost; what waits is not sent any more, but stands in the lists.

Revision ID: 0071
Revises: 0070
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def _index(name: str, table: str, column: str) -> None:
    there = sa.text(f"{column} IS NOT NULL")
    op.create_index(name, table, [column], sqlite_where=there, postgresql_where=there)


def upgrade() -> None:
    op.add_column(
        "notice",
        sa.Column(
            "kind",
            sa.String(20),
            nullable=False,
            server_default="alarm",
            comment="as in crm.domain.notices.NoticeKind",
        ),
    )
    op.add_column(
        "notice",
        sa.Column(
            "is_listed",
            sa.Boolean(),
            nullable=False,
            server_default=sa.true(),
            comment="whether it stands in the agent's list, as they chose",
        ),
    )
    op.add_column(
        "notice",
        sa.Column(
            "send_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="it goes out then, with others that wait; null: it went out at once, or has by now",
        ),
    )
    op.create_index("ix_notice_agent_made", "notice", ["agent_id", "made_at"])
    _index("ix_notice_send", "notice", "send_at")
    op.add_column(
        "task",
        sa.Column(
            "tell_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="whoever has it is told of its call then; null: they have been, or are told otherwise",
        ),
    )
    _index("ix_task_tell", "task", "tell_at")
    op.create_table(
        "notice_setting",
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column(
            "ways", sa.JSON(), nullable=False, comment="list of ways by kind, where they differ from the default"
        ),
        sa.Column("quiet_from", sa.String(5), nullable=False, comment="HH:MM; empty: no quiet time"),
        sa.Column("quiet_until", sa.String(5), nullable=False, comment="HH:MM, of the next day if it is earlier"),
        sa.Column("digest_at", sa.String(5), nullable=False, comment="HH:MM, daily; empty: no digest"),
        sa.Column("next_digest_at", sa.DateTime(timezone=True), nullable=True, comment="null: there is none"),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_notice_setting_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_notice_setting")),
    )
    _index("ix_notice_setting_digest", "notice_setting", "next_digest_at")


def downgrade() -> None:
    op.drop_table("notice_setting")
    op.drop_index("ix_task_tell", "task")
    op.drop_column("task", "tell_at")
    op.drop_index("ix_notice_send", "notice")
    op.drop_index("ix_notice_agent_made", "notice")
    for column in ("send_at", "is_listed", "kind"):
        op.drop_column("notice", column)
