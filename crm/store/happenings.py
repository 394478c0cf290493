"""What webhooks may want to hear of is noted in the transaction in which it happens: table `happening`.

It happens in many places, so triggers (crm/store/triggers.py) note it, as long as there is a webhook. They only say
what; what of it is whose to hear is decided when deliveries are made of it (crm/services/webhooks).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, bindparam, inspect, text
from sqlalchemy.orm import Session

from crm.domain.webhooks import WebhookEvent
from crm.store.triggers import Triggers, named

TABLE = "happening"
FAMILY = "note_happening"

_HEARD = "EXISTS (SELECT 1 FROM webhook WHERE stopped_at IS NULL)"
_IS_HEARD = text(f"SELECT {_HEARD}")
_COLUMNS = "event, at, lead_id, call_id, tour_id, property_id, was, became"
WATCHED: tuple[tuple[str, str, str, str, str], ...] = (
    # table, what happens to a row, when that counts, and what is noted
    ("lead", "INSERT", "", WebhookEvent.LEAD_CREATED, "NEW.created_at, NEW.id, NULL, NULL, NULL, NULL, NULL"),
    (
        "interest",
        "INSERT",
        "",
        WebhookEvent.STAGE_CHANGED,
        "NEW.updated_at, NEW.lead_id, NULL, NULL, NEW.property_id, NULL, NEW.stage",
    ),
    (
        "interest",
        "UPDATE OF stage",
        "NEW.stage <> OLD.stage",
        WebhookEvent.STAGE_CHANGED,
        "NEW.updated_at, NEW.lead_id, NULL, NULL, NEW.property_id, OLD.stage, NEW.stage",
    ),
    ("tour", "INSERT", "", WebhookEvent.TOUR_BOOKED, "NEW.booked_at, NEW.lead_id, NULL, NEW.id, NULL, NULL, NEW.state"),
    (
        "tour",
        "UPDATE OF state, version",
        "NEW.state <> OLD.state OR NEW.version <> OLD.version",
        WebhookEvent.TOUR_CHANGED,
        "NULL, NEW.lead_id, NULL, NEW.id, NULL, OLD.state, NEW.state",
    ),
    (
        "call",
        "INSERT",
        "NEW.ended_at IS NOT NULL",
        WebhookEvent.CALL_ENDED,
        "NEW.ended_at, NULL, NEW.id, NULL, NULL, NULL, NULL",
    ),
    (
        "call",
        "UPDATE OF ended_at",
        "NEW.ended_at IS NOT NULL AND OLD.ended_at IS NULL",
        WebhookEvent.CALL_ENDED,
        "NEW.ended_at, NULL, NEW.id, NULL, NULL, NULL, NULL",
    ),
)
_SIGNS = {"lead": "INSERT", "interest": "stage", "tour": "", "call": "ended_at"}


def may_be_noted(table: str, statement: str) -> bool:
    """Whether a statement that changes a table may make its triggers note something, of which SQLite tells nobody."""
    return table in _SIGNS and _SIGNS[table] in statement


def are_heard(session: Session) -> bool:
    """Whether the triggers note anything: there is a webhook."""
    return bool(session.connection().execute(_IS_HEARD).scalar())


def triggers(dialect: str) -> Triggers:
    return Triggers(FAMILY, tuple(_wanted(dialect)), _FUNCTION if dialect == "postgresql" else "")


def supported(connection: Connection) -> bool:
    """Whether the tables are there, in the revision that the database is at."""
    return inspect(connection).has_table(TABLE)


def latest(session: Session) -> int:
    """Marks a moment, for `forget`."""
    return session.execute(text(f"SELECT max(id) FROM {TABLE}")).scalar() or 0


def forget(session: Session, since: int, lead_ids: Collection[int]) -> None:
    """Forgets what has been noted since a moment about leads that this transaction has locked: it has only put them in
    order, and nothing has happened with them."""
    gone = text(f"DELETE FROM {TABLE} WHERE id > :since AND lead_id IN :leads")
    session.execute(gone.bindparams(bindparam("leads", expanding=True)), {"since": since, "leads": list(lead_ids)})


def _wanted(dialect: str) -> Iterator[tuple[str, str]]:
    for table, happens, counts, event, values in WATCHED:
        what = f"{happens[:6].lower()}"
        if dialect == "postgresql":
            when = f" WHEN ({counts})" if counts else ""
            does = f"AFTER {happens} ON {table} FOR EACH ROW{when} EXECUTE FUNCTION {FAMILY}('{event}')"
            yield named(FAMILY, table, what, does, _FUNCTION)
            continue
        when = f"({counts}) AND {_HEARD}" if counts else _HEARD
        put = f"INSERT INTO {TABLE} ({_COLUMNS}) VALUES ('{event}', {values})"
        yield named(FAMILY, table, what, f"AFTER {happens} ON {table} WHEN {when} BEGIN {put}; END")


def _cases() -> Iterator[str]:
    """PL/pgSQL: one function writes what each table says."""
    for table, happens, _, _, values in WATCHED:
        yield (
            f"    IF TG_TABLE_NAME = '{table}' AND TG_OP = '{happens[:6]}' THEN"
            f" INSERT INTO {TABLE} ({_COLUMNS}) VALUES (TG_ARGV[0], {values}); END IF;\n"
        )


_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {FAMILY}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT {_HEARD} THEN RETURN NULL; END IF;
{"".join(_cases())}    PERFORM pg_notify('leaseline', 'trigger {TABLE}');
    RETURN NULL;
END $$
"""
