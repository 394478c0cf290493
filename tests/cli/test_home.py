"""Making a home, its settings, its database, and what comes out when things go wrong."""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import COMMANDS, cli
from crm import config as settings
from crm.store import revision
from tests.cli.conftest import Leaseline, free_ports

pytestmark = pytest.mark.cli


def test_init_makes_a_private_home(tmp_path: Path) -> None:
    leaseline = Leaseline(tmp_path / "deep" / "home")
    ports = free_ports()
    leaseline.ok("init", "--name", "Maple Leasing", "--ports-from", str(ports), "--timezone", "America/New_York")
    home = leaseline.home
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for private in ("secrets.json", "leaseline.db"):
        assert stat.S_IMODE((home / private).stat().st_mode) == 0o600
    config = settings.load(home)
    assert (config.ports.sip, config.timezone, config.region) == (ports, "America/New_York", "US")
    assert all(folder.is_dir() for folder in config.folders)
    assert set(json.loads((home / "secrets.json").read_text())) == {"ari", "ami", "ami_watch", "agi"}
    assert leaseline.rows("SELECT name, admin_agent_id IS NOT NULL FROM organization") == [("Maple Leasing", 1)]
    assert [(one["slug"], one["on_duty"]) for one in leaseline.json("agent", "list")] == [("admin", False)]


def test_a_home_that_is_there_stays_as_it_is(leaseline: Leaseline) -> None:
    toml = (leaseline.home / "leaseline.toml").read_text()
    assert "already" in leaseline.refused("init", "--name", "Other")
    assert (leaseline.home / "leaseline.toml").read_text() == toml


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    mode = tmp_path.stat().st_mode
    result = Leaseline(tmp_path)("init")
    assert result.exit_code == 2
    assert "thesis.txt" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    assert tmp_path.stat().st_mode == mode


def test_an_unfinished_home_is_completed(leaseline: Leaseline) -> None:
    secrets = (leaseline.home / "secrets.json").read_text()
    (leaseline.home / "leaseline.toml").rename(leaseline.home / "leaseline.toml.new")
    leaseline.ok("init")
    assert (leaseline.home / "secrets.json").read_text() == secrets
    assert len(leaseline.rows("SELECT id FROM organization")) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--timezone", "Mars/Olympus"),
        ("--timezone", "../../etc/passwd"),
        ("--region", "XX"),
        ("--ports-from", "80"),
        ("--ports-from", "65400"),
        ("--name", ""),
        ("--name", "a\nb"),
        ("--listings-url", "maple.example"),
    ],
)
def test_init_with_wrong_input_makes_nothing(tmp_path: Path, words: tuple[str, str]) -> None:
    result = Leaseline(tmp_path / "home")("init", *words)
    assert result.exit_code == 2
    assert not (tmp_path / "home").exists()


def test_home_may_stand_after_the_command_and_in_the_environment(
    leaseline: Leaseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = CliRunner().invoke(cli, ["config", "show", "--json", "--home", str(leaseline.home)])
    assert json.loads(after.stdout)["home"] == str(leaseline.home)
    monkeypatch.setenv("LEASELINE_HOME", str(leaseline.home))
    assert json.loads(CliRunner().invoke(cli, ["config", "show", "--json"]).stdout)["home"] == str(leaseline.home)


def test_without_a_home_it_says_how_to_make_one(tmp_path: Path) -> None:
    for command in (("status",), ("doctor",), ("agent", "list"), ("config", "show"), ("db", "current")):
        result = Leaseline(tmp_path / "none")(*command)
        assert result.exit_code == 1
        assert "leaseline init" in result.stderr
        assert result.stderr.count("\n") == 1
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("text", ["[ports]\nsip = 'x'", "speed = 3", "= =", "timezone = 'Nowhere'"])
def test_a_malformed_settings_file_is_one_sentence(leaseline: Leaseline, text: str) -> None:
    (leaseline.home / "leaseline.toml").write_text(text)
    result = leaseline("agent", "list")
    assert result.exit_code == 1
    assert str(leaseline.home / "leaseline.toml") in result.stderr
    assert result.stderr.count("\n") == 1


def test_config_show_hides_the_databases_password(leaseline: Leaseline) -> None:
    toml = leaseline.home / "leaseline.toml"
    toml.write_text(toml.read_text() + '\n[database]\nurl = "postgresql://lease:hunter2@db.example/leaseline"\n')
    for said in (leaseline.ok("config", "show"), leaseline.ok("config", "show", "--json")):
        assert "hunter2" not in said
        assert "db.example" in said


def test_config_show_can_be_read_as_settings(leaseline: Leaseline) -> None:
    config = settings.load(leaseline.home)
    (leaseline.home / "leaseline.toml").write_text(leaseline.ok("config", "show"))
    assert settings.load(leaseline.home) == config


def test_the_database_goes_down_and_up_again(leaseline: Leaseline) -> None:
    assert leaseline.json("db", "current")["is_current"] is True
    result = leaseline("db", "downgrade", "base", input="n\n")
    assert result.exit_code == 1
    assert leaseline.json("db", "current")["is_current"] is True
    leaseline.ok("db", "downgrade", "base", "--yes")
    assert leaseline.json("db", "current")["current"] is None
    without_tables = leaseline("agent", "list")
    assert without_tables.exit_code == 1
    assert "leaseline db upgrade" in without_tables.stderr
    assert "leaseline db upgrade" in leaseline("doctor").stdout
    leaseline.ok("db", "upgrade")
    assert leaseline.json("db", "current")["is_current"] is True
    assert leaseline.json("agent", "list") == []


def test_an_unknown_revision_is_refused(leaseline: Leaseline) -> None:
    assert leaseline("db", "downgrade", "nonsense", "--yes").exit_code == 2
    assert leaseline.json("db", "current")["is_current"] is True


def test_a_damaged_secrets_file_is_one_sentence(office: Leaseline) -> None:
    (office.home / "secrets.json").write_text("{")
    result = office("device", "show", "alice-desk", "--secret")
    assert result.exit_code == 1
    assert "damaged" in result.stderr


def test_what_nobody_expected_is_logged_and_told_in_one_sentence(
    office: Leaseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("crm.views.agents.listed", fail)
    result = office("agent", "list")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "RuntimeError" in result.stderr
    assert result.stderr.count("\n") == 1
    assert "boom" in (office.home / "log" / "cli.log").read_text()


def test_help_is_quick_and_loads_no_database() -> None:
    code = "import sys, cli; sys.argv = ['leaseline', '--help']\ntry: cli.run()\nexcept SystemExit: pass\n"
    code += "assert not {'sqlalchemy', 'rich', 'aiohttp', 'phonenumbers', 'msgspec', 'asyncio'} & set(sys.modules)"
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, env=os.environ)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    # Processor time, since others may be busy beside this. 0.2 s on a quiet machine.
    assert min(seconds) < 0.5


def ended(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"import sys, cli\n{code}"], capture_output=True, text=True, check=False
    )


def test_a_command_ends_at_once_after_what_was_to_be_done_at_its_end() -> None:
    done = ended(
        "import atexit, threading\n"
        "class Kept:\n"
        "    def __del__(self): print('taken apart', flush=True)\n"
        "kept = Kept()\n"
        "def work():\n"
        "    threading.main_thread().join()\n"
        "    print('worked')\n"
        "def run():\n"
        "    threading.Thread(target=work).start()\n"
        "    atexit.register(print, 'at its end')\n"
        "    sys.exit(3)\n"
        "cli.run = run\n"
        "cli.main()"
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "worked\nat its end\n", "")


def test_an_error_that_nobody_expected_ends_a_command_as_ever() -> None:
    done = ended("def run(): raise RuntimeError\ncli.run = run\ncli.main()")
    assert done.returncode == 1
    assert "RuntimeError" in done.stderr


def test_the_overview_says_what_each_command_says() -> None:
    for name, text in COMMANDS.items():
        command = cli.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert command.name == name
        assert (command.help or "").startswith(text.rstrip("."))


def test_tables_of_another_version_are_refused_and_an_upgrade_backs_up_first(
    leaseline: Leaseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An app of the former version may still be running.
    monkeypatch.setattr("ari_app.demo.call.is_connected", lambda config, since: True)
    needed = leaseline.json("db", "current")["needed"]
    leaseline.ok("db", "downgrade", revision.known()[-5], "--yes")
    for words in (("lead", "list"), ("demo", "call")):
        older = leaseline(*words)
        assert (older.exit_code, older.stdout) == (1, "")
        assert "run `leaseline db upgrade`." in older.stderr
    told = leaseline.ok("db", "upgrade")
    [backup] = (leaseline.home / "backups").iterdir()
    assert str(backup) in told
    assert "rows" in leaseline.ok("backup", "check", str(backup))
    assert leaseline.json("lead", "list") == []
    leaseline.write("UPDATE alembic_version SET version_num = '9999'")
    for words in (("lead", "list"), ("db", "upgrade")):
        newer = leaseline(*words)
        assert newer.exit_code == 1
        assert "update Leaseline" in newer.stderr
    leaseline.write(f"UPDATE alembic_version SET version_num = '{needed}'")
    leaseline.ok("lead", "list")
