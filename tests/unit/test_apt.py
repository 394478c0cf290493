"""Package lists as apt itself fetches them, from a small repository of our own on the disk."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from asterisk_conf.apt import Apt
from asterisk_conf.package_sets import SUITE, processor
from asterisk_conf.progress import Progress, SetupError

pytestmark = [
    pytest.mark.unit,
    pytest.mark.skipif(
        not (shutil.which("apt-get") and shutil.which("gpg")), reason="this machine has no apt-get, or no gpg"
    ),
]


PACKAGE = f"""Package: asterisk
Version: 1.0
Architecture: {{arch}}
Maintainer: Test <test@example.com>
Filename: pool/asterisk_1.0_all.deb
Size: 1
SHA256: {"0" * 64}
Description: none
"""


class Told(Progress):
    """Remembers what stays on the screen."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


class Repository:
    """A signed repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        # Its agent's socket has to have a short path.
        self._keys = Path(tempfile.mkdtemp(prefix="ll-keys-"))
        self._gpg("--passphrase", "", "--quick-gen-key", "Test <test@example.com>", "rsa2048", "sign", "never")
        self.keyring = folder / "keys.gpg"
        self.keyring.write_bytes(self._gpg("--export"))

    def publish(self, valid_until: datetime) -> None:
        index = f"main/binary-{processor()}/Packages"
        dist = self.folder / "dists" / SUITE
        (dist / index).parent.mkdir(parents=True, exist_ok=True)
        packages = PACKAGE.format(arch=processor()).encode()
        (dist / index).write_bytes(packages)
        dates = (datetime(2020, 2, 24, tzinfo=UTC), valid_until)
        made, until = (format_datetime(one, usegmt=True).replace("GMT", "UTC") for one in dates)
        digest = hashlib.sha256(packages).hexdigest()
        release = f"Suite: {SUITE}\nCodename: {SUITE}\nDate: {made}\nValid-Until: {until}\n"
        release += f"Architectures: {processor()}\nComponents: main\nSHA256:\n {digest} {len(packages)} {index}\n"
        (dist / "Release").write_text(release)
        (dist / "InRelease").write_bytes(self._gpg("--clearsign", "--output", "-", str(dist / "Release")))

    def close(self) -> None:
        subprocess.run(["gpgconf", "--homedir", str(self._keys), "--kill", "all"], check=False, capture_output=True)
        shutil.rmtree(self._keys, ignore_errors=True)

    def _gpg(self, *words: str) -> bytes:
        command = ["gpg", "--homedir", str(self._keys), "--batch", "--pinentry-mode", "loopback", "--quiet", "--yes"]
        return subprocess.run([*command, *words], check=True, capture_output=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    made = Repository(tmp_path / "repository")
    yield made
    made.close()


def apt_of(tmp_path: Path, repository: Repository, progress: Progress, keyring: Path) -> Apt:
    lock = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR)
    apt = Apt(tmp_path / "cache/apt" / SUITE, lock, progress, f"file:{repository.folder}", keyring)
    with (apt.folder / "apt.conf").open("a") as settings:
        # Whatever this machine's own settings say.
        settings.write('Acquire::Check-Date "true";\nAcquire::Check-Valid-Until "true";\n')
    return apt


def test_a_list_that_is_older_than_its_validity_is_used_and_that_is_said(
    tmp_path: Path, repository: Repository
) -> None:
    repository.publish(datetime(2020, 3, 2, tzinfo=UTC))
    progress = Told()
    apt = apt_of(tmp_path, repository, progress, repository.keyring)
    apt.update()
    _, found = apt._run(["download", "--print-uris", "asterisk"])
    assert "asterisk_1.0_" in found
    [said] = progress.said
    assert "is older than its validity; it is used as it is." in said
    first, second = [
        line
        for line in (tmp_path / "cache/setup.log").read_text().splitlines()
        if line.startswith("$ ") and "update" in line
    ]
    assert "Check-Valid-Until" not in first, "the plain way comes first"
    assert "Check-Valid-Until=false" in second


def test_a_list_that_is_valid_is_fetched_in_the_plain_way(tmp_path: Path, repository: Repository) -> None:
    repository.publish(datetime(2099, 3, 2, tzinfo=UTC))
    progress = Told()
    apt_of(tmp_path, repository, progress, repository.keyring).update()
    assert progress.said == []
    assert "Check-Valid-Until" not in (tmp_path / "cache/setup.log").read_text()


def test_an_old_list_that_somebody_else_signed_is_refused(tmp_path: Path, repository: Repository) -> None:
    repository.publish(datetime(2020, 3, 2, tzinfo=UTC))
    other = Repository(tmp_path / "other")
    try:
        with pytest.raises(SetupError, match="not signed with a key this machine knows"):
            apt_of(tmp_path, repository, Told(), other.keyring).update()
    finally:
        other.close()
