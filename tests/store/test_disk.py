"""Room on the disk: the reserve, and that somebody is told."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import pytest
from sqlalchemy import select

from crm.config import Config, Disk
from crm.context import Crm
from crm.services.office import owners
from crm.services.system import disk
from crm.services.system.disk import ReserveAct, decide
from crm.store.models import Mail
from crm.store.session import Store

pytestmark = pytest.mark.store


class Usage(NamedTuple):
    free: int


NOW = datetime(2026, 3, 2, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("free", "held", "wanted", "act"),
    [
        (1000, 0, 100, ReserveAct.MAKE),
        (1000, 100, 100, ReserveAct.LEAVE),
        (60, 100, 100, ReserveAct.LEAVE),
        (49, 100, 100, ReserveAct.GIVE_UP),
        (140, 0, 100, ReserveAct.LEAVE),
        (310, 0, 100, ReserveAct.MAKE),
        (1000, 40, 100, ReserveAct.MAKE),
        (1000, 100, 0, ReserveAct.GIVE_UP),
        (0, 0, 0, ReserveAct.LEAVE),
    ],
)
def test_the_reserve_is_given_up_when_the_disk_fills_and_made_again_when_there_is_room(
    free: int, held: int, wanted: int, act: ReserveAct
) -> None:
    assert decide(free, held, wanted) is act


def test_the_reserve_is_room_on_the_disk(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    config = msgspec.structs.replace(config, disk=Disk(reserve_megabytes=1))
    reserve = config.home / "reserve"
    free = 5_000_000
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(free))
    assert disk.tend(config) is ReserveAct.MAKE
    assert reserve.stat().st_blocks * 512 >= 1_000_000
    assert not disk.look(config).reserve_is_used
    free = 100_000
    assert disk.tend(config) is ReserveAct.GIVE_UP
    assert not reserve.exists()
    assert disk.look(config).reserve_is_used


def test_a_disk_that_has_no_room_for_the_reserve_keeps_none_of_it(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, begin: int, size: int) -> None:
        os.write(file, b"part of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        disk.tend(config)
    assert not (config.home / "reserve").exists()


async def test_the_admin_is_told_once_a_day_that_the_disk_fills(
    store: Store, crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(300_000_000))
    with store.writing() as session:
        owners.admin(session).email = "dana@example.com"
    assert await disk.warn(crm)
    assert await disk.warn(crm)
    with store.reading() as session:
        mails = session.scalars(select(Mail)).all()
    assert [(mail.subject, "300 MB" in mail.body) for mail in mails] == [("The disk is almost full", True)]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**11))
    assert not await disk.warn(crm)
