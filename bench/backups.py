"""What a backup of a large office costs, and its restore: beside them, a copy of the SQLite file and VACUUM INTO.

1,000,000 rows and more, created by bulk inserts: `script/bench backups`, or `--postgres` on its own server, where
pg_dump is the control.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from asterisk_conf.programs import postgres_bin
from bench.data import Size, fill
from crm import config as settings
from crm.config import Config
from crm.services.system import backups
from crm.store import migrate
from crm.store.session import Store
from tests.postgres import running_postgres


def quiet(done: int, total: int) -> None:
    pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=600_000)
    parser.add_argument("--postgres", action="store_true", help="use a PostgreSQL server of its own instead of SQLite")
    options = parser.parse_args()
    size = Size(leads=60_000, calls=90_000, texts=90_000, events=options.events, rows=0)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home = folder / "home"
        home.mkdir()
        config, server = Config(home), None
        if options.postgres:
            server = stack.enter_context(running_postgres())
            server.run_sql("CREATE DATABASE large")
            config = Config(home, database=settings.Database(url=server.url("large")))
        (home / "leaseline.toml").write_text("")
        for one in config.folders:
            one.mkdir(exist_ok=True)
        migrate.upgrade(config.database_url)
        store = Store(config.database_url)
        fill(store, size, datetime.now(UTC))
        store.close()

        table = Table("what", "seconds", "CPU s", "MB")
        file = folder / "one.backup"

        def took(what: str, act: Callable[[], object], made: Path | None = None) -> None:
            began, before = time.perf_counter(), time.process_time() + _children()
            act()
            spent, used = time.perf_counter() - began, time.process_time() + _children() - before
            megabytes = f"{made.stat().st_size / 1e6:.0f}" if made and made.is_file() else ""
            table.add_row(what, f"{spent:.1f}", f"{used:.1f}", megabytes)

        took("backup", lambda: backups.write(config, file, datetime.now(UTC), told=quiet), file)
        took("restore, compared row by row", lambda: backups.restore(file, folder / "new", told=quiet))
        took("check", lambda: backups.check(file, told=quiet))
        database, control = home / "leaseline.db", folder / "control.db"
        if server is None:
            with contextlib.closing(sqlite3.connect(database)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            took("cp of the file (alone, with nobody writing)", lambda: _copy(database, control), control)
            control.unlink()
            took("VACUUM INTO", lambda: _vacuum(database, control), control)
            took("gzip -1 of that", lambda: _gzip(control), Path(f"{control}.gz"))
        else:
            programs, variables = postgres_bin()
            dump = folder / "control.dump"
            command = [str(programs / "pg_dump"), "-Fc", "-Z1", "-f", str(dump), server.dsn("large")]
            took("pg_dump", lambda: subprocess.run(command, check=True, env={**os.environ, **variables}), dump)
        entry = backups.write(config, folder / "count.backup", datetime.now(UTC), told=quiet)
        console = Console(width=100)
        console.print(f"{'PostgreSQL' if server else 'SQLite'}: {entry.rows:,} rows")
        console.print(table)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        console.print(f"Most memory of this process, filling included: {most:.0f} MB")


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _copy(source: Path, to: Path) -> None:
    shutil.copyfile(source, to)
    descriptor = os.open(to, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _vacuum(source: Path, to: Path) -> None:
    with contextlib.closing(sqlite3.connect(source)) as connection:
        connection.execute("VACUUM INTO ?", (str(to),))


def _gzip(path: Path) -> None:
    subprocess.run(["gzip", "-1", "-k", str(path)], check=True)


if __name__ == "__main__":
    main()
