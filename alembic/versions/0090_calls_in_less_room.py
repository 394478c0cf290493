"""What a call leaves takes half the room: facts without two indexes, decisions packed.

Why: of 7.2 kB a call, facts and their indexes took 3.2, and its decision 2.1.
What happens to rows that are there: facts are copied and numbered in the order of their times, which become numbers
too, and their ids lose that of their call; decisions become bytes, and are read as they are.
Down: both are as they were.

Revision ID: 0090
Revises: 0089
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crm.store import packing
from crm.store.models.base import Microseconds, UtcDateTime

revision = "0090"
down_revision = "0089"
branch_labels = None
depends_on = None

_PACKED = ("reasons", "inputs", "plan")
_AT_ONCE = 1000
_ALONE = {"reflect_kwargs": {"resolve_fks": False}}
"""Tables that a decision refers to are not read: they have indexes of expressions, which SQLAlchemy cannot read."""


def upgrade() -> None:
    number = "row_number() OVER (PARTITION BY call_id ORDER BY at, id) - 1"
    at = "strftime('%s', substr(at, 1, 19)) * 1000000 + CAST(substr(at, 21, 6) AS INTEGER)"
    if op.get_bind().dialect.name == "postgresql":
        at = "(extract(epoch FROM at) * 1000000)::bigint"
    id = "replace(replace(id, '~', '~~'), call_id, '~.')"
    _make_anew(
        f"call_id, {number}, {id}, {at}, kind, data",
        sa.Column("call_id", sa.String(80), nullable=False),
        sa.Column(
            "number", sa.Integer(), nullable=False, comment="in the order in which the call's facts were recorded"
        ),
        sa.Column(
            "id", sa.String(120), nullable=False, comment="the fact's, with the call's id left out (crm/store/facts.py)"
        ),
        sa.Column("at", Microseconds(), nullable=False),
        key=("call_id", "number"),
        with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        for name in _PACKED:
            op.execute(f"ALTER TABLE routing_decision ALTER {name} DROP DEFAULT")
            op.execute(f"ALTER TABLE routing_decision ALTER {name} TYPE bytea USING convert_to({name}::text, 'UTF8')")
        return
    with op.batch_alter_table("routing_decision", **_ALONE) as batch:
        for name in _PACKED:
            batch.alter_column(name, type_=sa.LargeBinary(), existing_type=sa.JSON(), server_default=None)


def downgrade() -> None:
    is_server = op.get_bind().dialect.name == "postgresql"
    data = "data::text" if is_server else "data"
    at = "strftime('%Y-%m-%d %H:%M:%S', at / 1000000, 'unixepoch') || printf('.%06d', at % 1000000)"
    if is_server:
        at = "timestamptz 'epoch' + at * interval '1 microsecond'"
    for name in ("leg_id", "recording_id"):
        data = f"""replace({data}, '"{name}":"~.', '"{name}":"' || call_id)"""
    data = f"({data})::json" if is_server else data
    _make_anew(
        f"replace(replace(id, '~.', call_id), '~~', '~'), call_id, {at}, kind, {data}",
        sa.Column("id", sa.String(120), nullable=False),
        sa.Column("call_id", sa.String(80), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        key=("id",),
        with_rowid=True,
    )
    op.create_index(op.f("ix_call_event_call_id"), "call_event", ["call_id"])
    _unpack()
    if is_server:
        for name in _PACKED:
            op.execute(f"ALTER TABLE routing_decision ALTER {name} TYPE json USING convert_from({name}, 'UTF8')::json")
        for name in ("inputs", "plan"):
            op.execute(f"ALTER TABLE routing_decision ALTER {name} SET DEFAULT '{{}}'")
        return
    # To SQLite JSON is text.
    op.execute("UPDATE routing_decision SET " + ", ".join(f"{name} = CAST({name} AS TEXT)" for name in _PACKED))
    with op.batch_alter_table("routing_decision", **_ALONE) as batch:
        for name in _PACKED:
            default = None if name == "reasons" else "{}"
            batch.alter_column(name, type_=sa.JSON(), existing_type=sa.LargeBinary(), server_default=default)


def _make_anew(rows: str, *columns: sa.Column[object], key: tuple[str, ...], with_rowid: bool) -> None:
    op.rename_table("call_event", "call_event_before")
    if op.get_bind().dialect.name == "postgresql":
        # Indexes have names of their own there.
        op.execute("ALTER TABLE call_event_before DROP CONSTRAINT pk_call_event")
    op.create_table(
        "call_event",
        *columns,
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_event_call_id_call"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_call_event")),
        sqlite_with_rowid=with_rowid,
    )
    op.execute(f"INSERT INTO call_event SELECT {rows} FROM call_event_before")
    op.drop_table("call_event_before")


def _unpack() -> None:
    connection, after = op.get_bind(), ""
    decisions = sa.table("routing_decision", sa.column("id"), *(sa.column(one, sa.LargeBinary()) for one in _PACKED))
    columns = decisions.c
    plain = sa.update(decisions).where(columns.id == sa.bindparam("row"))
    plain = plain.values({name: sa.bindparam(f"{name}_plain", type_=sa.LargeBinary()) for name in _PACKED})
    while rows := connection.execute(
        sa.select(decisions).where(columns.id > after).order_by(columns.id).limit(_AT_ONCE)
    ).all():
        connection.execute(
            plain,
            [
                {"row": row.id, **{f"{name}_plain": packing.plain(getattr(row, name)) for name in _PACKED}}
                for row in rows
            ],
        )
        after = rows[-1].id
