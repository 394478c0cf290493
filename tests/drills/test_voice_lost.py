"""Something of the voice agent dies or stalls during a talk: the app knows in time, and the caller is still there."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ari_app.demo.softphone import Softphone
from ari_app.voice.client import STALL_SECONDS, VoiceLost, VoiceTalk
from ari_app.voice.protocol import Played, Said
from crm.services.phones.spoken import spoken
from tests.system import System
from tests.voice.phone import Voice, known_sounds, on_the_phone, voice, without_app

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]

GREETING = "Thank you for calling Elm Court."
QUESTION = "Do you have a two bedroom apartment?"
STALLS = "Do you ever stall?"
DOG = "Can I bring my dog?"
IN_TIME = STALL_SECONDS + 1.0
"""With a second for a busy machine."""


async def _listen(talk: VoiceTalk) -> None:
    async with asyncio.timeout(IN_TIME):
        async for _ in talk:
            pass


@contextlib.contextmanager
def _ailing(sounds: Path, how: str, seconds: str = "") -> Iterator[None]:
    """The recognizer that knows these sounds is "broken", and does not start again, or "slow" by so many seconds."""
    (sounds / how).write_text(seconds)
    try:
        yield
    finally:
        (sounds / how).unlink()


@dataclass
class _Hearing:
    """A talk that two recognizers hear; the quick one adds that it was it."""

    agent: Voice
    phone: Softphone
    talk: VoiceTalk
    sounds: dict[str, Path]
    better: Path
    quick: Path
    """The folders of sounds that each of them knows."""

    async def heard(self, text: str) -> str:
        """Says it, and returns what was heard."""
        await self.phone.say(self.sounds[text])
        return (await self.agent.until(self.talk, Said)).text


@contextlib.asynccontextmanager
async def _two_recognizers(system: System) -> AsyncIterator[_Hearing]:
    sounds = {QUESTION: system.spoken(QUESTION), DOG: system.spoken(DOG)}
    quick = known_sounds(system, {f"{text} (quickly)": path for text, path in sounds.items()}, "quick")
    async with (
        without_app(system),
        voice(system, sounds, "--quick", str(quick)) as agent,
        system.phone("alice-desk") as phone,
        on_the_phone(system, phone) as (client, bridge),
        agent.talk(client, bridge) as talk,
    ):
        yield _Hearing(agent, phone, talk, sounds, system.folder / "sounds", quick)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_when_the_voice_process_dies_or_stalls_then_the_app_knows_within_two_seconds(
    system: System, number: signal.Signals
) -> None:
    async with (
        without_app(system),
        voice(system, {}) as agent,
        system.phone("alice-desk") as phone,
        on_the_phone(system, phone) as (client, bridge),
    ):
        async with agent.talk(client, bridge) as talk:
            await talk.say(GREETING)
            await agent.until(talk, Played)
            agent.process.send_signal(number)
            with pytest.raises(VoiceLost):
                await _listen(talk)
            with pytest.raises(VoiceLost):
                await talk.say(GREETING)
        if number == signal.SIGSTOP:
            agent.process.send_signal(signal.SIGCONT)
        # The caller is in the bridge, alone, and hears what the app plays.
        await bridge.play([system.prompt("menu")])
        await system.hears(phone, system.prompt("menu"))
        assert len(await bridge.members()) == 1


async def test_when_no_voice_process_runs_then_the_talk_does_not_begin(system: System) -> None:
    async with (
        without_app(system),
        system.phone("alice-desk") as phone,
        on_the_phone(system, phone) as (client, bridge),
    ):
        async with voice(system, {}) as agent:
            pass
        with pytest.raises(VoiceLost):
            await agent.talk(client, bridge).__aenter__()
        assert len(await bridge.members()) == 1


async def test_when_the_recognizer_dies_then_the_quick_one_hears_and_later_it_is_back(system: System) -> None:
    async with _two_recognizers(system) as of:
        assert await of.heard(QUESTION) == QUESTION
        with _ailing(of.better, "broken"):
            of.agent.recognizers()[0].kill()
            assert await of.heard(DOG) == f"{DOG} (quickly)"
        await system.until(lambda: len(of.agent.recognizers()) == 2, "the recognizer is back")
        with _ailing(of.quick, "broken"):
            of.agent.recognizers()[1].kill()
            assert await of.heard(QUESTION) == QUESTION


async def test_when_the_recognizer_is_slow_then_the_quick_one_answers_in_the_same_turn(system: System) -> None:
    async with _two_recognizers(system) as of:
        with _ailing(of.better, "slow", "3.5"):
            assert await of.heard(QUESTION) == f"{QUESTION} (quickly)"
        assert len(of.agent.recognizers()) == 2, "who is only slow is not ended"


async def test_when_the_voice_dies_in_a_sentence_then_another_says_it_and_what_was_said_before_is_at_hand(
    system: System,
) -> None:
    hum = system.folder / "hum" / "hum.onnx"
    hum.parent.mkdir(exist_ok=True)
    async with (
        without_app(system),
        voice(system, {}, "--hums", str(hum)) as agent,
        system.phone("alice-desk") as phone,
        on_the_phone(system, phone) as (client, bridge),
        agent.talk(client, bridge) as talk,
    ):
        await talk.say(GREETING)
        hummed = await agent.until(talk, Played)
        await talk.say(STALLS)
        with _ailing(hum.parent, "broken"):
            await asyncio.sleep(0.5)  # The caller hears the first half.
            agent.child("scripted_tts").kill()
            await system.hears(phone, await spoken(system.config, STALLS))
            again = await talk.say(GREETING)
            played = await agent.until(talk, Played)
            while played.id != again:
                played = await agent.until(talk, Played)
        # It hums, as before, and flite would take a second longer.
        assert played.ended - played.started == pytest.approx(hummed.ended - hummed.started, abs=0.3)
