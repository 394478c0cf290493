"""Talks by voice: a real phone, a real Asterisk, and the voice process."""

from __future__ import annotations

import pytest

from ari_app.voice.protocol import Played, Said, SpeechStarted
from crm.services.phones.spoken import spoken
from tests.mobile import hears_beginning
from tests.speech_models import WHISPER_BASE
from tests.system import System
from tests.voice.phone import on_the_phone, voice, without_app

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

GREETING = "Thank you for calling Elm Court. How can I help?"
QUESTION = "Do you have a two bedroom apartment?"
ANSWER = "Yes, there is one for eighteen hundred and fifty dollars a month. It has a balcony, and is free in May."
DOG = "Can I bring my dog?"


async def test_when_the_caller_asks_then_their_words_arrive_and_the_answer_stops_when_they_speak(
    system: System,
) -> None:
    sounds = {text: system.spoken(text) for text in (QUESTION, DOG)}
    async with (
        without_app(system),
        voice(system, sounds) as agent,
        system.phone("alice-desk") as phone,
        on_the_phone(system, phone) as (client, bridge),
        agent.talk(client, bridge) as talk,
    ):
        greeting = await talk.say(GREETING)
        played = await agent.until(talk, Played)
        assert (played.id, played.was_cut, played.share) == (greeting, False, 1.0)
        await phone.say(sounds[QUESTION])
        asked = await agent.until(talk, Said)
        assert (asked.text, asked.turn) == (QUESTION, 1)
        answer = await talk.say(ANSWER)
        await hears_beginning(system, phone, await spoken(system.config, ANSWER))
        await phone.say(sounds[DOG])
        interrupted = await agent.until(talk, SpeechStarted)
        cut = await agent.until(talk, Played)
        assert (cut.id, cut.was_cut) == (answer, True)
        assert 0 < cut.share < 1
        assert interrupted.at <= cut.ended <= interrupted.at + 1
        assert (await agent.until(talk, Said)).text == DOG


@pytest.mark.skipif(not WHISPER_BASE.is_dir(), reason="script/setup voice-demo has not been run")
async def test_when_the_model_is_whisper_then_the_caller_is_understood(system: System) -> None:
    toml = system.config.home / "leaseline.toml"
    former = toml.read_text()
    # The app is back after the settings, because it would load a model of its own.
    async with without_app(system):
        toml.write_text(former + f'\n[ai]\nwhisper_model = "{WHISPER_BASE}"\n')
        try:
            async with (
                voice(system) as agent,
                system.phone("alice-desk") as phone,
                on_the_phone(system, phone) as (client, bridge),
                agent.talk(client, bridge) as talk,
            ):
                await talk.say(GREETING)
                await agent.until(talk, Played)
                await phone.say(system.spoken(DOG))
                said = await agent.until(talk, Said)
                assert said.text == DOG
                assert said.language == "en"
                assert said.confidence > 0.5
                assert said.no_speech < 0.2
                assert 0.5 < said.ended - said.started < 2.5
        finally:
            toml.write_text(former)
