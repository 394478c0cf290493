"""Callers who are synthesized, as a telephone carries them, and what the recognizer makes of them.

Voices are espeak-ng's, and Piper's that `script/setup voice-demo` fetches. Sound is cut to 300-3400 Hz and coded as
mu-law; noise is pink, added before that, by so many dB below the speech. What was heard is kept in the cache, since it
is always the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import wave
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ari_app.voice.resampling import resampled
from ari_app.voice.stt import NO_SPEECH
from ari_app.voice.stt_process import Recognizer
from asterisk_conf import programs
from asterisk_conf.package_sets import cache_folder
from asterisk_conf.prompts import speech
from bench.voice.caller import _FROM_MULAW, packets

MODELS = cache_folder() / "voice-demo"
KEPT = cache_folder() / "voice-heard"
VOICES = {"en": ("piper", "piper-quick", "piper-high"), "es": ("espeak-es-419", "espeak-es")}
"""Whisper understands Piper's in noise, and hardly a word of flite's, so there are three of it. What espeak-ng says in
Spanish it hardly understands without any."""
PITCH, PACE = {"high": 1.12}, {"quick": 0.87}
"""How much higher, and how much shorter, a voice of Piper's is than it was made."""
SPEECH, LINE = 16000, 8000
"""Samples a second."""
LEVEL = 0.08
"""RMS of speech on the line: -22 dBFS."""

Sound = NDArray[np.float64]


@dataclass(frozen=True)
class Heard:
    text: str
    confidence: float
    language: str


@dataclass
class Listener:
    """Says sentences by voice and hears them by Whisper base."""

    noise_db: float | None = None
    """How far noise is below the speech; None: there is none."""
    names: str = ""
    """Words that are likely, as the app gives them to the recognizer."""
    keeps: bool = True
    """What was heard, so that it need not be heard again."""
    _piper: subprocess.Popen[str] | None = field(default=None, repr=False)

    @cached_property
    def recognizer(self) -> Recognizer:
        os.environ["HF_HUB_OFFLINE"] = "1"
        return Recognizer(str(MODELS / "whisper-base"), 2)

    def hears(self, text: str, voice: str, language: str, take: int = 0) -> Heard:
        """What the recognizer makes of a sentence; the noise is another one in another `take`."""
        key = json.dumps([8, text, voice, language, self.noise_db, self.names, take])
        kept = KEPT / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
        if self.keeps and kept.is_file():
            return Heard(**json.loads(kept.read_text()))
        seed = take + int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        sound = over_telephone(self.spoken(text, voice, language), self.noise_db, seed)
        answer = self.recognizer.hear((sound * 32767).astype("<i2").tobytes(), language, self.names)
        said = answer["text"] if answer["no_speech"] <= NO_SPEECH else ""
        heard = Heard(said, answer["confidence"], answer["language"])
        if self.keeps:
            KEPT.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(vars(heard)))
        return heard

    def spoken(self, text: str, voice: str, language: str) -> Sound:
        """At 16 kHz, from -1 to 1."""
        text = speech.normalize(text, language)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "said.wav"
            engine, _, name = voice.partition("-")
            if engine == "piper":
                self._by_piper(text, path, PACE.get(name, 1.0) * PITCH.get(name, 1.0))
            else:
                script = Path(folder) / "said.txt"
                script.write_text(text, encoding="utf-8")
                program = "flite" if engine == "flite" else "espeak-ng"
                flite = ["-voice", name, "-f", str(script), "-o", str(path)]
                espeak = ["-v", name, "-s", "150", "-b", "1", "-f", str(script), "-w", str(path)]
                subprocess.run(
                    [*programs.program(program), *(flite if engine == "flite" else espeak)],
                    env={**os.environ, **programs.environment(program)},
                    check=True,
                    capture_output=True,
                )
            with wave.open(str(path)) as file:
                rate, audio = file.getframerate(), file.readframes(file.getnframes())
        rate = round(rate * PITCH.get(name, 1.0))
        sound = np.frombuffer(audio, "<i2").astype(np.float64) / 32768
        return resampled(sound, rate, SPEECH) if rate != SPEECH else sound

    def _by_piper(self, text: str, path: Path, length: float) -> None:
        """Piper is under the GPL, so it is a program of its own, which stays up."""
        if self._piper is None:
            environment = {**os.environ, "PYTHONPATH": str(MODELS / "piper")}
            voice = str(MODELS / "piper-joe" / "en_US-joe-medium.onnx")
            self._piper = subprocess.Popen(
                [sys.executable, "-c", _PIPER, voice],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
            )  # fmt: skip
        assert self._piper.stdin
        assert self._piper.stdout
        self._piper.stdin.write(json.dumps([text, str(path), length]) + "\n")
        self._piper.stdin.flush()
        self._piper.stdout.readline()

    def close(self) -> None:
        if self._piper:
            self._piper.terminate()
            self._piper.communicate()


_PIPER = """
import json, sys, wave
from piper import PiperVoice, SynthesisConfig
voice = PiperVoice.load(sys.argv[1])
for line in sys.stdin:
    text, path, length = json.loads(line)
    with wave.open(path, "wb") as file:
        voice.synthesize_wav(text, file, syn_config=SynthesisConfig(length_scale=length))
    print(path, flush=True)
"""


def over_telephone(sound: Sound, noise_db: float | None, seed: int) -> Sound:
    """As it arrives at the recognizer, at 16 kHz, with a third of a second of the line before and after it. Noise is
    added where the caller is, so that the telephone cuts it like the speech."""
    loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
    sound = sound[loud[0] : loud[-1] + 1]
    level = _rms(sound)
    sound = np.concatenate([np.zeros(SPEECH // 3), sound, np.zeros(SPEECH // 3)])
    if noise_db is not None:
        white = np.random.default_rng(seed).standard_normal(len(sound))
        # Pink: as much in each octave, from 50 Hz.
        tones = np.fft.rfft(white) / np.sqrt(np.maximum(np.fft.rfftfreq(len(sound), 1 / SPEECH), 50))
        noise = np.fft.irfft(tones, len(sound))
        sound = sound + noise * (level * 10 ** (-noise_db / 20) / _rms(noise))
    spectrum, hertz = np.fft.rfft(sound), np.fft.rfftfreq(len(sound), 1 / SPEECH)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    band = resampled(np.fft.irfft(spectrum, len(sound)), SPEECH, LINE) * (LEVEL / level)
    coded = _FROM_MULAW[np.frombuffer(packets(band.astype(np.float32)), np.uint8)].astype(np.float64)
    return np.clip(resampled(coded, LINE, SPEECH), -1, 1)


def _rms(sound: Sound) -> float:
    return float(np.sqrt(np.mean(sound**2))) if len(sound) else 0.0
