"""What callers hear is spoken quickly, because the tests keep waiting for sentences to end."""

from __future__ import annotations

import os
import subprocess
import tempfile
import wave
from contextlib import AbstractContextManager
from pathlib import Path
from unittest import mock

from asterisk_conf import programs
from asterisk_conf.prompts import speech

MOST = 4.0
"""Times as quick as in an office."""
SHORTEST = 2.0
"""Seconds. What is much shorter cannot be told apart."""
plainly = speech.synthesize


def sentences_hurried() -> AbstractContextManager[object]:
    """Has this process synthesize all sentences so."""
    return mock.patch.object(speech, "synthesize", _synthesize)


def sentences_at_their_pace() -> AbstractContextManager[object]:
    return mock.patch.object(speech, "synthesize", plainly)


def _synthesize(text: str, language: str, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".hurried-", dir=path.parent) as folder:
            plain, quick = Path(folder) / "plain.wav", Path(folder) / "quick.wav"
            plainly(text, language, plain)
            hurry(plain, quick)
            quick.replace(path)
    except (OSError, subprocess.CalledProcessError) as error:
        raise speech.SpeechError(f"{path} cannot be written: {error}") from error


def hurry(plain: Path, path: Path) -> None:
    """Speeds a sentence up."""
    with wave.open(str(plain)) as file:
        seconds = file.getnframes() / file.getframerate()
    times = min(MOST, max(1.0, seconds / SHORTEST))
    new = path.with_suffix(".new.wav")
    sox = [*programs.program("sox"), "-V1", str(plain), str(new), "tempo", "-s", f"{times:.3f}"]
    subprocess.run(sox, env={**os.environ, **programs.environment("sox")}, check=True)
    new.replace(path)
