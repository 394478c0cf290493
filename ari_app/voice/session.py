"""One talk in the voice process: an ear and a mouth for one caller, at the app's orders."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from ari_app.voice import protocol
from ari_app.voice.ear import Ear
from ari_app.voice.media import Media, MediaClosed
from ari_app.voice.mouth import Mouth
from ari_app.voice.protocol import Fault, Said, SpeechStarted
from ari_app.voice.stt import Stt
from ari_app.voice.tts import Tts
from ari_app.voice.vad import Vad

log = logging.getLogger(__name__)

TICK_SECONDS = 0.06


class VoiceSession:
    def __init__(
        self, opened: protocol.Open, media: Media, vad: Vad, stt: Stt, tts: Tts, tell: Callable[[object], None]
    ) -> None:
        self._since = time.monotonic()
        self._tell = tell
        self._media = media
        self._mouth = Mouth(media, tts, tell, self._clock)
        self._ear = Ear(
            vad,
            stt,
            language=opened.language,
            names=", ".join(opened.hints),
            clock=self._clock,
            agent_speaks=lambda: self._mouth.is_speaking,
            began=self._mouth.began,
            ended=lambda with_words: self._mouth.ended(with_words=with_words),
            tell=self._heard,
        )
        self._silences = tuple(sorted(opened.silences))
        self._quiet = 0.0
        self._quiet_told = 0

    def _clock(self) -> float:
        return time.monotonic() - self._since

    async def run(self) -> None:
        """Until the caller's audio ends, or cancelled; tells why, if something failed."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                group.create_task(self._mouth.run())
                group.create_task(self._watch())
        except* MediaClosed as closed:
            self._tell(Fault(str(closed.exceptions[0]), is_fatal=True))
        finally:
            await self._ear.stop()

    async def follow(self, order: protocol.ToVoice) -> None:
        with contextlib.suppress(MediaClosed):  # `run` tells.
            match order:
                case protocol.Play():
                    self._ear.language, self._ear.expects = order.language, order.expects
                    self._mouth.say(order)
                case protocol.Stop():
                    self._quiet, self._quiet_told = 0.0, 0
                    await self._mouth.stop()

    async def _listen(self) -> None:
        async for audio in self._media.audio():
            if audio:
                await self._ear.hear(audio)

    async def _watch(self) -> None:
        """Counts the silence, and looks after what has failed."""
        before = self._clock()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self._clock()
            if now - before < 2 * TICK_SECONDS:
                await self._ear.tick()
            # Else this process was busy, and audio waits to be read: that nothing was heard is no silence.
            if not self._mouth.is_speaking and self._mouth.is_done and not self._ear.is_busy:
                self._quiet += now - before
            before = now
            due = self._silences[self._quiet_told : self._quiet_told + 1]
            if due and self._quiet >= due[0]:
                self._quiet_told += 1
                self._tell(protocol.Quiet(due[0]))
            for failed, what in (
                (self._ear.failed, "No recognizer answers."),
                (self._mouth.failed, "No voice speaks."),
            ):
                if failed.is_set():
                    failed.clear()
                    self._tell(Fault(what, is_fatal=True))

    def _heard(self, what: SpeechStarted | Said) -> None:
        if isinstance(what, Said):
            self._quiet, self._quiet_told = 0.0, 0
        self._tell(what)
