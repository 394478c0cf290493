"""What drills look at, beside what `tests.system` offers every call test."""

from __future__ import annotations

import wave
from pathlib import Path

from ari_app.edge.softphone import Softphone
from tests.system import System

TO_AGENT = "I am looking for a home with two bedrooms"
TO_CALLER = "We have several of them near the park"


async def talk_both_ways(system: System, caller: Softphone, agent: Softphone, count: int = 1) -> None:
    """Each says a sentence and is heard by the other, for the `count`th time in this call."""
    await caller.say(_followed_by_silence(system.spoken(TO_AGENT)))
    await agent.say(_followed_by_silence(system.spoken(TO_CALLER)))
    await system.hears(agent, system.spoken(TO_AGENT), count)
    await system.hears(caller, system.spoken(TO_CALLER), count)


def _followed_by_silence(sentence: Path) -> Path:
    """At the end of its file a phone hangs up; nobody hangs up at the end of a sentence."""
    path = sentence.with_name(f"{sentence.stem} and waits.wav")
    if not path.exists():
        with wave.open(str(sentence)) as read, wave.open(str(path), "wb") as out:
            out.setparams(read.getparams())
            out.writeframes(read.readframes(read.getnframes()) + bytes(2 * 8000 * 90))
    return path
