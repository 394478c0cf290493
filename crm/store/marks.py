"""The mark of the office: a new one after each change to what the routing decision knows about it.

Triggers change it, so that it does not matter who writes: the command line, another node, somebody in a database shell.
It is part of the transaction that writes, like everything else there, and chosen at random, so that one mark always
stands for one state of the office, even when a transaction is rolled back or an older database replaces this one.

What changes with each call, such as the end of an agent's last talk, does not change the mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from sqlalchemy import Connection, inspect, text

TABLE = "office_mark"
WATCHED: dict[str, tuple[str, ...]] = {
    "agent": ("slug", "on_duty", "forwarding"),
    "agent_hours": (),
    "desk": (),
    "device": ("slug", "agent_id", "kind", "dnd", "dnd_until", "number", "rings_after_seconds", "whisper"),
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

_FUNCTION = f"""
CREATE OR REPLACE FUNCTION mark_office() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Once in a transaction is enough: nobody keeps what is read in one that has changed the office.
    UPDATE {TABLE} SET mark = gen_random_uuid()::text WHERE xmin <> pg_current_xact_id()::xid;
    RETURN NULL;
END $$
"""


def watch(connection: Connection) -> None:
    """Creates any missing triggers, for the tables as they are now."""
    wanted = dict(_triggers(connection.dialect.name))
    found = _present(connection)
    if found == wanted.keys():
        return
    unwatch(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(text(_FUNCTION))
    for statement in wanted.values():
        connection.execute(text(statement))


def unwatch(connection: Connection) -> None:
    """Drops the triggers, before tables change."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("DROP FUNCTION IF EXISTS mark_office() CASCADE"))
        return
    for name in _present(connection):
        connection.execute(text(f"DROP TRIGGER {name}"))


def is_marked(connection: Connection) -> bool:
    """Whether the tables support marks at all."""
    return inspect(connection).has_table(TABLE)


def _present(connection: Connection) -> set[str]:
    catalog = (
        "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'marks!_%' ESCAPE '!'"
        if connection.dialect.name == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'marks!_%' ESCAPE '!'"
    )
    return set(connection.execute(text(catalog)).scalars())


def _triggers(dialect: str) -> Iterator[tuple[str, str]]:
    """By name, which tells what they do."""
    for table, columns in WATCHED.items():
        update = f"UPDATE OF {', '.join(columns)}" if columns else "UPDATE"
        if dialect == "postgresql":
            for what, happens in (("rows", f"INSERT OR DELETE OR {update}"), ("all", "TRUNCATE")):
                yield _named(
                    table, what, f"AFTER {happens} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION mark_office()"
                )
        else:
            for happens in ("INSERT", "DELETE", update):
                marks = f"UPDATE {TABLE} SET mark = lower(hex(randomblob(16)))"
                yield _named(table, happens[:6].lower(), f"AFTER {happens} ON {table} BEGIN {marks}; END")


def _named(table: str, what: str, does: str) -> tuple[str, str]:
    name = f"marks_{table}_{what}_{sha256(does.encode()).hexdigest()[:8]}"
    return name, f"CREATE TRIGGER {name} {does}"
