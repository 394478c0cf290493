"""How the programs are started that Leaseline runs: from the package sets, or those that the machine has."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf import package_sets
from asterisk_conf.package_sets import (
    CHROMIUM,
    CHROMIUM_START,
    DOVECOT,
    POSTGRES,
    PROGRAMS,
    RUNTIME,
    TOOLS,
    PackageSet,
    library_folder,
)

# 22.10.0 is not used: 22.10.1 fixes writing through a read-only ARI user, and about twenty other advisories.
ASTERISK_AT_LEAST = (22, 10, 1)
ASTERISK_BRANCH = 22


class ProgramMissing(Exception):
    """A program is needed that has not been set up yet. The text names the script that does it."""


@dataclass(frozen=True)
class AsteriskDirs:
    """Where Asterisk's own files are, for [directories] in asterisk.conf. They are only read."""

    modules: Path
    """astmoddir"""
    data: Path
    """astdatadir: has documentation/ (without which modules do not load), rest-api/ (ARI's api-docs) and
    static-http/."""
    sounds: Path
    """The folder that contains the core sounds as en/. It need not exist if the machine's own asterisk is used."""
    agi: Path
    """astagidir"""
    keys: Path
    """astkeydir"""


def program(name: str, cache: Path | None = None) -> list[str]:
    """The command that starts a program; arguments are to be added. Raises ProgramMissing.

    The programs come from the package sets even if the machine has another build of one, so that a test that passes
    here passes everywhere. The only exception is an Asterisk of the right branch that the operator has installed.
    """
    file, sets, script = PROGRAMS[name]
    if name == "asterisk" and (own := machine_asterisk()):
        return [str(own[0])]
    root = _root_of(file, sets, cache)
    if root is None:
        raise ProgramMissing(f"{name} is not set up yet: run {script} first.")
    return words_of(name, root)


def words_of(name: str, root: Path) -> list[str]:
    """The command that starts a program from an unpacked set."""
    # A program of another release needs that release's C library, and therefore that release's loader, which is itself
    # a program. Without the machine's library cache and LD_LIBRARY_PATH, it cannot load a library of the wrong release.
    libraries = root / "usr/lib" / library_folder()
    loader = next(libraries.glob("ld-linux-*.so.*"))
    path = str(root / PROGRAMS[name][0])
    words = [str(loader), "--inhibit-cache", "--library-path", ":".join(map(str, library_dirs(root))), path]
    if name == "espeak-ng":
        words.append(f"--path={libraries}")
    return words


def environment(name: str, cache: Path | None = None) -> dict[str, str]:
    """Environment variables that a program needs in addition. None needs any; for PostgreSQL, see postgres_bin()."""
    program(name, cache)
    return {}


def asterisk_dirs(cache: Path | None = None) -> AsteriskDirs:
    """Where the Asterisk that program("asterisk") starts has its files. Raises ProgramMissing."""
    if own := machine_asterisk():
        return own[1]
    root = _root_of("usr/sbin/asterisk", (RUNTIME,), cache)
    if root is None:
        raise ProgramMissing("asterisk is not set up yet: run script/setup first.")
    return _asterisk_dirs_of(root / "usr/lib" / library_folder() / "asterisk/modules", root / "usr/share/asterisk")


def baresip_modules(cache: Path | None = None) -> Path:
    """The folder for `module_path` in a baresip configuration. Raises ProgramMissing."""
    return _folder("usr/lib/baresip/modules", "baresip", cache)


def postgres_bin(cache: Path | None = None) -> tuple[Path, dict[str, str]]:
    """The folder with initdb, postgres and psql, and the environment variables they need. Raises ProgramMissing."""
    if own := machine_postgres():
        return own, {}
    cache = cache or package_sets.cache_folder()
    root = POSTGRES.root(cache)
    if not POSTGRES.is_complete(cache):
        raise ProgramMissing("PostgreSQL is not set up yet: run script/setup test first.")
    return newest_postgres(root / "usr/lib/postgresql"), {"LD_LIBRARY_PATH": ":".join(map(str, library_dirs(root)))}


def dovecot(cache: Path | None = None) -> tuple[Path, dict[str, str]]:
    """The folder that the IMAP server for tests is unpacked into, and the environment variables that its programs need.
    Raises ProgramMissing."""
    cache = cache or package_sets.cache_folder()
    root = DOVECOT.root(cache)
    if not DOVECOT.is_complete(cache):
        raise ProgramMissing("Dovecot is not set up yet: run script/setup test first.")
    libraries = [*library_dirs(root), root / "usr/lib/dovecot"]
    return root, {"LD_LIBRARY_PATH": ":".join(map(str, libraries))}


def chromium(cache: Path | None = None) -> Path:
    """The headless browser that web pages are tested in, as one program with no words more. Raises ProgramMissing."""
    root = _root_of(CHROMIUM_START, (CHROMIUM,), cache)
    if root is None:
        raise ProgramMissing("Chromium is not set up yet: run script/setup test first.")
    return root / CHROMIUM_START


@functools.cache
def machine_asterisk() -> tuple[Path, AsteriskDirs] | None:
    """The asterisk on PATH and its files, if it is complete, recent enough, and of the branch that we test with."""
    found = shutil.which("asterisk")
    if not found:
        return None
    try:
        said = subprocess.run([found, "-V"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = asterisk_version(said)
    if version is None or version[0] != ASTERISK_BRANCH or version < ASTERISK_AT_LEAST:
        return None
    binary = Path(found)
    prefix = binary.resolve().parent.parent
    libraries = [
        prefix / "lib" / library_folder(),
        prefix / "lib64",
        prefix / "lib",
        Path("/usr/lib") / library_folder(),
    ]
    modules = next(
        (folder / "asterisk/modules" for folder in libraries if (folder / "asterisk/modules").is_dir()), None
    )
    datas = [prefix / "share/asterisk", Path("/usr/share/asterisk"), Path("/var/lib/asterisk")]
    data = next(
        (folder for folder in datas if (folder / "documentation").is_dir() and (folder / "rest-api").is_dir()), None
    )
    return (binary, _asterisk_dirs_of(modules, data)) if modules and data else None


@functools.cache
def machine_postgres() -> Path | None:
    """The programs of the newest PostgreSQL server installed in Debian's layout."""
    try:
        return newest_postgres(Path("/usr/lib/postgresql"))
    except ProgramMissing:
        return None


def newest_postgres(versions: Path) -> Path:
    """The bin folder of the newest server under a folder like /usr/lib/postgresql. Raises ProgramMissing."""
    found = [path.parent for path in versions.glob("*/bin/postgres") if path.parent.parent.name.isdecimal()]
    if not found:
        raise ProgramMissing("PostgreSQL is not set up yet: run script/setup test first.")
    return max(found, key=lambda folder: int(folder.parent.name))


def asterisk_version(said: str) -> tuple[int, int, int] | None:
    """(22, 10, 1) from what `asterisk -V` prints; None for certified and development builds."""
    match = re.search(r"(?:^|Asterisk |:)(\d+)\.(\d+)\.(\d+)(?=[+~\s-]|$)", said)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def library_dirs(root: Path) -> list[Path]:
    """Where an unpacked set has its shared libraries."""
    # Older releases still have some in /lib. The subfolders are in the search paths of some packages' own libraries.
    folders = [
        root / base / library_folder() / sub
        for base in ("usr/lib", "lib")
        for sub in ("", "pulseaudio", "blas", "lapack")
    ]
    return [folder for folder in folders if folder.is_dir()]


def _root_of(file: str, sets: Sequence[PackageSet], cache: Path | None) -> Path | None:
    cache = cache or package_sets.cache_folder()
    for package_set in sets:
        if package_set.is_complete(cache) and os.path.lexists(package_set.root(cache) / file):
            return package_set.root(cache)
    return None


def _folder(path: str, name: str, cache: Path | None) -> Path:
    root = _root_of(path, (RUNTIME, TOOLS), cache)
    if root is None:
        raise ProgramMissing(f"{name} is not set up yet: run script/setup first.")
    return root / path


def _asterisk_dirs_of(modules: Path, data: Path) -> AsteriskDirs:
    return AsteriskDirs(modules, data, data / "sounds", data / "agi-bin", data / "keys")
