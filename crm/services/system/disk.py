"""Disk space: a reserve that is given up when the disk is full, so that calls can still be recorded.

The reserve is a file in the home (`disk.reserve_megabytes`). Both the app and the supervisor look after it, so that
what Asterisk logs has room even when the app is away.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.services.office import owners
from crm.services.outbox import notices

LOOK_SECONDS = 2.0
WARN_SECONDS = 60.0
MEGABYTE = 1_000_000

_log = logging.getLogger(__name__)


class ReserveAct(StrEnum):
    """What to do about the reserve."""

    MAKE = "make"
    GIVE_UP = "give up"
    LEAVE = "leave"


@dataclass(frozen=True)
class DiskRoom:
    """The state of the disk at one moment."""

    free_megabytes: int
    """Not counting the reserve."""
    is_low: bool
    """Whether less than disk.warn_megabytes is free."""
    reserve_is_used: bool
    """Whether the disk was so full that the reserve was given up."""


def decide(free: int, held: int, wanted: int) -> ReserveAct:
    """Decides from the free space besides the reserve, its current size and the size it should have (bytes; 0: none).

    The reserve is given up when less than half of `wanted` is free, and made again when three times `wanted` is free,
    so that it does not come and go on a disk that stays full.
    """
    if held and (not wanted or free < wanted / 2):
        return ReserveAct.GIVE_UP
    return ReserveAct.MAKE if held < wanted and free > wanted * 3 else ReserveAct.LEAVE


def look(config: Config) -> DiskRoom:
    """The state of the disk now; changes nothing. Raises OSError."""
    free = shutil.disk_usage(config.home).free
    wanted, held = config.disk.reserve_megabytes * MEGABYTE, _held(_reserve(config))
    is_used = held < wanted and free < wanted * 3
    return DiskRoom(free // MEGABYTE, free < config.disk.warn_megabytes * MEGABYTE, is_used)


def tend(config: Config) -> ReserveAct:
    """Makes the reserve or gives it up, as needed. Blocks on the disk. Raises OSError."""
    path, wanted = _reserve(config), config.disk.reserve_megabytes * MEGABYTE
    act = decide(shutil.disk_usage(config.home).free, _held(path), wanted)
    if act is ReserveAct.GIVE_UP:
        path.unlink(missing_ok=True)
        _log.error("the disk is full: its reserve was given up, make room on it", extra={"home": config.home})
    elif act is ReserveAct.MAKE:
        _make(path, wanted)
        _log.info("the disk has a reserve")
    return act


async def look_after(config: Config) -> None:
    await asyncio.to_thread(tend, config)


async def warn(crm: Crm) -> bool:
    """Notifies the admin that the disk is filling up, once a day. Returns whether it is. Raises Unavailable,
    OSError."""
    config, now = crm.config, crm.now()
    room = await asyncio.to_thread(look, config)
    if not room.is_low:
        return False
    day = now.astimezone(config.tz).date()
    text = (
        f"Only {room.free_megabytes:,} MB are free on the disk of {config.home}. Free some space: when it is full, "
        "voicemail cannot be recorded, and calls are recorded only while the reserve lasts."
    )
    await crm.store.run(_tell, config, f"disk:{day}", text, now)
    return True


def _tell(session: Session, config: Config, key: str, text: str, now: datetime) -> None:
    notices.tell(session, config, [owners.admin(session)], key, "The disk is almost full", text, now)


def _reserve(config: Config) -> Path:
    return config.home / "reserve"


def _held(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _make(path: Path, size: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        os.posix_fallocate(file, 0, size)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)
