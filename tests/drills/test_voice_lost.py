"""Something of the voice agent dies or stalls during a talk: the app knows in time, and the caller is still there."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ari_app.voice.client import STALL_SECONDS, VoiceLost, VoiceTalk
from ari_app.voice.protocol import Played, Said
from crm.edge import processes
from tests.drills.witness import leaseline, up
from tests.system import System
from tests.voice.phone import known_sounds, on_the_phone, voice, without_app

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
def _broken(sounds: Path) -> Iterator[None]:
    """Keeps the recognizer that knows these sounds from starting again."""
    (sounds / "broken").touch()
    try:
        yield
    finally:
        (sounds / "broken").unlink()


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
    sounds = {QUESTION: system.spoken(QUESTION), DOG: system.spoken(DOG)}
    better = system.folder / "sounds"
    quick = known_sounds(system, {f"{text} (quickly)": path for text, path in sounds.items()}, "quick")
    async with (
        without_app(system),
        voice(system, sounds, "--quick", str(quick)) as agent,
        system.phone("alice-desk") as phone,
        on_the_phone(system, phone) as (client, bridge),
        agent.talk(client, bridge) as talk,
    ):
        await phone.say(sounds[QUESTION])
        assert (await agent.until(talk, Said)).text == QUESTION
        with _broken(better):
            agent.recognizers()[0].kill()
            await phone.say(sounds[DOG])
            assert (await agent.until(talk, Said)).text == f"{DOG} (quickly)"
        await system.until(lambda: len(agent.recognizers()) == 2, "the recognizer is back")
        with _broken(quick):
            agent.recognizers()[1].kill()
            await phone.say(sounds[QUESTION])
            assert (await agent.until(talk, Said)).text == QUESTION


async def test_when_the_recognizer_is_slow_then_the_quick_one_answers_in_the_same_turn(system: System) -> None:
    sounds = {QUESTION: system.spoken(QUESTION), DOG: system.spoken(DOG)}
    quick = known_sounds(system, {f"{text} (quickly)": path for text, path in sounds.items()}, "quick")
    slow = system.folder / "sounds" / "slow"
    async with (
        without_app(system),
        voice(system, sounds, "--quick", str(quick)) as agent,
        system.phone("alice-desk") as phone,
        on_the_phone(system, phone) as (client, bridge),
        agent.talk(client, bridge) as talk,
    ):
        slow.write_text("3.5")
        await phone.say(sounds[QUESTION])
        assert (await agent.until(talk, Said)).text == f"{QUESTION} (quickly)"
        slow.unlink()
        assert len(agent.recognizers()) == 2, "who is only slow is not ended"


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
        with _broken(hum.parent):
            await asyncio.sleep(0.5)  # The caller hears the first half.
            agent.child("scripted_tts").kill()
            await system.hears(phone, system.spoken(STALLS))
            again = await talk.say(GREETING)
            played = await agent.until(talk, Played)
            while played.id != again:
                played = await agent.until(talk, Played)
        # It hums, as before, and flite would take a second longer.
        assert played.ended - played.started == pytest.approx(hummed.ended - hummed.started, abs=0.3)


async def test_when_the_voice_process_is_killed_then_leaseline_up_starts_it_again_and_down_ends_it(
    system: System,
) -> None:
    toml = system.config.home / "leaseline.toml"
    former = toml.read_text()
    await system.app.stop()
    await system.asterisk.stop()
    try:
        toml.write_text(former + '\n[ai]\nanswers = "always"\n')
        async with up(system):
            first = processes.running(system.config)
            assert set(first) == {processes.ASTERISK, processes.APP, processes.WEB, processes.VOICE}
            first[processes.VOICE].send_signal(signal.SIGKILL)

            def is_back() -> bool:
                now = processes.running(system.config)
                return processes.VOICE in now and now[processes.VOICE] != first[processes.VOICE]

            await system.until(is_back, "the voice process is back")
            now = processes.running(system.config)
            assert (now[processes.APP], now[processes.ASTERISK]) == (first[processes.APP], first[processes.ASTERISK])
            assert (await leaseline(system, "down"))[0] == 0
        assert processes.running(system.config) == {}
    finally:
        toml.write_text(former)
