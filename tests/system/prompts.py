"""Every prompt, spoken quickly."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

from ari_app.demo import listening
from asterisk_conf import programs
from asterisk_conf.package_sets import cache_folder
from asterisk_conf.prompts import speech, tones


def spoken_prompts() -> Path:
    """Returns a folder with every prompt, synthesized once and kept for later runs; several runs may call this at
    once."""
    folder = cache_folder() / "test-prompts"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        speech.prepare(folder / "plain", folder / "none")
        for plain in (folder / "plain").rglob("*.wav"):
            _hurry(plain, folder / "recorded" / plain.relative_to(folder / "plain"))
        speech.prepare(folder, folder / "recorded")
        tones.beep(folder / tones.FILE)
        tones.music(folder / tones.MUSIC)
    return folder


HURRIED = 2.5


SHORTEST_PROMPT = 2.0
"""Seconds. Much shorter prompts cannot be told apart."""


def _hurry(plain: Path, path: Path) -> None:
    """Speeds a prompt up and passes it off as the office's own recording, because the tests keep waiting for prompts to
    end."""
    if path.exists() and path.stat().st_mtime > plain.stat().st_mtime:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    times = min(HURRIED, max(1.0, len(listening.read(plain)) / listening.RATE / SHORTEST_PROMPT))
    new = path.with_suffix(".new.wav")
    sox = [*programs.program("sox"), "-V1", str(plain), str(new), "tempo", "-s", f"{times:.3f}"]
    subprocess.run(sox, env={**os.environ, **programs.environment("sox")}, check=True)
    new.replace(path)
