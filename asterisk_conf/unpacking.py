"""Brings a package set into its folder: downloaded, unpacked, and checked to run here."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from asterisk_conf.apt import Apt, Package
from asterisk_conf.package_sets import CHROMIUM_START, PROGRAMS, PackageSet, library_folder
from asterisk_conf.programs import ASTERISK_AT_LEAST, ASTERISK_BRANCH, asterisk_version, words_of
from asterisk_conf.progress import Progress, SetupError


def fetch(package_set: PackageSet, apt: Apt, cache: Path, progress: Progress) -> None:
    """Brings the newest packages of a set into its folder in the cache."""
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
        ran = subprocess.run(
            [*words_of("asterisk", root), "-V"], capture_output=True, text=True, timeout=20, check=False
        )
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
