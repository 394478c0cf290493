"""Every prompt, spoken quickly."""

from __future__ import annotations

import fcntl
from pathlib import Path

from asterisk_conf.package_sets import cache_folder
from asterisk_conf.prompts import speech, tones
from tests.hurried import MOST, hurry, sentences_at_their_pace


def spoken_prompts() -> Path:
    """Returns a folder with every prompt, synthesized once and kept for later runs; several runs may call this at once.

    Prompts that were sped up are passed off as the office's own recordings.
    """
    folder = cache_folder() / f"test-prompts-{MOST:g}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock, sentences_at_their_pace():
        fcntl.flock(lock, fcntl.LOCK_EX)
        speech.prepare(folder / "plain", folder / "none")
        for plain in (folder / "plain").rglob("*.wav"):
            quick = folder / "recorded" / plain.relative_to(folder / "plain")
            if not quick.exists() or quick.stat().st_mtime <= plain.stat().st_mtime:
                quick.parent.mkdir(parents=True, exist_ok=True)
                hurry(plain, quick)
        speech.prepare(folder, folder / "recorded")
        tones.beep(folder / tones.FILE)
        tones.music(folder / tones.MUSIC)
    return folder
