"""A server need not have what draws pictures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from crm.edge import chart

pytestmark = pytest.mark.unit


def test_without_what_draws_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(chart.ChartError, match="script/setup plots"):
        chart.draw(tmp_path / "figures.png", "Calls", ["a"], "line", [])
    assert list(tmp_path.iterdir()) == []
