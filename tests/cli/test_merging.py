"""Leads that are one person, and people who want to be forgotten, at the terminal."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


@pytest.fixture
def two(office: Leaseline) -> Leaseline:
    """Leads 1 and 2."""
    office.ok("lead", "add", "--name", "Pat Smith", "--phone", "512-555-0188")
    office.ok("lead", "add", "--name", "Patricia Smith", "--email", "pat@example.com", "--property", "elm")
    return office


def test_a_merge_asks_which_lead_survives(two: Leaseline) -> None:
    told = two.ok("lead", "merge", "1", "2", input="2\ny\n")
    assert "Pat Smith" in told
    assert "pat@example.com" in told
    assert "Lead 1 is now part of lead 2; `leaseline lead unmerge 1` undoes it." in told
    assert [one["name"] for one in two.json("lead", "list")] == ["Patricia Smith"]


def test_a_merge_that_is_not_confirmed_changes_nothing(two: Leaseline) -> None:
    before = two.json("lead", "list")
    assert two("lead", "merge", "1", "2", "--keep", "1", input="n\n").exit_code == 1
    assert two.json("lead", "list") == before


def test_scripts_say_which_lead_survives(two: Leaseline) -> None:
    assert "give --keep" in two.refused("lead", "merge", "1", "2", "--yes")
    two.ok("lead", "add", "--name", "Kim")
    assert "name one of the two" in two.refused("lead", "merge", "1", "2", "--keep", "3", "--yes")
    two.ok("lead", "merge", "pat@example.com", "512-555-0188", "--keep", "512-555-0188", "--yes")
    shown = two.json("lead", "show", "2")
    assert (shown["id"], shown["name"], shown["email"]) == (1, "Pat Smith", "pat@example.com")
    assert shown["timeline"][-1]["kind"] == "Merged"
    assert "Lead 2 was merged into lead 1." in two("lead", "show", "2").stderr


def test_a_merge_is_undone(two: Leaseline) -> None:
    before = two.json("lead", "list")
    two.ok("lead", "merge", "1", "2", "--keep", "1", "--yes")
    assert "Lead 2 is a lead of its own again" in two.ok("lead", "unmerge", "2")
    assert two.json("lead", "list") == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("merge", "1", "9"), "There is no lead 9"),
        (("merge", "1", "+15125550188", "--keep", "1", "--yes"), "Both are lead 1"),
        (("unmerge", "1"), "Lead 1 is not merged into another"),
    ],
)
def test_what_cannot_be_merged_is_refused_in_one_sentence(
    two: Leaseline, arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in two.refused("lead", *arguments)


def test_what_is_proposed_is_listed_and_dismissed(two: Leaseline) -> None:
    assert two.json("lead", "proposals") == []
    introduce = (
        "INSERT INTO lead_proposal (lead_id, other_id, pair, reason, said, created_at) VALUES"
        " (1, 2, '1-2', 'same_phone', 'Patricia gave (512) 555-0188.', '2026-03-02 16:00:00')"
    )
    two.write(introduce)
    assert "Patricia gave" in two.ok("lead", "proposals")
    [one] = two.json("lead", "proposals", "--lead", "2")
    assert (one["lead_name"], one["other_name"]) == ("Pat Smith", "Patricia Smith")
    assert "give its number" in two.refused("lead", "proposals", "dismiss")
    assert "There is no proposal 9" in two.refused("lead", "proposals", "dismiss", "9")
    assert "Leads 1 and 2 stay two." in two.ok("lead", "proposals", "dismiss", "1")
    assert two.json("lead", "proposals") == []
    assert "was already dismissed" in two.refused("lead", "proposals", "dismiss", "1")


def test_everything_about_a_person_goes_to_a_file_and_that_stays_on_record(two: Leaseline, tmp_path: Path) -> None:
    two.write(
        "INSERT INTO call (id, did, caller, started_at, lead_id, step, trunk, ended_by, without_app) VALUES"
        " ('c1', '', '+15125550188', '2026-03-02 16:00:00', 1, '', '', '', 0)"
    )
    two.write(
        "INSERT INTO recording (id, call_id, mode, file, started_at, seconds) VALUES"
        " ('r1', 'c1', 'announced', 'r1.wav', '2026-03-02 16:00:00', 5),"
        " ('r2', 'c1', 'announced', 'r2.wav', '2026-03-02 16:00:00', 5)"
    )
    (two.home / "recordings" / "r1.wav").write_bytes(b"RIFF")
    file, archive = tmp_path / "pat.json", tmp_path / "pat.zip"
    two.ok("lead", "record", "1", "--out", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    record = json.loads(file.read_text())
    assert (record["lead"]["name"], record["call"][0]["id"]) == ("Pat Smith", "c1")
    result = two("lead", "record", "1", "--out", str(archive), "--audio")
    assert "r2.wav is not on this machine." in result.stderr
    with zipfile.ZipFile(archive) as found:
        assert sorted(found.namelist()) == ["audio/r1.wav", "record.json"]
        assert found.read("audio/r1.wav") == b"RIFF"
        assert json.loads(found.read("record.json"))["call"] == record["call"]
    kinds = [entry["kind"] for entry in two.json("lead", "show", "1")["timeline"]]
    assert kinds.count("Exported") == 2
    assert "name a file" in two.refused("lead", "record", "1", "--out", "-", "--audio")
    assert "cannot be written" in two.refused("lead", "record", "1", "--out", "/nowhere/x")


def test_one_lead_goes_to_an_address_book(two: Leaseline, tmp_path: Path) -> None:
    shown = two.ok("lead", "show", "1", "--vcard")
    assert shown.splitlines()[:4] == ["BEGIN:VCARD", "VERSION:3.0", "N:Smith;Pat;;;", "FN:Pat Smith"]
    file = tmp_path / "pat.vcf"
    two.ok("lead", "export", str(file), "--vcard", "1")
    assert file.read_text().splitlines() == shown.splitlines()
    [_, last] = two.json("lead", "show", "1")["timeline"]
    assert (last["kind"], last["text"]) == ("Exported", "Was in a list of 1 lead that was exported as vCard.")


def test_timelines_say_that_a_lead_was_in_a_list(two: Leaseline, tmp_path: Path) -> None:
    two.ok("lead", "export", str(tmp_path / "all.csv"))
    two.ok("lead", "export", str(tmp_path / "elm.csv"), "--property", "elm")
    told = [[e["text"] for e in two.json("lead", "show", id)["timeline"] if e["kind"] == "Exported"] for id in "12"]
    assert told == [
        ["Was in a list of 2 leads that was exported as CSV."],
        ["Was in a list of 2 leads that was exported as CSV.", "Was in a list of 1 lead that was exported as CSV."],
    ]


def test_an_erasure_is_confirmed_and_stays_on_record(two: Leaseline) -> None:
    before = two.json("lead", "list")
    assert two("lead", "erase", "1", "--why", "asked for it", input="n\n").exit_code == 1
    assert two.json("lead", "list") == before
    asked = two("lead", "erase", "1", "--why", "asked for it", input="y\n")
    assert asked.exit_code == 0
    assert "Erase lead 1 (Pat Smith) with 0 calls, 0 recordings, 0 texts? It cannot be undone." in asked.stderr
    assert [lead["id"] for lead in two.json("lead", "list")] == [2]
    [erasure] = two.json("lead", "erasures")
    assert (erasure["lead"], erasure["why"], erasure["left"]) == (1, "asked for it", 0)
    assert "Lead 1 was erased on" in two.refused("lead", "show", "1")
    two.ok("lead", "erase", "2", "--why", "asked for it", "--yes")
    assert two.json("lead", "list") == []
