"""Sentences that are not known in advance, such as who is calling: synthesized into the home, once each."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from pathlib import Path

from asterisk_conf.prompts import speech
from crm.config import Config
from crm.edge.folders import files_in

KEPT_SECONDS = 30 * 86400.0
"""A sentence that has not been used for this long is removed; it can be synthesized again."""


async def spoken(config: Config, text: str, language: str = "en") -> Path:
    """The WAV file of a sentence, synthesized in a thread if it does not exist yet (0.1 s). Raises SpeechError."""
    path = path_of(config, text, language)
    if path.exists():
        # `prune` goes by the time of last use.
        os.utime(path)
    else:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        await asyncio.to_thread(speech.synthesize, text, language, path)
    return path


def path_of(config: Config, text: str, language: str) -> Path:
    """Where the file of a sentence is, if it has been synthesized."""
    name = hashlib.sha256(f"{language} {text}".encode()).hexdigest()[:32]
    return folder(config) / f"{name}.wav"


def prune(config: Config) -> int:
    """Removes sentences that have not been used for long, since callers' names are among them. Returns how many."""
    oldest = time.time() - KEPT_SECONDS
    old = [path for path, found in files_in(folder(config), ".wav") if found.st_mtime < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def folder(config: Config) -> Path:
    return config.prompts_folder / "spoken"
