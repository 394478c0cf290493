"""What a start does about a home that is not as it should be."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from ari_app import readiness
from ari_app.readiness import StartError
from asterisk_conf.prompts import speech
from crm.config import Config
from crm.services.system import backups
from crm.store import migrate

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


async def test_a_start_that_migrates_makes_a_backup_first(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def enough(*_: object) -> None:
        raise speech.SpeechError("The test needs no prompts.")

    monkeypatch.setattr(speech, "prepare", enough)
    (config.home / "leaseline.db").unlink()
    (config.home / "leaseline.toml").write_text("")
    set_up = config.asterisk_folder / "etc" / "asterisk.conf"
    set_up.parent.mkdir(parents=True)
    set_up.touch()
    config.recordings_folder.mkdir()
    (config.recordings_folder / "talk.wav").write_bytes(b"audio")
    migrate.upgrade(config.database_url)
    migrate.downgrade(config.database_url, "0062")
    told = io.StringIO()
    await readiness.prepare(config, Console(file=told, width=400))
    [file] = (config.home / "backups").iterdir()
    assert str(file) in told.getvalue()
    assert migrate.is_current(config.database_url)
    await readiness.prepare(config, Console(file=told))
    assert list((config.home / "backups").iterdir()) == [file], "there was nothing to migrate"
    restored = config.home.parent / "restored"
    backups.restore(file, restored, told=lambda done, total: None)
    assert not (restored / "recordings" / "talk.wav").exists(), "callers do not wait for gigabytes of audio"


async def test_without_a_backup_nothing_is_migrated(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    (config.home / "leaseline.db").unlink()
    set_up = config.asterisk_folder / "etc" / "asterisk.conf"
    set_up.parent.mkdir(parents=True)
    set_up.touch()
    migrate.upgrade(config.database_url)
    migrate.downgrade(config.database_url, "0062")
    (config.home / "backups").write_text("in the way")
    told = io.StringIO()
    await readiness.prepare(config, Console(file=told, width=400))
    assert "cannot be written" in told.getvalue()
    assert migrate.current(config.database_url) == "0062"
