"""A unit for systemd."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from crm.services.system import units
from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

USER = "daemon"


def test_the_unit_runs_this_home_and_systemd_understands_it(leaseline: Leaseline, tmp_path: Path) -> None:
    leaseline.ok("config", "set", "stopping.longest_seconds", "90")
    text = leaseline.ok("install", "--systemd", "--user", USER, "--print")
    assert f"--home {leaseline.home} up" in text
    assert f"--home {leaseline.home} reload" in text
    assert "User=daemon" in text
    assert "TimeoutStopSec=150" in text
    _verify(text, tmp_path)


@pytest.mark.parametrize("name", ["my home", "50%", "a$b", 'quo"te', "back\\slash"])
def test_a_home_of_any_name_stays_one_word(leaseline: Leaseline, tmp_path: Path, name: str) -> None:
    home = leaseline.home.rename(tmp_path / name)
    text = Leaseline(home).ok("install", "--systemd", "--user", USER, "--print")
    started, written = (line for line in text.splitlines() if line.startswith(("ExecStart=", "ReadWritePaths=")))
    # As systemd.syntax(7) has it; shlex reads quotes and backslashes in the same way.
    assert shlex.split(started.replace("%%", "%").replace("$$", "$"))[-2] == str(home)
    assert shlex.split(written.replace("%%", "%"))[0] == f"ReadWritePaths={home}"
    _verify(text, tmp_path)


def _verify(text: str, folder: Path) -> None:
    """That systemd finds nothing wrong; a machine without it proves nothing."""
    if not (program := shutil.which("systemd-analyze")):
        return
    unit = folder / "leaseline.service"
    unit.write_text(text)
    found = subprocess.run([program, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    ours = [line for line in found.stderr.splitlines() if "leaseline.service" in line]
    # The program that runs the tests is not one that systemd could run.
    assert [line for line in ours if "is not executable" not in line] == []


def test_it_is_written_where_systemd_looks(
    leaseline: Leaseline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "FOLDER", tmp_path)
    leaseline.ok("install", "--systemd", "--user", USER, "--name", "east")
    assert (tmp_path / "east.service").stat().st_mode & 0o777 == 0o644
    monkeypatch.setattr(units, "FOLDER", tmp_path / "nowhere")
    assert "--print" in leaseline("install", "--systemd", "--user", USER).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--systemd"),
        (("--systemd", "--user", "no-such-user"), "no user"),
        (("--systemd", "--user", "root"), "belongs to root"),
        (("--systemd", "--user", USER, "--name", "../x"), "--name"),
    ],
)
def test_what_makes_no_sense_is_refused(leaseline: Leaseline, words: tuple[str, ...], said: str) -> None:
    assert said in leaseline.refused("install", *words)


@pytest.mark.skipif(os.geteuid() != 0, reason="tests that do not run as root have no home of root's")
def test_a_home_of_roots_needs_a_user(leaseline: Leaseline) -> None:
    assert "chown" in leaseline.refused("install", "--systemd", "--print")
