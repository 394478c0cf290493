"""The benches can still be loaded: nothing else imports them, and what they use of the app changes under them."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
PROGRAMS = {"bench.call.forked", "bench.call.with_asyncari"}
"""Run by Asterisk and by an environment of their own; they do their work when they are loaded."""
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "bench").rglob("*.py")
    if path.name != "__init__.py"
)


@pytest.mark.parametrize("name", [name for name in MODULES if name not in PROGRAMS])
def test_a_bench_loads(name: str) -> None:
    importlib.import_module(name)
