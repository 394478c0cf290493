"""Texts say which property they are about, and a property's texts have an index.

Why: a text about one property may leave by the line of another, which the person wrote to last.
What happens to rows that are there: those of calls, follow-ups and tours say it as these do, others as the line that
was used; notices to people in the office are about no property.
Down: it is forgotten.

Revision ID: 0045
Revises: 0044
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

COMMENT = "what it is about; null: the person, or unknown"
OF_CALL = (
    "SELECT COALESCE(call.property_id, line.property_id) FROM call LEFT JOIN line ON line.id = call.line_id"
    " WHERE call.id = message.call_id"
)
OF_FOLLOW_UP = (
    "SELECT interest.property_id FROM follow_up JOIN interest ON interest.id = follow_up.interest_id"
    " WHERE follow_up.id = CAST(substr(message.key, 10) AS INTEGER)"
)
OF_TOUR = (
    "SELECT tour_slot.property_id FROM tour JOIN tour_slot ON tour_slot.id = tour.slot_id"
    " WHERE tour.id = CAST({number} AS INTEGER)"
)
OF_LINE = (
    "SELECT line.property_id FROM line"
    " WHERE line.number = CASE message.direction WHEN 'in' THEN message.to_number ELSE message.from_number END"
)


def upgrade() -> None:
    with op.batch_alter_table("message") as message:
        to = sa.ForeignKey("property.id", name=op.f("fk_message_property_id_property"), ondelete="SET NULL")
        message.add_column(sa.Column("property_id", sa.Integer(), to, nullable=True, comment=COMMENT))
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    number = "split_part(message.key, ':', 2)" if is_postgresql else "substr(message.key, 6)"
    for found, which in (
        (OF_CALL, "call_id IS NOT NULL"),
        (OF_FOLLOW_UP, "key LIKE 'followup:%'"),
        (OF_TOUR.format(number=number), "key LIKE 'tour:%'"),
        (OF_LINE, "purpose <> 'staff' AND key NOT LIKE 'followup:%' AND key NOT LIKE 'tour:%'"),
    ):
        op.execute(f"UPDATE message SET property_id = ({found}) WHERE property_id IS NULL AND {which}")
    op.create_index("ix_message_property_made", "message", ["property_id", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_message_property_made", "message")
    with op.batch_alter_table("message") as message:
        message.drop_column("property_id")
