"""The app's log."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from ari_app import log

pytestmark = pytest.mark.unit


def record(message: str, at: float = 1_772_460_000.25, **fields: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"msg": message, "levelname": "INFO", "created": at, "msecs": at % 1 * 1000, "call": "ll1-1.1", **fields}
    )


def test_a_line_has_its_time_to_the_millisecond_its_call_and_its_fields() -> None:
    formatter = log.Formatter()
    lines = [formatter.format(record("step", at, step="menu")) for at in (1_772_460_000.25, 1_772_460_000.5)]
    plain = logging.Formatter("%(asctime)s")
    times = [plain.format(record("step", at)) for at in (1_772_460_000.25, 1_772_460_000.5)]
    assert lines == [f"{at} INFO ll1-1.1 step step=menu" for at in times]
    later = formatter.format(record("step", 1_772_460_001.0))
    assert later.startswith(plain.format(record("step", 1_772_460_001.0)))


def test_what_others_wrote_stays_one_line_and_what_is_personal_is_masked() -> None:
    line = log.Formatter().format(record("got", said="a\nb\x1b", pii_number="+15125550123"))
    assert line.endswith("got said=a\\nb\\x1b pii_number=***")


def test_a_log_that_has_grown_long_is_put_aside_and_so_many_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("from before\n")
    handler = log._File(path, maxBytes=200, backupCount=2, encoding="utf-8")
    handler.setFormatter(log.Formatter())
    for number in range(20):
        handler.emit(record(f"line {number:02d}"))
    handler.close()
    kept = [path, tmp_path / "app.log.1", tmp_path / "app.log.2"]
    assert sorted(tmp_path.iterdir()) == kept
    assert all(file.stat().st_size < 200 + 60 for file in kept)
    numbers = re.findall(r"line (\d\d)", "".join(file.read_text() for file in reversed(kept)))
    assert numbers == [f"{number:02d}" for number in range(20 - len(numbers), 20)]
