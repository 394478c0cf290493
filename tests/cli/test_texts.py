"""`leaseline message` and `leaseline optout`."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

PERSON = "(512) 555-0177"
SENT = ("message", "send", PERSON, "The tour is at 3 pm.", "--agent", "alice")


def written_to_us(office: Leaseline) -> None:
    """Puts the person's own text before ours, so that the clock of the machine does not matter."""
    office.ok("message", "send", PERSON, "first")  # Makes the lead.
    database = sqlite3.connect(office.home / "leaseline.db")
    database.execute(
        "INSERT INTO message (key, direction, purpose, to_number, from_number, body, media, segments, lead_id,"
        " carrier, state, decision, decision_reasons, attempts, error, created_at) VALUES"
        " ('in:1', 'in', 'inbound', '+15125550100',"
        " '+15125550177', 'Hello?' || char(27) || '[31m', '[\"https://m.example/1\"]', 1, 1,"
        " 'sip', 'received', '', '[]', 0, '', strftime('%Y-%m-%d %H:%M:%f000', 'now'))"
    )
    database.commit()
    database.close()


def test_send_thread_and_list(office: Leaseline) -> None:
    written_to_us(office)
    said = office.ok(*SENT)
    assert "1 segment" in said
    assert "from +15125550100 is on its way" in said
    thread = office.json("message", "thread", PERSON)
    assert [one["direction"] for one in thread] == ["out", "in", "out"]
    assert thread[1]["media"] == ["https://m.example/1"]
    assert (thread[2]["decision"], thread[2]["state"], thread[2]["purpose"]) == ("send", "queued", "agent")
    assert thread[2]["decision_reasons"]
    assert office.json("message", "thread", "1") == thread
    shown = office.ok("message", "thread", "1")
    assert "alice" in shown
    assert "\x1b" not in shown
    assert [one["id"] for one in office.json("message", "list", "--direction", "in")] == [thread[1]["id"]]
    assert len(office.json("message", "list", "--decision", "send")) >= 1


def test_pain_11_a_blocked_text_says_so_and_stays(office: Leaseline) -> None:
    assert "+15125550177 will get no more texts" in office.ok("optout", "add", PERSON, "--why", "asked on the phone")
    result = office(*SENT)
    assert result.exit_code == 1
    assert "is blocked" in result.stderr
    assert "asked on the phone" in result.stderr
    (blocked,) = office.json("message", "list", "--decision", "block")
    assert blocked["state"] == "blocked"
    (entry,) = office.json("optout", "list")
    assert (entry["number"], entry["source"], entry["scope"]) == ("+15125550177", "admin", "texts")
    assert "asked on the phone" in office.ok("optout", "list")
    office.ok("optout", "remove", PERSON, "--why", "wants them again")
    assert office.json("optout", "list") == []
    (entry,) = office.json("optout", "list", "--all")
    assert "wants them again" in entry["ended_evidence"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("message", "send", "nobody", "hello"),
        ("message", "send", "99", "hello"),
        ("message", "send", PERSON, " "),
        ("message", "send", PERSON, "x" * 1700),
        ("message", "send", PERSON, "hello", "--agent", "nobody"),
        ("message", "send", PERSON, "hello", "--from", "+13125550000"),
        ("message", "send", "(512) 555-0100", "hello"),
        ("message", "thread", "99"),
        ("message", "thread", "who"),
        ("optout", "add", "who", "--why", "x"),
        ("optout", "add", PERSON, "--why", " "),
        ("optout", "add", PERSON, "--why", "a\x1b[31m"),
        ("optout", "remove", PERSON, "--why", "x"),
    ],
)
def test_bad_input_is_one_sentence(untouched: Leaseline, arguments: tuple[str, ...]) -> None:
    untouched.refused(*arguments)


def test_the_carriers_secret_is_kept_and_never_shown(office: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    file.write_text("hush-hush\n")
    assert "hush" not in office.ok("message", "secret", "twilio", "--file", str(file))
    assert json.loads((office.home / "secrets.json").read_text())["texts/twilio"] == "hush-hush"
    assert "hush" not in office.ok("message", "secret", "telnyx", input="hush-2\n")
    assert "hush" not in office.ok("config", "show")
    assert not [row for row in office.rows("SELECT what FROM audit_entry") if "hush" in row[0]]
    for bad in ("", "two\nlines\n", "\x07\n"):
        file.write_text(bad)
        office.refused("message", "secret", "twilio", "--file", str(file))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('carrier = "pigeon"', "texts.carrier"),
        ('carrier = "twilio"', "texts.twilio_account"),
        ("per_hour = -1", "texts.per_hour"),
        ("replay_seconds = 0", "texts.replay_seconds"),
        ('telnyx_url = "ftp://x"', "texts.telnyx_url"),
    ],
)
def test_settings_are_checked(office: Leaseline, line: str, why: str) -> None:
    file = office.home / "leaseline.toml"
    file.write_text(f"{file.read_text()}\n[texts]\n{line}\n")
    result = office("message", "list")
    assert result.exit_code == 1
    assert why in result.stderr


def test_doctor_misses_the_secret(office: Leaseline) -> None:
    file = office.home / "leaseline.toml"
    file.write_text(f'{file.read_text()}\n[texts]\ncarrier = "telnyx"\n')
    assert "message secret telnyx" in office("doctor").stdout


def test_a_pause_of_automatic_texts_shows_and_ends_by_command(office: Leaseline) -> None:
    assert "not paused" in office("message", "resume").stderr
    database = sqlite3.connect(office.home / "leaseline.db")
    database.execute(
        "INSERT INTO text_pause (started_at, ends_at, texts) VALUES (strftime('%Y-%m-%d %H:%M:%f000', 'now'),"
        " strftime('%Y-%m-%d %H:%M:%f000', 'now', '+3 hours'), 320)"
    )
    database.commit()
    database.close()
    assert "automatic texts  PAUSED until" in " ".join(office("status").stdout.split("\n")).replace("   ", "  ")
    assert json.loads(office("status", "--json").stdout)["texts"]["paused_until"]
    (found,) = [one for one in json.loads(office("doctor", "--json").stdout) if one["check"] == "automatic texts"]
    assert "320" in found["text"]
    assert "message resume" in found["fix"]
    assert "0 texts that waited stay here" in office.ok("message", "resume", "--drop")
    assert json.loads(office("status", "--json").stdout)["texts"]["paused_until"] is None


def test_what_failed_is_listed_and_sent_again_by_one_command(office: Leaseline) -> None:
    for words in ("one", "two", "three"):
        office.ok("message", "send", PERSON, words)
    database = sqlite3.connect(office.home / "leaseline.db")
    database.execute("UPDATE message SET state = CASE body WHEN 'three' THEN 'unknown' ELSE 'failed' END, attempts = 3")
    database.commit()
    database.close()
    assert [one["body"] for one in office.json("message", "list", "--state", "failed")] == ["two", "one"]
    assert "may have arrived" in office("message", "resend", "3").stderr
    assert "Name the texts" in office("message", "resend").stderr
    assert "Name the texts" in office("message", "resend", "1", "--failed").stderr
    assert "No texts found" in office.ok("message", "resend", "--failed", "--since", "2999-01-01")
    said = office.ok("message", "resend", "--failed", "--since", "today")
    assert "Text 1 (" in said
    assert "Text 3" not in said
    assert "Text 3 (" in office.ok("message", "resend", "3", "--unknown")
    assert {one["state"] for one in office.json("message", "list")} == {"queued"}
