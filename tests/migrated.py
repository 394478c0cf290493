"""New databases: copies of one that the migrations made, because all of these take two seconds of CPU.

The copied ones are kept for later runs, until a migration, or what makes triggers and indexes, changes.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib import metadata
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from asterisk_conf.package_sets import cache_folder
from crm.store import migrate

upgrade = migrate.upgrade
"""The real one, for tests of migrations."""


@contextmanager
def new_databases_copied() -> Iterator[None]:
    """Makes `migrate.upgrade` copy what a new file is to hold; everything else it does as ever."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "upgrade", _upgrade)
        yield


def _upgrade(url: str, revision: str = "head", *, node: str = "") -> None:
    path = _file_of(url)
    become_a_copy = functools.partial(_file_became_a_copy, path) if path else functools.partial(_became_a_copy, url)
    if revision not in ("head", _head()) or not become_a_copy():
        upgrade(url, revision, node=node)


def _file_became_a_copy(path: Path) -> bool:
    if not _is_new(path):
        return False
    path.touch(0o600)
    with (
        closing(sqlite3.connect(f"file:{migrated()}?immutable=1", uri=True)) as whole,
        closing(sqlite3.connect(path)) as new,
    ):
        whole.backup(new)
    return True


def _became_a_copy(url: str) -> bool:
    """On a server of `tests.postgres`, unless there is anything in the database, or somebody uses it."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql" or "host" not in parsed.query:
        return False
    server = {"host": parsed.query["host"], "user": parsed.username}
    try:
        with psycopg.connect(dbname=parsed.database, **server) as own:
            if own.execute("SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace").rowcount:
                return False
        with psycopg.connect(dbname="postgres", autocommit=True, **server) as all_of_them:
            if not all_of_them.execute("SELECT FROM pg_database WHERE datname = %s", [MIGRATED]).rowcount:
                return False
            name = sql.Identifier(parsed.database or "")
            all_of_them.execute(sql.SQL("DROP DATABASE {}").format(name))
            copy = "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy"
            all_of_them.execute(sql.SQL(copy).format(name, sql.Identifier(MIGRATED)))
    except psycopg.Error:
        return False
    return True


MIGRATED = "migrated"
"""Name of the migrated database without rows on a server of tests."""


_head = functools.cache(migrate.head)


def _file_of(url: str) -> Path | None:
    parsed = make_url(url)
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database and Path(parsed.database).parent.is_dir()
    return Path(parsed.database or "") if is_file else None


def _is_new(path: Path) -> bool:
    """Whether nothing has ever been put into a database; its file may be there."""
    if not path.exists() or path.stat().st_size == 0:
        return True
    try:
        with closing(sqlite3.connect(path)) as database:
            return database.execute("SELECT 1 FROM sqlite_master").fetchone() is None
    except sqlite3.Error:
        return False


@functools.cache
def migrated() -> Path:
    """A migrated database without rows."""

    def make(path: Path) -> None:
        upgrade(f"sqlite:///{path}")

    return kept(".db", make)


def kept(kind: str, make: Callable[[Path], None], *recipe: str) -> Path:
    """A migrated database in a file or folder whose name ends so; several runs may ask for it at once. `recipe` is what
    it is made of apart from the migrations."""
    folder = cache_folder() / "test-databases"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_recipe(*recipe)}{kind}"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=folder) as work:
                new = Path(work) / f"new{kind}"
                make(new)
                new.replace(path)
        os.utime(path)
        for old in sorted(folder.glob(f"*{kind}"), key=lambda one: one.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    return path


KEPT = 8
"""So many recipes of each kind are kept: several checkouts may have one each."""


def _recipe(*more: str) -> str:
    found = hashlib.sha256(repr([metadata.version(name) for name in ("alembic", "sqlalchemy")] + list(more)).encode())
    for folder in (migrate.FOLDER, Path(migrate.__file__).parent):
        for file in sorted(folder.rglob("*.py")):
            found.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:16]
