"""The one line at the end of `script/test`, from what pytest wrote of each run (JUnit XML).

A test that failed and passed when it was tried again with nothing beside it counts as passed, and is named: a machine
that was busy for a moment does that to one or two. With more of them something is wrong, and the run fails.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

MOST_TRIED_AGAIN = 3


@dataclass
class Tally:
    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    tried_again: set[str] = field(default_factory=set)
    """Those of the passed that had failed first."""

    @property
    def is_in_order(self) -> bool:
        return bool(self.passed) and not self.failed and len(self.tried_again) <= MOST_TRIED_AGAIN

    def __str__(self) -> str:
        line = f"{len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"
        line += f", {len(self.tried_again)} only when tried again"
        if len(self.tried_again) > MOST_TRIED_AGAIN:
            line += f" (more than {MOST_TRIED_AGAIN}, which is a failure)"
        return line + (f": {', '.join(sorted(self.tried_again))}" if self.tried_again else "")


def tally(folder: Path, runs: Sequence[str]) -> Tally:
    """`folder` has RUN.xml of each run, and RUN-again.xml where something was tried again."""
    whole = Tally()
    for run in runs:
        first, again = _read(folder / f"{run}.xml"), _read(folder / f"{run}-again.xml")
        last = {**first, **{name: outcome for name, outcome in again.items() if name in first}}
        for name, outcome in last.items():
            getattr(whole, outcome).add(name)
        whole.tried_again |= {name for name in last if first[name] == "failed" and last[name] == "passed"}
    return whole


def _read(path: Path) -> dict[str, str]:
    """What became of each test; nothing when there was no such run."""
    outcomes: dict[str, str] = {}
    if not path.exists():
        return outcomes
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
        parts = {part.tag for part in case}
        outcome = "failed" if parts & {"failure", "error"} else "skipped" if "skipped" in parts else "passed"
        # One that passed and failed in taking down its fixtures stands there twice.
        if outcomes.get(name) != "failed":
            outcomes[name] = outcome
    return outcomes


if __name__ == "__main__":
    result = tally(Path(sys.argv[1]), sys.argv[2:])
    print(result)
    sys.exit(not result.is_in_order)
