"""Logs of others stay short, while those go on writing them."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.config import Config
from crm.services.system import logs

pytestmark = pytest.mark.unit


def test_a_long_log_begins_anew_while_it_is_written_and_three_older_parts_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    with path.open("ab", buffering=0) as writer:
        for number in range(6):
            writer.write(f"{number}".encode() * 2000)
            assert logs.turn(path, longest=1000)
            assert path.stat().st_size == 0
        writer.write(b"now")
        assert not logs.turn(path, longest=1000)
    assert path.read_bytes() == b"now"
    parts = sorted(tmp_path.glob("messages.*"))
    assert [(part.name[-1], part.read_bytes()[:1], part.stat().st_size) for part in parts] == [
        ("1", b"5", 1000),
        ("2", b"4", 1000),
        ("3", b"3", 1000),
    ]
    assert {part.stat().st_mode & 0o77 for part in parts} == {0}


def test_logs_are_all_that_others_write_and_the_log_of_calls_is_none(tmp_path: Path) -> None:
    config = Config(tmp_path)
    (config.asterisk_folder / "log" / "cel-custom").mkdir(parents=True)
    config.log_folder.mkdir()
    for name in (
        "asterisk/log/messages",
        "asterisk/log/messages.1",
        "asterisk/log/cel-custom/notes.csv",
        "log/app.log",
        "log/app.log.1",
        "log/app.out",
        "log/asterisk.out",
    ):
        (tmp_path / name).touch()
    found = {str(path.relative_to(tmp_path)) for path in logs.logs(config)}
    assert found == {"asterisk/log/messages", "log/app.out", "log/asterisk.out"}


async def test_a_log_that_cannot_be_turned_shows_and_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(tmp_path)
    config.log_folder.mkdir()
    turned = []

    def turn(log: Path) -> bool:
        turned.append(log.name)
        if len(turned) == 1:
            raise OSError(30, "Read-only file system")
        return True

    monkeypatch.setattr(logs, "turn", turn)
    for name in ("app.out", "asterisk.out"):
        (config.log_folder / name).touch()
    with pytest.raises(OSError, match="Read-only"):
        await logs.look_after(config)
    assert sorted(turned) == ["app.out", "asterisk.out"]
