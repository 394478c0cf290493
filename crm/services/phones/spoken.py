"""Sentences that are only known when they are to be heard, such as who calls: spoken into the home, once each."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from pathlib import Path

from asterisk_conf.prompts import speech
from crm.config import Config

KEPT_SECONDS = 30 * 86400.0
"""A sentence that nobody has listened to for this long is removed; it can be spoken again."""


async def spoken(config: Config, text: str, language: str = "en") -> Path:
    """The WAV of a sentence, made in a thread when it is not there yet (0.1 s). Raises SpeechError."""
    name = hashlib.sha256(f"{language} {text}".encode()).hexdigest()[:32]
    path = folder(config) / f"{name}.wav"
    if path.exists():
        # The time tells `prune` that somebody wants it.
        os.utime(path)
    else:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        await asyncio.to_thread(speech.synthesize, text, language, path)
    return path


def prune(config: Config) -> int:
    """Removes sentences that nobody has wanted for long; returns how many. Names of callers are among them."""
    oldest = time.time() - KEPT_SECONDS
    old = [path for path in folder(config).glob("*.wav") if path.stat().st_mtime < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def folder(config: Config) -> Path:
    return config.prompts_folder / "spoken"
