"""A talk with the voice agent: what the caller says and keys, what is said to them, and the record of both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ari_app.call.call import LiveCall
from ari_app.call.race import end_all, some_done
from ari_app.edge import events
from ari_app.voice import protocol
from ari_app.voice.client import VoiceLost, VoiceTalk
from crm.domain.calls import Speaker, VoiceTurnTaken
from crm.domain.conversation import Cite, Expects, Pressed, Silent, Speak, Utterance

HEAR_OUT_SECONDS = 12.0
"""What is said before the caller is passed on, or the call ends, takes no longer than this."""
NO_SPEECH = 0.6
"""From this probability on there were no words, only noise."""

Heard = Utterance | Pressed | Silent
OnHeard = Callable[[Speak], Awaitable[None]]


@dataclass(frozen=True)
class _Saying:
    number: int
    speak: Speak


class Conversation:
    """One task uses it. Whatever happens on the caller's channel is read here, for as long as the talk lasts."""

    def __init__(
        self, call: LiveCall, talk: VoiceTalk, on_heard: OnHeard, *, number: int = 0, since: float = 0
    ) -> None:
        """`number` and `since`: the last turn on record, and when it ended, of a talk that was cut off."""
        self._call, self._talk, self._on_heard = call, talk, on_heard
        self._number, self._since = number, since
        self._saying: dict[int, _Saying] = {}
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._began = asyncio.get_running_loop().time()
        self.expects = Expects.ANYTHING

    @property
    def seconds(self) -> float:
        """Since the talk began, without the time in which the app was away."""
        return round(self._since + asyncio.get_running_loop().time() - self._began, 2)

    async def next(self) -> Heard:
        """What the caller does next. Raises VoiceLost, and HungUp if they hang up."""
        keys = ""
        while True:
            event = await self._event(self._call.context.config.menu.next_key_seconds if keys else None)
            match event:
                case None:
                    return Pressed(keys)
                case events.ChannelDtmfReceived(digit=digit):
                    keys += digit
                    with contextlib.suppress(VoiceLost):  # The iterator tells; the key counts all the same.
                        await self._talk.stop()
                    if self.expects is not Expects.DIGITS or digit == "#":
                        return Pressed(keys)
                case protocol.Said(text=text, no_speech=no_speech) as said if text.strip() and no_speech < NO_SPEECH:
                    return Utterance(
                        text, said.language, said.confidence, self._since + said.started, self._since + said.ended
                    )
                case protocol.Quiet(seconds=seconds) if not keys:
                    return Silent(seconds)

    async def say(self, speak: Speak) -> None:
        """Says something after what is still being said. Raises VoiceLost."""
        id = await self._talk.say(
            speak.text, speak.language, interruptible=speak.interruptible, expects=self.expects.value
        )
        self._number += 1
        self._saying[id] = _Saying(self._number, speak)

    async def hear_out(self) -> None:
        """Returns when the caller has heard what is being said, or interrupts it. Raises VoiceLost, HungUp."""
        try:
            async with asyncio.timeout(HEAR_OUT_SECONDS):
                while self._saying:
                    match await self._event():
                        case events.ChannelDtmfReceived():
                            return
        except TimeoutError:
            raise VoiceLost("A sentence has not come to its end.") from None

    def note(self, who: Speaker, text: str, *, state: str = "", result: str = "", at: Utterance | None = None) -> None:
        """Puts on record what was said, keyed or done."""
        self._number += 1
        started, ended = (at.started, at.ended) if at else (self.seconds, self.seconds)
        self._put(
            self._number,
            who,
            text,
            started,
            ended,
            language=at.language if at else "",
            confidence=at.confidence if at else None,
            state=state,
            result=result,
        )

    async def close(self) -> None:
        """Puts on record what nobody has heard, and stops listening."""
        for one in self._saying.values():
            self._put_spoken(one, self.seconds, self.seconds, "lost")
        self._saying.clear()
        await end_all(self._tasks.values())

    # --- what happens ---

    async def _event(self, seconds: float | None = None) -> events.Event | protocol.Happening | None:
        """What happens next on either side, None after `seconds`. What is about our own sentences is seen to here."""
        while True:
            self._listen("person", self._call.person.next_event)
            self._listen("voice", self._talk.__anext__)
            await some_done(self._tasks.values(), seconds)
            # The person first: if they hang up, nothing else matters.
            name = next((name for name in ("person", "voice") if self._tasks[name].done()), None)
            if name is None:
                return None
            event: events.Event | protocol.Happening | None = self._tasks.pop(name).result()
            if isinstance(event, protocol.Played):
                await self._was_played(event)
                if not self._saying:
                    return event
                continue
            return event

    def _listen(self, name: str, start: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(start())

    async def _was_played(self, played: protocol.Played) -> None:
        one = self._saying.pop(played.id, None)
        if one is None:
            return
        result = "cut" if played.was_cut else "heard"
        self._put_spoken(one, self._since + played.started, self._since + played.ended, result)
        if not played.was_cut:
            await self._on_heard(one.speak)

    # --- the record ---

    def _put_spoken(self, one: _Saying, started: float, ended: float, result: str) -> None:
        speak = one.speak
        self._put(
            one.number,
            Speaker.AGENT,
            speak.text,
            started,
            ended,
            language=speak.language,
            template=speak.template,
            cites=speak.cites,
            result=result,
        )

    def _put(
        self,
        number: int,
        who: Speaker,
        text: str,
        started: float,
        ended: float,
        *,
        language: str = "",
        confidence: float | None = None,
        template: str = "",
        cites: tuple[Cite, ...] = (),
        result: str = "",
        state: str = "",
    ) -> None:
        self._call.emit(
            VoiceTurnTaken(
                *self._call.stamp(f"voice-turn-{number}"),
                number=number,
                who=who.value,
                started=round(started, 2),
                ended=round(ended, 2),
                text=text,
                language=language,
                confidence=confidence,
                template=template,
                cites=tuple((one.kind, one.id, one.version) for one in cites),
                result=result,
                state=state,
            )
        )
