"""Reports at the command line."""

from __future__ import annotations

import csv
import io
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Leaseline
from tests.cli.test_records import busy, made_busy

__all__ = ["busy", "made_busy"]

pytestmark = pytest.mark.cli


def test_figures_by_property_in_three_forms(busy: Leaseline) -> None:
    figures = busy.json("report", "metrics", "--since", "2020-01-01", "--by", "property")
    assert figures[-1]["name"] == "all"
    assert figures[-1]["calls"] == sum(one["calls"] for one in figures[:-1]) > 0
    printed = busy.ok("report", "metrics", "--since", "2020-01-01", "--by", "property", "--csv")
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [row["name"] for row in rows] == [one["name"] for one in figures]
    assert [int(row["calls"]) for row in rows] == [one["calls"] for one in figures]
    assert "first pass" in busy.ok("report", "metrics", "--since", "2020-01-01")


def test_sources(busy: Leaseline) -> None:
    found = busy.json("report", "sources", "--since", "2020-01-01")
    assert sum(one["calls"] for one in found) > 0
    assert "period,name,calls,leads,tours,applications" in busy.ok("report", "sources", "--since", "today", "--csv")


def test_a_span_is_told_month_by_month_and_its_last_day_counts(busy: Leaseline) -> None:
    march = ("--since", "2026-02-15", "--until", "2026-03-04")
    found = busy.json("report", "sources", *march, "--by", "month")
    assert [(one["period"], one["calls"]) for one in found] == [("2026-03", 4)]
    [whole] = busy.json("report", "sources", *march)
    assert (whole["period"], whole["calls"]) == ("", 4)
    assert busy.json("report", "metrics", "--since", "2026-02-15", "--until", "2026-03-03")[-1]["calls"] == 3
    [march_, all_] = busy.json("report", "metrics", *march, "--by", "month")
    assert (march_["name"], march_["calls"], all_["calls"]) == ("2026-03", 4, 4)
    assert "before --since" in busy.refused("report", "metrics", "--since", "2026-03-04", "--until", "2026-03-01")
    headings = busy.ok("report", "metrics", *march, "--csv").splitlines()[0]
    assert "answer median seconds" in headings
    assert "_" not in headings


def test_nobody_is_lost(busy: Leaseline) -> None:
    assert busy.json("report", "lost") == []
    assert "No caller is lost" in busy.ok("report", "lost")


def test_the_help_says_what_each_figure_means(leaseline: Leaseline) -> None:
    text = " ".join(leaseline.ok("report", "metrics", "--help").split())
    assert "without a transfer" in text
    assert "90th percentile" in text


@pytest.mark.parametrize("arguments", [("--since", "whenever"), ("--by", "weather")])
def test_what_cannot_be_is_refused(untouched: Leaseline, arguments: tuple[str, ...]) -> None:
    untouched.refused("report", "metrics", *arguments)


@pytest.mark.parametrize("by", ["property", "source", "agent", "subteam", "hour", "week", "month"])
def test_figures_told_apart(busy: Leaseline, by: str) -> None:
    figures = busy.json("report", "metrics", "--since", "2020-01-01", "--by", by)
    assert figures[-1]["name"] == "all"
    printed = busy.ok("report", "metrics", "--since", "2020-01-01", "--by", by, "--csv")
    assert [row["name"] for row in csv.DictReader(io.StringIO(printed))] == [one["name"] for one in figures]


def test_figures_as_a_picture(busy: Leaseline, tmp_path: Path) -> None:
    picture = tmp_path / "pictures" / "figures.png"
    picture.parent.mkdir()
    # What is printed is the same with it.
    arguments = ("report", "metrics", "--since", "2020-01-01", "--by", "hour")
    assert busy.json(*arguments, "--plot", str(picture)) == busy.json(*arguments)
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    assert list(picture.parent.iterdir()) == [picture]


def test_sources_as_a_picture(busy: Leaseline, tmp_path: Path) -> None:
    busy.ok("report", "sources", "--since", "2020-01-01", "--plot", str(tmp_path / "sources.png"))
    assert (tmp_path / "sources.png").read_bytes().startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize("name", ["figures.txt", "missing/figures.png", "."])
def test_a_picture_that_cannot_be_written_is_refused(busy: Leaseline, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    error = busy.refused("report", "metrics", "--since", "2020-01-01", "--plot", str(folder / name))
    assert "name" in error
    assert list(folder.iterdir()) == []


def test_the_review_sheet_goes_out_and_its_answers_come_back(busy: Leaseline, tmp_path: Path) -> None:
    sheet = tmp_path / "review.csv"
    sample = busy.json("report", "weekly", "--since", "2020-01-01", "--file", str(sheet), "--seed", "1")
    assert sample
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    rows = list(csv.DictReader(io.StringIO(sheet.read_text("utf-8-sig"))))
    assert [row["call"] for row in rows] == [one["call"] for one in sample]
    assert {(row["routed_right"], row["note"]) for row in rows} == {("", "")}
    # The number would be a formula.
    assert all(row["line"].startswith("'+") for row in rows)
    busy.refused("report", "weekly", "--since", "2020-01-01", "--file", str(sheet))

    rows[0] |= {"routed_right": "perhaps"}
    _fill_in(sheet, rows)
    assert "line 2, column" in busy.refused("report", "review", str(sheet))
    rows[0] |= {"routed_right": "no", "note": "=HYPERLINK()"}
    _fill_in(sheet, rows)
    assert "Recorded 1 answer." in busy.ok("report", "review", str(sheet))
    left = busy.json("report", "weekly", "--since", "2020-01-01", "--sample", "1000")
    assert rows[0]["call"] not in [one["call"] for one in left]
    busy.ok("report", "review", rows[0]["call"], "yes", "--note", "After all.")
    assert "no such call" in busy.refused("report", "review", "no-such-call", "yes")
    busy.refused("report", "review", str(tmp_path / "missing.csv"))
    busy.refused("report", "review", str(sheet), "--note", "All of them.")


def _fill_in(sheet: Path, rows: list[dict[str, str]]) -> None:
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_the_sample_is_shown_as_a_table(busy: Leaseline) -> None:
    assert "decided" in busy.ok("report", "weekly", "--since", "2020-01-01", "--sample", "3")
    assert "no leasing call" in busy.ok("report", "weekly", "--since", "1h")
    assert "no sheet" in busy("report", "weekly", "--since", "1h", "--file", "none.csv").stderr
    assert not Path("none.csv").exists()


def test_reports_by_mail_are_added_listed_and_removed(office: Leaseline) -> None:
    assert "the admin" in office.ok("report", "schedule", "list")
    office.ok("report", "schedule", "remove", "1")
    assert "No report" in office.ok("report", "schedule", "list")
    monthly = ("report", "schedule", "add", "metrics", "--every", "month", "--to", "boss@maple.example")
    added = office(*monthly)
    assert "The first one is sent on " in added.stdout
    assert "01 07:00" in added.stdout
    assert "No mail server is set yet" in added.stderr
    assert "already" in office.refused(*monthly)
    office.ok(*monthly, "--by", "property", "--to", "north@maple.example")
    assert [one["group"] for one in office.json("report", "schedule", "list")] == ["", "property", "property"]
    assert "boss@maple.example" in office.ok("report", "schedule", "list")
    office.ok("report", "schedule", "remove", "2")
    assert "no report schedule 2" in office.refused("report", "schedule", "remove", "2")
    assert len(office.json("report", "schedule", "list")) == 2
    assert "--by" in office.refused(
        "report", "schedule", "add", "sources", "--every", "day", "--to", "a@b.example", "--by", "agent"
    )
    office.refused("report", "schedule", "add", "sources", "--every", "day", "--to", "nobody")
