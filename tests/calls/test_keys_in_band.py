"""Keys of phones and carriers that know no telephone events (RFC 4733): tones in the sound."""

from __future__ import annotations

import asyncio

import pytest

from asterisk_conf import programs
from tests.mobile import NUMBER, forward
from tests.outside import only_by
from tests.scripted_phone import SCENARIOS, _sipp
from tests.scripted_trunk import scripted_trunk
from tests.system import ELM, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

TONES = {"1": (697, 1209), "2": (697, 1336)}


async def test_when_neither_end_knows_telephone_events_then_menu_and_mobile_hear_the_tones(system: System) -> None:
    for key in TONES:
        await tone(system, key)
    await forward(system)
    async with scripted_trunk(system, "cell", "take_call_in_band", emergency=False):
        await only_by(system, cell=0)
        caller = system.new_number()
        process = await call_in_band(system, caller)
        try:
            await system.step(caller, "talk")
            await system.hang_up((await system.channel_of("trunk-demo"))["id"])
            call = await system.ended_call(caller)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
    assert call.outcome == "talked"
    assert [(leg.device, leg.number, leg.status) for leg in call.legs] == [("alice-mobile", NUMBER, "ANSWER")]


async def call_in_band(system: System, number: str) -> asyncio.subprocess.Process:
    port, _ = system.phone_ports()
    inject = system.folder / f"calls-{port}.csv"
    inject.write_text(f"SEQUENTIAL\n<sip:{number}@127.0.0.1>;sip:{ELM}@{system.sip};\n")
    return await _sipp(
        system,
        port,
        "-sf",
        str(SCENARIOS / "key_in_band.xml"),
        "-inf",
        str(inject),
        "-m",
        "1",
        "-au",
        "trunk-demo",
        "-ap",
        system.secrets.get("trunk/demo"),
    )


async def tone(system: System, key: str) -> None:
    """A file for SIPp: a moment of silence, then the key's tone (ITU-T Q.23)."""
    low, high = TONES[key]
    words = f"-n -r 8000 -t ul key-{key}.ul synth 0.2 sine {low} sine {high} remix - gain -6 pad 1.5 0.3"
    process = await asyncio.create_subprocess_exec(*programs.program("sox"), *words.split(), cwd=system.folder)
    assert await process.wait() == 0
