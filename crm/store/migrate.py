"""Brings a database to the tables the code knows, with Alembic and the migrations in `alembic/`.

All functions block; asynchronous code runs them with `asyncio.to_thread`. Alembic is loaded by those that need it: most
programs that load this module only ask for a revision, and it takes a tenth of a second.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from crm.domain.errors import Conflict, Unavailable
from crm.store import coverage, happenings, inboxes, marks, search, touches, triggers
from crm.store.revision import known
from crm.store.session import in_words, migration_engine

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parents[2] / "alembic"

# Any number will do, as long as nobody else on the same PostgreSQL server uses it for another purpose.
_LOCK = 5_327_328

_KEPT_RIGHT = (marks.OFFICE, marks.SITE, touches, happenings, inboxes, coverage)
"""What triggers do."""
FAMILIES = (
    marks.OFFICE.family,
    marks.SITE.family,
    touches.FAMILY,
    happenings.FAMILY,
    inboxes.FAMILY,
    coverage.FAMILY,
)
"""Names of those triggers begin with these."""


def upgrade(url: str, revision: str = "head", *, node: str = "") -> None:
    """Migrates up to `revision`, all or nothing. Two processes may do it at once: the second finds it done.

    `node` is the name of the home that migrates; existing rows become its own.
    """

    if revision == "head" and current(url) == known()[-1]:
        # As at nearly every start, which then waits for neither Alembic nor all the migrations.
        _run(url, lambda connection: None)
        return
    from alembic import command

    def up(connection: Connection) -> None:
        config = _config(connection, node)
        if connection.dialect.name == "sqlite" and not _is_at(connection, revision):
            # A table that is rebuilt is missing for a moment, and triggers of others that name it would not do.
            triggers.remove(connection, *FAMILIES)
        _with_alembic(lambda: command.upgrade(config, revision))

    _run(url, up)


def downgrade(url: str, revision: str) -> None:
    """Migrates down to `revision`; "base" removes every table."""

    from alembic import command

    def down(connection: Connection) -> None:
        triggers.remove(connection, *FAMILIES)
        search.remove(connection)
        _with_alembic(lambda: command.downgrade(_config(connection), revision))

    _run(url, down)


def current(url: str) -> str | None:
    """The revision the database is at; None when it was never migrated."""
    engine = migration_engine(url)
    try:
        with engine.connect() as connection:
            return _revision(connection)
    except (DBAPIError, sqlite3.Error) as error:
        raise _unavailable(error) from error
    finally:
        engine.dispose()


def head() -> str:
    """The revision this version of the code needs."""
    from alembic.script import ScriptDirectory

    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def is_current(url: str) -> bool:
    return current(url) == head()


def _run(url: str, migrate: Callable[[Connection], None]) -> None:
    engine = migration_engine(url)
    try:
        with engine.connect() as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            migrate(connection)
            for family in _KEPT_RIGHT:
                if family.supported(connection):
                    kept = family.as_of(connection) if isinstance(family, marks.Mark) else family
                    triggers.put(connection, kept.triggers(connection.dialect.name))
            search.put(connection)
            if connection.dialect.name == "sqlite":
                _check_foreign_keys(connection)
    except (DBAPIError, sqlite3.Error) as error:
        raise _unavailable(error) from error
    finally:
        engine.dispose()


def _with_alembic(act: Callable[[], None]) -> None:
    from alembic.util.exc import CommandError

    try:
        act()
    except CommandError as error:
        raise Conflict(
            f"This version cannot migrate the database ({error}): update Leaseline, or restore a matching backup.",
            code="migration_unknown",
        ) from error


def _is_at(connection: Connection, revision: str) -> bool:
    return _revision(connection) == (head() if revision == "head" else revision)


def _revision(connection: Connection) -> str | None:
    """As Alembic keeps it; None where it has made no tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _check_foreign_keys(connection: Connection) -> None:
    # SQLite checks nothing while foreign keys are off for rebuilding tables.
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise Conflict(
            f"The migration would leave rows of {broken[0]} orphaned: report it; nothing was changed.",
            code="migration_orphans",
            table=broken[0],
        )


def _config(connection: Connection | None = None, node: str = "") -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["node"] = node
    return config


def _unavailable(error: DBAPIError | sqlite3.Error) -> Unavailable:
    if told := in_words(error):
        return Unavailable(told, code="database_in_trouble")
    why = getattr(error, "orig", error)
    return Unavailable(
        f"The database could not be migrated ({why}): check that it is there and writable, and that there is space.",
        code="migration_failed",
    )
