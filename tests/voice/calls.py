"""Calls that the voice agent answers: what drills and call tests of it share."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from sqlalchemy import update

from ari_app.demo.softphone import Softphone
from crm.store.models import Line
from crm.views import calls as views
from crm.views.calls import VoiceTurnEntry
from tests.system import System
from tests.talks import TRIES
from tests.voice.phone import Voice, voice

HOURS = "What are your office hours?"
PERSON = "Can I talk to a real person, please?"


@contextlib.asynccontextmanager
async def answered_by_voice(system: System, *options: str) -> AsyncIterator[Voice]:
    """The voice agent answers every line, and understands HOURS and PERSON. `options` are those of
    `tests.voice.process`."""
    with system.store.writing() as session:
        session.execute(update(Line).values(ai_answers="always"))
    try:
        async with voice(system, {text: system.spoken(text) for text in (HOURS, PERSON)}, *options) as running:
            yield running
    finally:
        with system.store.writing() as session:
            session.execute(update(Line).values(ai_answers=""))


async def turns(system: System, number: str) -> list[VoiceTurnEntry]:
    """What is on record of the talk in the caller's latest call."""
    calls = await system.calls_from(number)
    found = await system.store.read(views.voice_talk, calls[-1].id) if calls else None
    return found.turns if found else []


async def is_asked(system: System, number: str, text: str, seconds: float = 40) -> None:
    """Waits until what the caller has said is on record; the answer begins then."""

    async def said() -> bool:
        return any(turn.who == "caller" and turn.text == text for turn in await turns(system, number))

    await system.until(said, f"the agent has heard {text}", seconds)


async def says(system: System, number: str, template: str, count: int = 1) -> None:
    """Waits until the caller has heard a sentence so many times."""

    async def heard() -> bool:
        said = [turn for turn in await turns(system, number) if turn.template == template and turn.result == "heard"]
        return len(said) >= count

    await system.until(heard, f"the agent says {template}", seconds=40)


async def asks(system: System, caller: Softphone, text: str) -> None:
    """Says a sentence, again if need be, until the agent has understood it: a busy machine may lose the very packets
    without which nobody would."""
    for last in [False] * (TRIES - 1) + [True]:
        await caller.say(system.spoken(text))
        try:
            await is_asked(system, caller.user, text, seconds=20)
        except AssertionError:
            if last:
                raise
        else:
            return
