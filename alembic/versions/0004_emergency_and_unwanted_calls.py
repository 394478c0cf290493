"""Emergency calls, and callers whom nobody has to answer.

Why: an emergency call tells where its phone stands, goes out by the trunks meant for it, and is on record; unwanted
callers are kept out.
What happens to rows that are there: phones have no location, which `leaseline doctor` calls an error; trunks keep
their order of age.
Down: locations, the list of blocked callers and the record of emergency calls are lost.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def new_columns() -> dict[str, list[sa.Column[object]]]:
    # Made anew for each use: a column belongs to one table.
    return {
        "agent": [
            sa.Column(
                "emergency_notice",
                sa.Boolean(),
                server_default=sa.false(),
                nullable=False,
                comment="is told of emergency calls; if nobody is, everybody is",
            ),
        ],
        "device": [
            sa.Column("location_id", sa.Integer(), nullable=True),
        ],
        "trunk": [
            sa.Column(
                "position", sa.Integer(), server_default="0", nullable=False, comment="calls go out by the lowest first"
            ),
            sa.Column(
                "outbound",
                sa.Boolean(),
                server_default=sa.true(),
                nullable=False,
                comment="calls of ours go out by it",
            ),
            sa.Column(
                "numbers",
                sa.String(length=10),
                server_default="plus",
                nullable=False,
                comment="how it wants them: plus, digits or national",
            ),
            sa.Column(
                "emergency", sa.Boolean(), server_default=sa.false(), nullable=False, comment="so do emergency calls"
            ),
        ],
        "call": [
            sa.Column(
                "attestation",
                sa.String(length=30),
                server_default="",
                nullable=False,
                comment="STIR/SHAKEN result as the trunk gave it",
            ),
        ],
    }


def upgrade() -> None:
    op.create_table(
        "location",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False, comment="street, city, state, and floor or room"),
        sa.Column(
            "callback_number",
            sa.String(length=20),
            nullable=False,
            comment="E.164, registered with the carrier for this address: caller ID of an emergency call",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location")),
        sa.UniqueConstraint("slug", name=op.f("uq_location_slug")),
    )
    op.create_table(
        "blocked_caller",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="number, prefix or withheld"),
        sa.Column("value", sa.String(length=20), nullable=False, comment="E.164 or its beginning; empty for withheld"),
        sa.Column("refusal", sa.String(length=10), nullable=False, comment="spoken, or silent: hung up at once"),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocked_caller")),
        sa.UniqueConstraint("kind", "value", name=op.f("uq_blocked_caller_kind_value")),
    )
    op.create_table(
        "emergency_call",
        sa.Column("id", sa.String(length=80), nullable=False, comment="of its channel"),
        sa.Column("dialled", sa.String(length=10), nullable=False, comment="911, 9911 or 933"),
        sa.Column("device", sa.String(length=40), nullable=False, comment="slug, kept when the device is deleted"),
        sa.Column("agent", sa.String(length=40), nullable=False, comment="slug of whose phone it was; empty: unknown"),
        sa.Column(
            "address",
            sa.String(length=300),
            nullable=False,
            comment="of the device's location at that time; empty: it had none",
        ),
        sa.Column(
            "callback_number",
            sa.String(length=20),
            nullable=False,
            comment="shown as caller ID; empty: the office has none",
        ),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column(
            "status",
            sa.String(length=20),
            nullable=False,
            comment="DialStatus of the last trunk tried; empty: its end was not noted",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_call")),
    )
    for table, columns in new_columns().items():
        with op.batch_alter_table(table) as altered:
            for column in columns:
                altered.add_column(column)
    with op.batch_alter_table("device") as altered:
        altered.create_foreign_key(
            op.f("fk_device_location_id_location"), "location", ["location_id"], ["id"], ondelete="SET NULL"
        )


def downgrade() -> None:
    with op.batch_alter_table("device") as altered:
        altered.drop_constraint(op.f("fk_device_location_id_location"), type_="foreignkey")
    for table, columns in reversed(new_columns().items()):
        with op.batch_alter_table(table) as altered:
            for column in reversed(columns):
                altered.drop_column(column.name)
    op.drop_table("emergency_call")
    op.drop_table("blocked_caller")
    op.drop_table("location")
