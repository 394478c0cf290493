"""What is downloaded for Leaseline: which programs together, from which release, and where they are unpacked."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

# Debian 12 and 13 have no Asterisk, and Ubuntu's is of an older branch. This Debian release has 22.10.1, with every
# module that Leaseline loads. It is given by its codename, because "testing" will mean the next release one day.
SUITE = "forky"
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
COTURN = PackageSet(
    "coturn",
    "coturn",
    ("coturn",),
    (
        *ADMINISTRATION,
        "sqlite3",
        "inetutils-telnet",
        "telnet",
        "mysql-common",
        "mariadb-common",
        "systemd",
        "libsystemd-shared",
    ),
    disk_mb=70,
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
    "turnserver": ("usr/bin/turnserver", (COTURN,), "script/setup test"),
}


def cache_folder() -> Path:
    """LEASELINE_CACHE, or else the usual place for a user's cached files."""
    if own := os.environ.get("LEASELINE_CACHE"):
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "leaseline"


def processor() -> str | None:
    """Debian's name for the processor; None if Leaseline does not support it."""
    # A 32-bit system on a 64-bit kernel reports the kernel's processor, so Python's own word size is checked.
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    return names.get(os.uname().machine) if sys.maxsize > 2**32 else None


def library_folder() -> str:
    return LIBRARY_FOLDERS[processor() or "amd64"]


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
