"""Backups of a home, made while calls go on, and new homes made from them.

A backup has what cannot be made again: the database, and all files of the home but Asterisk's own, locks and logs.
Files that rows name are in it: all files are set aside (as hard links) before the database is read, and those that have
come since, afterwards. What waits in the journal and the spool is taken before the database, too, so that a fact which
is recorded meanwhile may be there twice, which is harmless, but is never missing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from importlib.metadata import version
from pathlib import Path

import msgspec
from sqlalchemy import make_url

from crm import config as settings
from crm.config import Config, ConfigError
from crm.domain.errors import Conflict, CrmError
from crm.edge import age, folders
from crm.services.system import archive, copies
from crm.services.system.archive import File, Header, Manifest, Reader, Sums
from crm.store import dump, migrate, revision

LEFT_OUT = ("asterisk", "run", "log", "reserve", "home.json", "secrets.json.lock")
"""Made anew where they are missing, or only true of one home."""
AUDIO = ("recordings",)
"""Folders of what can be large, and no migration touches."""
_NOT_TAKEN_IN = ("asterisk/log/cel-custom/", "asterisk/spool/")
"""Of Asterisk's: what it noted and recorded while the app was away, until that is on record."""
_LINKED = ("recordings", "pictures", "applications", "mails", "music", "prompts")
"""Their files are never changed once they are there."""
_SPARE_BYTES = 50 << 20
"""Has to stay free on a disk."""
_ROW_BYTES = 200
"""What a row counts for in progress."""

Told = Callable[[int, int], None]
"""Told how much is done, and of how much."""


class BackupEntry(msgspec.Struct, frozen=True):
    """A backup, or what was made from one."""

    file: str
    version: str
    revision: str
    created_at: str
    rows: int
    files: int
    bytes: int
    """Of the files in it, before compression."""
    encrypted: bool


def write(
    config: Config,
    file: Path,
    now: datetime,
    *,
    lock: age.Lock | None = None,
    own: age.FileKey | None = None,
    with_logs: bool = False,
    without: Collection[str] = (),
    told: Told,
) -> BackupEntry:
    """Writes a backup: complete under its name, or not at all; only its owner may read it. `without` are folders of the
    home that stay out of it; `own` is to open it as well as what opens `lock`.

    Raises Conflict if the file is there already, CrmError if it cannot be written, and Unavailable.
    """
    if file.exists():
        raise Conflict(f"{file} is there already.", code="backup_exists")
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    left_out = {
        *LEFT_OUT,
        *without,
        *_own_database(config),
        *_inside(config, config.home / "backups", config.backups_folder, file),
    }
    if with_logs:
        left_out.discard("log")
    try:
        with _set_aside(config) as aside:
            _collect(config.home, aside, left_out)
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                with archive.writing(out, lock, own) as writer, dump.snapshot(config.database_url) as rows:
                    _collect(config.home, aside, left_out, only_new=True)
                    header = _write(writer, rows, aside, now, told)
                out.flush()
                os.fsync(out.fileno())
        os.link(unfinished, file)
        folders.sync(file.parent)
    except FileExistsError as error:
        raise Conflict(f"{file} is there already.", code="backup_exists") from error
    except OSError as error:
        raise CrmError(f"The backup {file} cannot be written ({error.strerror}).", code="backup_not_written") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return _entry(file, header)


def restore(
    file: Path,
    home: Path,
    *,
    key: age.Key | None = None,
    ports_from: int | None = None,
    database: str = "",
    told: Told,
) -> BackupEntry:
    """Makes a new home from a backup; nothing is left if that fails. It sends nothing until it is released.

    `database` is the URL of an empty PostgreSQL database; without it, the database is a SQLite file in the home,
    whatever it was. Raises Conflict if there is something at `home`, or the backup is damaged or a newer version's.
    """
    if home.is_symlink() or (home.exists() and (not home.is_dir() or any(home.iterdir()))):
        raise Conflict(f"{home} is not empty.", code="restore_over_something")
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{home.name}.", dir=home.parent))
    except OSError as error:
        raise _not_written(home, error) from error
    in_postgres = settings.Config(home=fresh, database=settings.Database(url=database)).database_url if database else ""
    ours: list[bool] = []
    try:
        with archive.reading(file, key) as reader:
            header = reader.header
            if header.revision not in revision.known():
                raise Conflict(
                    f"The backup is a newer version's (tables {header.revision[:20]!a}): update Leaseline first.",
                    code="backup_newer",
                )
            url = in_postgres or f"sqlite:///{fresh / 'leaseline.db'}"
            dump.refuse_unless_empty(url)
            progress = _Progress(told, header)
            _take_files(reader, fresh, progress)
            with dump.alone(url):
                _fill(reader, url, fresh, progress, lambda: ours.append(True))
        _adapt(fresh, ports_from, database)
        config = settings.load(fresh)
        for folder in config.folders:
            folder.mkdir(mode=0o700, exist_ok=True)
        migrate.upgrade(url, node=config.node)
        copies.hold(config, "This home was restored from a backup.")
        fresh.rename(home)
        folders.sync(home.parent)
    except BaseException as error:
        shutil.rmtree(fresh, ignore_errors=True)
        # What somebody else has put there meanwhile is not ours to remove.
        if in_postgres and ours:
            dump.clear(in_postgres)
        if isinstance(error, OSError):
            raise _not_written(home, error) from error
        if isinstance(error, ConfigError):
            raise Conflict(
                "The settings in the backup are not ones that this version can read.", code="backup_settings"
            ) from error
        raise
    return _entry(file, header)


def check(file: Path, *, key: age.Key | None = None, told: Told) -> tuple[BackupEntry, tzinfo]:
    """Restores a backup next to it, compares everything, looks through the whole database, and removes that again.
    Returns also the time zone of the office in it. Raises Conflict."""
    try:
        scratch = Path(tempfile.mkdtemp(prefix=".checking-", dir=file.parent))
    except OSError:
        scratch = Path(tempfile.mkdtemp(prefix="leaseline-checking-"))
    try:
        entry = restore(file, scratch / "home", key=key, told=told)
        if trouble := dump.damage(f"sqlite:///{scratch / 'home' / 'leaseline.db'}"):
            raise Conflict(f"The database made from the backup is damaged: {trouble}.", code="backup_damaged")
        return entry, settings.load(scratch / "home").tz
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write(writer: archive.Writer, rows: dump.FrozenRows, aside: Path, now: datetime, told: Told) -> Header:
    files = [(path, path.relative_to(aside).as_posix()) for path in sorted(aside.rglob("*")) if path.is_file()]
    size = sum(path.stat().st_size for path, _ in files)
    header = Header(
        archive.FORMAT,
        version("leaseline"),
        rows.revision,
        now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        rows.count(),
        len(files),
        size,
    )
    progress = _Progress(told, header)
    writer.part(archive.HEADER, header)
    for path, name in files:
        progress.bytes(writer.file(name, path))
    writer.part(archive.MANIFEST, Manifest(writer.files))
    for chunk in rows.chunks():
        writer.rows(chunk)
        progress.rows(len(chunk[2]))
    sums = {name: summing.sum() for name, summing in rows.sums.items()}
    writer.part(archive.SUMS, Sums(sums, rows.sequences()))
    return header


def _fill(reader: Reader, url: str, fresh: Path, progress: _Progress, on_begin: Callable[[], object]) -> None:
    """Loads the rows and compares them, as read back, with what the backup says of them."""
    found: list[Sums] = []

    def chunks() -> Iterator[dump.Chunk]:
        for chunk in reader.chunks():
            _look_for_room(fresh, sum(len(line) for line in chunk[2]))
            yield chunk
            progress.rows(len(chunk[2]))

    def sequences() -> dict[str, int]:
        found.append(reader.sums())
        return found[0].sequences

    there = dump.load(url, reader.header.revision, chunks(), sequences, on_begin=on_begin)
    wanted = found[0].tables
    if there != wanted:
        tables = sorted(name for name in {*there, *wanted} if there.get(name) != wanted.get(name))
        raise Conflict(f"The rows of {tables[0][:60]} are not those that were backed up.", code="backup_damaged")


def _take_files(reader: Reader, fresh: Path, progress: _Progress) -> None:
    """Writes the files and compares them with the backup's list."""
    written: list[File] = []
    for name, size, content in reader.files():
        top, *inside = name.split("/")
        is_ours = top not in LEFT_OUT or (top == "log" and inside) or name.startswith(_NOT_TAKEN_IN)
        if top.startswith("leaseline.db") or not is_ours:
            raise Conflict("The backup holds a file that does not belong into one.", code="backup_hostile")
        _look_for_room(fresh, size)
        path = fresh / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            while piece := content.read(1 << 20):
                out.write(piece)
                digest.update(piece)
        written.append(File(name, size, digest.hexdigest()))
        progress.bytes(size)
    if written != reader.manifest().files:
        raise Conflict("The files are not those that were backed up.", code="backup_damaged")


def _look_for_room(folder: Path, size: int) -> None:
    if shutil.disk_usage(folder).free < size + _SPARE_BYTES:
        raise Conflict("There is not enough space on the disk for what is in the backup.", code="restore_disk_full")


def _adapt(fresh: Path, ports_from: int | None, database: str) -> None:
    """Writes what differs from the original into leaseline.toml: it never uses the original's database."""
    import tomlkit  # Who makes backups needs none.

    path = settings.settings_file(fresh)
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Conflict("The backup has no readable leaseline.toml.", code="backup_settings") from error
    document.pop("database", None)
    if database:
        document["database"] = {"url": database}
    if ports_from is not None:
        document["ports"] = msgspec.to_builtins(settings.port_block(ports_from))
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


@contextmanager
def _set_aside(config: Config) -> Iterator[Path]:
    """A folder on the home's own disk, for links to its files."""
    config.run_folder.mkdir(mode=0o700, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix="backup-", dir=config.run_folder))
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _collect(home: Path, aside: Path, left_out: set[str], *, only_new: bool = False) -> None:
    """Links files that never change into `aside`, and copies the others unless only new ones are asked for."""
    for top in sorted(home.iterdir()):
        if only_new and top.name not in _LINKED:
            continue
        if top.name == "asterisk":
            for part in _NOT_TAKEN_IN:
                _collect_folder(home / part, part.rstrip("/"), aside, set())
        elif top.is_file():
            _collect_file(top, aside / top.name, top.name, left_out, is_linked=False)
        elif top.is_dir() and top.name not in left_out:
            _collect_folder(top, top.name, aside, left_out, only_new=only_new, is_linked=top.name in _LINKED)


def _collect_folder(
    top: Path, named: str, aside: Path, left_out: set[str], *, only_new: bool = False, is_linked: bool = False
) -> None:
    # A folder may be a link to another disk; what is inside of it is not followed further.
    for folder, _, names in os.walk(top):
        for name in names:
            source = Path(folder, name)
            path = f"{named}/{source.relative_to(top).as_posix()}"
            if not source.is_symlink() and not (only_new and (aside / path).exists()):
                _collect_file(source, aside / path, path, left_out, is_linked=is_linked)


def _collect_file(source: Path, to: Path, path: str, left_out: set[str], *, is_linked: bool) -> None:
    folders = {parent.as_posix() for parent in Path(path).parents}
    if path in left_out or folders & left_out or path.endswith(".new"):
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        if is_linked:
            try:
                os.link(source, to)
            except FileNotFoundError:
                raise
            except OSError:
                to.symlink_to(source)  # On another disk, or one without hard links.
        else:
            shutil.copyfile(source, to)
    except FileNotFoundError:
        return  # Deleted just now.


def _own_database(config: Config) -> set[str]:
    url = make_url(config.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return {"leaseline.db", "leaseline.db-wal", "leaseline.db-shm"}
    names = _inside(config, Path(url.database))
    return {f"{name}{end}" for name in {*names, "leaseline.db"} for end in ("", "-wal", "-shm")}


def _inside(config: Config, *paths: Path) -> set[str]:
    """The paths within the home, for those that are in it."""
    home = config.home.resolve()
    return {
        path.resolve().relative_to(home).as_posix()
        for path in paths
        if path.resolve().is_relative_to(home) and path.resolve() != home
    }


def _entry(file: Path, header: Header) -> BackupEntry:
    return BackupEntry(
        str(file),
        header.version,
        header.revision,
        header.created_at,
        header.rows,
        header.files,
        header.bytes,
        archive.is_encrypted(file),
    )


def _not_written(home: Path, error: OSError) -> CrmError:
    return CrmError(f"{home} cannot be written ({error.strerror}).", code="home_not_written", home=str(home))


class _Progress:
    def __init__(self, told: Told, header: Header) -> None:
        self._told, self._done = told, 0
        self._total = header.rows * _ROW_BYTES + header.bytes

    def rows(self, count: int) -> None:
        self.bytes(count * _ROW_BYTES)

    def bytes(self, count: int) -> None:
        self._done += count
        self._told(self._done, self._total)
