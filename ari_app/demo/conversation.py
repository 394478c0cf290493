"""The demo caller talks with the voice agent: each sentence when the agent has finished answering the one before.

Ears and mouth are those that run, else ones of the demo's own, with the models of the settings or of `script/setup
voice-demo`.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import numpy as np
from sqlalchemy.orm import Session

from ari_app.demo import listening
from ari_app.voice import protocol
from ari_app.voice.client import Door, VoiceLost, warm
from asterisk_conf.package_sets import cache_folder
from crm.config import Config
from crm.context import Crm
from crm.domain.calls import Speaker
from crm.domain.errors import CrmError
from crm.domain.story import FAILED
from crm.services.audit import By
from crm.services.phones import lines
from crm.views import calls as views
from crm.views.calls import VoiceTurnEntry

ANSWER_SECONDS = 30.0
"""The agent answers within this time, or the demo says that it did not."""
LOAD_SECONDS = 90.0
"""Until the models are loaded."""
STILL_SECONDS = 0.9
"""So long the agent is silent when it has said everything."""
SILENCE = 0.01
"""RMS, of 1."""
MODELS = cache_folder() / "voice-demo"


def with_models(config: Config) -> Config:
    """With models to hear with, and a better voice if there is one. Raises CrmError if there are none."""
    ai = config.ai
    if not (ai.stt_url or ai.whisper_model or config.voice.whisper_model):
        base, tiny = MODELS / "whisper-base", MODELS / "whisper-tiny.en"
        found = next((folder for folder in (base, tiny) if folder.is_dir()), None)
        if found is None:
            raise CrmError("The voice agent has no model to hear with.", code="demo_voice_missing")
        ai = msgspec.structs.replace(ai, whisper_model=str(found), quick_model=str(tiny) if tiny.is_dir() else "")
    voices = sorted((MODELS / "piper-joe").glob("*.onnx"))
    if not ai.piper_voices and voices:
        ai = msgspec.structs.replace(ai, piper_voices={"en": str(voices[0])})
    return msgspec.structs.replace(config, ai=ai)


@contextlib.asynccontextmanager
async def ears_and_mouth(crm: Crm) -> AsyncIterator[None]:
    """A voice process as long as this lasts, unless one runs. Raises CrmError if there can be none."""
    door = Door.of(crm.config, crm.secrets)
    if await _runs(door):
        yield
        return
    config = with_models(crm.config)
    try:
        from ari_app.voice.models import stt_of, tts_of  # What it needs is no part of the app.
        from ari_app.voice.server import VoiceServer
    except ImportError:
        raise CrmError("The voice agent's packages are not installed.", code="demo_voice_packages") from None
    secret = crm.secrets.ensure(protocol.SECRET)
    stt = stt_of(config, crm.secrets)
    server = VoiceServer(config.ports.voice, config.ports.http, secret, stt, tts_of(config, crm.secrets))
    async with server.running():
        deadline = asyncio.get_running_loop().time() + LOAD_SECONDS
        while math.isinf(stt.delay):
            if asyncio.get_running_loop().time() > deadline:
                raise CrmError("The voice agent's model cannot be loaded.", code="demo_voice_broken")
            await asyncio.sleep(0.1)
        # The first sentence takes as long as it takes to load a voice.
        await warm(door, [("One moment, please.", "en")])
        yield


async def _runs(door: Door) -> bool:
    try:
        await warm(door, [("One moment, please.", "en")])
    except VoiceLost:
        return False
    return True


@contextlib.asynccontextmanager
async def answering(crm: Crm, number: str) -> AsyncIterator[None]:
    """The voice agent answers the line as long as this lasts."""

    def former(session: Session) -> str:
        return lines.named(session, crm.config.region, number).ai_answers

    before = await crm.store.read(former)
    await _set(crm, number, "always")
    try:
        yield
    finally:
        await _set(crm, number, before)


async def _set(crm: Crm, number: str, when: str) -> None:
    await crm.store.run(lines.change, By("demo", crm.now()), crm.config.region, number, ai_answers=when)


async def turns(crm: Crm, call_id: str) -> list[VoiceTurnEntry]:
    """What was said and done so far."""
    talk = await crm.store.read(views.voice_talk, call_id)
    return talk.turns if talk else []


async def has_failed(crm: Crm, call_id: str) -> bool:
    """Whether the talk ended because the voice agent could not go on."""
    talk = await crm.store.read(views.voice_talk, call_id)
    return talk is not None and talk.why_ended == FAILED


def in_words(turn: VoiceTurnEntry) -> str:
    """A turn, with what is known of it."""
    if turn.who == Speaker.CALLER:
        return f'"{turn.text}" ({turn.confidence or 0:.2f})'
    if turn.who == Speaker.AGENT:
        return f'"{turn.text}"{" (cut short)" if turn.result == "cut" else ""}'
    return f"{turn.text}: {turn.result}" if turn.result else turn.text


async def until_said(crm: Crm, call_id: str, heard: Path, spoken: int) -> bool:
    """Returns once the agent has answered so many sentences of the caller's, and is silent. False: it has not."""
    deadline = asyncio.get_running_loop().time() + ANSWER_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        so_far = await turns(crm, call_id)
        last = max((turn.number for turn in so_far if turn.who == Speaker.CALLER), default=0)
        asked = sum(turn.who == Speaker.CALLER for turn in so_far)
        answered = any(turn.who == Speaker.AGENT and turn.number > last for turn in so_far)
        if asked >= spoken and answered and await asyncio.to_thread(_is_still, heard):
            return True
        await asyncio.sleep(0.2)
    return False


def _is_still(heard: Path) -> bool:
    latest = listening.read(heard)[-int(STILL_SECONDS * listening.RATE) :]
    return len(latest) > 0 and float(np.sqrt(np.mean(np.square(latest)))) < SILENCE
