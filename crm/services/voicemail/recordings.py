"""Recordings as files: moved from where Asterisk records them to the recordings folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import struct
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path

import lameenc

from crm.config import Config
from crm.edge.folders import files_in

PART = ".part"
"""Suffix of a file that is being moved into the recordings folder."""


def file_name(call_id: str) -> str:
    """Name of a call's recording, in Asterisk's spool and in the recordings folder."""
    return f"{call_id}.wav"


def keep(config: Config, call_id: str) -> float:
    """Moves a call's recording out of Asterisk's spool; returns its length in seconds, 0 when there is none.

    Calling it again finds the moved file and returns the same. Blocks on the disk.
    """
    kept = config.recordings_folder / file_name(call_id)
    spooled = config.asterisk_folder / "spool" / "recording" / file_name(call_id)
    # The two folders may be on different disks; the final rename keeps a partial file from counting as complete.
    part = kept.with_suffix(PART)
    if spooled.exists():
        os.chmod(spooled, 0o600)
        shutil.move(spooled, part)
    if part.exists():
        _repair(part)
        part.replace(kept)
    return _seconds(kept) if kept.exists() else 0.0


def take_voicemail(config: Config, call_id: str) -> float | None:
    """Moves a call's voicemail out of Asterisk's spool and returns its length in seconds; None when there is none.

    Returns 0 when nothing was said, and deletes the file. Calling it again returns the same for a voicemail that was
    kept. Blocks.
    """
    seconds = keep(config, call_id)
    kept = config.recordings_folder / file_name(call_id)
    try:
        if is_spoken(config, kept):
            return seconds
    except FileNotFoundError:
        return None
    kept.unlink(missing_ok=True)
    return 0.0


def is_spoken(config: Config, sound: Path) -> bool:
    """Whether somebody speaks in a recording, for long enough to have said something.

    Measured in the audio itself, because Asterisk counts whole seconds, and "please call me back" takes only one. A
    file that is not audio, but not empty either, counts as spoken, so that a person looks at it. Raises
    FileNotFoundError. CPU-bound; blocks.
    """
    from crm.edge.voice_activity import speech_seconds  # numpy takes 0.2 s to load, and few commands need it.

    try:
        return speech_seconds(sound) >= config.voicemail.shortest_seconds
    except (wave.Error, EOFError):
        return sound.stat().st_size > HEADER_BYTES


HEADER_BYTES = 44
"""Length of the header of a WAV file (RIFF WAVE)."""


def mp3(sound: Path) -> bytes:
    """Converts a WAV file to MP3, small enough for any mailbox: 2 kB a second instead of 16. CPU-bound; blocks."""
    with wave.open(str(sound)) as source:
        encoder = lameenc.Encoder()
        encoder.set_bit_rate(16)
        encoder.set_in_sample_rate(source.getframerate())
        encoder.set_channels(source.getnchannels())
        encoder.set_quality(5)
        encoder.silence()
        frames = source.readframes(source.getnframes())
        return bytes(encoder.encode(frames) + encoder.flush())


PLAYERS = (("pw-play",), ("paplay",), ("aplay", "-q"), ("afplay",))
"""Programs that play a WAV file on the speakers of common systems."""


async def play(sound: Path) -> bool:
    """Plays a file on this machine; False when no installed program can."""
    for program, *options in PLAYERS:
        if (found := shutil.which(program)) is None:
            continue
        player = await asyncio.create_subprocess_exec(
            found,
            *options,
            str(sound),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        if await player.wait() == 0:
            return True
    return False


def _repair(path: Path) -> None:
    """Fills in the lengths that are missing from the header when the recorder was killed, from the file's size (RIFF
    WAVE)."""
    with path.open("r+b") as file:
        header = file.read(HEADER_BYTES)
        data = path.stat().st_size - HEADER_BYTES
        if data > 0 and header[36:40] == b"data" and header[40:44] == bytes(4):
            file.seek(4)
            file.write(struct.pack("<I", data + 36))
            file.seek(40)
            file.write(struct.pack("<I", data))


def _seconds(path: os.PathLike[str]) -> float:
    try:
        with wave.open(os.fspath(path)) as sound:
            frames, rate = sound.getnframes(), sound.getframerate()
    except (wave.Error, EOFError):
        return 0.0
    # A recorder that was killed leaves no length in the header; the file's size gives it.
    return float((frames or max(0, os.stat(path).st_size - HEADER_BYTES) // 2) / rate)


GRACE = timedelta(seconds=10)
"""A recording that has grown within this time may still be growing, or its call still be on its way to the record."""
_CALL_ID = re.compile(r"[A-Za-z0-9._-]{1,60}[0-9]{9,10}\.[0-9]+", re.ASCII)
"""As Asterisk makes them: its name, the time, a number. Greetings are also recorded there, under other names."""

TALK_MARK = "-talk-"
"""Separates the call's id from the number in the name of a talk's recording."""


def next_name(config: Config, call_id: str) -> str:
    """An unused name for the next recording of a talk in this call. Blocks on the disk."""
    number = 1
    while any((folder / file_name(f"{call_id}{TALK_MARK}{number}")).exists() for folder in _folders(config)):
        number += 1
    return f"{call_id}{TALK_MARK}{number}"


def in_spool(config: Config, call_id: str = "") -> list[str]:
    """Names of talk recordings still in Asterisk's spool, which it may still be writing; of one call, or of all."""
    # Not by a pattern with the call's id in it: compiling it costs more than the look, and Python keeps each.
    names = [path.stem for path, _ in files_in(config.asterisk_folder / "spool" / "recording", ".wav")]
    if call_id:
        return [name for name in names if name.startswith(f"{call_id}{TALK_MARK}")]
    return [name for name in names if TALK_MARK in name]


def voicemails_in_spool(config: Config, now: datetime) -> list[tuple[str, datetime]]:
    """Calls whose voicemail is still in Asterisk's spool, and when the file was last written to. Leaves out recent ones
    (`GRACE`) and those that the import of Asterisk's log entries handles. Raises OSError."""
    found = []
    for path, file in files_in(config.asterisk_folder / "spool" / "recording", ".wav"):
        written_at = datetime.fromtimestamp(file.st_mtime, UTC)
        logged = config.spool_folder / f"{path.stem}.call"
        of_talk = TALK_MARK in path.stem
        if not of_talk and _CALL_ID.fullmatch(path.stem) and now - written_at > GRACE and not logged.exists():
            found.append((path.stem, written_at))
    return found


def call_of(name: str) -> str:
    """The id of the call that a recording, of a voicemail or a talk, belongs to."""
    return name.rpartition(TALK_MARK)[0] or name


def ended_at(config: Config, name: str) -> datetime | None:
    """When the recording was last written to; None when there is none. Blocks on the disk."""
    spool, kept = (folder / file_name(name) for folder in _folders(config))
    for path in (spool, kept.with_suffix(PART), kept):
        with contextlib.suppress(FileNotFoundError):
            return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return None


def _folders(config: Config) -> tuple[Path, Path]:
    return config.asterisk_folder / "spool" / "recording", config.recordings_folder
