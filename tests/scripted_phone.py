"""A desk phone played by SIPp with `tests/scenarios/<name>.xml`, to see the messages on the wire and to give answers
that no softphone gives."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from asterisk_conf import programs
from tests.system import ELM, System

NO_UTF_8 = "\udcff"
"""The byte FF, in text that is written with surrogateescape."""
SCENARIOS = Path(__file__).parent / "scenarios"


@dataclass(frozen=True)
class ScriptedPhone:
    log: Path
    """SIPp's log of the messages on the wire."""

    def received(self, method: str) -> list[str]:
        """Returns the requests of one method that reached the phone, as on the wire, without retransmissions."""
        if not self.log.exists():
            return []
        messages = re.split(r"^-{20,}.*$", self.log.read_text(errors="replace"), flags=re.MULTILINE)
        got = (message.partition("bytes:")[2].strip() for message in messages if "message received" in message)
        return list(dict.fromkeys(message for message in got if message.startswith(f"{method} ")))


@asynccontextmanager
async def scripted_phone(
    system: System, device: str, scenario: str, port: int | None = None, **keys: str
) -> AsyncIterator[ScriptedPhone]:
    """Registers as a device and follows the scenario for every call, with the keys filled in; SIPp answers OPTIONS
    itself."""
    port = port or system.phone_ports()[0]
    log = system.folder / f"sipp-{device}-{scenario}-{port}.log"
    log.unlink(missing_ok=True)
    await _register(system, device, port, expires=300)
    filled_in = [word for name, value in keys.items() for word in ("-key", name, value)]
    process = await _sipp(
        system,
        port,
        "-sf",
        str(SCENARIOS / f"{scenario}.xml"),
        "-aa",
        "-trace_msg",
        "-message_file",
        str(log),
        *filled_in,
    )
    try:
        await system.until(lambda: system.is_online(device), f"{device} online")
        yield ScriptedPhone(log)
    finally:
        process.kill()
        await process.wait()
        await _register(system, device, port, expires=0)
    await system.until(lambda: system.is_offline(device), f"{device} offline")


@asynccontextmanager
async def returning_phone(system: System, device: str, scenario: str) -> AsyncIterator[ScriptedPhone]:
    """A phone that registers and stays silent until Asterisk considers it unreachable, then registers again at the same
    address and answers."""
    port, _ = system.phone_ports()
    async with _contact_statuses(system, device) as statuses:
        await _register(system, device, port, expires=300)
        async with asyncio.timeout(60):
            while await anext(statuses) != "Unreachable":
                pass
    async with scripted_phone(system, device, scenario, port) as phone:
        yield phone


@asynccontextmanager
async def _contact_statuses(system: System, device: str) -> AsyncIterator[AsyncIterator[str]]:
    """Yields the status changes of a device's contact from now on."""
    auth = aiohttp.encode_basic_auth("leaseline", system.secrets.get("ari"))
    url = f"http://127.0.0.1:{system.config.ports.http}/ari/events?app=watcher&subscribeAll=true"
    async with aiohttp.ClientSession(headers={"Authorization": auth}) as session, session.ws_connect(url) as socket:

        async def statuses() -> AsyncIterator[str]:
            async for message in socket:
                event = message.json()
                if event["type"] == "ContactStatusChange" and event["endpoint"]["resource"] == device:
                    yield event["contact_info"]["contact_status"]

        yield statuses()


@dataclass(frozen=True)
class BusyLamp:
    """A key of a phone that shows whether a colleague is on a call."""

    phone: ScriptedPhone
    process: asyncio.subprocess.Process

    @property
    def states(self) -> list[str]:
        """The states it was notified of, in order, as in dialog-info: terminated (idle), early (ringing), confirmed
        (busy)."""
        told = [re.search(r"<state>(\w+)</state>", notify) for notify in self.phone.received("NOTIFY")]
        states = [found[1] for found in told if found]
        return [state for number, state in enumerate(states) if number == 0 or state != states[number - 1]]


@asynccontextmanager
async def busy_lamp(system: System, user: str, secret: str, extension: str) -> AsyncIterator[BusyLamp]:
    """Subscribes to an extension. A refused subscription ends at once: `process` then has a return code."""
    port, _ = system.phone_ports()
    log = system.folder / f"sipp-lamp-{user}-{port}.log"
    log.unlink(missing_ok=True)
    process = await _sipp(
        system,
        port,
        "-sf",
        str(SCENARIOS / "subscribe.xml"),
        "-s",
        user,
        "-au",
        user,
        "-ap",
        secret,
        "-key",
        "watched",
        extension,
        "-m",
        "1",
        "-trace_msg",
        "-message_file",
        str(log),
    )
    try:
        yield BusyLamp(ScriptedPhone(log), process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def registers(system: System, device: str, secret: str) -> bool:
    """Whether a phone with this password can register; it unregisters again at once."""
    port, _ = system.phone_ports()
    return not await _refusal(system, device, secret, port, 300) and not await _refusal(system, device, secret, port, 0)


async def _register(system: System, device: str, port: int, expires: int) -> None:
    secret = system.secrets.get(f"device/{device}")
    refusal = await _refusal(system, device, secret, port, expires)
    assert not refusal, f"{device} could not register: {refusal}"


async def registered(system: System, device: str, address: str, port: int, expires: int = 300) -> None:
    """Registers a device from a given address."""
    secret = system.secrets.get(f"device/{device}")
    assert not await _refusal(system, device, secret, port, expires, address)


async def _refusal(
    system: System, device: str, secret: str, port: int, expires: int, address: str = "127.0.0.1"
) -> str:
    """Registers a device. Returns "" if it is registered, else what SIPp says."""
    errors = system.folder / f"sipp-register-{device}-{port}.log"
    errors.unlink(missing_ok=True)
    process = await _sipp(
        system,
        port,
        "-sf",
        str(SCENARIOS / "register.xml"),
        "-s",
        device,
        "-au",
        device,
        "-ap",
        secret,
        "-key",
        "expires",
        str(expires),
        "-m",
        "1",
        "-trace_err",
        "-error_file",
        str(errors),
        address=address,
    )
    try:
        async with asyncio.timeout(60):
            status = await process.wait()
    except TimeoutError:
        process.kill()
        status = await process.wait()
    said = errors.read_text(errors="replace")[-1000:] if errors.exists() else ""
    return f"SIPp ended with {status}. {said}" if status else ""


async def guesses(system: System, device: str, address: str, count: int = 1) -> bool:
    """Registers with a wrong password from an address, `count` times; returns whether the last try was refused with
    403."""
    port, _ = system.phone_ports()
    log = system.folder / f"guesses-{port}.log"
    log.unlink(missing_ok=True)
    process = await _sipp(
        system,
        port,
        "-sf",
        str(SCENARIOS / "guess.xml"),
        "-s",
        device,
        "-au",
        device,
        "-ap",
        "wrong",
        "-m",
        str(count),
        "-r",
        "50",
        "-trace_msg",
        "-message_file",
        str(log),
        address=address,
    )
    assert await _ended(process, 15) == 0
    return re.findall(r"^SIP/2\.0 (\d+)", log.read_text(errors="replace"), re.MULTILINE)[-1] == "403"


async def _sipp(system: System, port: int, *options: str, address: str = "127.0.0.1") -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *programs.program("sipp"),
        system.sip,
        "-i",
        address,
        "-p",
        str(port),
        "-timer_resol",
        "1",
        "-nostdin",
        *options,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=system.folder,
    )


async def _ended(process: asyncio.subprocess.Process, seconds: float) -> int:
    """The exit status of SIPp. One that does not end in time is ended: its port is another phone's later."""
    try:
        async with asyncio.timeout(seconds):
            return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def unanswering_callers(system: System, callers: Sequence[str]) -> AsyncIterator[Callable[[], list[str]]]:
    """Places calls through the demo trunk, one from each number, all at once, that never acknowledge the answer. Yields
    a function that returns the final statuses so far, sorted."""
    port, _ = system.phone_ports()
    inject, log = system.folder / f"calls-{port}.csv", system.folder / f"calls-{port}.log"
    log.unlink(missing_ok=True)
    inject.write_text(
        "SEQUENTIAL\n" + "".join(f"<sip:{caller}@127.0.0.1>;sip:{ELM}@{system.sip};\n" for caller in callers)
    )
    process = await _sipp(
        system,
        port,
        "-sf",
        str(SCENARIOS / "no_ack.xml"),
        "-inf",
        str(inject),
        "-m",
        str(len(callers)),
        "-r",
        "200",
        "-au",
        "trunk-demo",
        "-ap",
        system.secrets.get("trunk/demo"),
        "-trace_msg",
        "-message_file",
        str(log),
    )

    def statuses() -> list[str]:
        text = log.read_text(errors="replace") if log.exists() else ""
        found = re.findall(r"^SIP/2\.0 (\d+) (?:.+\r?\n)+?Call-ID: (\S+)", text, re.MULTILINE)
        return sorted({call: status for status, call in found if status >= "200" and status != "401"}.values())

    try:
        yield statuses
    finally:
        process.kill()
        await process.wait()


async def raw_calls(
    system: System,
    calls: Sequence[tuple[str, ...]],
    stay_milliseconds: int = 700,
    scenario: str = "raw_call",
    device: str = "",
) -> None:
    """Places calls through the demo trunk, or from a device, one after the other, and waits until all were answered and
    ended. Each has the fields that the scenario writes to the wire: From and request URI first. Fields must not contain
    semicolons."""
    port, _ = system.phone_ports()
    user, secret = (device, f"device/{device}") if device else ("trunk-demo", "trunk/demo")
    inject = system.folder / f"calls-{port}.csv"
    lines = "".join(f"{';'.join(fields)};\n" for fields in calls)
    inject.write_text(f"SEQUENTIAL\n{lines}", errors="surrogateescape")
    process = await _sipp(
        system,
        port,
        "-sf",
        str(SCENARIOS / f"{scenario}.xml"),
        "-inf",
        str(inject),
        "-m",
        str(len(calls)),
        "-r",
        "5",
        "-au",
        user,
        "-ap",
        system.secrets.get(secret),
        "-d",
        str(stay_milliseconds),
        # Asterisk's re-INVITE with the name of whoever answered may cross the BYE; SIPp would otherwise abort the call.
        "-default_behaviors",
        "all,-abortunexp",
        "-trace_err",
        "-error_file",
        str(system.folder / f"calls-{port}.err"),
    )
    assert await _ended(process, 60) == 0, "not every call was answered and ended"


@asynccontextmanager
async def unreadable_call(system: System, device: str, number: str) -> AsyncIterator[str]:
    """A device's call with a byte in its Call-ID that is not UTF-8; yields the id of its channel.

    The caller of this function has to end the call in Asterisk.
    """
    port, _ = system.phone_ports()
    inject = system.folder / f"calls-{port}.csv"
    line = f"<sip:{device}@127.0.0.1>;sip:{number}@{system.sip};{NO_UTF_8};\n"
    inject.write_text(f"SEQUENTIAL\n{line}", errors="surrogateescape")
    process = await _sipp(
        system,
        port,
        "-sf",
        str(SCENARIOS / "unreadable_call.xml"),
        "-inf",
        str(inject),
        "-m",
        "1",
        "-au",
        device,
        "-ap",
        system.secrets.get(f"device/{device}"),
    )

    async def is_up() -> bool:
        return await system.channels(device) == 1

    try:
        await system.until(is_up, f"{device} calls {number}")
        [channel_id] = (await system.ari(f"/endpoints/PJSIP/{device}"))["channel_ids"]
        yield channel_id
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def replacing_call(system: System, endpoint: str, channel: dict[str, Any]) -> AsyncIterator[None]:
    """A call from a device or the demo trunk that replaces a channel; the caller of this function has to end it."""
    port, _ = system.phone_ports()
    secret = "trunk/demo" if endpoint == "trunk-demo" else f"device/{endpoint}"
    process = await _sipp(
        system,
        port,
        "-sf",
        str(SCENARIOS / "replace_call.xml"),
        "-m",
        "1",
        "-s",
        "101",
        "-au",
        endpoint,
        "-ap",
        system.secrets.get(secret),
        "-key",
        "caller",
        endpoint,
        "-key",
        "replaced",
        await system.dialog(channel),
        "-trace_err",
        "-error_file",
        str(system.folder / f"replacing-{port}.err"),
    )
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
