"""Talks with the voice agent, and where it answers.

Why: what it hears, says and does has to be on record, and a talk has to continue when the app restarts.
What happens to rows that are there: lines and properties answer as the office says, whose default is that it does not.
Down: the talks go; what came of the calls stays.

Revision ID: 0057
Revises: 0056
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

WHEN = "when the voice agent answers; empty: as"


def upgrade() -> None:
    for table, whose in (("line", "its property"), ("property", "the office")):
        op.add_column(
            table,
            sa.Column("ai_answers", sa.String(12), nullable=False, server_default="", comment=f"{WHEN} {whose} says"),
        )
    op.create_table(
        "voice_talk",
        sa.Column("call_id", sa.String(80), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("language", sa.String(10), nullable=False, comment="the caller's, as it was heard last"),
        sa.Column(
            "why_ended",
            sa.String(30),
            nullable=False,
            comment="finished, failed, or why the caller was passed on; empty: they hung up",
        ),
        sa.Column("summary", sa.Text(), nullable=False, comment="who the caller is and what they want"),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="JSON by which the talk continues after a restart; empty once it is over",
        ),
        sa.Column("state_number", sa.Integer(), nullable=False, comment="of the turn that the state is of"),
        sa.Column(
            "purged_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when retention removed what was said",
        ),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_voice_talk_call_id_call"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_voice_talk")),
    )
    op.create_index(op.f("ix_voice_talk_started_at"), "voice_talk", ["started_at"])
    op.create_table(
        "voice_turn",
        sa.Column("id", sa.String(120), nullable=False, comment="id of the fact that told it"),
        sa.Column("call_id", sa.String(80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(10), nullable=False, comment="caller, agent, keys or act"),
        sa.Column("started", sa.Double(), nullable=False, comment="seconds from the beginning of the talk"),
        sa.Column("ended", sa.Double(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="what was said, keyed or done; goes with retention"),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True, comment="0 to 1, of what the caller said"),
        sa.Column("template", sa.String(60), nullable=False, comment="name of the agent's sentence"),
        sa.Column("cites", sa.JSON(), nullable=False, comment="kind, id and version of the rows that it comes from"),
        sa.Column(
            "result", sa.String(20), nullable=False, comment="how an act went; whether a sentence was heard to its end"
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["voice_talk.call_id"], name=op.f("fk_voice_turn_call_id_voice_talk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_turn")),
    )
    op.create_index("ix_voice_turn_call", "voice_turn", ["call_id", "number"])


def downgrade() -> None:
    op.drop_table("voice_turn")
    op.drop_table("voice_talk")
    for table in ("property", "line"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("ai_answers")
