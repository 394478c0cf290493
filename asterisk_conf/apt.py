"""The machine's own apt-get, in a private folder."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from asterisk_conf import package_sets
from asterisk_conf.package_sets import SUITE, PackageSet, processor
from asterisk_conf.progress import DiskFull, Progress, SetupError


def index_targets(config: Path | None = None) -> list[str]:
    """apt's sources as ORIGIN|LABEL|COMPONENT|URI, for which it has lists."""
    words = ["apt-get", *(["-c", str(config)] if config else []), "indextargets", "Created-By: Packages"]
    words += ["--format", "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()


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
        if _EXPIRED.search(self._updated):
            # A mirror that is updated rarely, or an archived release. Who signed the list is checked all the same
            # (apt-secure(8)); what it leads to may be old.
            whose = self._mirror or "a source of this machine's apt"
            self._progress.say(f"The list of packages of {whose} is older than its validity; it is used as it is.")
            code, self._updated = self._run(["-o", "Acquire::Check-Valid-Until=false", "update"])
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
            self._progress.show(f"{title}: downloading, {min(self._bytes() / 1e6, total):.0f} of {total:.0f} MB")

        code, said = self._run(["download", *(f"{package.name}={package.version}" for package in absent)], show)
        if code or not all(package.is_in(self.archives) for package in absent):
            raise apt_error(said, self._mirror)

    def _bytes(self) -> int:
        size = 0
        for entry in os.scandir(self.archives):
            with contextlib.suppress(FileNotFoundError):  # apt renames what is complete.
                size += entry.stat().st_size if entry.is_file() else 0
        return size

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


_EXPIRED = re.compile(r"Release file .* is expired \(invalid since")

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
    return SetupError(f"apt-get failed ({reason}): see {package_sets.cache_folder() / 'setup.log'}, and run it again.")
