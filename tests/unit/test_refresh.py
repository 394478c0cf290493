"""Newer packages, from a small mirror on disk: fetched beside those in use, taken at the next start, and back again."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ari_app import supervisor
from asterisk_conf import install, package_sets, programs, progress, refresh, sources
from crm.config import Config
from crm.services.system.checks import machine
from crm.services.system.checks.finding import Level

pytestmark = pytest.mark.unit

NOW = datetime.now(UTC)
OLD, NEW = "1:22.10.1-1", "1:22.10.2-1"
LOADER = '#!/bin/sh\nshift 3\nexec "$@"\n'


class Quiet(progress.Progress):
    def show(self, text: str) -> None: ...

    def say(self, text: str) -> None: ...


class Mirror:
    """Debian's archive as far as apt asks for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lists = folder / f"dists/{package_sets.SUITE}/main/binary-{package_sets.processor()}"
        for part in (self.lists, folder / "pool"):
            part.mkdir(parents=True)

    def carries(self, asterisk: str, said: str = "") -> None:
        """Asterisk in this version, which says so, and the tools."""
        script = f"#!/bin/sh\necho '{said or f'Asterisk {upstream(asterisk)}'}'\n"
        loader = f"usr/lib/{package_sets.library_folder()}/ld-linux-x.so.2"
        entries = [self._package("asterisk", asterisk, {"usr/sbin/asterisk": script, loader: LOADER})]
        entries += [self._package(tool, "1.0", {}) for tool in refresh.package_set().packages[1:]]
        index = "\n".join(entries).encode()
        (self.lists / "Packages").write_bytes(index)
        self.release.write_text(
            f"Origin: Debian\nLabel: Debian\nCodename: {package_sets.SUITE}\nComponents: main\n"
            f"Architectures: {package_sets.processor()}\nDate: {NOW:%a, %d %b %Y %H:%M:%S} UTC\n"
            f"SHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} "
            f"main/binary-{package_sets.processor()}/Packages\n"
        )

    @property
    def release(self) -> Path:
        return self.folder / f"dists/{package_sets.SUITE}/Release"

    def _package(self, name: str, version: str, programs: dict[str, str]) -> str:
        """Builds one; returns its entry in the list."""
        tree, file = self.folder / "tree" / name, f"pool/{name}_{upstream(version)}.deb"
        control = (
            f"Package: {name}\nVersion: {version}\nArchitecture: {package_sets.processor()}\n"
            "Maintainer: tests <tests@example.com>\nDescription: for tests\n"
        )
        for path, text in {"DEBIAN/control": control, **programs}.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)
            (tree / path).chmod(0o755)
        words = ["dpkg-deb", "--root-owner-group", "--build", str(tree), str(self.folder / file)]
        subprocess.run(words, check=True, capture_output=True)
        whole = (self.folder / file).read_bytes()
        return f"{control}Filename: {file}\nSize: {len(whole)}\nSHA256: {hashlib.sha256(whole).hexdigest()}\n"


def upstream(version: str) -> str:
    return version.rpartition(":")[2].partition("-")[0]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def mirror(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """A mirror whose first set is in use."""
    found, keys = Mirror(tmp_path / "mirror"), tmp_path / "keys.gpg"
    keys.touch()
    monkeypatch.setattr(programs, "machine_asterisk", lambda: None)
    monkeypatch.setattr(package_sets, "cache_folder", lambda: cache)
    monkeypatch.setattr(sources.Sources, "_mirror", lambda _: f"[trusted=yes] copy:{found.folder}")
    monkeypatch.setattr(sources.Sources, "_keyring", lambda _: keys)
    found.carries(OLD)
    install.set_up([package_sets.RUNTIME], cache, Quiet())
    assert version(cache) == OLD
    return found


def version(cache: Path) -> str:
    kept = refresh.in_use(cache)
    assert kept
    said = subprocess.run(
        [*programs.program("asterisk", cache), "-V"], capture_output=True, text=True, check=True
    ).stdout
    assert said.split()[1] == kept.asterisk.partition(":")[2].partition("-")[0], "what runs is what is said to be there"
    return kept.asterisk


async def start(cache: Path, tmp_path: Path) -> None:
    """As the supervisor starts Asterisk."""
    child = supervisor.children(Config(tmp_path))[0]
    child.command, child.log = programs.program("asterisk", cache), tmp_path / "out"
    await child.start()
    assert child.process
    await child.process.wait()


async def test_a_newer_set_is_taken_at_the_next_start_and_the_old_one_is_kept_to_go_back_to(
    mirror: Mirror, cache: Path, tmp_path: Path
) -> None:
    assert await asyncio.to_thread(refresh.fetch, cache, Quiet()) is None, "there is nothing newer"
    with pytest.raises(progress.SetupError, match="no older set"):
        refresh.back(cache, Quiet())
    mirror.carries(NEW)
    fetched = await asyncio.to_thread(refresh.fetch, cache, Quiet())
    used = refresh.in_use(cache)
    assert fetched
    assert used
    assert refresh.newer(fetched.versions, used.versions) == {"asterisk": (OLD, NEW)}
    assert version(cache) == OLD, "whatever runs goes on unchanged"
    await start(cache, tmp_path)
    assert (tmp_path / "out").read_text() == "Asterisk 22.10.2\n"
    assert version(cache) == NEW
    assert not refresh.take_waiting(cache)

    assert refresh.back(cache, Quiet()).asterisk == OLD
    assert version(cache) == NEW
    await start(cache, tmp_path)
    assert version(cache) == OLD
    # Back from going back, before and after it has been taken.
    assert refresh.back(cache, Quiet()).asterisk == NEW
    assert refresh.back(cache, Quiet()).asterisk == OLD
    assert refresh.back(cache, Quiet()).asterisk == NEW
    assert refresh.take_waiting(cache)
    assert version(cache) == NEW
    assert not (cache / "apt").exists()


async def test_a_set_that_was_fetched_and_not_taken_is_left_by_going_back(mirror: Mirror, cache: Path) -> None:
    mirror.carries(NEW)
    await asyncio.to_thread(refresh.fetch, cache, Quiet())
    assert refresh.back(cache, Quiet()).asterisk == OLD
    assert not refresh.take_waiting(cache)
    assert version(cache) == OLD


@pytest.mark.parametrize(("asterisk", "said"), [(NEW, "Illegal instruction"), ("1:23.0.0-1", ""), ("1:20.9.0-1", "")])
async def test_an_asterisk_that_does_not_run_or_is_of_another_branch_is_not_taken(
    mirror: Mirror, cache: Path, asterisk: str, said: str
) -> None:
    mirror.carries(asterisk, said)
    with pytest.raises(progress.SetupError):
        await asyncio.to_thread(refresh.fetch, cache, Quiet())
    assert refresh.waiting(cache) is None
    assert not refresh.take_waiting(cache)
    assert version(cache) == OLD


async def test_a_start_waits_for_no_set_up_and_makes_a_swap_good_that_was_cut_short(
    mirror: Mirror, cache: Path
) -> None:
    mirror.carries(NEW)
    await asyncio.to_thread(refresh.fetch, cache, Quiet())
    with (cache / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert not refresh.take_waiting(cache)
    root = package_sets.RUNTIME.root(cache)
    root.rename(root.with_name(root.name + refresh.FORMER))
    assert refresh.take_waiting(cache)
    assert version(cache) == NEW
    kept = refresh.former(cache)
    assert kept
    assert kept.asterisk == OLD


async def test_the_doctor_knows_the_age_and_what_is_newer_and_asks_nobody(
    mirror: Mirror, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(refresh, "begin_look_up", lambda: asked.append(1))

    def told(now: datetime = NOW) -> tuple[Level, str]:
        [finding] = machine._packages(now)
        return finding.level, finding.text

    assert told() == (Level.OK, "The set of programs is 0 days old; the newest versions are being looked up.")
    assert len(asked) == 1
    await asyncio.to_thread(refresh.look_up, cache, Quiet())
    level, text = told()
    assert level is Level.OK
    assert "newest available" in text
    assert len(asked) == 1, "the answer is of today"
    mirror.carries(NEW)
    assert told()[0] is Level.OK
    await asyncio.to_thread(refresh.look_up, cache, Quiet())
    assert told() == (Level.WARN, f"The set of programs is 0 days old; Asterisk is {OLD}, and {NEW} is available.")
    await asyncio.to_thread(refresh.fetch, cache, Quiet())
    assert "waits for the next start" in told()[1]
    refresh.take_waiting(cache)
    assert told()[0] is Level.OK
    # The mirror is gone.
    shutil.rmtree(mirror.folder)
    await asyncio.to_thread(refresh.look_up, cache, Quiet())
    assert "could not be looked up" in told()[1]
    os.utime(package_sets.RUNTIME.root(cache) / ".complete", times=(0, (NOW - timedelta(days=40)).timestamp()))
    assert told()[0] is Level.WARN
    assert told(NOW + timedelta(days=2))[1].startswith("The set of programs is 42 days old")
    assert len(asked) == 2
