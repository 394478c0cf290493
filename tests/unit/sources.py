"""The program's source, for tests of how it is written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def texts(*places: str) -> Iterator[tuple[Path, str]]:
    """Python files of folders, or single ones, relative to the root, with what they say."""
    for place in places:
        whole = ROOT / place
        for path in [whole] if whole.is_file() else sorted(whole.rglob("*.py")):
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def sources(*places: str, having: str = "") -> Iterator[tuple[Path, ast.Module]]:
    """The same, parsed, as far as they have the pattern.

    To parse and walk through all of the program takes some seconds, so that whoever looks for something that few files
    can have names a pattern without which it cannot be there.
    """
    pattern = re.compile(having)
    for path, text in texts(*places):
        if pattern.search(text):
            yield path, ast.parse(text)
