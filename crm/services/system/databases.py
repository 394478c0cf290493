"""A home's database as a whole: moved to another server, and backed up before it is migrated."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import make_url

from crm import config as settings
from crm.config import Config
from crm.domain.errors import Conflict, CrmError
from crm.edge import processes
from crm.services.system import backups, homes, settings_file
from crm.services.system.backups import Told
from crm.store import dump, migrate, revision

SQLITE = "sqlite"
"""Names the SQLite file in the home."""


class Moved(msgspec.Struct, frozen=True):
    database: str
    """The one that is used from now on, without its password."""
    before: str
    tables: int
    rows: int


def move(config: Config, target: str, told: Told) -> Moved:
    """Copies all rows to an empty database, compares them, and then writes it into the settings; nothing is left in it
    if that fails.

    Raises Conflict while the system runs, for a database that is not empty, and when rows differ; Invalid for an
    impossible URL, and Unavailable.
    """
    if any(processes.running(config).values()):
        raise Conflict("Leaseline is running with this home.", code="database_in_use")
    if target != SQLITE:
        homes.check_database_url(target)
    to = msgspec.structs.replace(config, database=settings.Database(url="" if target == SQLITE else target))
    if to.database_url == config.database_url:
        raise Conflict("That is the database this home uses already.", code="database_same")
    file = config.home / "leaseline.db"
    if target == SQLITE and file.exists():
        raise Conflict(f"{file} is there already: move it away first.", code="database_not_empty_file")
    with dump.alone(config.database_url), dump.alone(to.database_url), dump.snapshot(config.database_url) as rows:
        if trouble := revision.problem(rows.revision):
            raise trouble
        dump.refuse_unless_empty(to.database_url)
        ours: list[bool] = []
        try:
            total = rows.count()
            chunks = _told_of(rows, told, total)
            there = dump.load(
                to.database_url, rows.revision, chunks, rows.sequences, on_begin=lambda: ours.append(True)
            )
            here = {name: summing.sum() for name, summing in rows.sums.items()}
            if there != here:
                wrong = next(name for name in here if there.get(name) != here[name])
                raise Conflict(f"The rows of {wrong} differ after they were copied.", code="move_differs")
            migrate.upgrade(to.database_url, node=config.node)
            text = settings_file.changed(config, "database.url", None if target == SQLITE else target)
            settings_file.write(config, text)
        except BaseException:
            # What somebody else has put there meanwhile is not ours to remove.
            if ours:
                _remove(to, is_file=target == SQLITE)
            raise
    return Moved(_shown(to), _shown(config), len(here), total)


def refuse_newer(found: str | None) -> None:
    """Raises Unavailable for tables of a newer version."""
    if found is not None and found not in revision.known() and (trouble := revision.problem(found)):
        raise trouble


def migrate_up(config: Config, now: datetime) -> Path | None:
    """Migrates the database to this version's tables, and returns the backup made before; None if there was nothing to
    migrate.

    Raises Unavailable for tables of a newer version; CrmError, and nothing is migrated, if there can be no backup.
    """
    found = migrate.current(config.database_url)
    refuse_newer(found)
    file = back_up_before(config, found, now)
    migrate.upgrade(config.database_url, node=config.node)
    return file


def back_up_before(config: Config, found: str | None, now: datetime) -> Path | None:
    """Backs up a database that is about to be migrated, and returns the file; None if there is nothing to migrate.

    Audio, which migrations leave alone, stays out of it: callers may be waiting for a start.
    """
    if found is None or found == revision.known()[-1]:
        return None
    folder = config.home / "backups"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CrmError(f"{folder} cannot be written ({error.strerror}).", code="backup_not_written") from error
    file = folder / f"before-{revision.known()[-1]}-from-{found}-{now:%Y%m%d-%H%M%S}.backup"
    backups.write(config, file, now, without=backups.AUDIO, told=lambda done, total: None)
    return file


def _told_of(rows: dump.FrozenRows, told: Told, total: int) -> dump.Chunks:
    done = 0
    for chunk in rows.chunks():
        yield chunk
        done += len(chunk[2])
        told(done, total)


def _remove(to: Config, *, is_file: bool) -> None:
    if not is_file:
        dump.clear(to.database_url)
        return
    for end in ("", "-wal", "-shm"):
        (to.home / f"leaseline.db{end}").unlink(missing_ok=True)


def _shown(config: Config) -> str:
    url = make_url(config.database_url)
    return url.set(drivername=url.get_backend_name()).render_as_string()
