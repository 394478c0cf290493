"""The last line of script/test, of runs of a real pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tally import MOST_TRIED_AGAIN, tally

pytestmark = pytest.mark.unit

MODULE = """
import os, pytest
AGAIN = "AGAIN" in os.environ

@pytest.fixture
def leaves_something():
    yield
    assert AGAIN

def test_fine(): pass
def test_hurried(): assert AGAIN
def test_untidy(leaves_something): pass
def test_broken(): assert False
@pytest.mark.skip
def test_not_here(): pass
@pytest.mark.parametrize("number", range(MANY))
def test_flaky(number): assert AGAIN
"""


def run(folder: Path, name: str, *arguments: str, **environment: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-c", "none.ini", "--rootdir", ".", "--junitxml", f"{name}.xml"]
    # Loading the plugins that are installed takes far longer than these tests, which need none of them.
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run([*command, *arguments], cwd=folder, env=os.environ | environment, capture_output=True)
    assert done.returncode == 1, done.stdout.decode()


@pytest.mark.parametrize("flaky", [0, MOST_TRIED_AGAIN])
def test_who_passed_only_when_tried_again_is_named(tmp_path: Path, flaky: int) -> None:
    (tmp_path / "none.ini").write_text("[pytest]")
    (tmp_path / "test_it.py").write_text(MODULE.replace("MANY", str(flaky)))
    run(tmp_path, "calls")
    alone = tally(tmp_path, ["quick", "calls"])
    assert str(alone) == f"1 passed, {3 + flaky} failed, {1 + (not flaky)} skipped, 0 only when tried again"

    run(tmp_path, "calls-again", "--last-failed", AGAIN="1")
    whole = tally(tmp_path, ["quick", "calls"])
    assert str(whole).startswith(f"{3 + flaky} passed, 1 failed, {1 + (not flaky)} skipped, {2 + flaky} only when")
    assert {"test_it.py::test_hurried", "test_it.py::test_untidy"} <= whole.tried_again
    whole.failed.clear()
    assert whole.is_in_order == (not flaky)
    assert ("a failure" in str(whole)) == bool(flaky)
