"""Messages as files: from where Asterisk records them to where they are kept with the call."""

from __future__ import annotations

import os
import shutil
import wave
from pathlib import Path

from crm.config import Config


def file_name(call_id: str) -> str:
    """Name of a call's recording, in Asterisk's spool and in the recordings folder."""
    return f"{call_id}.wav"


def keep(config: Config, call_id: str) -> float:
    """Moves a call's recording out of Asterisk's spool; returns its length in seconds, 0 when there is none.

    Done twice, it finds the file already moved and says the same. Blocks on the disk.
    """
    kept = config.recordings_folder / file_name(call_id)
    spooled = config.asterisk_folder / "spool" / "recording" / file_name(call_id)
    if spooled.exists():
        os.chmod(spooled, 0o600)
        # The two folders may be on different disks; a rename at the end keeps half a file from counting as whole.
        part = kept.with_suffix(".part")
        shutil.move(spooled, part)
        part.replace(kept)
    return _seconds(kept) if kept.exists() else 0.0


def _seconds(path: os.PathLike[str]) -> float:
    try:
        with wave.open(os.fspath(path)) as sound:
            frames, rate = sound.getnframes(), sound.getframerate()
    except (wave.Error, EOFError):
        return 0.0
    # A recorder that was killed leaves a header that says nothing; the file's size does.
    return (frames or max(0, os.stat(path).st_size - 44) // 2) / rate


TALK_MARK = "-talk-"
"""In the name of a talk's recording, between the call's id and its number."""


def next_name(config: Config, call_id: str) -> str:
    """A name for the call's next recording of a talk. Blocks on the disk."""
    number = 1
    while any((folder / file_name(f"{call_id}{TALK_MARK}{number}")).exists() for folder in _folders(config)):
        number += 1
    return f"{call_id}{TALK_MARK}{number}"


def in_spool(config: Config, call_id: str = "*") -> list[str]:
    """Names of talks' recordings that Asterisk has not given away yet; it may still be writing them."""
    spool = config.asterisk_folder / "spool" / "recording"
    return sorted(path.stem for path in spool.glob(f"{call_id}{TALK_MARK}*.wav"))


def call_of(name: str) -> str:
    """The call whose talk a recording is of."""
    return name.rpartition(TALK_MARK)[0]


def _folders(config: Config) -> tuple[Path, Path]:
    return config.asterisk_folder / "spool" / "recording", config.recordings_folder
