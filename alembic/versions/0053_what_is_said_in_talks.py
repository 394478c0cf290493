"""What is said in talks, and how the next thing to transcribe is found.

Why: recorded talks are transcribed where the office wants it; and looking for the next voicemail went through all of
them.
What happens to rows that are there: recordings from before are not transcribed.
Down: the transcripts of talks go.

Revision ID: 0053
Revises: 0052
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

QUEUED = "transcript_state = 'queued'"


def upgrade() -> None:
    op.add_column(
        "recording",
        sa.Column("transcript", sa.Text(), nullable=False, server_default="", comment="goes with the file"),
    )
    op.add_column(
        "recording",
        sa.Column(
            "transcript_state",
            sa.String(10),
            nullable=False,
            server_default="",
            comment="queued, done, failed or none; empty: it is not wanted",
        ),
    )
    for table, column in (("voicemail", "left_at"), ("recording", "started_at")):
        op.create_index(
            f"ix_{table}_queued", table, [column], sqlite_where=sa.text(QUEUED), postgresql_where=sa.text(QUEUED)
        )


def downgrade() -> None:
    for table in ("voicemail", "recording"):
        op.drop_index(f"ix_{table}_queued", table)
    with op.batch_alter_table("recording") as recording:
        recording.drop_column("transcript_state")
        recording.drop_column("transcript")
