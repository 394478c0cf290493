"""Turns sentences into audio files that Asterisk plays without conversion.

Every file is PCM16, mono, 8 kHz. A file is written under another name and then moved, so that Asterisk never plays half
of one. Next to each is `.<name>.made`, which records what it was made from: what has not changed is not made again.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import string
import subprocess
import tempfile
import tomllib
import wave
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from asterisk_conf import programs
from asterisk_conf.prompts.wording import normalize

__all__ = [
    "Counts",
    "Prompt",
    "SpeechError",
    "greeting",
    "languages",
    "missing",
    "normalize",
    "phrases",
    "prepare",
    "sentences",
    "synthesize",
    "take_over",
]

SENTENCES = Path(__file__).parent
"""Contains one `<language>.toml` per language, with every sentence."""

RATE = 8000
LEVEL_DB = -20.0
"""RMS level of every file, in dB below full scale, so that no sentence is louder than another."""
HEAD_SECONDS = 0.15
"""Silence before the first word, since a caller's phone may cut off the beginning of a stream."""
TAIL_SECONDS = 0.25
LONGEST_TEXT = 2000
"""Characters, as written and when spelled out: about two minutes of speech."""
PROGRAM_SECONDS = 60

# Part of every cache key. Increase it when wording.py or the processing below changes what callers hear.
RECIPE = "1"


class SpeechError(Exception):
    """A sentence could not be turned into audio; the text says which one and what to do."""


class Prompt(StrEnum):
    """The fixed sentences; flows play `<prompts folder>/<language>/<prompt>.wav`."""

    WELCOME = "welcome"
    MENU = "menu"
    MENU_TOUR = "menu_tour"
    MENU_RESIDENTS = "menu_residents"
    MENU_CONCERN = "menu_concern"
    MENU_LANGUAGE = "menu_language"
    WHO_RESIDENT = "who_resident"
    WHO_OWNER = "who_owner"
    WHO_VENDOR = "who_vendor"
    URGENT_MAINTENANCE = "urgent_maintenance"
    URGENT_DESK = "urgent_desk"
    URGENT_LEASING = "urgent_leasing"
    ANOTHER_PROPERTY = "another_property"
    NONE_OF_THESE = "none_of_these"
    LETTERS = "letters"
    MORE_LETTERS = "more_letters"
    NO_SUCH_LETTERS = "no_such_letters"
    QUESTION = "question"
    CONNECTING_DESK = "connecting_desk"
    DESK_UNAVAILABLE = "desk_unavailable"
    DESK_CLOSED = "desk_closed"
    MAINTENANCE_MESSAGE = "maintenance_message"
    CLOSED_NOW = "closed_now"
    TOUR_LATER = "tour_later"
    TOUR_LINK = "tour_link"
    TOUR_TEAM = "tour_team"
    TOUR_MESSAGE = "tour_message"
    TOUR_TAKEN = "tour_taken"
    TOUR_NONE = "tour_none"
    TOUR_NOT_BOOKED = "tour_not_booked"
    TOUR_DONE = "tour_done"
    LINK_SENT = "link_sent"
    TEXT_OFFER = "text_offer"
    LINK_NOT_POSSIBLE = "link_not_possible"
    NOT_A_CHOICE = "not_a_choice"
    CONNECTING = "connecting"
    QUEUE_BUSY = "queue_busy"
    QUEUE_NEXT = "queue_next"
    QUEUE_OFFER = "queue_offer"
    QUEUE_OFFER_MESSAGE = "queue_offer_message"
    PLACE_KEPT = "place_kept"
    NOBODY_AVAILABLE = "nobody_available"
    CLOSED = "closed"
    LAST_RESORT_GREETING = "last_resort_greeting"
    MESSAGE_THANKS = "message_thanks"
    MESSAGE_EMPTY = "message_empty"
    LAST_RESORT_THANKS = "last_resort_thanks"
    GOODBYE = "goodbye"
    STOPPING = "stopping"
    UNKNOWN_NUMBER = "unknown_number"
    COLLEAGUE_UNAVAILABLE = "colleague_unavailable"
    EXTENSION_UNAVAILABLE = "extension_unavailable"
    MAILBOX_OPTIONS = "mailbox_options"
    MAILBOX_MENU = "mailbox_menu"
    MAILBOX_DELETED = "mailbox_deleted"
    MAILBOX_AGAIN = "mailbox_again"
    MAILBOX_TAKEN = "mailbox_taken"
    MAILBOX_TAKEN_ALREADY = "mailbox_taken_already"
    MAILBOX_NO_NUMBER = "mailbox_no_number"
    MAILBOX_NO_AUDIO = "mailbox_no_audio"
    MAILBOX_UNKNOWN_PHONE = "mailbox_unknown_phone"
    MAILBOX_GREETING_RECORD = "mailbox_greeting_record"
    MAILBOX_GREETING_CHECK = "mailbox_greeting_check"
    MAILBOX_GREETING_SAVED = "mailbox_greeting_saved"
    MAILBOX_GREETING_KEPT = "mailbox_greeting_kept"
    MAILBOX_GREETING_EMPTY = "mailbox_greeting_empty"
    CODES_UNAVAILABLE = "codes_unavailable"
    OUTSIDE_UNAVAILABLE = "outside_unavailable"
    OUTSIDE_FAILED = "outside_failed"
    OUTSIDE_BUSY = "outside_busy"
    OUTSIDE_NO_ANSWER = "outside_no_answer"
    OUTSIDE_NO_SUCH_NUMBER = "outside_no_such_number"
    EMERGENCY_FAILED = "emergency_failed"
    BLOCKED = "blocked"
    WHISPER_CALL = "whisper_call"
    WHISPER_KEYS = "whisper_keys"
    WHISPER_TWO_KEYS = "whisper_two_keys"
    WHISPER_ALONE = "whisper_alone"
    COLLEAGUE_WAS_QUICKER = "colleague_was_quicker"
    CALLER_HUNG_UP = "caller_hung_up"
    CALLBACK_NOTED = "callback_noted"
    CALLBACK_PROMISED = "callback_promised"
    LINE_LOST = "line_lost"
    TRANSFER_TO = "transfer_to"
    TRANSFER_FAILED = "transfer_failed"
    TRANSFER_UNAVAILABLE = "transfer_unavailable"
    TRANSFER_BUSY = "transfer_busy"
    TRANSFER_UNKNOWN = "transfer_unknown"
    PARKING_FULL = "parking_full"
    NOBODY_PARKED = "nobody_parked"
    ALREADY_TAKEN = "already_taken"
    NOTHING_RINGS = "nothing_rings"
    RECORDING_ANNOUNCEMENT = "recording_announcement"
    RECORDING_STOPPED = "recording_stopped"


@dataclass(frozen=True)
class Counts:
    """What `prepare` did, in numbers of files."""

    made: int
    """Synthesized."""
    recorded: int
    """Converted from a new or changed recording."""
    kept: int
    """Up to date already."""


def languages() -> list[str]:
    """The languages in which all sentences are written."""
    return sorted(path.stem for path in SENTENCES.glob("*.toml"))


def sentences(language: str) -> dict[str, str]:
    """Name and text of every prompt in one of the `languages()`."""
    return {name: text.strip() for name, text in _file(language).items() if isinstance(text, str)}


def phrases(language: str) -> dict[str, str]:
    """Name and text of the sentences with placeholders for a name or a key, which are synthesized when they are
    needed."""
    return {name: text.strip() for name, text in _file(language).get("phrases", {}).items()}


def missing(language: str) -> list[str]:
    """Names of the sentences and phrases that a language lacks, or whose placeholders differ from the English ones. To
    add a language, add one file that lacks none."""
    if language not in languages():
        return [*Prompt, *phrases("en")]
    written, said = sentences(language), phrases(language)
    wrong = [name for name, text in phrases("en").items() if _placeholders(said.get(name, "")) != _placeholders(text)]
    return [*(name for name in Prompt if not written.get(name)), *wrong]


def _placeholders(phrase: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(phrase) if name is not None}


def _file(language: str) -> dict[str, Any]:
    return tomllib.loads((SENTENCES / f"{language}.toml").read_text("utf-8"))


def synthesize(text: str, language: str, path: Path) -> None:
    """Speaks a text into `path`. Raises SpeechError if there is nothing to say, or too much, or if there is no voice, a
    program is missing, or the disk is full."""
    voice = _voice(language)
    words = normalize(text, language) if len(text) <= LONGEST_TEXT else text
    if len(words) > LONGEST_TEXT:
        raise SpeechError(f"The text beginning {_quoted(text)} takes minutes to say: shorten it to a few sentences.")
    if not words:
        raise SpeechError(f"There is nothing to be spoken in {_quoted(text)}: write a sentence with words.")
    with _workplace(path) as work:
        # The engines read the text from a file: on a command line, a word like -x would be an option.
        script, spoken = work / "text.txt", work / "spoken.wav"
        script.write_text(words + "\n", "utf-8")
        voice.speak(script, spoken)
        _finish(spoken, work / "finished.wav", trim=True)
        (work / "finished.wav").replace(path)


def prepare(prompts_folder: Path, recorded_folder: Path, progress: Callable[[int, int], None] | None = None) -> Counts:
    """Brings every prompt of every language up to date in `<prompts_folder>/<language>/<name>.wav`.

    If `<recorded_folder>/<language>/<name>.wav` exists, it is used instead of speech. `progress` is called with the
    number of files done and to do, if there are any to do. Raises SpeechError.
    """
    jobs: list[_Job] = []
    kept = 0
    for language in languages():
        for name, text in sentences(language).items():
            job = _job(
                prompts_folder / language / f"{name}.wav", recorded_folder / language / f"{name}.wav", text, language
            )
            if job.is_done():
                kept += 1
            else:
                jobs.append(job)
    done = 0
    if jobs:
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool, ExitStack() as stack:
            # After the first failure, the others are not begun.
            stack.callback(pool.shutdown, wait=True, cancel_futures=True)
            for _ in pool.map(_Job.run, jobs):
                done += 1
                if progress:
                    progress(done, len(jobs))
    recorded = sum(job.recording is not None for job in jobs)
    return Counts(made=len(jobs) - recorded, recorded=recorded, kept=kept)


def greeting(prompts_folder: Path, line_number: str, text: str, language: str) -> Path | None:
    """Brings a line's greeting up to date. Returns its file, or None for a line with the standard greeting.

    If `<prompts_folder>/recorded/greetings/<line number>.wav` exists, it is used instead of speech. An empty text
    removes the line's own greeting. Raises SpeechError.
    """
    if not re.fullmatch(r"\+?[0-9]{1,40}", line_number, re.ASCII):
        raise SpeechError(f"{_quoted(line_number)} is not a line's number: write digits with or without a leading +.")
    path = prompts_folder / "greetings" / f"{line_number}.wav"
    recording = prompts_folder / "recorded" / "greetings" / f"{line_number}.wav"
    if not text.strip() and not recording.exists():
        path.unlink(missing_ok=True)
        _stamp_file(path).unlink(missing_ok=True)
        return None
    job = _job(path, recording, text, language)
    if not job.is_done():
        job.run()
    return path


def take_over(recording: Path, path: Path) -> None:
    """Converts a recording, in any format that sox reads, into what Asterisk plays at `path`. Raises SpeechError."""
    _take_over(recording, path)


# --- one file ---


@dataclass(frozen=True)
class _Job:
    path: Path
    recording: Path | None
    text: str
    language: str
    key: str

    def is_done(self) -> bool:
        try:
            # Includes the size: a file that was truncated by a full disk or replaced by hand is made again.
            return _stamp_file(self.path).read_text("ascii") == self._stamp()
        except (FileNotFoundError, UnicodeDecodeError):
            return False

    def run(self) -> None:
        if self.recording:
            _take_over(self.recording, self.path)
        else:
            synthesize(self.text, self.language, self.path)
        # Written last: if we are killed in between, the file is made again.
        with _workplace(self.path) as work:
            (work / "stamp").write_text(self._stamp(), "ascii")
            (work / "stamp").replace(_stamp_file(self.path))

    def _stamp(self) -> str:
        return f"{self.key} {self.path.stat().st_size}\n"


def _job(path: Path, recording: Path, text: str, language: str) -> _Job:
    try:
        found = recording.stat()
    except OSError:
        parts = ["spoken", _voice(language).name, text]
        return _Job(path, None, text, language, _hashed(parts))
    return _Job(path, recording, text, language, _hashed(["recorded", str(found.st_size), str(found.st_mtime_ns)]))


def _hashed(parts: list[str]) -> str:
    return hashlib.sha256("\0".join([RECIPE, *parts]).encode("utf-8", "backslashreplace")).hexdigest()


def _stamp_file(path: Path) -> Path:
    return path.with_name(f".{path.stem}.made")


def _take_over(recording: Path, path: Path) -> None:
    with _workplace(path) as work:
        finished = work / "finished.wav"
        try:
            # Not trimmed: whoever recorded it decided where it begins.
            _finish(recording.absolute(), finished, trim=False)
        except _ProgramFailed as error:
            raise SpeechError(
                f"{recording} cannot be used: save it as a WAV file with speech in it, or remove it."
            ) from error
        finished.replace(path)


@contextmanager
def _workplace(path: Path) -> Iterator[Path]:
    """A folder of our own next to a file that is being made, so that moving the file to its name is atomic."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{path.stem}-", dir=path.parent, ignore_cleanup_errors=True
        ) as folder:
            yield Path(folder)
    except OSError as error:
        raise SpeechError(
            f"{path} cannot be written ({error.strerror or error}): check the disk, and the owner of its folder."
        ) from error


# --- the programs ---


@dataclass(frozen=True)
class _Voice:
    """The engine and voice that speak a language."""

    engine: str
    voice: str

    @property
    def name(self) -> str:
        return f"{self.engine}/{self.voice}"

    def speak(self, script: Path, spoken: Path) -> None:
        if self.engine == "flite":
            _run("flite", "-voice", self.voice, "-f", str(script), "-o", str(spoken))
        else:
            _run("espeak-ng", "-v", self.voice, "-s", "150", "-b", "1", "-f", str(script), "-w", str(spoken))


# rms is the clearest of flite's voices on the telephone. The Spanish voice is Latin American.
_VOICES = {"en": _Voice("flite", "rms"), "es": _Voice("espeak-ng", "es-419")}


def _voice(language: str) -> _Voice:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{1,8})*", language, re.ASCII):
        raise SpeechError(f"{_quoted(language)} is not a language: write its code, such as en or es.")
    return _VOICES.get(language.split("-")[0]) or _Voice("espeak-ng", language)


class _ProgramFailed(SpeechError):
    """A program ended with an error, or produced no audio."""


def _run(name: str, *arguments: str) -> str:
    """Runs a program to its end, without a shell; returns what it wrote to stderr."""
    command, environment = _start_of(name)
    try:
        done = subprocess.run(
            [*command, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=PROGRAM_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _ProgramFailed(
            f"{name} did not finish within {PROGRAM_SECONDS} seconds: try again when the machine is idle."
        ) from error
    except OSError as error:
        raise SpeechError(f"{name} cannot be started ({error.strerror}): run script/setup again.") from error
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode:
        last = (said.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise _ProgramFailed(
            f"{name} could not make the audio ({_quoted(last)}): check the text, its language, and the disk."
        )
    return said


@functools.cache
def _start_of(name: str) -> tuple[list[str], dict[str, str]]:
    try:
        # C, so that numbers printed by sox have a decimal point in every country.
        return programs.program(name), {**os.environ, **programs.environment(name), "LC_ALL": "C"}
    except programs.ProgramMissing as error:
        raise SpeechError(str(error)) from error


_RMS = re.compile(r"^RMS lev dB\s+(-?\d+(?:\.\d+)?)", re.MULTILINE)
_EDGE = ["silence", "1", "0.02", "-60d"]
"""Cuts silence off the beginning; the end is cut by reversing the audio."""


def _finish(source: Path, finished: Path, *, trim: bool) -> None:
    """Converts anything that sox reads to 8 kHz mono at the common level; if trimmed, with silence at both ends."""
    plain = finished.with_name("plain.wav")
    to_plain = [
        "-V1",
        str(source),
        "-b",
        "16",
        "-e",
        "signed-integer",
        "-c",
        "1",
        str(plain),
        "rate",
        str(RATE),
        "highpass",
        "80",
    ]
    said = _run("sox", *to_plain, *([*_EDGE, "reverse", *_EDGE, "reverse"] if trim else []), "stats")
    measured = _RMS.search(said)
    if not measured:
        raise _ProgramFailed(f"{source.name} is silent.")
    # The limiter rounds the few peaks that would be clipped.
    gain = ["gain", "-l", f"{LEVEL_DB - float(measured[1]):.2f}"]
    silence = ["pad", str(HEAD_SECONDS), str(TAIL_SECONDS)] if trim else []
    _run("sox", "-V1", str(plain), "-b", "16", "-e", "signed-integer", str(finished), *gain, *silence)
    with wave.open(str(finished), "rb") as made:
        if (made.getnchannels(), made.getsampwidth(), made.getframerate()) != (
            1,
            2,
            RATE,
        ) or made.getnframes() < RATE // 10:
            raise _ProgramFailed(f"{source.name} is silent.")


def _quoted(text: str) -> str:
    """A short and harmless excerpt of foreign text, for an error."""
    return ascii(text if len(text) <= 40 else text[:40] + "...")
