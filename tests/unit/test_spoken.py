"""Sentences spoken on demand are made once, and go when nobody wants them any more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crm.config import Config
from crm.services.phones import spoken

pytestmark = pytest.mark.unit


async def test_a_sentence_is_spoken_once(tmp_path: Path) -> None:
    config = Config(home=tmp_path)
    first = await spoken.spoken(config, "Call for Elm Street.")
    made = first.stat().st_ino
    again = await spoken.spoken(config, "Call for Elm Street.")
    other = await spoken.spoken(config, "Llamada para Elm Street.", "es")
    assert again == first
    assert again.stat().st_ino == made
    assert other != first


async def test_a_sentence_nobody_wants_any_more_is_removed(tmp_path: Path) -> None:
    config = Config(home=tmp_path)
    old, new = await spoken.spoken(config, "Old."), await spoken.spoken(config, "New.")
    os.utime(old, (0, 0))
    assert spoken.prune(config) == 1
    assert (old.exists(), new.exists()) == (False, True)


async def test_asked_for_again_it_stays(tmp_path: Path) -> None:
    config = Config(home=tmp_path)
    path = await spoken.spoken(config, "Again.")
    os.utime(path, (0, 0))
    await spoken.spoken(config, "Again.")
    assert spoken.prune(config) == 0
