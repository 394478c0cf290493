"""Recognizes what was heard: finds known sound files in a recording by comparing the audio itself."""

from __future__ import annotations

import wave
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]

RATE = 8000
SNIPPET_SECONDS = 0.8
"""Length of the pieces that are searched for; long enough that speech is never mistaken for other speech."""
LEAST_LIKENESS = 0.6
"""Normalized correlation of a piece with the recording: 1 is identical. After a telephone codec it is above 0.9; for
other speech of the same voice it is below 0.4."""
LEAST_OF_QUARTER = 0.97
"""The same for a quarter of a piece: the shorter the piece, the more similar other speech can be."""
SLACK = RATE * 3 // 4
"""Samples by which a piece may be early or late relative to the previous one: a phone drops audio that arrives too
late, which can be hundreds of milliseconds on an overloaded machine."""
LOUD = 0.02
"""Samples above this are audible."""
SILENT = 11.5 / 32768
"""Samples below this are silence. It lies between two levels of the codec (G.711 mu-law), so that what is silent in a
file is also silent in a recording of it."""
BLOCK = 1 << 15
"""Number of samples that are transformed at a time."""
STILL = RATE // 200
"""Fewest silent samples that count as a pause, rather than as a wave passing through zero."""
NEARLY_WHOLE = 0.8
RINGBACK_HERTZ = (440.0, 480.0)
"""ITU E.180 Supplement 2, United States."""


@dataclass(frozen=True)
class Heard:
    """One sound file in a recording."""

    at: float
    """Time in the recording at which the file begins, in seconds."""
    name: str
    share: float
    """How much of the speech in the file was played before it was stopped, 0 to 1."""
    seconds: float
    """How long it was heard."""

    length: float
    """Seconds that the whole file takes."""

    @property
    def whole(self) -> bool:
        """Whether it was heard to its end."""
        return self.share == 1.0

    @property
    def nearly_whole(self) -> bool:
        """Whether nothing cut it short: packets that arrive late on a busy machine may spoil its last words."""
        return self.share >= NEARLY_WHOLE


def read(path: Path) -> Sound:
    """Samples of a WAV file (PCM16, 8 kHz, mono) between -1 and 1, even if its header was never completed."""
    with wave.open(str(path)) as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE):
            raise ValueError(f"{path.name} is not PCM16, 8 kHz, mono")
        frames = file.readframes(file.getnframes())
    if not frames:
        frames = path.read_bytes()[44:]
    return np.frombuffer(frames[: len(frames) // 2 * 2], dtype="<i2").astype(np.float64) / 32768


def find(recording: Sound, files: Mapping[str, Sound]) -> list[Heard]:
    """Which of the named sounds are in the recording, in order; one that was played twice is found twice.

    A phone plays silence while no packets arrive, as on a machine that does not schedule it for a moment. So sounds are
    compared without their pauses, and it does not matter where, or for how long, a sound was interrupted.
    """
    spoken, positions = _without_pauses(recording)
    sounds = {name: _without_pauses(sound)[0] for name, sound in files.items()}
    pieces = {name: _pieces(sound) for name, sound in sounds.items()}
    found = _begun(spoken, spoken, np.arange(len(spoken)), sounds, pieces, first=0)
    # The first piece of a file may be damaged. The following ones are searched for where something else is audible: all
    # of them if there is only one file, which takes no longer than two pieces of each of many files.
    most = max((len(of_file) for of_file in pieces.values()), default=0) if len(files) == 1 else 3
    for first in range(1, most):
        rest, left = _without_pauses(_without(spoken, found))
        if float(np.max(np.abs(rest), initial=0.0)) > LOUD:
            more = _begun(spoken, rest, left, sounds, pieces, first=first)
            found += [heard for heard in more if not any(_is_same(heard, other) for other in found)]
    heard_apart = (heard for heard in found if not _is_within_another(heard, found))
    return [_in_time(heard, files[heard.name], positions) for heard in sorted(heard_apart, key=lambda heard: heard.at)]


def _without_pauses(sound: Sound) -> tuple[Sound, NDArray[np.int64]]:
    """A sound without its silence, and the original positions of the remaining samples."""
    silent = np.concatenate(([False], np.abs(sound) < SILENT, [False]))
    changes = np.flatnonzero(silent[1:] != silent[:-1])
    is_left = np.ones(len(sound), dtype=bool)
    for begin, end in changes.reshape(-1, 2):
        if end - begin >= STILL:
            is_left[begin:end] = False
    positions = np.flatnonzero(is_left)
    return sound[positions], positions


def _in_time(heard: Heard, file: Sound, positions: NDArray[np.int64]) -> Heard:
    """Converts what was found without pauses to its time in the recording that has them."""
    silence_before = _without_pauses(file)[1][0]
    at = (positions[round(heard.at * RATE)] - silence_before) / RATE
    length = len(file) / RATE
    return Heard(max(0.0, float(at)), heard.name, heard.share, length * heard.share, length)


def _begun(
    recording: Sound,
    rest: Sound,
    left: NDArray[np.int64],
    files: Mapping[str, Sound],
    pieces: Mapping[str, list[tuple[int, Sound]]],
    first: int,
) -> list[Heard]:
    """The files of which one piece (`first` is its number, from 0) is heard in the rest of the recording; `left` are
    the positions of the rest's samples."""
    found = []
    spectrum = _Spectrum(rest, int(SNIPPET_SECONDS * RATE))
    for name, sound in files.items():
        for offset, piece in pieces[name][first : first + 1]:
            for peak in spectrum.peaks(piece):
                begin = int(left[peak]) - offset
                share = _share(recording, pieces[name], begin, len(sound))
                length = len(sound) / RATE
                found.append(Heard(max(0.0, begin / RATE), name, share, length * share, length))
    return found


def _without(recording: Sound, found: list[Heard]) -> Sound:
    """The recording with silence in place of the files that were found whole; what only begins alike may be another
    file."""
    rest = recording.copy()
    for heard in (one for one in found if one.whole):
        rest[int(heard.at * RATE) : int((heard.at + heard.seconds) * RATE)] = 0.0
    return rest


def has_end(recording: Sound, sound: Sound) -> bool:
    """Whether the end of the sound is in a short recording; a quick check before `find`."""
    pieces = _pieces(_without_pauses(sound)[0])
    spoken, _ = _without_pauses(recording)
    return bool(pieces) and bool(_Spectrum(spoken, int(SNIPPET_SECONDS * RATE)).peaks(pieces[-1][1]))


def _is_same(heard: Heard, other: Heard) -> bool:
    return heard.name == other.name and abs(heard.at - other.at) < other.length / 2


def _is_within_another(heard: Heard, found: list[Heard]) -> bool:
    """Whether a sound is part of a longer one that was found, since sentences may share words. One that was heard only
    in part counts as such even after the point where the longer one was stopped."""
    return any(
        other is not heard
        and other.seconds > heard.seconds
        and other.at <= heard.at
        and (
            heard.at + heard.seconds <= other.at + other.seconds + SNIPPET_SECONDS
            if heard.whole
            else heard.at < other.at + other.length
        )
        for other in found
    )


def ringback(recording: Sound) -> list[tuple[float, float]]:
    """Periods (start and end, in seconds) in which the ringback tone is heard, each at least 0.5 s long."""
    block = RATE // 10
    stretches: list[list[float]] = []
    for index in range(len(recording) // block):
        piece = recording[index * block : (index + 1) * block]
        at = index / 10
        if _tone_share(piece) > 0.8:
            if stretches and at - stretches[-1][1] < 0.15:
                stretches[-1][1] = at + 0.1
            else:
                stretches.append([at, at + 0.1])
    return [(begin, end) for begin, end in stretches if end - begin >= 0.5]


def _pieces(sound: Sound) -> list[tuple[int, Sound]]:
    """The file cut into pieces, with their offsets, without (nearly) silent ones."""
    size = int(SNIPPET_SECONDS * RATE)
    pieces = [(offset, sound[offset : offset + size]) for offset in range(0, max(1, len(sound) - size + 1), size)]
    loudest = max((float(np.sqrt(np.mean(piece**2))) for _, piece in pieces), default=0.0)
    return [(o, p) for o, p in pieces if len(p) == size and float(np.sqrt(np.mean(p**2))) > 0.2 * loudest > 0]


class _Spectrum:
    """A recording in which many pieces of one length (in samples) are searched for; what they all need is computed
    once."""

    def __init__(self, recording: Sound, length: int) -> None:
        self._positions = max(0, len(recording) - length + 1)
        if not self._positions:
            return
        # In blocks that overlap by a piece: many short transforms are faster than a long one.
        self._size = min(_fast_size(len(recording)), BLOCK)
        self._step = self._size - length + 1
        blocks = -(-self._positions // self._step)
        padded = np.zeros(blocks * self._step + length - 1, dtype=np.float32)  # Half the precision is enough.
        padded[: len(recording)] = recording
        self._spectra = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, self._size)[:: self._step])
        sums = np.concatenate(([0.0], np.cumsum(recording**2)))
        self._loudness = np.sqrt(np.maximum(sums[length:] - sums[:-length], 1e-9)).astype(np.float32)

    def likeness(self, piece: Sound) -> Sound:
        """Normalized correlation of the piece with the recording, at each of its samples."""
        if not self._positions:
            return np.zeros(0)
        spectra = self._spectra * np.conj(np.fft.rfft(piece.astype(np.float32), self._size))
        # What wraps around lies beyond the step.
        product = np.fft.irfft(spectra, self._size)[:, : self._step].ravel()[: self._positions]
        energy = self._loudness * np.sqrt(np.sum(piece**2))
        # Where the recording is silent, there is nothing to compare.
        return np.asarray(np.divide(product, energy, out=np.zeros_like(product), where=energy > 1e-3), dtype=np.float64)

    def peaks(self, piece: Sound) -> list[int]:
        """Positions at which the piece is heard."""
        likeness = self.likeness(piece)
        starts = []
        while len(likeness):
            best = int(np.argmax(likeness))
            if likeness[best] < LEAST_LIKENESS:
                break
            starts.append(best)
            likeness[max(0, best - len(piece)) : best + len(piece)] = 0
        return sorted(starts)


def _fast_size(least: int) -> int:
    """The smallest number that is at least `least` and has no prime factor above 5, for which transforms are fast."""
    size = 1 << (least - 1).bit_length()
    for threes in range(8):
        for fives in range(6):
            odd = 3**threes * 5**fives
            size = min(size, odd << max(0, (-(-least // odd) - 1).bit_length()))
    return size


def _share(recording: Sound, pieces: list[tuple[int, Sound]], begin: int, length: int) -> float:
    """How much of a file that begins at a sample was played: up to the last piece that is heard in its place.

    A phone drops packets now and then, so each piece is searched for near where the previous one suggests. At a hangup,
    the phone drops what is in its jitter buffer, so a quarter of the last piece is enough.
    """
    last = missed = 0
    for offset, piece in pieces:
        size = int(SNIPPET_SECONDS * RATE) // 4
        # Packets added or dropped within a piece leave some quarter of it intact.
        quarters = [(at, piece[at : at + size], LEAST_OF_QUARTER) for at in range(len(piece) - size, -1, -size)]
        parts = [(0, piece, LEAST_LIKENESS), *quarters]
        for shift, part, least in parts:
            first = max(0, begin + offset + shift - SLACK)
            near = recording[first : begin + offset + shift + len(part) + SLACK]
            likeness = _Spectrum(near, len(part)).likeness(part)
            if len(likeness) and float(likeness.max()) >= least:
                begin = first + int(np.argmax(likeness)) - offset - shift
                last, missed = offset, 0
                break
        else:
            missed += 1
            if missed == 3:  # It was stopped there; a match later on belongs to another sentence.
                break
    return 1.0 if pieces and last == pieces[-1][0] else min(1.0, (last + int(SNIPPET_SECONDS * RATE)) / length)


def _tone_share(piece: Sound) -> float:
    """Share of the energy at the ringback tone's two frequencies."""
    energy = float(np.sum(piece**2))
    if energy < 1e-3:
        return 0.0
    spectrum = np.abs(np.fft.rfft(piece)) ** 2
    width = RATE / len(piece)
    bins = {round(hertz / width) + shift for hertz in RINGBACK_HERTZ for shift in (-1, 0, 1)}
    return float(sum(spectrum[index] for index in bins) / np.sum(spectrum))
