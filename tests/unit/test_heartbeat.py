"""The app's sign of life on a full disk."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from ari_app import heartbeat

pytestmark = pytest.mark.unit


def test_on_a_full_disk_it_takes_the_place_of_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "app.json"
    heartbeat.write(path, json.dumps({"pid": 1, "calls": ["a", "b"]}).encode())
    monkeypatch.setattr(Path, "write_bytes", full)
    for state in ({"pid": 2}, {"pid": 3, "calls": []}):
        heartbeat.write(path, json.dumps(state).encode())
        assert json.loads(path.read_text()) == state
    assert [entry.name for entry in tmp_path.iterdir()] == ["app.json"]
