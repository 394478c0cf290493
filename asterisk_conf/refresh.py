"""Newer packages for the set in use: fetched beside it, and taken at the next start of Asterisk; the old set is kept.

The set in use keeps its path, which is in configurations and command lines. Next to it, with suffixes, are the one that
waits for the next start and the one that was in use before. Several homes on a machine share them: what is taken when
Asterisk starts for one home applies to the others, whose running Asterisks have loaded what they need.

    python -m asterisk_conf.refresh     looks up the available versions, for `newest`
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asterisk_conf import install, package_sets, programs, sources, unpacking
from asterisk_conf.package_sets import PackageSet
from asterisk_conf.progress import Progress, SetupError

WAITING, FORMER = ".waiting", ".former"
"""Suffixes of the folders next to the one in use."""
LOOK_UP_SECONDS = 300
LOOK_UP_EVERY = timedelta(days=1)
_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Kept:
    """A set on disk."""

    fetched_at: datetime
    versions: dict[str, str] = field(repr=False)
    """By package."""

    @property
    def asterisk(self) -> str:
        """Version of the asterisk package; "" in a set without it."""
        return self.versions.get("asterisk", "")


@dataclass(frozen=True)
class Newest:
    """What was available at the last look-up."""

    at: datetime
    versions: dict[str, str] = field(repr=False)
    """By package; empty if it could not be determined."""
    problem: str = ""
    """Why not, as a sentence."""


def package_set() -> PackageSet:
    """The set that is kept up to date: the one with Asterisk, unless the machine's own Asterisk is used."""
    return package_sets.TOOLS if programs.machine_asterisk() else package_sets.RUNTIME


def in_use(cache: Path) -> Kept | None:
    return _kept(package_set().root(cache))


def waiting(cache: Path) -> Kept | None:
    """The set that will be taken at the next start of Asterisk, if any."""
    return _kept(_beside(cache, WAITING))


def former(cache: Path) -> Kept | None:
    return _kept(_beside(cache, FORMER))


def newer(versions: dict[str, str], than: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Packages whose versions differ, as (old, new); one of these is "" for a package that only one set has."""
    names = sorted(versions.keys() | than.keys())
    pairs = {name: (than.get(name, ""), versions.get(name, "")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


# --- fetching a newer set, and going back ---


def fetch(cache: Path, progress: Progress) -> Kept | None:
    """Fetches the newest packages for the next start of Asterisk. Returns None if they are in use or waiting already.

    Raises SetupError; then nothing has changed.
    """
    wanted = package_set()
    if in_use(cache) is None:
        raise SetupError("Nothing is set up yet: run script/setup first.")
    install.check_system()
    with install.only_one(cache, progress) as lock, _lists(cache):
        needed = install.LISTS_MB + wanted.disk_mb
        if shutil.disk_usage(cache).free < needed * 10**6:
            raise install.disk_full(cache, needed)
        apt = sources.Sources(cache, lock, progress).forky
        packages = unpacking.resolved(wanted, apt, progress)
        versions = {package.name: package.version for package in packages}
        _keep_answer(cache, versions)
        if any(kept and kept.versions == versions for kept in (in_use(cache), waiting(cache))):
            return None
        beside = _beside(cache, WAITING)
        shutil.rmtree(beside, ignore_errors=True)
        unpacking.bring(wanted, packages, apt, beside, progress)
    return waiting(cache)


def back(cache: Path, progress: Progress) -> Kept:
    """Makes the set that was in use before the one for the next start; a newer one that is waiting is dropped.

    Returns the set that will be in use after the next start. Raises SetupError.
    """
    with install.only_one(cache, progress):
        beside, before, now = _beside(cache, WAITING), _beside(cache, FORMER), in_use(cache)
        if now and waiting(cache):
            if former(cache):
                shutil.rmtree(beside)
            else:
                # It got there by going back.
                beside.rename(before)
            return now
        if former(cache) is None:
            raise SetupError("There is no older set to go back to, only the one in use.")
        shutil.rmtree(beside, ignore_errors=True)
        before.rename(beside)
        found = waiting(cache)
        assert found
        return found


def take_waiting(cache: Path | None = None) -> bool:
    """Moves a waiting set into place before Asterisk is started; the set that was there becomes the former one.

    Does not wait: if a setup is running, the next start takes it.
    """
    cache = cache or package_sets.cache_folder()
    try:
        with (cache / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            root, beside, before = package_set().root(cache), _beside(cache, WAITING), _beside(cache, FORMER)
            if _kept(beside) is None:
                return False
            # If we are killed between the two moves, the next start has only the second one left to do.
            if root.exists():
                shutil.rmtree(before, ignore_errors=True)
                root.rename(before)
            beside.rename(root)
            return True
    except OSError:
        # Asterisk is started with what there is.
        return False


# --- what is available ---


def newest(cache: Path) -> Newest | None:
    """The result of the last look-up; None if there was none. Does not look anything up."""
    try:
        answer = json.loads((cache / "newest.json").read_bytes())
        if answer["set"] != package_set().root(cache).name:
            return None
        return Newest(datetime.fromtimestamp(answer["at"], UTC), dict(answer["versions"]), str(answer["problem"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def look_up_if_due(cache: Path, now: datetime) -> bool:
    """Starts a look-up in another process if the last one was more than a day ago; does not wait for it."""
    answer = newest(cache)
    if answer and now - answer.at < LOOK_UP_EVERY:
        return False
    begin_look_up()
    return True


def begin_look_up() -> None:
    words = [sys.executable, "-m", "asterisk_conf.refresh"]
    quiet = subprocess.DEVNULL
    with contextlib.suppress(OSError):
        # Kept, because Python warns about child processes without a reference.
        _children.append(
            subprocess.Popen(
                words, cwd=Path(__file__).parents[1], start_new_session=True, stdin=quiet, stdout=quiet, stderr=quiet
            )
        )


def look_up(cache: Path, progress: Progress) -> None:
    """Asks the mirror, which takes seconds or a minute, and stores the answer, or that there was none."""
    try:
        with install.only_one(cache, progress) as lock, _lists(cache):
            if shutil.disk_usage(cache).free < 2 * install.LISTS_MB * 10**6:
                raise install.disk_full(cache, 2 * install.LISTS_MB)
            packages = unpacking.resolved(package_set(), sources.Sources(cache, lock, progress).forky, progress)
    except (SetupError, OSError) as error:
        _keep_answer(cache, {}, str(error))
    else:
        _keep_answer(cache, {package.name: package.version for package in packages})


def _keep_answer(cache: Path, versions: dict[str, str], problem: str = "") -> None:
    answer = {"set": package_set().root(cache).name, "at": time.time(), "versions": versions, "problem": problem}
    fresh = cache / ".newest.json"
    with contextlib.suppress(OSError):
        fresh.write_text(json.dumps(answer))
        fresh.replace(cache / "newest.json")


@contextlib.contextmanager
def _lists(cache: Path) -> Iterator[None]:
    """Deletes apt's lists and downloads afterwards, since they are of no further use."""
    try:
        yield
    finally:
        shutil.rmtree(cache / "apt", ignore_errors=True)


def _beside(cache: Path, ending: str) -> Path:
    root = package_set().root(cache)
    return root.with_name(root.name + ending)


def _kept(root: Path) -> Kept | None:
    stamp = root / ".complete"
    try:
        lines = stamp.read_text().splitlines()
        at = datetime.fromtimestamp(stamp.stat().st_mtime, UTC)
    except OSError:
        return None
    return Kept(at, {name: version for name, _, version in (line.partition(" ") for line in lines)})


def main() -> int:
    signal.alarm(LOOK_UP_SECONDS)
    look_up(package_sets.cache_folder(), Progress())
    return 0


if __name__ == "__main__":
    sys.exit(main())
