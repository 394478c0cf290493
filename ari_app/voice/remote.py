"""Recognizers and voices behind an HTTP endpoint as OpenAI's: theirs, or one of the office's own machines.

https://platform.openai.com/docs/api-reference/audio. Speech leaves the machine only if the settings name such an
endpoint.
"""

from __future__ import annotations

import asyncio
import io
import math
import wave
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from ari_app.voice.stt import HEAR_SECONDS, NO_SPEECH, SttFailed, Transcript
from ari_app.voice.stt_process import without_repeats
from ari_app.voice.tts import PIECE_SECONDS, RATE, TtsFailed
from asterisk_conf.prompts import speech

SPEECH_RATE = 24000
"""Of `response_format` pcm: PCM16, mono."""
PIECE_BYTES = SPEECH_RATE * 2 // 5
CONNECT_SECONDS = 2.0
USUAL_SECONDS = 0.5
MOST_AT_A_TIME = 16
LONGEST_ANSWER = 1 << 20


def _client(url: str, key: str, seconds: float) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
    limits = httpx.Limits(max_connections=MOST_AT_A_TIME)
    return httpx.AsyncClient(base_url=url.rstrip("/") + "/", headers=headers, timeout=timeout, limits=limits)


class RemoteStt:
    """`POST audio/transcriptions`."""

    def __init__(self, url: str, model: str, key: str = "") -> None:
        self._model = model
        self._http = _client(url, key, HEAR_SECONDS)
        self._usual = USUAL_SECONDS

    @property
    def delay(self) -> float:
        return self._usual

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        await self._http.aclose()

    async def hear(self, audio: bytes, language: str, names: str) -> Transcript:
        form = {
            "model": self._model,
            "language": language,
            "prompt": names,
            "response_format": "verbose_json",
            "temperature": "0",
        }
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(HEAR_SECONDS):
                file = {"file": ("said.wav", _wav(audio), "audio/wav")}
                answer = await self._http.post("audio/transcriptions", data=form, files=file)
                answer.raise_for_status()
                told = answer.json()
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            raise SttFailed(f"The recognizer at {self._http.base_url} does not answer.") from error
        self._usual += 0.2 * (asyncio.get_running_loop().time() - began - self._usual)
        return _transcript(told if isinstance(told, dict) else {}, language)


def _wav(audio: bytes) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(audio)
    return out.getvalue()


def _transcript(told: Mapping[str, Any], language: str) -> Transcript:
    """Endpoints that tell no segments are believed."""
    segments = [one for one in told.get("segments") or [] if isinstance(one, dict)]
    # A probability of 0.8 without a segment: above what is doubted, below what is certain.
    logarithms = [float(one["avg_logprob"]) for one in segments if "avg_logprob" in one] or [math.log(0.8)]
    no_speech = min((float(one["no_speech_prob"]) for one in segments if "no_speech_prob" in one), default=0.0)
    text = without_repeats(str(told.get("text", "")).strip()) if no_speech <= NO_SPEECH else ""
    confidence = math.exp(min(0.0, sum(logarithms) / len(logarithms)))
    return Transcript(text, round(confidence, 3), _code(str(told.get("language", "")), language), no_speech)


def _code(told: str, expected: str) -> str:
    """OpenAI names languages in English, others by their code."""
    names = {"english": "en", "spanish": "es"}
    return names.get(told.lower(), told.lower() if len(told) == 2 else expected)


class RemoteVoice:
    """`POST audio/speech`, which is said as it comes."""

    def __init__(self, url: str, model: str, voice: str, key: str = "") -> None:
        self.name = f"remote/{url}/{model}/{voice}"
        self._model, self._voice = model, voice
        self._http = _client(url, key, PIECE_SECONDS)

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        await self._http.aclose()

    async def up(self) -> None:
        pass

    async def render(self, text: str, language: str) -> AsyncIterator[bytes]:
        wanted = {
            "model": self._model,
            "voice": self._voice,
            "input": speech.normalize(text, language),
            "response_format": "pcm",
        }
        to_ours = _ToOurRate()
        try:
            async with self._http.stream("POST", "audio/speech", json=wanted) as answer:
                answer.raise_for_status()
                async for piece in answer.aiter_bytes(PIECE_BYTES):
                    yield to_ours.add(piece)
        except httpx.HTTPError as error:
            raise TtsFailed(f"The voice at {self._http.base_url} does not answer ({type(error).__name__}).") from error
        yield to_ours.end()


class _ToOurRate:
    """From SPEECH_RATE to RATE, piece by piece: PyAV's resampler, which comes with faster-whisper."""

    def __init__(self) -> None:
        from av import AudioResampler

        self._resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
        self._rest = b""

    def add(self, piece: bytes) -> bytes:
        from av import AudioFrame

        audio = self._rest + piece
        self._rest = audio[len(audio) // 2 * 2 :]
        audio = audio[: len(audio) // 2 * 2]
        if not audio:
            return b""
        frame = AudioFrame(format="s16", layout="mono", samples=len(audio) // 2)
        frame.sample_rate = SPEECH_RATE
        frame.planes[0].update(audio)
        return b"".join(bytes(one.planes[0])[: one.samples * 2] for one in self._resampler.resample(frame))

    def end(self) -> bytes:
        return b"".join(bytes(one.planes[0])[: one.samples * 2] for one in self._resampler.resample(None))
