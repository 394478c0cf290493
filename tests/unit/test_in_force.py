"""Which settings wait for a start of Asterisk, and which hold while it runs."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from asterisk_conf import programs
from asterisk_conf.render import RELOADS, OfficeSetup, Passwords, render
from crm import config as settings
from crm import in_force
from crm.config import Config
from crm.in_force import Change

pytestmark = pytest.mark.unit

PASSWORDS = Passwords("a", "b", "c", "d", "e")
DIRS = programs.AsteriskDirs(*(Path("/usr/lib/asterisk") for _ in programs.AsteriskDirs.__dataclass_fields__))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "leaseline.toml").write_text('node = "east"\n[ports]\nsip = 5070\n[ring]\nagent_seconds = 12\n')
    (tmp_path / "run").mkdir()
    return tmp_path


def test_every_setting_in_a_file_that_is_not_read_again_waits_for_a_start(tmp_path: Path) -> None:
    config = Config(home=tmp_path, node="east")
    render(config, DIRS, PASSWORDS, OfficeSetup())
    found = set()
    for key, value in in_force.flat(config).items():
        if changed := _another(value):
            files = render(_with(config, key, changed), DIRS, PASSWORDS, OfficeSetup())
            render(config, DIRS, PASSWORDS, OfficeSetup())
            if files - set(RELOADS):
                found.add(key)
    # The private key's path shows only with a certificate's; the app changes its server's port with the dialplan.
    assert found | {"sip.private_key", "ports.agi"} == set(in_force.AT_START)


def _another(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 7
    return "77" if isinstance(value, str) else None


def _with(config: Config, key: str, value: object) -> Config:
    section, _, name = key.rpartition(".")
    if not section:
        return msgspec.structs.replace(config, **{name: value})
    parts = section.split(".")
    if len(parts) > 1 or name not in getattr(config, section).__struct_fields__:
        return config
    return msgspec.structs.replace(
        config, **{section: msgspec.structs.replace(getattr(config, section), **{name: value})}
    )


def test_while_asterisk_runs_its_ports_stay_and_the_rest_changes(home: Path) -> None:
    config = settings.load(home)
    in_force.started_asterisk(config)
    in_force.started_app(config)
    assert in_force.changes(home) == []
    (home / "leaseline.toml").write_text('node = "east"\n[ports]\nsip = 5080\n[ring]\nagent_seconds = 20\n')
    found = in_force.load(home)
    assert (found.ports.sip, found.ring.agent_seconds) == (5070, 20)
    assert in_force.changes(home) == [
        Change("ports.sip", 5070, 5080, waits=True),
        Change("ring.agent_seconds", 12.0, 20.0, waits=False),
    ]
    in_force.stopped_asterisk(config)
    assert in_force.load(home).ports.sip == 5080


def test_a_password_in_the_databases_address_is_not_shown(home: Path) -> None:
    in_force.started_app(settings.load(home))
    with (home / "leaseline.toml").open("a") as file:
        file.write('[database]\nurl = "postgresql://leaseline:hunter2@db/leaseline"\n')
    assert in_force.changes(home) == [Change("database.url", "***", "***", waits=False)]
    assert (home / "run" / "settings.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("record", ["", "[]", "{", '{"ports.sip": "x"}', '{"ports.nothing": 1}', "\x00"])
def test_a_record_that_cannot_be_right_changes_nothing(home: Path, record: str) -> None:
    (home / "run" / "asterisk.json").write_text(record)
    assert in_force.load(home) == settings.load(home)
