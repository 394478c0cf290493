"""What a start does about a home that is not as it should be."""

from __future__ import annotations

import asyncio
import io
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from ari_app import readiness, supervisor
from ari_app.ending import Request
from ari_app.readiness import StartError
from asterisk_conf.prompts import speech
from cli import cli
from crm import config as settings
from crm.config import Config
from crm.services.phones import publish
from crm.services.system import backups
from crm.store import migrate, revision
from tests.system import port_block

pytestmark = pytest.mark.cli

OLDER = revision.known()[-5]


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
    migrate.downgrade(config.database_url, OLDER)
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
    migrate.downgrade(config.database_url, OLDER)
    (config.home / "backups").write_text("in the way")
    told = io.StringIO()
    await readiness.prepare(config, Console(file=told, width=400))
    assert "cannot be written" in told.getvalue()
    assert migrate.current(config.database_url) == OLDER


@pytest.fixture
def free() -> Iterator[int]:
    """Where a block of free ports begins."""
    with port_block() as first:
        yield first


@pytest.fixture
def other_free() -> Iterator[int]:
    with port_block() as first:
        yield first


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens, below a block of free ones."""
    with port_block() as first, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", first))
        yield first


def up(home: Path, ports_from: int) -> Result:
    return CliRunner().invoke(cli, ["--home", str(home), "up", "--demo", "--ports-from", str(ports_from)])


def test_a_first_try_on_a_taken_port_says_who_has_it_and_leaves_nothing(tmp_path: Path, taken: int) -> None:
    home = tmp_path / "home"
    result = up(home, taken)
    assert result.exit_code == 1
    me = Path("/proc/self/comm").read_text().strip()
    assert f"Port {taken} (UDP) is taken by {me} (process {os.getpid()}): end it" in result.stderr
    assert "--ports-from" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not home.exists()


def test_the_next_try_of_a_home_that_is_there_takes_other_ports_if_they_are_free(
    tmp_path: Path, taken: int, free: int, other_free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Config] = []

    async def start(config: Config, **_: object) -> None:
        started.append(config)

    monkeypatch.setattr(supervisor, "up", start)
    home = tmp_path / "home"
    assert up(home, free).exit_code == 0
    before = (home / "leaseline.toml").read_text()
    assert "is taken by" in up(home, taken).stderr
    assert (home / "leaseline.toml").read_text() == before
    moved = up(home, other_free)
    assert moved.exit_code == 0
    assert f"uses the ports from {other_free} on now" in moved.output
    assert settings.load(home).ports == started[-1].ports == settings.port_block(other_free)
    assert "uses the ports" not in up(home, other_free).output


def test_an_update_s_templates_are_filled_in_by_its_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    assert CliRunner().invoke(cli, ["--home", str(home), "init"]).exit_code == 0
    # What is in this process is the former version, which does not know what they ask for.
    monkeypatch.setattr(publish, "render", None)
    config, told = settings.load(home), list[str]()
    asyncio.run(supervisor._publish(config, told.append))
    assert told == []
    assert (config.asterisk_folder / "etc" / "extensions.conf").exists()
    (home / "leaseline.toml").write_text("[nonsense]")
    asyncio.run(supervisor._publish(config, told.append))
    [why] = told
    assert "nonsense" in why
    assert why.endswith("Asterisk keeps its last configuration.")


async def test_a_request_that_fails_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(system: supervisor.Supervised, *, now: bool) -> None:
        raise LookupError("The code and its data differ.")

    monkeypatch.setattr(supervisor.Supervised, "_restart", fail)
    told: list[str] = []
    await supervisor.Supervised(Config(tmp_path), told.append).do(Request.RESTART_NOW)
    assert told == ["The code and its data differ. What was running keeps running."]
