"""docs/architecture.md names files that are there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`([\w./-]+\.(?:py|ts|j2|css|md))`")
PATTERNS = {"elements/NAME.ts"}


def test_each_file_that_the_map_names_is_there() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    named = set(NAMED.findall((ROOT / "docs/architecture.md").read_text())) - PATTERNS
    assert len(named) > 50
    assert {one for one in named if not any(f"/{path}".endswith(f"/{one}") for path in files)} == set()
