"""What drills do and look at, beside what `tests.system` offers every call test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ari_app.demo import listening
from ari_app.demo.softphone import Softphone
from crm.store.models import Call
from tests.system import System
from tests.system.starts import Forked
from tests.talks import hear_each_other

MESSAGE = "This is about the two bedroom home. Please call me back when you can, I would like to see it soon. " * 4
"""Long enough to begin before the beep and to go on after it."""


async def hears(system: System, phone: Softphone, sound: Path, count: int = 1, seconds: float = 40) -> None:
    """Waits until a phone has heard a sound, `count` times in this call.

    Hearing its beginning is enough: drills are about whether callers hear anything, and a machine that starts and kills
    programs at the same time drops packets.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while (times := await times_heard(phone, sound)) < count:
        if asyncio.get_running_loop().time() > deadline:
            heard = await what_was_heard(system, phone)
            pytest.fail(f"{phone.user} heard {sound.stem} {times} times of {count}: {heard}")
        await asyncio.sleep(0.3)


async def times_heard(phone: Softphone, sound: Path) -> int:
    """How often the beginning of a sound was heard in this call."""
    if not phone.heard.exists() or phone.heard.stat().st_size <= 44:
        return 0
    looked_for = {sound.stem: listening.read(sound)}
    return len(await asyncio.to_thread(listening.find, listening.read(phone.heard), looked_for))


async def what_was_heard(system: System, phone: Softphone) -> str:
    """For the message of a failed test: all prompts that a phone has heard, and in how long a recording."""
    recorded = listening.read(phone.heard)
    return f"in {len(recorded) / listening.RATE:.1f} s: {await asyncio.to_thread(system.heard, phone)}"


async def records(system: System, number: str) -> None:
    """Waits until Asterisk records what the caller says, for the app or alone."""

    call = await system.call_from(number)
    file = system.config.asterisk_folder / "spool" / "recording" / f"{call.id}.wav"
    await system.until(lambda: file.exists() and file.stat().st_size > 4000, f"{number} being recorded", seconds=40)


async def say(system: System, phone: Softphone, text: str) -> None:
    await phone.say(system.spoken(text))


async def one_record(system: System, number: str, outcome: str, *, finished: bool = False) -> Call:
    """Waits for the outcome of the caller's one call. Nothing is lost, nothing doubled: one lead, and unless the call
    is `finished`, one task and one text."""
    call = await system.ended_call(number)
    assert len(await system.calls_from(number)) == 1
    assert call.outcome == outcome
    assert call.lead is not None
    assert len(await system.tasks_of(call)) == (0 if finished else 1)
    if finished:
        assert await system.texts_of(number) == []
    else:
        await system.carrier.text_to(number)
        assert len(system.carrier.texts_to(number)) == 1
        assert len(await system.texts_of(number)) == 1
    return call


def legs(call: Call) -> list[tuple[str, str, bool]]:
    """Device, status, and whether it was answered, by device."""
    return sorted((leg.device, leg.status, leg.answered_at is not None) for leg in call.legs)


async def ask_asterisk(system: System, method: str, path: str, body: Any = None, **query: str) -> None:
    """A request of our own to ARI, as an administrator or another program could make it."""
    auth = aiohttp.encode_basic_auth("leaseline", system.secrets.get("ari"))
    url = f"http://127.0.0.1:{system.config.ports.http}/ari{path}"
    async with (
        aiohttp.ClientSession(headers={"Authorization": auth}) as session,
        session.request(method, url, json=body, params=query) as response,
    ):
        assert response.status < 300, await response.text()


async def in_plain_bridge(system: System) -> bool:
    """Whether two talk in a bridge that needs no app."""
    bridges = await system.ari("/bridges")
    return any(bridge["bridge_class"] == "basic" and len(bridge["channels"]) == 2 for bridge in bridges)


@contextlib.asynccontextmanager
async def up(system: System) -> AsyncIterator[Forked]:
    """`leaseline up`, which starts what does not run, and takes over what does. It is killed at the end."""
    log = system.folder / "up.log"
    log.write_text("")
    process = await system.runs("up", log=log)

    def is_up() -> bool:
        assert process.returncode is None, log.read_text()
        return "Leaseline is up." in log.read_text()

    try:
        await system.until(is_up, "Leaseline is up", seconds=60)
        yield process
    finally:
        process.kill()
        await process.wait()


async def one_gives_up_and_one_talks(system: System, missed: Softphone, caller: Softphone, agent: Softphone) -> None:
    """One caller hangs up in the menu, then another asks for the team, talks with an agent, and hangs up."""
    await system.dial(missed)
    await hears(system, missed, system.prompt("welcome"))
    await missed.hang_up()
    await system.dial(caller)
    await hears(system, caller, system.prompt("welcome"))
    await caller.press("2")
    await agent.wait_for("CALL_INCOMING")
    await agent.answer()
    await hear_each_other(system, caller, agent)
    await caller.hang_up()
    await agent.wait_for("CALL_CLOSED")
