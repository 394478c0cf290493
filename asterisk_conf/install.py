"""Gets Asterisk and the few other programs that Leaseline runs, without root and without changing the system.

The machine's own apt downloads Debian packages, but into a private folder (`~/.cache/leaseline`, or LEASELINE_CACHE),
where they are unpacked instead of installed. `program("asterisk")` then returns the command that starts the program
from that folder.

    python3 asterisk_conf/install.py runtime    what Leaseline needs to take calls
    python3 asterisk_conf/install.py test       what its tests need in addition: SIPp, PostgreSQL and Chromium
    python3 asterisk_conf/install.py pip        pip, for a python3 that lacks it; prints what to put into PYTHONPATH

Only the standard library is used: this runs under the machine's bare python3, before the virtual environment exists.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import fnmatch
import functools
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

# Debian 12 and 13 have no Asterisk, and Ubuntu's is of an older branch. This Debian release has 22.10.1, with every
# module that Leaseline loads. It is given by its codename, because "testing" will mean the next release one day.
SUITE = "forky"

# 22.10.0 is not used: 22.10.1 fixes writing through a read-only ARI user, and about twenty other advisories.
ASTERISK_AT_LEAST = (22, 10, 1)
ASTERISK_BRANCH = 22

PYTHON_AT_LEAST = (3, 11)

# Debian's name for the processor, and the folder in which Debian and Ubuntu keep its libraries.
LIBRARY_FOLDERS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}

# The packages depend on these to install and administer a system, not to run a program from a folder.
ADMINISTRATION = tuple(
    """
    adduser base-passwd passwd login.defs debconf libdebconfclient0 init-system-helpers sysvinit-utils lsb-base netbase
    media-types readline-common tzdata locales ucf sensible-utils ssl-cert pci.ids libsnmp-base gcc-*-base
    perl* libperl* lib*-perl python3* libpython3* libgdbm* libdb5.3* libreadline8* libc-gconv-modules-extra
    gnupg* gpg* dirmngr pinentry* libassuan* libksba* libnpth0*
    libpam-modules* libpam-runtime libaudit-common libsemanage* libsepol2
    """.split()  # noqa: SIM905, as a list of strings it would fill a page
)


# Size of apt's package lists while they are in use.
LISTS_MB = 270


class SetupError(Exception):
    """The setup cannot continue. The text is one sentence for the person at the terminal, and says what to do."""


class DiskFull(SetupError):
    """The disk is full."""


class ProgramMissing(Exception):
    """A program is needed that has not been set up yet. The text names the script that does it."""


@dataclass(frozen=True)
class PackageSet:
    """Programs that are downloaded together, and unpacked into one folder."""

    name: str
    title: str
    packages: tuple[str, ...]
    leave_out: tuple[str, ...]
    """Shell patterns of dependencies that are neither downloaded nor unpacked."""
    disk_mb: int
    """Size of its packages, packed and unpacked, measured and rounded up."""
    from_forky: bool = True
    """False: the packages come from the machine's own release, through its own apt sources."""
    only_named: bool = False
    """True: only the named packages, without their dependencies."""
    files: tuple[tuple[str, str], ...] = ()
    """What is written beside its files: path and text of each, which may be run as a program."""

    def root(self, cache: Path) -> Path:
        """The folder it is unpacked into. Its name depends on the recipe, so a set whose recipe changed is fetched
        again."""
        release = SUITE if self.from_forky else own_release()
        told = [self.packages, self.leave_out, self.only_named, release, processor()]
        recipe = json.dumps([*told, self.files] if self.files else told)
        return cache / "packages" / f"{self.name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"

    def is_complete(self, cache: Path) -> bool:
        return (self.root(cache) / ".complete").exists()


# Programs that synthesize and convert the prompts, and the softphone that is the caller in the demo and in tests.
_TOOLS = ("flite", "espeak-ng", "sox", "baresip-core")
RUNTIME = PackageSet("runtime", "Asterisk and its tools", ("asterisk", *_TOOLS), ADMINISTRATION, disk_mb=500)
TOOLS = PackageSet("tools", "Speech and sound tools", _TOOLS, ADMINISTRATION, disk_mb=400)
SIPP = PackageSet("sipp", "SIPp", ("sip-tester",), ADMINISTRATION, disk_mb=60)
POSTGRES = PackageSet(
    "postgres",
    "PostgreSQL",
    ("postgresql",),
    # Its programs start one another (initdb starts postgres), and such a child runs under the system's own loader, so
    # it needs the system's own C library: hence the machine's own release, without a C library. LLVM is 100 MB for
    # compiling long queries.
    (*ADMINISTRATION, "libc6", "libc-bin", "libllvm*", "libz3*", "postgresql-common*", "postgresql-client-common"),
    disk_mb=230,
    from_forky=False,
)
CHROMIUM_START = "usr/lib/chromium/start"
DOVECOT = PackageSet(
    "dovecot",
    "Dovecot",
    ("dovecot-imapd",),
    # Its programs start one another, as PostgreSQL's do. What it knows of languages is for searching, and takes 40 MB.
    (*ADMINISTRATION, "libc6", "libc-bin", "libicu*", "libexttextcat*", "libstemmer*"),
    disk_mb=60,
    from_forky=False,
)
CHROMIUM = PackageSet(
    "chromium",
    "Chromium",
    # Liberation has the measures of the usual sans-serif fonts; without any font, pages would have no text.
    ("chromium-headless-shell", "fonts-liberation"),
    # What draws in windows and on graphics cards; a headless browser draws by itself.
    (*ADMINISTRATION, "libllvm*", "libz3*", "mesa-libgallium", "libgl1-mesa-dri", "x11-*", "xdg-utils", "xkb-data"),
    disk_mb=510,
    files=(
        (
            CHROMIUM_START,
            """#!/bin/sh
# Starts Chromium with the libraries and fonts of this folder. It starts itself again for each page, and takes
# /proc/self/exe for itself, which is the loader: hence a loader beside its files, and this script for its children.
here=${0%/*}
root=${0%/usr/lib/chromium/start}
for libraries in "$root"/usr/lib/*-linux-gnu; do :; done
FONTCONFIG_FILE=$here/fonts.conf
export FONTCONFIG_FILE
exec "$here/loader" --inhibit-cache --library-path "$libraries:$libraries/pulseaudio" "$here/chromium-headless-shell" \\
    --browser-subprocess-path="$0" --no-zygote "$@"
""",
        ),
        (
            # Debian's own names folders of the system, and is completed when packages are installed.
            "usr/lib/chromium/fonts.conf",
            """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir prefix="relative">../../share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <alias><family>serif</family><prefer><family>Liberation Serif</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>Liberation Mono</family></prefer></alias>
  <match><edit name="family" mode="append_last"><string>Liberation Sans</string></edit></match>
</fontconfig>
""",
        ),
    ),
)
PIP = PackageSet("pip", "pip", ("python3-pip-whl",), (), disk_mb=5, from_forky=False, only_named=True)
# For Ubuntu and its derivatives, which have neither the keys that Debian signs with nor the address of Debian's
# packages.
DEBIAN_KEYS = PackageSet(
    "debian-keys",
    "Debian's signing keys",
    ("debian-archive-keyring", "python-apt-common"),
    (),
    disk_mb=5,
    from_forky=False,
    only_named=True,
)

# The file of each program, and the sets that contain it. The machine's own asterisk may replace ours, see
# machine_asterisk().
PROGRAMS = {
    "asterisk": ("usr/sbin/asterisk", (RUNTIME,), "script/setup"),
    "baresip": ("usr/bin/baresip", (RUNTIME, TOOLS), "script/setup"),
    "espeak-ng": ("usr/bin/espeak-ng", (RUNTIME, TOOLS), "script/setup"),
    "flite": ("usr/bin/flite", (RUNTIME, TOOLS), "script/setup"),
    "sox": ("usr/bin/sox", (RUNTIME, TOOLS), "script/setup"),
    "sipp": ("usr/bin/sipp", (SIPP,), "script/setup test"),
}


# What the rest of Leaseline uses


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
    return _words(name, root)


def _words(name: str, root: Path) -> list[str]:
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
    cache = cache or cache_folder()
    root = POSTGRES.root(cache)
    if not POSTGRES.is_complete(cache):
        raise ProgramMissing("PostgreSQL is not set up yet: run script/setup test first.")
    return newest_postgres(root / "usr/lib/postgresql"), {"LD_LIBRARY_PATH": ":".join(map(str, library_dirs(root)))}


def dovecot(cache: Path | None = None) -> tuple[Path, dict[str, str]]:
    """The folder that the IMAP server for tests is unpacked into, and the environment variables that its programs need.
    Raises ProgramMissing."""
    cache = cache or cache_folder()
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


def cache_folder() -> Path:
    """LEASELINE_CACHE, or else the usual place for a user's cached files."""
    if own := os.environ.get("LEASELINE_CACHE"):
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "leaseline"


# What is on the machine already


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


def processor() -> str | None:
    """Debian's name for the processor; None if Leaseline does not support it."""
    # A 32-bit system on a 64-bit kernel reports the kernel's processor, so Python's own word size is checked.
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    return names.get(os.uname().machine) if sys.maxsize > 2**32 else None


def library_folder() -> str:
    return LIBRARY_FOLDERS[processor() or "amd64"]


def library_dirs(root: Path) -> list[Path]:
    """Where an unpacked set has its shared libraries."""
    # Older releases still have some in /lib. The subfolders are in the search paths of some packages' own libraries.
    folders = [
        root / base / library_folder() / sub
        for base in ("usr/lib", "lib")
        for sub in ("", "pulseaudio", "blas", "lapack")
    ]
    return [folder for folder in folders if folder.is_dir()]


def os_release() -> dict[str, str]:
    """The contents of the machine's /etc/os-release."""
    with contextlib.suppress(OSError):
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
        return {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in lines) if value}
    return {}


def own_release() -> str:
    """Names the machine's release, so that what was fetched for one is not used after an upgrade to the next."""
    facts = os_release()
    return " ".join([facts.get("ID", ""), facts.get("VERSION_CODENAME", facts.get("VERSION_ID", ""))])


def _root_of(file: str, sets: Sequence[PackageSet], cache: Path | None) -> Path | None:
    cache = cache or cache_folder()
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


# Setting up


def wanted(level: str) -> list[PackageSet]:
    """The sets that a level of setup needs on this machine."""
    if level == "pip":
        return [PIP]
    sets = [TOOLS if machine_asterisk() else RUNTIME]
    # script/setup asks for pip next if Python came without it. Fetched here, it needs no second list of packages.
    if importlib.util.find_spec("ensurepip") is None:
        sets.append(PIP)
    if level == "test":
        sets += [SIPP, CHROMIUM, DOVECOT] if machine_postgres() else [SIPP, CHROMIUM, DOVECOT, POSTGRES]
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
                _fetch(package_set, sources.forky if package_set.from_forky else sources.own, cache, progress)
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


class Sources:
    """The two sources of packages; the lists of each are fetched when it is first needed."""

    def __init__(self, cache: Path, lock: int, progress: Progress) -> None:
        self._cache = cache
        self._lock = lock
        self._progress = progress

    @functools.cached_property
    def own(self) -> Apt:
        """The machine's own release, with its own sources and keys."""
        apt = Apt(self._cache / "apt/own", self._lock, self._progress)
        apt.update()
        return apt

    @functools.cached_property
    def forky(self) -> Apt:
        """Only Debian's SUITE, with only Debian's keys."""
        apt = Apt(self._cache / f"apt/{SUITE}", self._lock, self._progress, self._mirror(), self._keyring())
        apt.update()
        return apt

    def _mirror(self) -> str:
        if named := os.environ.get("LEASELINE_DEBIAN_MIRROR"):
            return named.rstrip("/")
        # A Debian machine's own mirror may be the only one it can reach. A machine whose package lists were deleted (as
        # in container images) cannot tell which of its sources is Debian's until it has fetched them again.
        if os_release().get("ID") == "debian" and (
            found := mirror_among(index_targets()) or mirror_among(self.own.targets())
        ):
            return found
        template = self._debian_keys() / "usr/share/python-apt/templates/Debian.info"
        if found := mirror_in_template(template.read_text(encoding="utf-8")):
            return found
        raise SetupError(
            "Debian's packages can't be found from here: put the address of a Debian mirror in LEASELINE_DEBIAN_MIRROR."
        )

    def _keyring(self) -> Path:
        keyring = debian_keyring(Path("/")) or debian_keyring(self._debian_keys())
        if keyring is None:
            raise SetupError(
                "Debian's signing keys can't be found: install the package debian-archive-keyring, and run it again."
            )
        return keyring

    def _debian_keys(self) -> Path:
        if not DEBIAN_KEYS.is_complete(self._cache):
            _fetch(DEBIAN_KEYS, self.own, self._cache, self._progress)
        return DEBIAN_KEYS.root(self._cache)


def debian_keyring(root: Path) -> Path | None:
    """The keys that Debian's archive is signed with; the file's name differs between releases."""
    names = ("debian-archive-keyring.pgp", "debian-archive-keyring.gpg")
    return next(
        (root / "usr/share/keyrings" / name for name in names if (root / "usr/share/keyrings" / name).exists()), None
    )


def index_targets(config: Path | None = None) -> list[str]:
    """apt's sources as ORIGIN|LABEL|COMPONENT|URI, for which it has lists."""
    words = ["apt-get", *(["-c", str(config)] if config else []), "indextargets", "Created-By: Packages"]
    words += ["--format", "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()


def mirror_among(targets: Sequence[str]) -> str | None:
    """Debian's main archive among apt's sources (the security archive has another label, and no other releases)."""
    for target in targets:
        origin, label, component, uri = target.split("|", 3)
        if (origin, label, component) == ("Debian", "Debian", "main") and not uri.startswith("cdrom:"):
            return uri.rstrip("/")
    return None


def mirror_in_template(template: str) -> str | None:
    """The address of Debian's archive in python-apt's description of Debian's releases, which begins with the
    newest."""
    match = re.search(r"^BaseURI:\s*(\S+)", template, re.MULTILINE)
    return match[1].rstrip("/") if match else None


@dataclass(frozen=True)
class Package:
    """A package file that apt would download."""

    name: str
    version: str
    file: str
    size: int
    digest: str
    """Algorithm and hexadecimal digest as printed by apt, such as SHA256:0a1b."""

    def is_in(self, folder: Path) -> bool:
        """Whether the folder has the file, complete and unaltered."""
        path = folder / self.file
        if not path.exists() or path.stat().st_size != self.size:
            return False
        algorithm, _, digest = self.digest.partition(":")
        return hashlib.new(algorithm, path.read_bytes()).hexdigest() == digest


def packages_in(said: str) -> list[Package]:
    """The packages in the output of `apt-get --print-uris`."""
    found = re.findall(r"^'[^']+' (\S+\.deb) (\d+) (SHA\d+:[0-9a-f]+)", said, re.MULTILINE)
    packages = []
    for file, size, digest in found:
        name, version, _ = unquote(file).split("_")
        packages.append(Package(name, version, file, int(size), digest))
    return packages


class Apt:
    """The machine's apt-get, working in a private folder: with lists of its own, installing nothing, without root."""

    def __init__(
        self, folder: Path, lock: int, progress: Progress, mirror: str = "", keyring: Path | None = None
    ) -> None:
        """Without a mirror and keyring, the machine's own sources and keys are used."""
        self.folder = folder
        self.archives = folder / "archives"
        self._lock = lock
        self._progress = progress
        self._mirror = mirror
        self._updated = ""
        for part in ("state/lists/partial", "cache/archives/partial", "archives", "parts", "keys"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "state/status").write_text("")
        if keyring:
            (folder / "sources.list").write_text(f"deb {mirror} {SUITE} main\n")
            # apt ignores files with other extensions there, and the keyring of newer releases is a .pgp file.
            shutil.copyfile(keyring, folder / "keys/debian-archive-keyring.gpg")
        (folder / "apt.conf").write_text(apt_conf(folder, processor() or "amd64", own_sources=keyring is None))

    def update(self) -> None:
        """Fetches the lists of packages."""
        self._progress.show("Getting the list of packages")
        code, self._updated = self._run(["update"])
        # One of the machine's own sources may be broken without harm; what matters is whether the packages are found
        # then.
        if code and self._mirror:
            raise apt_error(self._updated, self._mirror)

    def targets(self) -> list[str]:
        """The sources for which it has lists, see index_targets()."""
        return index_targets(self.folder / "apt.conf")

    def resolve(self, package_set: PackageSet) -> list[Package]:
        """The files that make up a set."""
        if package_set.only_named:
            words = ["download", "--print-uris", *package_set.packages]
        else:
            words = ["install", "--print-uris", "--yes", *package_set.packages]
        code, said = self._run(words)
        found = [
            package
            for package in packages_in(said)
            if not any(fnmatch.fnmatchcase(package.name, pattern) for pattern in package_set.leave_out)
        ]
        if code or not found:
            raise apt_error(self._updated + said, self._mirror)
        return found

    def download(self, packages: Sequence[Package], title: str) -> None:
        """Downloads the files into self.archives. What an earlier attempt downloaded is not fetched again."""
        absent = []
        for package in packages:
            if not package.is_in(self.archives):
                (self.archives / package.file).unlink(missing_ok=True)
                absent.append(package)
        if not absent:
            return
        total = sum(package.size for package in packages) / 1e6

        def show() -> None:
            # apt would keep retrying for minutes.
            if shutil.disk_usage(self.archives).free < 2**20:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.archives))
            sizes = [entry.stat().st_size for entry in os.scandir(self.archives) if entry.is_file()]
            self._progress.show(f"{title}: downloading, {min(sum(sizes) / 1e6, total):.0f} of {total:.0f} MB")

        code, said = self._run(["download", *(f"{package.name}={package.version}" for package in absent)], show)
        if code or not all(package.is_in(self.archives) for package in absent):
            raise apt_error(said, self._mirror)

    def _run(self, words: Sequence[str], show: Callable[[], None] | None = None) -> tuple[int, str]:
        """Runs apt-get in the folder for downloads; returns its exit status and its whole output."""
        with tempfile.TemporaryFile("w+", dir=self.folder) as output:
            # apt also inherits the lock, so that no other setup starts while an apt is still running whose setup was
            # killed.
            process = subprocess.Popen(
                ["apt-get", "-c", str(self.folder / "apt.conf"), *words],
                cwd=self.archives,
                env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[self._lock],
            )
            try:
                while True:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(0.1)
                        break
                    if show:
                        show()
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
            output.seek(0)
            said = output.read()
        with (self.folder.parent.parent / "setup.log").open("a") as log:
            log.write(f"$ apt-get {' '.join(words)}\n{said}\n")
        return process.returncode, said


def apt_conf(folder: Path, arch: str, *, own_sources: bool) -> str:
    """The settings that make apt-get work in a folder.

    apt reads the machine's own settings first, so its proxy and certificates remain in force.
    """
    settings = {
        "Dir::State": folder / "state",
        "Dir::State::lists": folder / "state/lists",
        "Dir::State::status": folder / "state/status",
        "Dir::Cache": folder / "cache",
        "Dir::Cache::archives": folder / "cache/archives",
        # Kept between commands even if the machine's settings (for example in container images) keep none.
        "Dir::Cache::pkgcache": "pkgcache.bin",
        "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
        "APT::Architecture": arch,
        "APT::Install-Recommends": "false",
        "APT::Install-Suggests": "false",
        # As root, apt would fetch as a user of its own, which cannot write to the private folder.
        "APT::Sandbox::User": "root",
        "APT::Get::AllowUnauthenticated": "false",
        "Acquire::AllowInsecureRepositories": "false",
        # Otherwise `--print-uris` prints MD5 sums, for compatibility.
        "Acquire::ForceHash": "SHA256",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Acquire::http::Timeout": "30",
        "Acquire::https::Timeout": "30",
        "Dpkg::Use-Pty": "false",
    }
    if not own_sources:
        settings |= {
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": folder / "parts",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": folder / "parts",
            "Dir::Etc::trusted": folder / "none",
            "Dir::Etc::trustedparts": folder / "keys",
            # Without this, apt reports success even if it has fetched no list at all.
            "APT::Update::Error-Mode": "any",
        }
    # The machine may list packages for other processors, fetch indexes for its desktop, and run commands after an
    # update.
    cleared = [
        "APT::Architectures",
        "APT::Update::Pre-Invoke",
        "APT::Update::Post-Invoke",
        "APT::Update::Post-Invoke-Success",
    ]
    cleared += [f"Acquire::IndexTargets::deb::{name}" for name in ("DEP-11", "CNF", "Contents-deb")]
    cleared += [
        f"Acquire::IndexTargets::deb::DEP-11-icons{name}" for name in ("", "-small", "-large", "-hidpi", "-large-hidpi")
    ]
    lines = [f"#clear {name};" for name in cleared]
    lines += [f'{name} "{value}";' for name, value in settings.items()]
    lines += [f'APT::Architectures:: "{arch}";']
    return "\n".join(lines) + "\n"


_APT_ERRORS = (
    (
        # Before the next one, because apt also calls a release that does not exist "not signed".
        r"does not have a Release file|InRelease +4\d\d ",
        f"{{mirror}} does not carry Debian's release {SUITE}: name a mirror that does in LEASELINE_DEBIAN_MIRROR.",
    ),
    (
        "NO_PUBKEY|is not signed|signatures? (were|was|couldn't|could not)|EXPKEYSIG|BADSIG|Missing key",
        "{mirror} is not signed with a key this machine knows: bring the package debian-archive-keyring up to date, "
        "and run it again.",
    ),
    (
        "is expired|not valid (yet|anymore)",
        "{mirror} has package lists of another time than this machine's clock shows: set the clock right, or name "
        "another mirror in LEASELINE_DEBIAN_MIRROR.",
    ),
    (
        "Could not resolve|Temporary failure resolving|Could not connect|Unable to connect|Network is unreachable|"
        "Connection (failed|refused|timed out)|Cannot initiate the connection",
        "{mirror} can't be reached: check the network (and the proxy in apt's settings, if there is one), and run it "
        "again.",
    ),
    (
        "Unable to locate package|has no installation candidate|unmet dependencies",
        "{mirror} lacks a package that is needed: name another mirror in LEASELINE_DEBIAN_MIRROR.",
    ),
)


def apt_error(said: str, mirror: str) -> SetupError:
    """apt's complaint as one sentence that says what to do. `mirror` "" means the machine's own sources."""
    if re.search("No space left on device|don't have enough free space|Disk quota exceeded", said):
        return DiskFull("The disk is full: free some space, or name a folder on another disk, and run it again.")
    for pattern, sentence in _APT_ERRORS:
        if not re.search(pattern, said):
            continue
        if not mirror and "LEASELINE_DEBIAN_MIRROR" in sentence:
            return SetupError(
                "This machine's apt sources lack what is needed: put its release's main sources (on Ubuntu, universe "
                "too) in order until `apt-get update` succeeds, and run it again."
            )
        return SetupError(sentence.format(mirror=mirror or "The mirror in this machine's apt sources"))
    complaints = [line.removeprefix("E: ").rstrip(".") for line in said.splitlines() if line.startswith("E: ")]
    reason = complaints[-1] if complaints else "no reason given"
    return SetupError(f"apt-get failed ({reason}): see {cache_folder() / 'setup.log'}, and run it again.")


def _fetch(package_set: PackageSet, apt: Apt, cache: Path, progress: Progress) -> None:
    bring(package_set, resolved(package_set, apt, progress), apt, package_set.root(cache), progress)


def resolved(package_set: PackageSet, apt: Apt, progress: Progress) -> list[Package]:
    """The newest available packages of a set."""
    progress.show(f"{package_set.title}: working out what is needed")
    packages = apt.resolve(package_set)
    for package in packages:
        version = asterisk_version(f":{package.version.partition(':')[2]}")
        if package.name == "asterisk" and (version is None or version < ASTERISK_AT_LEAST):
            raise SetupError(
                f"The mirror carries Asterisk {package.version} only: name a newer one in LEASELINE_DEBIAN_MIRROR."
            )
    return packages


def bring(package_set: PackageSet, packages: Sequence[Package], apt: Apt, root: Path, progress: Progress) -> None:
    """Downloads and unpacks a set into `root`, where it appears complete or not at all."""
    started = time.monotonic()
    apt.download(packages, package_set.title)
    downloaded = time.monotonic()
    root.parent.mkdir(parents=True, exist_ok=True)
    unpacking = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=root.parent))
    try:
        _unpack([apt.archives / package.file for package in packages], unpacking, package_set.title, progress)
        _finish(package_set, unpacking)
        check_asterisk(unpacking)
        check_chromium(unpacking)
        (unpacking / ".complete").write_text("".join(f"{package.name} {package.version}\n" for package in packages))
        # mkdtemp() keeps other users out, but the programs may be started by another user than the one who set them up.
        unpacking.chmod(0o755)
        if root.exists():  # It has no .complete, so it is of no use.
            shutil.rmtree(root)
        unpacking.rename(root)
    finally:
        shutil.rmtree(unpacking, ignore_errors=True)
    size = sum(package.size for package in packages) / 1e6
    progress.say(
        f"{package_set.title}: {len(packages)} package{'s'[: len(packages) > 1]}, {size:.0f} MB, "
        f"downloaded in {downloaded - started:.0f} s, unpacked in {time.monotonic() - downloaded:.0f} s."
    )


def _unpack(files: Sequence[Path], folder: Path, title: str, progress: Progress) -> None:
    # The largest packages first, so that the largest is not left to one core at the end.
    ordered = sorted(files, key=lambda file: file.stat().st_size, reverse=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        work = [pool.submit(_unpack_one, file, folder) for file in ordered]
        try:
            for done, finished in enumerate(as_completed(work), 1):
                finished.result()
                progress.show(f"{title}: unpacking, {done} of {len(work)} packages")
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _unpack_one(file: Path, folder: Path) -> None:
    words = ["dpkg-deb", "--extract", str(file), str(folder)]
    result = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False)
    if result.returncode == 0:
        return
    if "No space left" in result.stderr or "quota exceeded" in result.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    last = (result.stderr.strip().splitlines() or ["no reason given"])[-1].rstrip(".")
    raise SetupError(f"{file.name} can't be unpacked ({last}): run the setup again.")


def _finish(package_set: PackageSet, root: Path) -> None:
    """Does the little that installing the packages would do in addition to unpacking them."""
    sounds = root / "usr/share/asterisk/sounds"
    if (sounds / "en_US_f_Allison").is_dir() and not os.path.lexists(sounds / "en"):
        (sounds / "en").symlink_to("en_US_f_Allison")
    # PostgreSQL compiles long queries if this file exists, and they fail if LLVM does not.
    for jit in root.glob("usr/lib/postgresql/*/lib/llvmjit.so"):
        jit.unlink()
    if (browser := root / "usr/lib/chromium").is_dir():
        shutil.copy(next((root / "usr/lib" / library_folder()).glob("ld-linux-*.so.*")), browser / "loader")
    for path, text in package_set.files:
        (root / path).write_text(text)
        (root / path).chmod(0o755)


def check_asterisk(root: Path) -> None:
    """Raises SetupError for an Asterisk that does not run here, or is of a branch that is not tested with."""
    if not (root / PROGRAMS["asterisk"][0]).exists():
        return
    try:
        ran = subprocess.run([*_words("asterisk", root), "-V"], capture_output=True, text=True, timeout=20, check=False)
        said = ran.stdout
    except (OSError, StopIteration, subprocess.TimeoutExpired) as error:
        said = type(error).__name__
    version = asterisk_version(said)
    if version is None or version[0] != ASTERISK_BRANCH:
        raise SetupError(
            f"The Asterisk that was fetched does not run here (`asterisk -V` says {said.strip()[:60]!r}): what there "
            "was is left as it is; name another mirror in LEASELINE_DEBIAN_MIRROR."
        )


def check_chromium(root: Path) -> None:
    """Raises SetupError when there is a Chromium that does not run here."""
    start = root / CHROMIUM_START
    if not start.exists():
        return
    try:
        ran = subprocess.run([start, "--version"], capture_output=True, text=True, timeout=60, check=False)
        code, said = ran.returncode, ran.stdout + ran.stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        code, said = 1, type(error).__name__
    if code:
        raise SetupError(
            f"The Chromium that was fetched does not run here ({said.strip()[:120]!r}): name another mirror in "
            "LEASELINE_DEBIAN_MIRROR."
        )


class Progress:
    """What a person sees: on a terminal, one line that changes in place; in a log, a line now and then."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._next_line = 0.0
        self._last = ""

    def show(self, text: str) -> None:
        """Shows what is going on; the next text replaces it."""
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{text}"[: width + 4], end="", file=sys.stderr, flush=True)
        elif text != self._last and time.monotonic() >= self._next_line:
            self._last = text
            self._next_line = time.monotonic() + 5
            print(text, file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """Shows what is done; the text stays."""
        print(f"\r\033[K{text}" if self._live else text, file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Gets the programs Leaseline runs, without root and without touching the system."
    )
    parser.add_argument("level", nargs="?", choices=["runtime", "test", "pip"], default="runtime")
    level = parser.parse_args(arguments).level
    cache = cache_folder()
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
