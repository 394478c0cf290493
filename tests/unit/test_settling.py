"""What the app does once it has settled."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import sys
from pathlib import Path

import pytest

from ari_app import main
from ari_app.parts import LOADED_LATER, PARTS

pytestmark = pytest.mark.unit


async def test_what_is_loaded_later_is_spared_by_the_garbage_collector_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loaded_late.py").write_text("KEPT = [[]]")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(main, "SETTLED_SECONDS", 0)
    frozen = asyncio.Event()
    monkeypatch.setattr(gc, "freeze", frozen.set)
    settling = asyncio.create_task(main._settle(["loaded_late"]))
    try:
        async with asyncio.timeout(30):
            await frozen.wait()
        assert "loaded_late" in sys.modules
        assert gc.isenabled()
    finally:
        settling.cancel()
        sys.modules.pop("loaded_late", None)


def test_what_is_loaded_later_is_there() -> None:
    assert LOADED_LATER.keys() <= set(PARTS)
    for modules in LOADED_LATER.values():
        for module in modules:
            assert importlib.util.find_spec(module), module
