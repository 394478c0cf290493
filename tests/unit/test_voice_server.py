"""Talks in the voice process, between an app and an Asterisk of a few lines; each pain that users of voice agents tell
of."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from ari_app.voice import protocol
from ari_app.voice.protocol import Fault, Forgotten, Played, Quiet, Ready, Refused, Said, SpeechStarted, Warmed
from tests.sounds import write_words
from tests.voice.talking import talking

pytestmark = pytest.mark.unit

SECOND = 32000


async def test_what_the_caller_says_arrives_and_the_answer_is_heard(tmp_path: Path) -> None:
    async with talking(tmp_path, "Can I bring my dog?") as talk, talk.opened() as app:
        await app.until(Ready)
        await talk.asterisk.hear(loud=1.0, silent=1.0)
        said = await app.until(Said)
        assert (said.turn, said.text) == (1, "Can I bring my dog?")
        await app.say(protocol.Play(7, "Yes", "en", turn=said.turn))
        await talk.asterisk.until(int(0.3 * SECOND))
        assert (await app.until(Played)).id == 7
    # A third of a second from before the first sound is heard, too, and no silence at the end but for the pause.
    [heard] = talk.stt.heard
    assert 1.0 <= len(heard) / SECOND <= 1.6


async def test_a_phone_that_sends_nothing_when_its_person_is_silent_ends_its_turn(tmp_path: Path) -> None:
    async with talking(tmp_path, "Can I bring my dog?") as talk, talk.opened() as app:
        await app.until(Ready)
        await talk.asterisk.hear(loud=1.0)
        assert (await app.until(Said)).text == "Can I bring my dog?"


async def test_a_backlog_of_audio_is_no_delay_of_what_follows(tmp_path: Path) -> None:
    async with talking(tmp_path, "First.", "Second.") as talk, talk.opened() as app:
        await app.until(Ready)
        # Ten seconds come at once, and the next words are heard as they come.
        await talk.asterisk.hear(loud=1.0, silent=9.0)
        first = await app.until(Said)
        await talk.asterisk.hear(loud=0.5, silent=0.5)
        second = await app.until(Said)
        assert (first.text, second.text) == ("First.", "Second.")
        assert second.ended < 4, "times are the clock's, not the audio's"


async def test_who_speaks_over_the_agent_stops_it_and_a_cough_does_not_end_the_sentence(tmp_path: Path) -> None:
    sentence = "It has a balcony."
    async with talking(tmp_path, "", "And parking?") as talk, talk.opened() as app:
        await app.until(Ready)
        await app.say(protocol.Play(1, sentence, "en"))
        await talk.asterisk.until(SECOND // 2)
        await talk.asterisk.hear(loud=0.3, silent=0.6)
        await app.until(SpeechStarted)
        assert talk.asterisk.commands == ["FLUSH_MEDIA"]
        # It was a cough: all that was not heard yet comes again.
        await talk.asterisk.until(SECOND)
        await talk.asterisk.hear(loud=0.5, silent=0.6)
        cut = await app.until(Played)
        assert (cut.id, cut.was_cut) == (1, True)
        assert cut.share < 1
        assert (await app.until(Said)).text == "And parking?"
    assert not any(isinstance(one, Said) and not one.text for one in app.told)


async def test_what_has_to_be_heard_is_not_interrupted(tmp_path: Path) -> None:
    async with talking(tmp_path, "Hello?") as talk, talk.opened() as app:
        await app.until(Ready)
        await app.say(protocol.Play(1, "Automated.", "en", interruptible=False))
        await talk.asterisk.until(SECOND // 2)
        await talk.asterisk.hear(loud=0.5, silent=1.0)
        await app.until(Said)
        assert not (await app.until(Played)).was_cut
    assert "FLUSH_MEDIA" not in talk.asterisk.commands


async def test_one_reply_for_each_turn(tmp_path: Path) -> None:
    """The caller goes on while the first reply is being thought of; it comes too late."""
    async with talking(tmp_path, "I need two bedrooms.", "In May.") as talk, talk.opened() as app:
        await app.until(Ready)
        await talk.asterisk.hear(loud=0.5, silent=0.6)
        first = await app.until(Said)
        await talk.asterisk.hear(loud=0.5, silent=0.6)
        second = await app.until(Said)
        await app.say(protocol.Play(1, "Reply", "en", turn=first.turn))
        await app.say(protocol.Play(2, "Other", "en", turn=second.turn))
        late, heard = await app.until(Played), await app.until(Played)
        assert (late.id, late.was_cut, late.share) == (1, True, 0.0)
        assert (heard.id, heard.was_cut) == (2, False)
        assert len(talk.asterisk.audio) == int(0.5 * SECOND)


async def test_silence_is_told_once_for_each_limit_and_what_is_said_meanwhile_does_not_count(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk, talk.opened(0.2, 0.5) as app:
        await app.until(Ready)
        assert (await app.until(Quiet)).seconds == 0.2
        await app.say(protocol.Play(1, "Still?", "en"))
        assert (await app.until(Quiet)).seconds == 0.5
        spoken = next(one for one in app.told if isinstance(one, Played))
        assert not spoken.was_cut, "the sentence was over before the second limit"


async def test_stop_ends_what_is_said_and_counts_the_silence_anew(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk, talk.opened(0.3) as app:
        await app.until(Ready)
        await app.until(Quiet)
        await app.say(protocol.Play(1, "A long sentence about parking.", "en", interruptible=False))
        await talk.asterisk.until(SECOND // 2)
        await app.say(protocol.Stop())
        assert (await app.until(Played)).was_cut
        assert (await app.until(Quiet)).seconds == 0.3


async def test_while_asterisk_takes_no_more_nothing_is_sent(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk, talk.opened() as app:
        await app.until(Ready)
        await talk.asterisk.tell("MEDIA_XOFF")
        # What was told in this order has been read when this is answered.
        await talk.asterisk.hear(silent=0.1)
        await app.say(protocol.Play(1, "Yes", "en"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await app.until(Played)
        assert not talk.asterisk.audio
        await talk.asterisk.tell("MEDIA_XON")


async def test_the_end_of_the_audio_ends_the_talk(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk, talk.opened() as app:
        await app.until(Ready)
        assert talk.asterisk.socket
        await talk.asterisk.socket.close()
        assert (await app.until(Fault)).is_fatal
    assert talk.server.talks == 0


async def test_a_recognizer_that_fails_in_a_way_nobody_expected_ends_the_talk_and_leaves_no_silence(
    tmp_path: Path,
) -> None:
    async with talking(tmp_path) as talk, talk.opened() as app:
        await app.until(Ready)
        await talk.asterisk.hear(loud=1.0, silent=1.0)
        assert (await app.until(Fault)).is_fatal


async def test_nobody_is_admitted_while_answers_would_be_late(tmp_path: Path) -> None:
    async with talking(tmp_path, delay=3.0) as talk:
        async with talk.opened() as app:
            assert "3.0 s" in (await app.until(Refused)).why
        async with talk.connected() as app:
            await app.say(protocol.Look())
            assert (await app.until(protocol.VoiceState)).refuses
        talk.stt.delay = 0.2
        async with talk.opened() as app:
            await app.until(Ready)


async def test_a_call_that_is_over_before_its_audio_begins_is_refused(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk, talk.connected() as app:
        await app.say(protocol.Open("test", "gone", "en"))
        assert (await app.until(Refused)).why


async def test_who_does_not_know_the_secret_gets_nothing(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await talk.opened(secret="wrong").__aenter__()


async def test_sentences_are_rendered_ahead_and_recordings_win(tmp_path: Path) -> None:
    write_words(tmp_path / "recorded" / "en" / "we-are-open.wav", 3.0)
    async with talking(tmp_path) as talk:
        async with talk.connected() as app:
            await app.say(protocol.Warm((("Yes.", "en"), ("We are open!", "en"))))
            assert (await app.until(Warmed)).count == 2
        assert len(list((tmp_path / "cache").glob("*.pcm"))) == 1
        async with talk.opened() as app:
            await app.until(Ready)
            await app.say(protocol.Play(1, "We are open!", "en"))
            played = await app.until(Played)
            assert played.ended - played.started > 2.5, "not the hum's 1.2 s"


async def test_what_will_not_be_said_again_is_removed(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk, talk.connected() as app:
        await app.say(protocol.Warm((("The rent is high.", "en"), ("Goodbye.", "en"))))
        await app.until(Warmed)
        async with talk.connected() as other:
            await other.say(protocol.Forget((("The rent is high.", "en"), ("That was never said.", "en"))))
            await other.until(Forgotten)
        assert len(list((tmp_path / "cache").iterdir())) == 1


async def test_who_goes_on_after_a_pause_has_said_one_thing(tmp_path: Path) -> None:
    async with talking(tmp_path, "I want", "I want a dog.") as talk, talk.opened() as app:
        await app.until(Ready)
        talk.stt.may_answer.clear()
        await talk.asterisk.hear(loud=0.5, silent=0.25)
        await talk.stt.until(1)
        await talk.asterisk.hear(loud=0.5, silent=0.5)
        await talk.stt.until(2)
        talk.stt.may_answer.set()
        assert (await app.until(Said)).text == "I want a dog."
    assert [one.turn for one in app.told if isinstance(one, SpeechStarted)] == [1]
