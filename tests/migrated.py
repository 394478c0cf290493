"""New databases on SQLite: copies of one that the migrations made, because all of them take two seconds of CPU.

The copied one is kept for later runs, until a migration, or what makes triggers and indexes, changes.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest
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
    path = _new_file(url)
    if path is None or revision not in ("head", _head()):
        upgrade(url, revision, node=node)
    else:
        shutil.copyfile(migrated(), path)
        path.chmod(0o600)


_head = functools.cache(migrate.head)


def _new_file(url: str) -> Path | None:
    """The file of a database that nobody has begun, in a folder that is there."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    path = Path(parsed.database)
    is_new = path.parent.is_dir() and (not path.exists() or path.stat().st_size == 0)
    return path if is_new else None


@functools.cache
def migrated() -> Path:
    """A migrated database without rows; several runs may ask for it at once."""
    folder = cache_folder() / "test-databases"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_recipe()}.db"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=folder) as work:
                new = Path(work) / "new.db"
                upgrade(f"sqlite:///{new}")
                new.replace(path)
        path.touch()
        for old in sorted(folder.glob("*.db"), key=lambda one: one.stat().st_mtime)[:-KEPT]:
            old.unlink()
    return path


KEPT = 8
"""So many recipes are kept: several checkouts may have one each."""


def _recipe() -> str:
    found = hashlib.sha256(repr([metadata.version(name) for name in ("alembic", "sqlalchemy")]).encode())
    for folder in (migrate.FOLDER, Path(migrate.__file__).parent):
        for file in sorted(folder.rglob("*.py")):
            found.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:16]
