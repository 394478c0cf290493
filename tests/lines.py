"""How many of the lines the quick tests run: a plugin of pytest, `-p tests.lines --lines FOLDER`, and the figure.

SlipCover puts probes into modules as they are imported. On Python 3.11 that costs the tests a tenth of their CPU, where
coverage.py's tracing costs half of it. Each process writes which lines it has run into the folder.
"""

from __future__ import annotations

import contextlib
import json
import sys
import uuid
from pathlib import Path

import pytest
import slipcover

SOURCES = ("agi", "ari_app", "asterisk_conf", "crm")
NEVER = 2**31 - 1
"""After how many passes SlipCover takes probes out by itself: in the middle of a test it would walk through modules
that other threads import in the meantime, which raises."""
AFTER = {10, 50, 200, 600, 1500}
"""After how many tests of a process the probes that have been passed are taken out."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lines", type=Path, metavar="FOLDER", help="Where to leave which lines were run.")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before the first module of ours is imported."""
    folder: Path | None = early_config.known_args_namespace.lines
    if folder is not None:
        early_config.pluginmanager.register(_Probes(folder))


class _Probes:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.probes = slipcover.Slipcover(d_miss_threshold=NEVER)
        slipcover.ImportManager(self.probes, slipcover.FileMatcher(sources=SOURCES)).__enter__()
        self.tests = 0

    def pytest_runtest_logfinish(self) -> None:
        self.tests += 1
        # From 3.12 on, Python itself stops telling of a line once it has been passed.
        if self.tests in AFTER and sys.version_info < (3, 12):
            # A thread that a test has left may import something now; the next time will do.
            with contextlib.suppress(RuntimeError):
                self.probes.deinstrument_seen()

    def pytest_unconfigure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{uuid.uuid4().hex}.json").write_text(json.dumps(self.probes.get_coverage()))


def share(folder: Path) -> float:
    """Per cent of the lines that were run in any of the processes; modules that none of them imported count, too."""
    whole = slipcover.Slipcover(source=list(SOURCES)).get_coverage()
    for file in folder.glob("*.json"):
        whole = slipcover.merge_coverage(whole, json.loads(file.read_text()))
    return float(whole["summary"]["percent_covered"])


if __name__ == "__main__":
    print(f"{share(Path(sys.argv[1])):.1f}")
