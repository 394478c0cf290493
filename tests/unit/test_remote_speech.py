"""Recognizer and voice behind an endpoint as OpenAI's, against a server that speaks its documented protocol."""

from __future__ import annotations

import asyncio
import contextlib
import io
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ari_app.voice.remote import RemoteStt, RemoteVoice
from ari_app.voice.stt import SttFailed
from ari_app.voice.tts import TtsFailed

pytestmark = pytest.mark.unit

SECOND = bytes(32000)


@dataclass
class Endpoint:
    """https://platform.openai.com/docs/api-reference/audio, as far as it is used."""

    answer: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    speech: bytes = b""
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def transcriptions(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked = {name: value for name, value in form.items() if isinstance(value, str)}
        file = form["file"]
        assert isinstance(file, web.FileField)
        with wave.open(io.BytesIO(file.file.read())) as sound:
            asked["sound"] = (sound.getframerate(), sound.getnframes())  # type: ignore[assignment]
        asked["key"] = request.headers.get("Authorization", "")
        self.asked.append(asked)
        return web.json_response(self.answer, status=self.status)

    async def speak(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        if self.status != 200:
            return web.Response(status=self.status)
        response = web.StreamResponse()
        await response.prepare(request)
        # In pieces that split samples.
        for at in range(0, len(self.speech), 4801):
            await response.write(self.speech[at : at + 4801])
            await asyncio.sleep(0)
        return response


@contextlib.asynccontextmanager
async def serving(endpoint: Endpoint) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/v1/audio/transcriptions", endpoint.transcriptions)
    app.router.add_post("/v1/audio/speech", endpoint.speak)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("/v1"))


async def hear(endpoint: Endpoint, audio: bytes = SECOND) -> Any:
    async with serving(endpoint) as url:
        stt = RemoteStt(url, "whisper-1", "sk-secret")
        try:
            return await stt.hear(audio, "en", "Elm Court")
        finally:
            await stt.stop()


async def test_what_was_said_is_asked_for_with_names_and_key() -> None:
    segments = [{"avg_logprob": -0.1, "no_speech_prob": 0.02}, {"avg_logprob": -0.3, "no_speech_prob": 0.1}]
    endpoint = Endpoint({"text": " Can I bring my dog?", "language": "english", "segments": segments})
    heard = await hear(endpoint)
    assert (heard.text, heard.language, heard.no_speech) == ("Can I bring my dog?", "en", 0.02)
    assert heard.confidence == pytest.approx(0.819, abs=0.001)
    [asked] = endpoint.asked
    assert asked["sound"] == (16000, 16000)
    assert asked["key"] == "Bearer sk-secret"
    assert (asked["model"], asked["language"], asked["prompt"]) == ("whisper-1", "en", "Elm Court")


async def test_an_endpoint_that_tells_only_the_text_is_believed() -> None:
    heard = await hear(Endpoint({"text": "Hola"}))
    assert (heard.text, heard.language, heard.no_speech) == ("Hola", "en", 0.0)


async def test_what_was_probably_no_speech_is_nothing() -> None:
    heard = await hear(Endpoint({"text": "Thank you.", "segments": [{"avg_logprob": -0.5, "no_speech_prob": 0.9}]}))
    assert heard.text == ""


@pytest.mark.parametrize("endpoint", [Endpoint(status=500), Endpoint({"text": "x"}, status=401)])
async def test_an_endpoint_that_refuses_is_no_recognizer(endpoint: Endpoint) -> None:
    with pytest.raises(SttFailed):
        await hear(endpoint)


async def test_speech_comes_in_pieces_at_the_rate_of_calls() -> None:
    tone = (np.sin(2 * np.pi * 440 * np.arange(24000) / 24000) * 8000).astype("<i2")
    endpoint = Endpoint(speech=tone.tobytes())
    async with serving(endpoint) as url:
        voice = RemoteVoice(url, "tts-1", "alloy")
        pieces = [piece async for piece in voice.render("It is $1,850.", "en")]
        await voice.stop()
    assert len(pieces) > 3
    sound = np.frombuffer(b"".join(pieces), "<i2").astype(float)
    assert len(sound) == pytest.approx(16000, abs=50)
    spectrum = np.abs(np.fft.rfft(sound[:16000]))
    assert spectrum.argmax() == pytest.approx(440, abs=2)
    [asked] = endpoint.asked
    assert asked["response_format"] == "pcm"
    assert "$" not in asked["input"]


async def test_a_voice_that_refuses_fails() -> None:
    async with serving(Endpoint(status=503)) as url:
        voice = RemoteVoice(url, "tts-1", "alloy")
        with pytest.raises(TtsFailed):
            [piece async for piece in voice.render("Hello.", "en")]
        await voice.stop()
