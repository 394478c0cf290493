"""Entries of timelines and tasks say which property they are about; a property's calls have an index.

Why: who may see one property of the office sees what happened there, and not what the same person did elsewhere.
What happens to rows that are there: those of calls, texts and tours say it as these do; of others it is unknown.
Down: it is forgotten.

Revision ID: 0041
Revises: 0040
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

TABLES = ("activity", "task")
COMMENT = "what it is about; null: the person, or unknown"
OF_CALL = (
    "SELECT COALESCE(call.property_id, line.property_id) FROM call LEFT JOIN line ON line.id = call.line_id"
    " WHERE call.id = {table}.call_id"
)
OF_TEXT = (
    "SELECT line.property_id FROM message JOIN line"
    " ON line.number = CASE message.direction WHEN 'in' THEN message.to_number ELSE message.from_number END"
    " WHERE message.id = CAST(substr({table}.key, {begins}) AS INTEGER)"
)
OF_TOUR = (
    "SELECT tour_slot.property_id FROM tour JOIN tour_slot ON tour_slot.id = tour.slot_id"
    " WHERE tour.id = CAST({number} AS INTEGER)"
)


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in TABLES:
        to = sa.ForeignKey("property.id", name=op.f(f"fk_{table}_property_id_property"), ondelete="SET NULL")
        with op.batch_alter_table(table) as altered:
            altered.add_column(sa.Column("property_id", sa.Integer(), to, nullable=True, comment=COMMENT))
        of_call = OF_CALL.format(table=table)
        op.execute(f"UPDATE {table} SET property_id = ({of_call}) WHERE call_id IS NOT NULL")
    text = OF_TEXT.format(table="activity", begins=6)
    op.execute(f"UPDATE activity SET property_id = ({text}) WHERE key LIKE 'text:%' AND property_id IS NULL")
    reply = OF_TEXT.format(table="task", begins=7)
    op.execute(
        f"UPDATE task SET property_id = ({reply})"
        " WHERE key LIKE 'reply:%' AND key NOT LIKE 'reply:%:%' AND property_id IS NULL"
    )
    number = "split_part(activity.key, ':', 2)" if is_postgresql else "substr(activity.key, 6)"
    op.execute(
        f"UPDATE activity SET property_id = ({OF_TOUR.format(number=number)})"
        " WHERE key LIKE 'tour:%' AND property_id IS NULL"
    )
    op.drop_index(op.f("ix_activity_lead_id"), "activity")
    op.create_index("ix_activity_lead_at", "activity", ["lead_id", "at", "id"])
    op.create_index("ix_call_property_started", "call", ["property_id", "started_at"])


def downgrade() -> None:
    op.drop_index("ix_call_property_started", "call")
    op.drop_index("ix_activity_lead_at", "activity")
    op.create_index(op.f("ix_activity_lead_id"), "activity", ["lead_id"])
    for table in TABLES:
        with op.batch_alter_table(table) as altered:
            altered.drop_column("property_id")
