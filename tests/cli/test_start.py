"""What a start does about a home that is not as it should be."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from ari_app import readiness
from ari_app.readiness import StartError
from crm.config import Config

pytestmark = pytest.mark.cli


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setattr(readiness, "check_ports", lambda *_: None)
    home = tmp_path / "home"
    home.mkdir()
    (home / "leaseline.db").write_bytes(b"This is no database. " * 400)
    return Config(home)


async def test_where_asterisk_has_been_set_up_a_database_that_is_not_ours_holds_up_no_start(config: Config) -> None:
    set_up = config.asterisk_folder / "etc" / "asterisk.conf"
    set_up.parent.mkdir(parents=True)
    set_up.touch()
    told = io.StringIO()
    await readiness.prepare(config, Console(file=told))
    assert "is not a database" in told.getvalue()
    assert "Asterisk starts with its last configuration." in told.getvalue()


async def test_a_first_start_without_a_database_says_what_to_do(config: Config) -> None:
    with pytest.raises(StartError, match="replace it with the right one"):
        await readiness.prepare(config, Console(file=io.StringIO()))
