"""Reports at the command line."""

from __future__ import annotations

import csv
import io

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
    assert "name,calls,leads,tours,applications" in busy.ok("report", "sources", "--since", "today", "--csv")


def test_nobody_is_lost(busy: Leaseline) -> None:
    assert busy.json("report", "lost") == []
    assert "Nobody is lost" in busy.ok("report", "lost")


def test_the_help_says_what_each_figure_means(leaseline: Leaseline) -> None:
    text = " ".join(leaseline.ok("report", "metrics", "--help").split())
    assert "without a transfer" in text
    assert "90th percentile" in text


@pytest.mark.parametrize("arguments", [("--since", "whenever"), ("--by", "weather")])
def test_what_cannot_be_is_refused(untouched: Leaseline, arguments: tuple[str, ...]) -> None:
    untouched.refused("report", "metrics", *arguments)
