"""A unit for systemd."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli import COMMANDS
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
    # Asterisk asks for its socket to be its own (main/asterisk.c, ast_makesocket), and was ended for that.
    filters = [line for line in text.splitlines() if line.startswith("SystemCallFilter=")]
    assert "@chown" in filters[-1]
    assert not filters[-1].startswith("SystemCallFilter=~")
    assert "SystemCallErrorNumber=EPERM" in text
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


def test_the_unit_may_write_to_the_folder_of_scheduled_backups(leaseline: Leaseline, tmp_path: Path) -> None:
    def written() -> list[str]:
        text = leaseline.ok("install", "--systemd", "--user", USER, "--print")
        _verify(text, tmp_path)
        [line] = [line for line in text.splitlines() if line.startswith("ReadWritePaths=")]
        return shlex.split(line)

    before = written()
    leaseline.ok("backup", "schedule", "--daily", "03:00")
    assert written() == before, "in the home it may write anyway"
    leaseline.ok("backup", "schedule", "--to", "/mnt/my backups")
    assert written() == [*before, "-/mnt/my backups"]


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


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", "data/bash-completion/completions/leaseline"),
        ("zsh", "data/zsh/site-functions/_leaseline"),
        ("fish", "config/fish/completions/leaseline.fish"),
    ],
)
def test_completion_and_manual_are_written_where_the_shell_looks_and_no_home_is_needed(
    folders: Path, monkeypatch: pytest.MonkeyPatch, shell: str, file: str
) -> None:
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    nowhere = Leaseline(folders / "no-home")
    told = nowhere.ok("install", "--completion")
    assert told.count("is written.") == 2
    assert (folders / file).read_text() == nowhere.ok("install", "--completion", "--shell", shell, "--print")
    assert (folders / "data/man/man1/leaseline.1").read_text() == nowhere.ok("install", "--manual", "--print")
    assert not nowhere.home.exists()
    assert not [path for path in folders.rglob(".*") if path.is_file()]


def test_an_unknown_shell_is_asked_for(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert "--shell bash, zsh, fish" in Leaseline(folders)("install", "--completion").stderr
    assert "Say what to install" in Leaseline(folders)("install").stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_subcommands_and_options(folders: Path) -> None:
    program = Path(sys.executable).with_name("leaseline")
    script = Leaseline(folders).ok("install", "--completion", "--shell", "bash", "--print")
    for words, wanted in (
        (["leaseline", "lis"], {"listing"}),
        (["leaseline", "text", "template", "pre"], {"preview"}),
        (["leaseline", "status", "--js"], {"--json"}),
        (["leaseline", "text", "template", "show", "x", "--language", ""], {"en", "es"}),
    ):
        asked = f"{script}\nCOMP_WORDS=({' '.join(shlex.quote(one) for one in words)}) COMP_CWORD={len(words) - 1}\n"
        asked += f'_leaseline_completion {shlex.quote(str(program))}\nprintf "%s\\n" "${{COMPREPLY[@]}}"'
        done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
        assert set(done.stdout.split()) == wanted, done.stderr


def test_the_first_word_is_completed_without_loading_a_command() -> None:
    asked = (
        "import sys, cli; from click.shell_completion import BashComplete;"
        "found = BashComplete(cli.cli, {}, 'leaseline', '_X').get_completions([], 'li');"
        "print([one.value for one in found], [name for name in sys.modules if name.startswith('sqlalchemy')][:1])"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['line', 'listing'] []"


def test_the_manual_tells_all_commands_and_roff_understands_it(folders: Path) -> None:
    page = Leaseline(folders).ok("install", "--manual", "--print")
    for command in COMMANDS:
        assert f'.SH "{command.upper()}"' in page
    assert "leaseline text template set NAME TEXT" in page
    if shutil.which("groff"):
        done = subprocess.run(
            ["groff", "-man", "-ww", "-Tutf8", "-P-cbou"],
            input=page.encode(),
            capture_output=True,
            check=True,
            timeout=60,
        )
        assert done.stderr == b""
        assert "leaseline call list" in done.stdout.decode()
