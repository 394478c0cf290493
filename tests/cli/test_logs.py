"""The app's log, as commands show it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

CLI = Path(__file__).parents[2] / "cli.py"
AT = "2026-11-28 06:21:53,4"


def line(rest: str, at: int = 19) -> str:
    return f"{AT}{at:02d} {rest}\n"


@pytest.fixture
def log(leaseline: Leaseline) -> Path:
    path = leaseline.home / "log" / "app.log"
    path.with_name("app.log.2").write_text(line("INFO east-1.1 call begins direction=in", 1))
    path.with_name("app.log.1").write_text(
        line("INFO east-1.1 step step=menu", 2) + line("INFO east-2.2 call begins", 3)
    )
    path.write_text(
        line("INFO - connected to Asterisk", 4)
        + line("ERROR east-1.1 the call failed", 5)
        + 'Traceback (most recent call last):\n  File "menu.py", line 3, in run\nValueError: no\x1b[31m key\n'
        + line("WARNING east-2.2 slow", 6)
    )
    return path


def test_one_calls_lines_are_shown_with_their_tracebacks_from_all_parts_of_the_log(
    leaseline: Leaseline, log: Path
) -> None:
    assert leaseline.ok("logs", "east-1.1").splitlines() == [
        f"{AT}01 INFO east-1.1 call begins direction=in",
        f"{AT}02 INFO east-1.1 step step=menu",
        f"{AT}05 ERROR east-1.1 the call failed",
        "Traceback (most recent call last):",
        '  File "menu.py", line 3, in run',
        "ValueError: no[31m key",
    ]


def test_the_latest_lines_and_only_problems(leaseline: Leaseline, log: Path) -> None:
    assert leaseline.ok("logs", "--lines", "1") == line("WARNING east-2.2 slow", 6)
    assert leaseline.ok("logs", "--problems").count("\n") == 5
    assert leaseline.ok("logs", "--problems", "east-2.2") == line("WARNING east-2.2 slow", 6)


def test_a_call_without_lines_and_a_home_without_a_log_are_told_so(leaseline: Leaseline, log: Path) -> None:
    assert "call list" in leaseline("logs", "east-9.9").stderr
    log.unlink()
    assert "nothing has been logged" in leaseline.ok("logs")


def test_a_log_is_followed_when_it_becomes_an_older_one(leaseline: Leaseline, log: Path) -> None:
    words = [sys.executable, str(CLI), "--home", str(leaseline.home), "logs", "-f", "-n", "1", "east-2.2"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout
        try:
            assert following.stdout.readline() == line("WARNING east-2.2 slow", 6)
            with log.open("a") as file:
                file.write(line("INFO east-1.1 step", 7) + line("INFO east-2.2 step", 8))
            assert following.stdout.readline() == line("INFO east-2.2 step", 8)
            log.replace(log.with_name("app.log.1"))
            log.write_text(line("INFO east-2.2 call ends", 9))
            assert following.stdout.readline() == line("INFO east-2.2 call ends", 9)
        finally:
            following.kill()


def test_the_pages_have_a_log_of_their_own(leaseline: Leaseline, log: Path) -> None:
    log.with_name("web.log").write_text(line("INFO - the console's certificate was read"))
    assert leaseline.ok("logs", "--pages").splitlines() == [line("INFO - the console's certificate was read").strip()]
    assert "name one of them" in leaseline("logs", "--pages", "--asterisk").stderr
