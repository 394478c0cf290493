"""Audio of a call that has to be kept, for a court or an insurer; who deleted a recording, and why.

Why: retention deleted what a lawyer had asked for, and nobody could delete a single recording.
What happens to rows that are there: nothing is held, and nobody is known to have deleted what is gone.
Down: nothing is held any more.

Revision ID: 0065
Revises: 0064
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audio_hold",
        sa.Column("call_id", sa.String(80), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("why", sa.String(300), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_audio_hold_call_id_call", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", name="pk_audio_hold"),
    )
    op.add_column(
        "recording",
        sa.Column("deleted_by", sa.String(80), server_default="", nullable=False, comment="who removed the file"),
    )
    op.add_column(
        "recording", sa.Column("deleted_why", sa.String(300), server_default="", nullable=False, comment="and why")
    )
    _comment("when the file was removed")
    op.create_index("ix_recording_started", "recording", ["started_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_recording_started", "recording")
    with op.batch_alter_table("recording") as batch:
        batch.drop_column("deleted_why")
        batch.drop_column("deleted_by")
    op.drop_table("audio_hold")
    _comment("when retention removed the file")


def _comment(comment: str) -> None:
    """SQLite has no comments."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column(
            "recording",
            "deleted_at",
            existing_type=sa.DateTime(timezone=True),
            existing_nullable=True,
            comment=comment,
        )
