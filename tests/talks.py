"""Two people on the phone: how a talk begins, and that each hears the other."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ari_app.demo import listening
from ari_app.demo.softphone import Softphone
from tests.system import ELM, System

QUESTION = "Is the two bedroom home still available?"
ANSWER = "Yes, and you may see it tomorrow."
TRIES = 3
"""A busy machine may drop the very packets that are looked for; in a dead talk nothing helps."""


async def connect(system: System, caller: Softphone, agent: Softphone, line: str = ELM) -> None:
    """The caller asks for the team, and the agent answers."""
    calls = agent.count("CALL_INCOMING")
    await system.to_team(caller, line)
    await agent.wait_for("CALL_INCOMING", calls + 1)
    await agent.answer()
    await system.step(caller.user, "talk")


async def hear_each_other(
    system: System, one: Softphone, other: Softphone, question: str = QUESTION, answer: str = ANSWER
) -> None:
    """Each says a sentence and is heard by the other."""
    await asyncio.gather(says_to(system, one, other, question), says_to(system, other, one, answer))


async def says_to(system: System, speaker: Softphone, listener: Softphone, text: str) -> None:
    """Says a sentence, again if need be, until the other has heard it once more than before."""
    sound = system.spoken(text)
    count = await system.times_heard(listener, sound) + 1
    for last in [False] * (TRIES - 1) + [True]:
        await speaker.say(sound)
        try:
            await system.hears(listener, sound, count, seconds=15)
        except AssertionError:
            if last:
                raise
        else:
            return


def said_in(system: System, recording: Path, *texts: str) -> list[str]:
    """Which of these sentences a recording holds, in order."""
    known = {text: listening.read(system.spoken(text)) for text in texts}
    return [one.name for one in listening.find(listening.read(recording), known)]


async def nowhere_in(system: System, number: str) -> None:
    """No file of the home holds a number, whether database, journal, spool or log."""
    # Read by a process of its own: closing the database's file here would take SQLite's locks on it from this process
    # (POSIX), and the app would then delete the write-ahead log, which this process would go on reading.
    grep = await asyncio.create_subprocess_exec(
        "grep", "-rlF", "--", number.removeprefix("+"), str(system.config.home), stdout=asyncio.subprocess.PIPE
    )
    found, _ = await grep.communicate()
    assert (grep.returncode, found.decode()) == (1, "")


async def talk_with(system: System, *endpoints: str) -> bool:
    """Whether just these talk with each other, and nobody else has a channel."""
    up = {channel["id"]: str(channel["name"]) for channel in await system.ari("/channels")}
    bridges = [bridge["channels"] for bridge in await system.ari("/bridges") if bridge["channels"]]
    here = sorted(name.removeprefix("PJSIP/").rpartition("-")[0] for name in up.values())
    return here == sorted(endpoints) and [set(ids) for ids in bridges] == [set(up)]
