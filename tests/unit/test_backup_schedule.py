"""When a daily backup is due, on the office's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from crm.config import Backups, Config
from crm.services.system.backup_schedule import AGAIN, BackupResult, BackupState, due_at

pytestmark = pytest.mark.unit

CHICAGO = ZoneInfo("America/Chicago")
CONFIG = Config(Path("/nowhere"), backups=Backups(daily="02:30"), timezone="America/Chicago")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO).astimezone(UTC)


def made(at: datetime, error: str = "") -> BackupState:
    return BackupState(BackupResult(at, at + timedelta(minutes=5), "file", error=error))


def test_none_is_due_where_none_is_scheduled() -> None:
    assert due_at(Config(Path("/nowhere")), BackupState(), local("2026-03-02 12:00")) is None


def test_the_first_and_one_that_was_missed_are_due_at_once() -> None:
    now = local("2026-03-02 12:00")
    for known in (BackupState(), made(local("2026-03-01 02:30")), made(local("2025-01-01 02:30"))):
        at = due_at(CONFIG, known, now)
        assert at is not None
        assert at <= now


def test_one_a_day_is_enough_also_on_days_on_which_the_clock_changes() -> None:
    at, days = local("2026-03-06 02:30"), []
    for _ in range(5):
        days.append(at.astimezone(CHICAGO).date().day)
        following = due_at(CONFIG, made(at), at + timedelta(hours=1))
        assert following is not None
        assert timedelta(hours=22) < following - at < timedelta(hours=26)
        at = following
    assert days == [6, 7, 8, 9, 10]


def test_after_a_failure_it_is_tried_again_an_hour_later() -> None:
    at = local("2026-03-02 02:30")
    assert due_at(CONFIG, made(at, "The disk is full."), at + timedelta(minutes=6)) == at + timedelta(minutes=5) + AGAIN
