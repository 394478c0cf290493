"""What triggers keep right in the inbox (table `inbox_thread`): whose a thread is, and that it no longer waits.

Leads change hands in many places, and a person is answered in many ways: by a text, an email or a talk, or by somebody
who closes the task to answer them.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect

from crm.store.triggers import Rule, Triggers, by_rules

TABLE = "inbox_thread"
FAMILY = "keep_inbox"
_ANSWERED = "NEW.done_at IS NOT NULL AND NEW.kind IN ('reply', 'inquiry')"
_WRITER = "writer:"
"""Begins `Task.person` of somebody who is no lead."""
_RULES: tuple[Rule, ...] = (
    (
        "lead",
        "UPDATE OF assigned_agent_id",
        "NEW.assigned_agent_id {changed} OLD.assigned_agent_id",
        f"UPDATE {TABLE} SET agent_id = NEW.assigned_agent_id WHERE lead_id = NEW.id",
    ),
    (
        TABLE,
        "INSERT",
        "NEW.lead_id IS NOT NULL",
        f"UPDATE {TABLE} SET agent_id = (SELECT assigned_agent_id FROM lead WHERE id = NEW.lead_id) WHERE id = NEW.id",
    ),
    (
        TABLE,
        "UPDATE OF lead_id",
        "NEW.lead_id IS NOT NULL AND NEW.lead_id {changed} OLD.lead_id",
        f"UPDATE {TABLE} SET agent_id = (SELECT assigned_agent_id FROM lead WHERE id = NEW.lead_id) WHERE id = NEW.id",
    ),
    (
        "task",
        "UPDATE OF done_at",
        f"{_ANSWERED} AND NEW.lead_id IS NOT NULL",
        f"UPDATE {TABLE} SET is_waiting = {{no}} WHERE lead_id = NEW.lead_id AND is_waiting",
    ),
    (
        "task",
        "UPDATE OF done_at",
        f"{_ANSWERED} AND NEW.lead_id IS NULL AND NEW.person LIKE '{_WRITER}%'",
        f"UPDATE {TABLE} SET is_waiting = {{no}}"
        f" WHERE number = substr(NEW.person, {len(_WRITER) + 1}) AND lead_id IS NULL AND is_waiting",
    ),
)


def triggers(dialect: str) -> Triggers:
    return by_rules(FAMILY, _RULES, dialect)


def supported(connection: Connection) -> bool:
    """Whether the tables are there, in the revision that the database is at."""
    return inspect(connection).has_table(TABLE)
