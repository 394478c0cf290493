"""Gets Asterisk and the few other programs that Leaseline runs, without root and without changing the system.

The machine's own apt downloads Debian packages, but into a private folder (`~/.cache/leaseline`, or LEASELINE_CACHE),
where they are unpacked instead of installed. `program("asterisk")` then returns the command that starts the program
from that folder.

    python3 -m asterisk_conf.install runtime    what Leaseline needs to take calls
    python3 -m asterisk_conf.install test       what its tests need in addition: SIPp, PostgreSQL and Chromium
    python3 -m asterisk_conf.install pip        pip, for a python3 that lacks it; prints what to put into PYTHONPATH

Only the standard library is used: this runs under the machine's bare python3, before the virtual environment exists.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import importlib.util
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from asterisk_conf import package_sets, programs
from asterisk_conf.package_sets import (
    CHROMIUM,
    COTURN,
    DOVECOT,
    PIP,
    POSTGRES,
    RUNTIME,
    SIPP,
    TOOLS,
    PackageSet,
    processor,
)
from asterisk_conf.progress import DiskFull, Progress, SetupError
from asterisk_conf.sources import Sources
from asterisk_conf.unpacking import fetch

PYTHON_AT_LEAST = (3, 11)
# Size of apt's package lists while they are in use.
LISTS_MB = 270


def wanted(level: str) -> list[PackageSet]:
    """The sets that a level of setup needs on this machine."""
    if level == "pip":
        return [PIP]
    sets = [TOOLS if programs.machine_asterisk() else RUNTIME]
    # script/setup asks for pip next if Python came without it. Fetched here, it needs no second list of packages.
    if importlib.util.find_spec("ensurepip") is None:
        sets.append(PIP)
    if level == "test":
        sets += [SIPP, CHROMIUM, DOVECOT, COTURN]
        sets += [] if programs.machine_postgres() else [POSTGRES]
    return sets


def set_up(sets: Sequence[PackageSet], cache: Path, progress: Progress) -> None:
    """Fetches the sets that are missing. Raises SetupError, and leaves nothing that would disturb the next attempt."""
    if all(package_set.is_complete(cache) for package_set in sets):
        return
    check_system()
    cache.mkdir(parents=True, exist_ok=True)
    with only_one(cache, progress) as lock:
        # Another setup may have fetched them while this one waited. What a killed one left behind is discarded, except
        # for downloads, whose hashes are checked before they are used.
        missing = [package_set for package_set in sets if not package_set.is_complete(cache)]
        (cache / "setup.log").unlink(missing_ok=True)
        for leftover in cache.glob("packages/.unpacking-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        needed = LISTS_MB + sum(package_set.disk_mb for package_set in missing)
        if shutil.disk_usage(cache).free < needed * 10**6:
            raise disk_full(cache, needed)
        sources = Sources(cache, lock, progress)
        try:
            for package_set in missing:
                fetch(package_set, sources.forky if package_set.from_forky else sources.own, cache, progress)
        except (DiskFull, OSError) as error:
            if isinstance(error, OSError) and error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            shutil.rmtree(cache / "apt", ignore_errors=True)
            raise disk_full(cache, needed) from error
        shutil.rmtree(cache / "apt", ignore_errors=True)


def check_system() -> None:
    """Raises SetupError on a system on which Leaseline cannot be set up."""
    if sys.version_info < PYTHON_AT_LEAST:
        raise SetupError(
            f"Leaseline needs Python 3.11 or newer, and this is {sys.version.split()[0]}: install a newer python3."
        )
    if processor() is None:
        raise SetupError(
            f"Leaseline runs on 64-bit x86 and ARM machines, and this one is {os.uname().machine}: use another machine."
        )
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise SetupError(
                f"This system has no {tool}: set Leaseline up on Debian 12 or Ubuntu 24.04, or a newer one of them."
            )


def disk_full(cache: Path, needed_mb: int) -> DiskFull:
    free = shutil.disk_usage(cache).free // 10**6
    return DiskFull(
        f"{cache} is on a disk with {free} MB free and the setup needs {needed_mb} MB: free some space there, or name "
        "a folder on another disk in LEASELINE_CACHE, and run it again."
    )


@contextlib.contextmanager
def only_one(cache: Path, progress: Progress) -> Iterator[int]:
    """Holds the lock that prevents two setups at once; yields its file descriptor."""
    with (cache / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.show("Another setup is running; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Gets the programs Leaseline runs, without root and without touching the system."
    )
    parser.add_argument("level", nargs="?", choices=["runtime", "test", "pip"], default="runtime")
    level = parser.parse_args(arguments).level
    cache = package_sets.cache_folder()
    progress = Progress()
    # SIGTERM is treated like Ctrl-C: clean up, and say so.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sets = wanted(level)
        set_up(sets, cache, progress)
    except SetupError as error:
        progress.clear()
        print(f"Setup: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        progress.clear()
        print(f"Setup: {cache} can't be written ({error}): name another folder in LEASELINE_CACHE.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        progress.clear()
        print(
            "Setup: stopped halfway; run it again, and it continues with what is already downloaded.", file=sys.stderr
        )
        return 130
    if level == "pip":
        print(next((PIP.root(cache) / "usr/share/python-wheels").glob("pip-*.whl")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
