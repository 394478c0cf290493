"""Recordings of talks on the command line: found, listened to, exported, held, deleted; and who did it."""

from __future__ import annotations

import csv
import io
import wave
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

CALL = "ll000000-1772467200.12"
ONE = f"{CALL}-talk-1"


def talk(office: Leaseline, call: str = CALL, *, at: str = "2026-03-02 16:00:00", caller: str = "+15125550177") -> Path:
    """A recorded talk of two seconds with alice."""
    path = office.home / "recordings" / f"{call}-talk-1.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(range(256)) * 125)
    office.write(
        "insert into call (id, did, line_id, caller, started_at, talk_started_at, ended_at, outcome, trunk, step,"
        f" ended_by, without_app) values ('{call}', '+15125550100', 1, '{caller}', '{at}', '{at}', '{at}', 'talked',"
        " '', 'talk', 'caller', 0)"
    )
    office.write(
        "insert into leg (id, call_id, device, agent_id, stage, started_at, answered_at, ended_at, status) values"
        f" ('{call}-1', '{call}', 'alice-desk', (select id from agent where slug = 'alice'), 'subteam', '{at}', '{at}',"
        f" '{at}', 'ANSWER')"
    )
    office.write(
        "insert into recording (id, call_id, mode, file, started_at, ended_at, seconds, transcript, transcript_state)"
        f" values ('{call}-talk-1', '{call}', 'announced', '{path.name}', '{at}', '{at}', 2, '=cmd|calc', 'done')"
    )
    return path


def audited(office: Leaseline) -> str:
    return "\n".join(f"{who} {what}" for who, what in office.rows("select who, what from audit_entry order by id"))


def test_recordings_are_found_by_call_and_by_when(office: Leaseline) -> None:
    path = talk(office)
    talk(office, "later", at="2026-03-05 10:00:00")
    assert [one["id"] for one in office.json("recordings", "list")] == ["later-talk-1", ONE]
    [one] = office.json("recordings", "list", "--call", CALL)
    assert (one["agent"], one["caller"], one["seconds"]) == ("alice", "+15125550177", 2)
    assert one["bytes"] == path.stat().st_size
    assert [one["id"] for one in office.json("recordings", "list", "--until", "2026-03-02")] == [ONE]
    assert office.json("recordings", "list", "--held") == []
    assert ONE in office.ok("recordings", "list")
    assert "There is no lead 7" in office.refused("recordings", "list", "--lead", "7")


def test_listening_is_on_record_and_without_a_player_the_file_is_named(
    office: Leaseline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = talk(office)
    monkeypatch.setenv("PATH", "/nowhere")
    assert str(path) in office.ok("recordings", "play", CALL)
    assert "listened" not in audited(office)
    player = tmp_path / "aplay"
    player.write_text('#!/bin/sh\n[ -f "$2" ]\n')
    player.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert f"Played {ONE}" in office.ok("recordings", "play", ONE)
    assert f"recording {ONE} of call {CALL} listened to" in audited(office)
    assert "no recording nothing" in office.refused("recordings", "play", "nothing")
    path.unlink()
    assert "is gone" in office.refused("recordings", "play", ONE)


@pytest.mark.parametrize("target", ["out.zip", "out"])
def test_an_export_has_an_index_and_names_that_any_disk_takes(office: Leaseline, tmp_path: Path, target: str) -> None:
    talk(office)
    second = talk(office, "second")
    office.ok("recordings", "export", str(tmp_path / target), "--since", "2026-03-01")
    if target.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / target) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    else:
        files = {path.name: path.read_bytes() for path in (tmp_path / target).iterdir()}
    assert (tmp_path / target).stat().st_mode & 0o077 == 0
    rows = list(csv.DictReader(io.StringIO(files.pop("index.csv").decode())))
    assert {row["file"] for row in rows} == set(files)
    assert {row["recording"] for row in rows} == {ONE, "second-talk-1"}
    assert rows[0]["transcript"] == "'=cmd|calc", "no spreadsheet takes it for a formula"
    assert f"2026-03-02_100000_+15125550177_{ONE}.wav" in files
    assert files["2026-03-02_100000_+15125550177_second-talk-1.wav"] == second.read_bytes()
    assert audited(office).count("exported to") == 2


def test_an_export_says_which_and_overwrites_nothing(office: Leaseline, tmp_path: Path) -> None:
    talk(office)
    assert "Say which" in office.refused("recordings", "export", str(tmp_path / "x"))
    assert "no such recording" in office.refused("recordings", "export", str(tmp_path / "x"), "--held")
    (tmp_path / "x").mkdir()
    assert "already" in office.refused("recordings", "export", str(tmp_path / "x"), "--call", CALL)
    assert "cannot be written" in office.refused("recordings", "export", str(tmp_path / "n" / "x"), "--call", CALL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["office", "x"]


def test_a_deleted_recording_says_who_when_and_why(office: Leaseline) -> None:
    path = talk(office)
    assert "--yes" in office.refused("recordings", "delete", CALL, "--why", "caller asked")
    assert "Nothing was changed" in office("recordings", "delete", CALL, "--why", "x", input="n\n").stderr
    assert path.exists()
    office.ok("recordings", "delete", CALL, "--why", "caller asked", "--yes")
    assert not path.exists()
    assert office.json("recordings", "list") == []
    [one] = office.json("recordings", "list", "--deleted")
    assert (one["deleted_why"], one["transcript"]) == ("caller asked", "")
    assert one["deleted_by"]
    assert f"recording {ONE} of call {CALL} deleted: caller asked" in audited(office)
    for verb in ("play", "delete"):
        more = ("--why", "again", "--yes") if verb == "delete" else ()
        assert "was deleted on" in office.refused("recordings", verb, CALL, *more)
    assert "which has been deleted since" in office.ok("call", "show", CALL)


def test_what_is_held_is_deleted_by_nobody_until_it_is_released(office: Leaseline) -> None:
    path = talk(office, at="2020-03-02 16:00:00")
    assert CALL in office.ok("recordings", "hold", ONE, "--why", "Smith v. Maple")
    [held] = office.json("recordings", "list", "--held")
    assert (held["id"], held["held_why"]) == (ONE, "Smith v. Maple")
    assert "is held" in office.refused("recordings", "delete", CALL, "--why", "x", "--yes")
    assert "held already" in office.refused("recordings", "hold", CALL, "--why", "x")
    assert office.json("recordings", "prune") == []
    assert path.exists()
    office.ok("recordings", "release", CALL, "--why", "case closed")
    assert "not held" in office.refused("recordings", "release", CALL, "--why", "x")
    [gone] = office.json("recordings", "prune")
    assert gone["file"] == path.name
    assert not path.exists()
    [one] = office.json("recordings", "list", "--deleted")
    assert (one["deleted_by"], one["deleted_why"]) != ("", "")
    told = [one["what"] for one in office.json("audit", "list", "--about", "recording")]
    assert {one.partition("held: ")[2] for one in told} >= {"Smith v. Maple", "case closed"}
