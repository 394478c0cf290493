"""Homes that are filled once in a run, and copied for each test: filling one takes longer than most of the tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from crm.config import Config

_filled: dict[Callable[[Config], None], Path] = {}


def fill(config: Config, migrated: Path, how: Callable[[Config], None]) -> None:
    """Makes the home of `config`, with what `how` leaves in one that has the `migrated` database and no rows.

    `how` is called for the first home only, and closes what it opens; nothing it does may depend on settings in which
    later homes differ.
    """
    if how not in _filled:
        first = replace(config, home=migrated.parent / how.__name__)
        for folder in first.folders:
            folder.mkdir(parents=True)
        shutil.copy(migrated, first.home / "leaseline.db")
        how(first)
        _filled[how] = first.home
    shutil.copytree(_filled[how], config.home)
