"""Showing, checking and changing the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm import config as settings
from crm.edge import processes
from crm.edge.processes import Process
from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


@pytest.mark.parametrize(
    ("key", "words", "value"),
    [
        ("ring.agent_seconds", "20", 20.0),
        ("queue.enabled", "no", False),
        ("menu.languages", "es", ("es",)),
        ("menu.languages", '["es"]', ("es",)),
        ("menu.languages", "", ()),
        ("texts.carrier", "telnyx", "telnyx"),
        ("sip.hostname", "123", "123"),
        ("area_code", "512", "512"),
        ("timezone", "America/New_York", "America/New_York"),
        ("ai.piper_voices.en", "/models/amy.onnx", {"en": "/models/amy.onnx"}),
    ],
)
def test_a_setting_is_changed_and_the_rest_of_the_file_stays(
    leaseline: Leaseline, key: str, words: str, value: object
) -> None:
    file = leaseline.home / "leaseline.toml"
    file.write_text(file.read_text() + "\n[talk]\n# Long enough for a lift.\nlost_seconds = 20\n")
    before = file.read_text().splitlines()
    mode = file.stat().st_mode
    leaseline.ok("config", "set", key, words)
    found: object = settings.load(leaseline.home)
    for name in key.removesuffix(".en").split("."):
        found = getattr(found, name)
    assert found == value
    missing = [line for line in before if line not in file.read_text().splitlines()]
    assert all(line.startswith("timezone") for line in missing)
    assert file.stat().st_mode == mode
    leaseline.ok("config", "unset", key)
    assert leaseline.json("config", "show")["settings"]["talk"]["lost_seconds"] == 20


@pytest.mark.parametrize(
    ("key", "words", "said"),
    [
        ("ring.agent_secs", "20", "did you mean ring.agent_seconds? `leaseline config show` lists"),
        ("ring", "20", "ring is a section: name a setting in it, such as ring.agent_seconds"),
        ("ring.agent_seconds", "soon", "is a number"),
        ("ring.agent_seconds", "-1", "may not be negative"),
        ("queue.enabled", "perhaps", "write yes or no"),
        ("timezone", "Mars/Olympus", "unknown"),
        ("area_code", "1512", "three digits, such as 512"),
        ("ports.sip", "80", "outside 1024"),
        ("texts.carrier", "twilio", "texts.twilio_account"),
        ("home", "/tmp", "not a setting"),
        ("ai.piper_voices", "x", "ai.piper_voices.NAME"),
        ("x\x1b[31m", "1", "not a setting"),
        ("sip.certificate", "a;b", "go together"),
    ],
)
def test_what_cannot_be_right_is_refused_and_nothing_is_written(
    leaseline: Leaseline, key: str, words: str, said: str
) -> None:
    before = (leaseline.home / "leaseline.toml").read_text()
    assert said in leaseline.refused("config", "set", key, "--", words)
    assert (leaseline.home / "leaseline.toml").read_text() == before


def test_one_setting_is_printed(leaseline: Leaseline) -> None:
    assert leaseline.ok("config", "get", "ring.agent_seconds") == "15.0\n"
    leaseline.ok("config", "set", "database.url", "postgresql://leaseline:hunter2@db/leaseline")
    assert leaseline.ok("config", "get", "database.url") == "postgresql://leaseline:***@db/leaseline\n"


def test_a_file_is_checked_before_it_takes_its_place(leaseline: Leaseline, tmp_path: Path) -> None:
    assert "is in order" in leaseline.ok("config", "check")
    other = tmp_path / "new.toml"
    other.write_text("[ring]\nagent_seconds = 20\n")
    leaseline.ok("config", "check", str(other))
    other.write_text("[ring]\nagent_seconds = 'soon'\n")
    assert "ring.agent_seconds" in leaseline("config", "check", str(other)).stderr
    other.write_bytes(b"\xff\xfe")
    assert "UTF-8" in leaseline("config", "check", str(other)).stderr
    missing = leaseline("config", "check", str(tmp_path / "missing.toml"))
    assert missing.exit_code == 1
    assert "No such file" in missing.stderr


def test_reload_and_restart_say_what_to_do_when_nothing_runs(leaseline: Leaseline) -> None:
    for command in ("reload", "restart"):
        result = leaseline(command)
        assert result.exit_code == 1
        assert "start it with `leaseline up`" in result.stderr


@pytest.mark.parametrize(
    ("revision", "said"),
    [("0062", "run `leaseline db upgrade`"), ("9999", "The database is another version's (9999): update Leaseline")],
)
def test_no_app_is_replaced_by_one_that_could_not_use_the_tables(
    leaseline: Leaseline, monkeypatch: pytest.MonkeyPatch, revision: str, said: str
) -> None:
    class Keeper(Process):
        def send_signal(self, number: int) -> bool:
            raise AssertionError("It was asked to replace the app.")

    monkeypatch.setattr(processes, "keeper", lambda _: Keeper(1, ""))
    leaseline.write(f"UPDATE alembic_version SET version_num = '{revision}'")
    for command in (("reload",), ("restart",), ("restart", "--now")):
        result = leaseline(*command)
        assert result.exit_code == 1
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert result.stdout == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ring = 5", "ring is a section"),
        ("[ring]\nagent_seconds = 'x'", "ring.agent_seconds has to be a number."),
        ("[menu]\nlanguages = 'es'", "menu.languages has to be a list"),
        ("[menu]\nlanguages = [1]", "entries have to be text in quotes"),
        ("[rings]", "did you mean ring?"),
        ("[ring]\nagnt_seconds = 1", "did you mean agent_seconds?"),
        ("[texts]\nautomatic_percent = 1.5", "has to be a whole number"),
        ("[queue]\nenabled = 1", "has to be true or false"),
        ("[ring]\nagent_seconds = -1", "ring.agent_seconds may not be negative."),
        ("[dialing]\ncountries = ['XX']", "a country's two letters"),
        ("region = 'usa'", "a country's two letters"),
        ("[mail.in]\nserver = 3", "mail.in.server has to be text"),
    ],
)
def test_a_wrong_value_is_named_in_plain_words(leaseline: Leaseline, text: str, said: str) -> None:
    (leaseline.home / "leaseline.toml").write_text(text)
    told = leaseline("office", "show").stderr
    assert said in told
    assert "`" not in told
    assert told.count("\n") == 1


def test_no_setting_takes_an_extension_away_from_an_agent(leaseline: Leaseline, tmp_path: Path) -> None:
    leaseline.ok("agent", "add", "pat", "--extension", "801")
    before = (leaseline.home / "leaseline.toml").read_text()
    assert "pat's extension 801 is for parking calls" in leaseline.refused("config", "set", "parking.extension", "800")
    leaseline.ok("line", "add", "6001")
    assert "line 6001's number is for parking calls" in leaseline.refused("config", "set", "parking.extension", "6000")
    for extension, slot in (("910", "911"), ("980", "988")):
        told = leaseline.refused("config", "set", "parking.extension", extension)
        assert f"With that, {slot}, an emergency number, is for parking calls" in told
    assert "pat's extension 801 begins with 8" in leaseline.refused("config", "set", "dialing.outside_prefix", "8")
    assert (leaseline.home / "leaseline.toml").read_text() == before
    other = tmp_path / "new.toml"
    other.write_text(before + '\n[parking]\nextension = "800"\n')
    assert "pat's extension 801" in leaseline.refused("config", "check", str(other))
    assert "is for parking calls" in leaseline.refused("agent", "add", "sam", "--extension", "701")
    assert "705 is for parking calls" in leaseline.refused("line", "add", "705")
    leaseline.ok("config", "set", "parking.extension", "600")
    leaseline.ok("agent", "add", "sam", "--extension", "701")


def test_seven_digits_are_a_number_of_the_offices_area_code(leaseline: Leaseline) -> None:
    assert "set area_code" in leaseline.refused("contact", "add", "555-0142", "--kind", "vendor")
    leaseline.ok("config", "set", "area_code", "512")
    leaseline.ok("contact", "add", "555-0142", "--kind", "vendor")
    assert [one["number"] for one in leaseline.json("contact", "list")] == ["+15125550142"]
    leaseline.ok("lead", "add", "--phone", "555 0143", "--name", "Dana Reyes")
    assert leaseline.json("lead", "show", "555-0143")["phones"] == ["+15125550143"]
    leaseline.ok("block", "add", "555.0144")
    assert [one["value"] for one in leaseline.json("block", "list")] == ["+15125550144"]
    leaseline.ok("optout", "add", "5550145", "--why", "said so")
    assert [one["number"] for one in leaseline.json("optout", "list")] == ["+15125550145"]
