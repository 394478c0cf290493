"""Whose follow-ups have to be looked at: table `follow_up_look`, a row for each lead with something ahead.

Whatever a plan depends on is written in many places, so triggers (crm/store/triggers.py) do it: a lead that is touched
is due at once (`TOUCHED`). `crm.services.follow_ups` looks, and writes when the next look is due, or deletes the row.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, inspect

from crm.store.triggers import Triggers, named

TABLE = "follow_up_look"
FAMILY = "touch_lead"
TOUCHED = "1970-01-01 00:00:00.000000"
"""In UTC: before all other times."""

_ANSWER_OR_INQUIRY = "NEW.direction = 'in' OR NEW.purpose = 'agent'"
_NEVER_LEFT = "NEW.purpose = 'follow_up' AND NEW.state = 'blocked'"
WATCHED: tuple[tuple[str, str, str], ...] = (
    # table, columns, and which of its rows count
    ("interest", "lead_id, property_id, stage, stage_since, updated_at", ""),
    ("message", "lead_id, state", f"{_ANSWER_OR_INQUIRY} OR {_NEVER_LEFT}"),
    ("call", "lead_id, direction, started_at, ended_at, talk_started_at", ""),
    ("follow_up", "state, due_at, text, is_edited, why", ""),
)


def triggers(dialect: str) -> Triggers:
    return Triggers(FAMILY, tuple(_wanted(dialect)), _FUNCTION if dialect == "postgresql" else "")


def supported(connection: Connection) -> bool:
    """Whether the tables are there, in the revision that the database is at."""
    return inspect(connection).has_table(TABLE)


def _wanted(dialect: str) -> Iterator[tuple[str, str]]:
    changed = "IS NOT" if dialect == "sqlite" else "IS DISTINCT FROM"
    for table, columns, which in WATCHED:
        condition = f"NEW.lead_id IS NOT NULL AND ({which})" if which else "NEW.lead_id IS NOT NULL"
        yield from _on(dialect, table, ("INSERT", f"UPDATE OF {columns}"), condition, "VALUES (NEW.lead_id, '{at}')")
    yield from _on(
        dialect,
        "lead",
        ("UPDATE OF status, language",),
        "NEW.status <> OLD.status OR NEW.language <> OLD.language",
        "VALUES (NEW.id, '{at}')",
    )
    # What goes to another lead, or is gone, leaves a lead whose plan may change too; nothing is left of a lead deleted.
    theirs = "SELECT id, '{at}' FROM lead WHERE id = OLD.lead_id"
    for table in ("interest", "message", "call"):
        moved = f"OLD.lead_id IS NOT NULL AND NEW.lead_id {changed} OLD.lead_id"
        yield from _on(dialect, table, ("UPDATE OF lead_id",), moved, theirs, "'old'")
    yield from _on(dialect, "interest", ("DELETE",), "OLD.lead_id IS NOT NULL", theirs, "'old'")
    # Portfolios may have sequences of their own.
    theirs = "SELECT DISTINCT lead_id, '{at}' FROM interest WHERE property_id = NEW.id"
    other = f"NEW.portfolio_id {changed} OLD.portfolio_id"
    yield from _on(dialect, "property", ("UPDATE OF portfolio_id",), other, theirs)


def _on(
    dialect: str, table: str, events: tuple[str, ...], condition: str, rows: str, whose: str = ""
) -> Iterator[tuple[str, str]]:
    if dialect == "postgresql":
        does = (
            f"AFTER {' OR '.join(events)} ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {FAMILY}({whose})"
        )
        yield named(FAMILY, table, "rows", does, _FUNCTION)
        return
    put = (
        f"INSERT INTO {TABLE} (lead_id, look_at) {rows.format(at=TOUCHED)}"
        f" ON CONFLICT (lead_id) DO UPDATE SET look_at = '{TOUCHED}'"
    )
    for event in events:
        does = f"AFTER {event} ON {table} WHEN {condition} BEGIN {put}; END"
        yield named(FAMILY, table, event[:6].lower(), does)


_UPSERT = f"ON CONFLICT (lead_id) DO UPDATE SET look_at = '{TOUCHED}+00'"
_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {FAMILY}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_NARGS > 0 THEN
        INSERT INTO {TABLE} (lead_id, look_at)
            SELECT id, timestamptz '{TOUCHED}+00' FROM lead WHERE id = OLD.lead_id {_UPSERT};
    ELSIF TG_TABLE_NAME = 'property' THEN
        INSERT INTO {TABLE} (lead_id, look_at)
            SELECT DISTINCT lead_id, timestamptz '{TOUCHED}+00' FROM interest WHERE property_id = NEW.id {_UPSERT};
    ELSIF TG_TABLE_NAME = 'lead' THEN
        INSERT INTO {TABLE} (lead_id, look_at) VALUES (NEW.id, '{TOUCHED}+00') {_UPSERT};
    ELSE
        INSERT INTO {TABLE} (lead_id, look_at) VALUES (NEW.lead_id, '{TOUCHED}+00') {_UPSERT};
    END IF;
    RETURN NULL;
END $$
"""
