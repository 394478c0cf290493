"""Triggers that keep something right whoever writes: the command line, another node, somebody in a database shell.

They are put in after each migration, because SQLite drops them with the tables that a migration rebuilds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, text

Rule = tuple[str, str, str, str]
"""What one trigger does: the table, the event, its condition, in which {changed} compares, and its statements, in which
{no} is the database's false."""


@dataclass(frozen=True, slots=True)
class Triggers:
    """One family of triggers on one kind of database."""

    family: str
    """Begins the name of each: lower-case letters."""
    wanted: tuple[tuple[str, str], ...]
    """The name of each, with the statement that creates it."""
    function: str = ""
    """PostgreSQL: creates the function they call, which has the family's name."""


def named(family: str, table: str, what: str, does: str, body: str = "") -> tuple[str, str]:
    """Name and statement of a trigger; the name tells what it does, so that one that has changed is replaced."""
    name = f"{family}_{table}_{what}_{sha256((does + body).encode()).hexdigest()[:8]}"
    return name, f"CREATE TRIGGER {name} {does}"


def by_rules(family: str, rules: Sequence[Rule], dialect: str) -> Triggers:
    """A trigger for each rule; on PostgreSQL they call one function, which does what each says."""
    if dialect != "postgresql":
        return Triggers(family, tuple(_sqlite(family, number, rule) for number, rule in enumerate(rules)))
    cases = "".join(
        f"    IF TG_ARGV[0] = '{number}' THEN {act.format(no='false')}; END IF;\n"
        for number, (_, _, _, act) in enumerate(rules)
    )
    function = (
        f"CREATE OR REPLACE FUNCTION {family}() RETURNS trigger LANGUAGE plpgsql AS $$\n"
        f"BEGIN\n{cases}    RETURN NULL;\nEND $$\n"
    )
    wanted = tuple(_postgresql(family, number, rule, function) for number, rule in enumerate(rules))
    return Triggers(family, wanted, function)


def _sqlite(family: str, number: int, rule: Rule) -> tuple[str, str]:
    table, event, condition, act = rule
    when = condition.format(changed="IS NOT")
    does = f"AFTER {event} ON {table} WHEN {when} BEGIN {act.format(no='0')}; END"
    return named(family, table, f"rule{number}", does)


def _postgresql(family: str, number: int, rule: Rule, function: str) -> tuple[str, str]:
    table, event, condition, _ = rule
    when = condition.format(changed="IS DISTINCT FROM")
    does = f"AFTER {event} ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {family}('{number}')"
    return named(family, table, f"rule{number}", does, function)


def put(connection: Connection, triggers: Triggers) -> None:
    """Creates what is missing of a family, and removes what is no longer wanted."""
    wanted = dict(triggers.wanted)
    if present(connection, triggers.family) == wanted.keys():
        return
    remove(connection, triggers.family)
    if triggers.function:
        connection.execute(text(triggers.function))
    for statement in wanted.values():
        connection.execute(text(statement))


def remove(connection: Connection, *families: str) -> None:
    """Drops families of triggers, before tables change."""
    for family in families:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"DROP FUNCTION IF EXISTS {family}() CASCADE"))
            continue
        for name in present(connection, family):
            connection.execute(text(f"DROP TRIGGER {name}"))


def present(connection: Connection, family: str) -> set[str]:
    """The names of a family's triggers that are there."""
    catalog = (
        "SELECT tgname FROM pg_trigger WHERE tgname LIKE :pattern ESCAPE '!'"
        if connection.dialect.name == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE :pattern ESCAPE '!'"
    )
    return set(connection.execute(text(catalog), {"pattern": f"{family}!_%"}).scalars())
