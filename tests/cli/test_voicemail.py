"""Voicemails, mails and retention on the command line."""

from __future__ import annotations

import json
import os
import sqlite3
import wave
from pathlib import Path

from tests.cli.conftest import Leaseline
from tests.sounds import write_words

VOICEMAIL = "ll000000-1764000000.12"
BODY = "Hello <b>there</b>\x1b[2J"


def leave(
    office: Leaseline, voicemail: str = VOICEMAIL, *, box: str = "property:elm", at: str = "2026-03-02 16:00"
) -> Path:
    """A voicemail in the database, with two seconds of sound."""
    path = office.home / "recordings" / f"{voicemail}.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(range(256)) * 125)
    database = sqlite3.connect(office.home / "leaseline.db")
    with database:
        database.execute(
            "insert into call (id, did, line_id, caller, started_at, ended_at, outcome, trunk, step, ended_by,"
            " without_app)"
            " values (?, '+15125550100', 1, '+15125550177', ?, ?, 'left_voicemail', '', 'voicemail', 'caller', 0)",
            (voicemail, at, at),
        )
        database.execute(
            "insert into voicemail (call_id, file, seconds, left_at, mailbox, transcript, transcript_state)"
            " values (?, ?, 2, ?, ?, ?, 'done')",
            (voicemail, path.name, at, box, BODY),
        )
    database.close()
    return path


def test_messages_are_listed_and_shown(office: Leaseline) -> None:
    leave(office)
    leave(office, "second", box="agent:alice")
    assert {entry["id"] for entry in office.json("voicemail", "list")} == {VOICEMAIL, "second"}
    (entry,) = office.json("voicemail", "list", "--box", "property:elm", "--new")
    assert (entry["mailbox"], entry["caller"], entry["heard_at"]) == ("property:elm", "+15125550177", None)
    assert entry["transcript"] == BODY
    table = office.ok("voicemail", "list", "--box", "agent:alice")
    assert "second" in table
    assert "\x1b" not in table, "what a caller said reaches no terminal raw"
    shown = office.ok("voicemail", "show", VOICEMAIL)
    assert "Hello <b>there</b>" in shown
    assert "\x1b" not in shown
    assert "No voicemail found" in office.ok("voicemail", "list", "--box", "office")


def test_a_message_is_exported_as_wav_and_mp3(office: Leaseline, tmp_path: Path) -> None:
    path = leave(office)
    office.ok("voicemail", "export", VOICEMAIL, str(tmp_path / "m.wav"))
    office.ok("voicemail", "export", VOICEMAIL, str(tmp_path / "m.mp3"))
    assert (tmp_path / "m.wav").read_bytes() == path.read_bytes()
    mp3 = (tmp_path / "m.mp3").read_bytes()
    assert mp3[0] == 0xFF
    assert len(mp3) < path.stat().st_size
    assert "already exists" in office.refused("voicemail", "export", VOICEMAIL, str(tmp_path / "m.mp3"))
    office.ok("voicemail", "export", VOICEMAIL, str(tmp_path / "m.mp3"), "--overwrite")
    assert ".wav or .mp3" in office.refused("voicemail", "export", VOICEMAIL, str(tmp_path / "m.ogg"))


def test_a_message_is_taken_by_one_and_deleted_once(office: Leaseline) -> None:
    leave(office)
    office.ok("voicemail", "take", VOICEMAIL, "--agent", "alice")
    assert office.json("voicemail", "show", VOICEMAIL)["taken_by"] == "alice"
    assert "Somebody else has already taken" in office.refused("voicemail", "take", VOICEMAIL, "--agent", "bob")
    assert "no agent zoe" in office.refused("voicemail", "take", VOICEMAIL, "--agent", "zoe")
    office.ok("voicemail", "delete", VOICEMAIL)
    assert "already been deleted" in office.refused("voicemail", "delete", VOICEMAIL)
    assert office.json("voicemail", "list") == []
    assert [entry["id"] for entry in office.json("voicemail", "list", "--deleted")] == [VOICEMAIL]


def test_play_says_where_the_file_is_when_nothing_here_plays(office: Leaseline, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    path = leave(office)
    monkeypatch.setenv("PATH", "/nowhere")
    assert str(path) in office.ok("voicemail", "play", VOICEMAIL)
    assert office.json("voicemail", "show", VOICEMAIL)["heard_at"] is None
    path.unlink()
    assert "no longer there" in office.refused("voicemail", "play", VOICEMAIL)


def test_a_greeting_is_spoken_recorded_and_taken_back(office: Leaseline, tmp_path: Path) -> None:
    own = office.home / "prompts" / "mailboxes" / "property-elm.wav"
    assert "standard greeting" in office.ok("voicemail", "greeting", "property:elm")
    office.ok("voicemail", "greeting", "property:elm", "--text", "You have reached Elm Street. Leave a voicemail.")
    with wave.open(str(own)) as spoken:
        assert (spoken.getframerate(), spoken.getnchannels(), spoken.getsampwidth()) == (8000, 1, 2)
    first = own.read_bytes()
    office.ok("voicemail", "greeting", "property:elm", "--file", str(leave(office)))
    assert own.read_bytes() != first
    office.ok("voicemail", "greeting", "property:elm", "--reset")
    assert not own.exists()
    (tmp_path / "words.txt").write_text("no sound")
    refused = office.refused("voicemail", "greeting", "property:elm", "--file", str(tmp_path / "words.txt"))
    assert "cannot be used" in refused
    assert not own.exists()


def test_what_is_no_mailbox_or_message_is_refused(untouched: Leaseline) -> None:
    assert "not a mailbox" in untouched.refused("voicemail", "list", "--box", "elm")
    assert "no mailbox property:oak" in untouched.refused("voicemail", "greeting", "property:oak", "--reset")
    assert "not a mailbox" in untouched.refused("voicemail", "greeting", "../../etc", "--text", "x")
    for verb in ("show", "play", "delete"):
        assert "no such voicemail" in untouched.refused("voicemail", verb, "nothing")
    assert "one of" in untouched.refused("voicemail", "greeting", "office", "--text", "x", "--reset")


def test_a_property_sends_its_messages_to_its_subteam_and_calls_nobody(office: Leaseline) -> None:
    office.ok("property", "set", "elm", "--voicemail-to", "subteam", "--no-escalate")
    shown = office.json("property", "show", "elm")
    assert (shown["voicemail_to"], shown["escalates"]) == ("subteam", False)
    office.ok("property", "add", "oak")
    assert "no subteam" in office.refused("property", "set", "oak", "--voicemail-to", "subteam")


def test_retention_says_what_it_would_delete_and_then_does(office: Leaseline) -> None:
    path = leave(office, at="2020-01-01 12:00")
    kept = leave(office, "recent", at="2099-01-01 12:00")
    (due,) = office.json("recordings", "prune", "--dry-run")
    assert (due["kind"], due["file"], due["bytes"]) == ("voicemail", path.name, path.stat().st_size)
    assert path.exists()
    assert len(office.json("recordings", "prune")) == 1
    assert not path.exists()
    assert kept.exists()
    assert office.json("recordings", "prune") == []
    assert "no longer there" in office.refused("voicemail", "play", VOICEMAIL)
    assert any("deleted by retention" in what for (what,) in office.rows("select what from audit_entry"))


def test_an_agents_address_and_the_mail_servers_password(office: Leaseline, tmp_path: Path) -> None:
    office.ok("agent", "set", "alice", "--email", "alice@example.com")
    assert office.json("agent", "show", "alice")["email"] == "alice@example.com"
    for wrong in ("alice", "a b@example.com", "alice@example.com\nBcc: x@example.com", "<alice@example.com>"):
        office.refused("agent", "set", "alice", "--email", wrong)
    (tmp_path / "password").write_text("very secret\n")
    assert "very secret" not in office.ok("mail", "secret", "--file", str(tmp_path / "password"))
    assert "very secret" in (office.home / "secrets.json").read_text()
    assert (office.home / "secrets.json").stat().st_mode & 0o077 == 0
    assert office.json("mail", "list") == []
    result = office("mail", "test", "alice@example.com")
    assert result.exit_code == 1
    assert "No mail server is set" in result.output


def test_doctor_says_once_that_mails_wait_for_a_server(office: Leaseline) -> None:
    database = sqlite3.connect(office.home / "leaseline.db")
    with database:
        for number in range(3):
            database.execute(
                "insert into mail (key, to_address, subject, body, state, attempts, error, created_at)"
                " values (?, 'a@example.com', 's', 'b', 'queued', 0, '', datetime('now'))",
                (f"k{number}",),
            )
    database.close()
    findings = [one for one in office_findings(office) if one["check"] == "mail"]
    assert [one["level"] for one in findings] == ["WARN"]
    assert "3 emails are waiting" in findings[0]["text"]
    assert any(one["check"] == "recordings" and "MB" in one["text"] for one in office_findings(office))


def test_sound_and_rows_that_do_not_match_are_named_and_repaired(office: Leaseline) -> None:
    leave(office).unlink()
    stray = office.home / "recordings" / "1772460000.9.wav"
    write_words(stray, 2)
    os.utime(stray, (0, 0))
    found = [one for one in office_findings(office) if one["check"] == "sound"]
    assert ["1772460000.9" in found[0]["text"], VOICEMAIL in found[1]["text"]] == [True, True]
    assert all("`leaseline recordings repair`" in one["fix"] for one in found)
    amiss = [{"kind": "sound", "name": "1772460000.9"}, {"kind": "voicemail", "name": VOICEMAIL}]
    assert office.json("recordings", "repair", "--dry-run") == amiss
    assert office.json("recordings", "repair") == amiss
    assert office.json("recordings", "repair") == []
    assert [one["level"] for one in office_findings(office) if one["check"] == "sound"] == ["OK"]
    assert office.json("voicemail", "show", "1772460000.9")["seconds"] == 2


def office_findings(office: Leaseline) -> list[dict[str, str]]:
    return list(json.loads(office("doctor", "--json").stdout))
