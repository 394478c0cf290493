"""How the console writes times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crm.config import Config
from crm.web.console.looks import ConsoleLooks

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "ago", "written"),
    [
        ("en", timedelta(hours=3), "Mar 2, 7:00 AM"),
        ("en", timedelta(days=170), "Sep 13, 11:00 AM"),
        ("en", timedelta(days=400), "Jan 26, 2025, 10:00 AM"),
        ("en", timedelta(days=-400), "Apr 6, 2027, 11:00 AM"),
        ("es", timedelta(days=400), "26 ene 2025, 10:00 a.m."),
    ],
)
def test_a_moment_has_its_year_once_it_may_be_another(language: str, ago: timedelta, written: str) -> None:
    looks = ConsoleLooks(Config(Path("/nowhere"), timezone="America/Chicago"), language, lambda: NOW)
    assert " ".join(looks.moment(NOW - ago).split()) == written
