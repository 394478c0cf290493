"""Which ended calls are known to be taken care of: `call.covered`.

A call that has to leave a task is looked at once (`queries.calls.mark_covered`), and then no more: whoever looks for
lost callers reads what is not marked. Triggers take the mark away when a task goes, or goes to another lead, and when a
call does, whoever does that.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect

from crm.store.triggers import Rule, Triggers, by_rules

FAMILY = "uncover_call"
_UNCOVER = "UPDATE call SET covered = {no} WHERE covered AND"
_OF_TASK = (
    f"{_UNCOVER} id = OLD.call_id; {_UNCOVER} lead_id = OLD.lead_id;"
    # A task of somebody who is no lead covers calls of ours to their number, too.
    f" {_UNCOVER} caller = (SELECT called.caller FROM call AS called WHERE called.id = OLD.call_id)"
)
_RULES: tuple[Rule, ...] = (
    ("task_call", "DELETE", "OLD.call_id IS NOT NULL", f"{_UNCOVER} id = OLD.call_id"),
    ("task", "DELETE", "OLD.call_id IS NOT NULL OR OLD.lead_id IS NOT NULL", _OF_TASK),
    ("task", "UPDATE OF lead_id", "NEW.lead_id {changed} OLD.lead_id", _OF_TASK),
    ("call", "UPDATE OF lead_id", "NEW.covered AND NEW.lead_id {changed} OLD.lead_id", f"{_UNCOVER} id = NEW.id"),
)


def triggers(dialect: str) -> Triggers:
    return by_rules(FAMILY, _RULES, dialect)


def supported(connection: Connection) -> bool:
    """Whether the column is there, in the revision that the database is at."""
    there = inspect(connection)
    return there.has_table("call") and any(one["name"] == "covered" for one in there.get_columns("call"))
