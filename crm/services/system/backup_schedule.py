"""Daily backups: made by a process of their own, so that calls do not wait for them; the latest ones are kept.

What became of the last one is in the home's run/backup.json, which only that process writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain import written_times
from crm.domain.errors import Conflict, CrmError, Invalid
from crm.edge import age
from crm.secrets import SecretError, Secrets, unusable
from crm.services.office import owners
from crm.services.outbox import notices
from crm.services.system import backups, copies
from crm.services.system.backups import Told
from crm.services.system.disk import MEGABYTE

SECRET = "backup"
"""Name of the passphrase among the secrets."""
LOOK_SECONDS = 60.0
AGAIN = timedelta(hours=1)
"""After a failure."""
STOP_SECONDS = 10.0
LEFT_BEHIND_SECONDS = 2 * 86400
"""Files set aside for a backup that was killed are removed after this time."""
_PROGRAM = Path(__file__).parents[3] / "cli.py"


class BackupResult(msgspec.Struct, frozen=True):
    """What became of a scheduled backup."""

    started_at: datetime
    ended_at: datetime
    file: str
    size: int = 0
    """Bytes of the file."""
    rows: int = 0
    files: int = 0
    encrypted: bool = False
    checked: bool = False
    """Whether it was restored beside itself and compared."""
    unchecked_because: str = ""
    error: str = ""
    """Why there is none; empty: it was made."""


class BackupState(msgspec.Struct, frozen=True):
    last: BackupResult | None = None
    good: BackupResult | None = None
    """The last one that was made."""


def state(config: Config) -> BackupState:
    """What is known of the last backups; nothing if that cannot be read."""
    try:
        return msgspec.json.decode(_state_file(config).read_bytes(), type=BackupState)
    except (OSError, msgspec.MsgspecError):
        return BackupState()


def due_at(config: Config, known: BackupState, now: datetime) -> datetime | None:
    """When the next backup is due; a time that has passed: now. None: none is scheduled."""
    clock = written_times.clock(config.backups.daily)
    if clock is None:
        return None
    today = now.astimezone(config.tz).date()
    around = [
        datetime.combine(today + timedelta(days=days), clock, config.tz).astimezone(UTC) for days in (-1, 0, 1, 2)
    ]
    latest, following = max(at for at in around if at <= now), min(at for at in around if at > now)
    last = known.last
    if last is None or last.started_at < latest:
        return latest
    return min(following, last.ended_at + AGAIN) if last.error else following


async def look(crm: Crm) -> None:
    """Has a backup made if one is due, and tells the admin if that fails, once a day."""
    config, now = crm.config, crm.now()
    at = due_at(config, state(config), now)
    # A copy has the original's name and folder, and must not delete the original's backups.
    if at is None or at > now or copies.held(config):
        return
    await _in_process(config)
    last = state(config).last
    if last is None or last.started_at < now - timedelta(seconds=1):
        await asyncio.to_thread(_keep, config, BackupResult(now, crm.now(), "", error="It was cut off."))
        last = state(config).last
    if last and last.error:
        await crm.store.run(_tell, config, last, crm.now())


async def _in_process(config: Config) -> None:
    nice = shutil.which("nice")
    process = await asyncio.create_subprocess_exec(
        *([nice, "-n", "19"] if nice else []),  # Calls come first.
        sys.executable,
        str(_PROGRAM),
        "backup",
        "run",
        env={**os.environ, "LEASELINE_HOME": str(config.home)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            # It removes what it has begun.
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()


def _tell(session: Session, config: Config, last: BackupResult, now: datetime) -> None:
    day = now.astimezone(config.tz).date()
    text = f"The backup of {config.home} was not made: {last.error}"
    notices.tell(session, config, [owners.admin(session)], f"backup:{day}", "The backup has failed", text, now)


def make(config: Config, now: datetime, told: Told) -> BackupResult:
    """Makes the backup now, checks it, and deletes those beyond backups.keep. Whatever happens is put on record.

    Raises Conflict while another process does this, and CrmError if there is no backup.
    """
    with _alone(config):
        name = f"leaseline-{config.node}-{now.astimezone(UTC):%Y%m%d-%H%M%S}.backup"
        file = config.backups_folder / name
        try:
            result = _make(config, file, now, told)
        except (CrmError, SecretError, OSError) as error:
            why = str(error) if not isinstance(error, OSError) else f"{error.filename}: {error.strerror}."
            _keep(config, BackupResult(now, datetime.now(UTC), str(file), error=why))
            raise CrmError(why, code="backup_not_made") from error
        _keep(config, result)
        for old in _ours(config)[: -config.backups.keep]:
            old.unlink(missing_ok=True)
    return result


def _make(config: Config, file: Path, now: datetime, told: Told) -> BackupResult:
    folder = file.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _tidy(config, folder)
    good = state(config).good
    _look_for_room(config, folder, good.size if good else 0)
    # With it the file that was just written is checked, also where the private key is elsewhere.
    own = age.FileKey()
    entry = backups.write(config, file, now, lock=_lock(config), own=own, told=told)
    checked, why = False, ""
    if config.backups.check:
        try:
            _look_for_room(config, folder, entry.bytes + entry.rows * 1000)
            backups.check(file, key=own, told=told)
            checked = True
        except Conflict as error:
            if error.code != "backup_room":
                file.rename(file.with_suffix(".damaged"))
                raise
            why = str(error)
    else:
        why = "backups.check is off."
    return BackupResult(
        now,
        datetime.now(UTC),
        str(file),
        file.stat().st_size,
        entry.rows,
        entry.files,
        entry.encrypted,
        checked,
        why,
    )


def _look_for_room(config: Config, folder: Path, size: int) -> None:
    """Raises Conflict if the disk would be nearly full: calls need it, too."""
    free, spare = shutil.disk_usage(folder).free, config.disk.warn_megabytes * MEGABYTE
    if free < size + spare:
        raise Conflict(
            f"Only {free // MEGABYTE:,} MB are free in {folder}, which takes {size // MEGABYTE:,} MB and has to keep "
            f"{spare // MEGABYTE:,} MB.",
            code="backup_room",
        )


def shortage(config: Config) -> str:
    """Why the next backup will find too little space; empty: it has enough, or nothing is known yet."""
    good = state(config).good
    try:
        _look_for_room(config, config.backups_folder, good.size if good else 0)
    except Conflict as error:
        return str(error)
    except OSError:
        return ""
    return ""


def _lock(config: Config) -> age.Lock | None:
    """What the next backup is encrypted with. Raises SecretError, and Conflict for a key that is none."""
    if config.backups.public_key:
        try:
            return age.PublicKey(config.backups.public_key)
        except ValueError:
            raise Conflict("backups.public_key is mistyped: it is no public key.", code="backup_key_wrong") from None
    return age.Passphrase(Secrets(config.secrets_file).get(SECRET)) if config.backups.encrypt else None


def forget_passphrase(config: Config) -> None:
    """Removes the passphrase of scheduled backups, which a public key makes needless, from the secrets."""
    Secrets(config.secrets_file).remove(SECRET)


def schedule_passphrase(config: Config, value: str) -> None:
    """Keeps the passphrase of scheduled backups among the secrets. Raises Invalid."""
    if problem := unusable(value):
        raise Invalid(f"This passphrase cannot be used: {problem}.", code="backup_passphrase_unusable")
    Secrets(config.secrets_file).put(SECRET, value)


def _ours(config: Config) -> list[Path]:
    """Scheduled backups of this home, the oldest first. Nothing else in the folder is ever deleted."""
    name = re.compile(rf"leaseline-{re.escape(config.node)}-[0-9]{{8}}-[0-9]{{6}}\.backup", re.ASCII)
    folder = config.backups_folder
    return sorted(path for path in folder.iterdir() if name.fullmatch(path.name)) if folder.is_dir() else []


def _tidy(config: Config, folder: Path) -> None:
    """Removes what a backup that was killed has left."""
    for path in folder.glob(f".leaseline-{config.node}-*.backup.*"):
        path.unlink(missing_ok=True)
    for path in config.run_folder.glob("backup-*"):
        if path.is_dir() and time.time() - path.stat().st_mtime > LEFT_BEHIND_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _keep(config: Config, result: BackupResult) -> None:
    good = state(config).good if result.error else result
    path = _state_file(config)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.write_bytes(msgspec.json.encode(BackupState(result, good)))
    fresh.replace(path)


@contextmanager
def _alone(config: Config) -> Iterator[None]:
    config.run_folder.mkdir(mode=0o700, exist_ok=True)
    with (config.run_folder / "backup.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("A backup of this home is being made now.", code="backup_under_way") from None
        yield


def _state_file(config: Config) -> Path:
    return config.run_folder / "backup.json"
