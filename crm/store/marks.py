"""The mark of the office: a new one after each change to what the routing decision knows about it.

Triggers change it (crm/store/triggers.py). It is part of the transaction that writes, like everything else there, and
chosen at random, so that one mark always stands for one state of the office, even when a transaction is rolled back or
an older database replaces this one.

What changes with each call, such as the end of an agent's last talk, does not change the mark.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, inspect

from crm.store.triggers import Triggers, named

TABLE = "office_mark"
WATCHED: dict[str, tuple[str, ...]] = {
    "agent": ("slug", "on_duty", "forwarding"),
    "agent_hours": (),
    "desk": (),
    "device": (
        "slug",
        "agent_id",
        "kind",
        "dnd",
        "dnd_until",
        "number",
        "rings_after_seconds",
        "whisper",
        "forwards_since",
    ),
    "hours": (),
    "line": (),
    "node": ("name",),
    "organization": (),
    "property": (),
    "special_day": (),
    "subteam": (),
    "subteam_member": (),
    "subteam_sister": (),
    "tour_blackout": (),
    "tour_hours": (),
    "trunk": ("slug", "did_from"),
}
"""Tables that `crm.store.snapshot` reads whole, and the columns in which a change counts; none: any column."""

FAMILY = "mark_office"


def triggers(dialect: str) -> Triggers:
    return Triggers(FAMILY, tuple(_wanted(dialect)), _FUNCTION if dialect == "postgresql" else "")


def supported(connection: Connection) -> bool:
    """Whether the tables are there, in the revision that the database is at."""
    return inspect(connection).has_table(TABLE)


def _wanted(dialect: str) -> Iterator[tuple[str, str]]:
    for table, columns in WATCHED.items():
        update = f"UPDATE OF {', '.join(columns)}" if columns else "UPDATE"
        if dialect == "postgresql":
            for what, happens in (("rows", f"INSERT OR DELETE OR {update}"), ("all", "TRUNCATE")):
                does = f"AFTER {happens} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {FAMILY}()"
                yield named(FAMILY, table, what, does, _FUNCTION)
        else:
            for happens in ("INSERT", "DELETE", update):
                marks = f"UPDATE {TABLE} SET mark = lower(hex(randomblob(16)))"
                yield named(FAMILY, table, happens[:6].lower(), f"AFTER {happens} ON {table} BEGIN {marks}; END")


_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {FAMILY}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Once in a transaction is enough: nobody keeps what is read in one that has changed the office.
    UPDATE {TABLE} SET mark = gen_random_uuid()::text WHERE xmin <> pg_current_xact_id()::xid;
    RETURN NULL;
END $$
"""
