"""The phones and callers of the bench: SIPp with the scenarios next to this file."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import itertools
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asterisk_conf import programs
from crm.edge import digest

SCENARIOS = Path(__file__).parent / "scenarios"
CALLERS_ADDRESS, PHONES_ADDRESS = "127.0.0.9", "127.0.0.8"
AREA_CODES = ("201", "202", "203", "205", "206", "207", "208", "209", "210", "212")
AT_ONCE = 20
"""How many phones register at the same time."""

_serial = itertools.count(secrets.randbelow(3_000_000))


def new_number() -> str:
    """Returns a caller number that was not used before."""
    serial = next(_serial)
    return f"+1{AREA_CODES[serial // 700_000 % 10]}{2_000_000 + serial % 700_000 * 10 + 1:07d}"


def _sipp(target: int, scenario: str, address: str, port: int, media: int, *options: str) -> list[str]:
    return [
        *programs.program("sipp"),
        f"127.0.0.1:{target}",
        *("-sf", str(SCENARIOS / f"{scenario}.xml")),
        *("-i", address, "-p", str(port), "-mi", address, "-mp", str(media)),
        *("-timer_resol", "1", "-nostdin", "-l", "3000", *options),
    ]


@dataclass(frozen=True)
class Calls:
    """The result of one run of callers."""

    begun: int
    failed: int
    """Calls that did not go as in the scenario on the caller's side."""
    reached: int
    """Calls that a phone answered before the caller left."""
    error: str = ""
    """What went wrong in the first failed call."""
    numbers: Sequence[str] = field(default=(), repr=False)
    """The callers' own."""
    heard: frozenset[str] = field(default=frozenset(), repr=False)
    """Numbers of those whose INVITE Asterisk answered in any way."""


class Phones:
    """Phones played by a single SIPp."""

    def __init__(self, log: Path) -> None:
        self._log = log

    @property
    def reached(self) -> int:
        """Calls answered since the start."""
        return self._log.read_text().count("reached") if self._log.exists() else 0


@contextlib.asynccontextmanager
async def phones(accounts: Sequence[tuple[str, str]], target: int, port: int, folder: Path) -> AsyncIterator[Phones]:
    """Registers the accounts (user and password) and answers their calls."""
    await register(accounts, target, port)
    log = folder / f"phones-{port}.log"
    log.unlink(missing_ok=True)
    command = _sipp(target, "phone", PHONES_ADDRESS, port, 44000, "-trace_logs", "-log_file", str(log))
    process = await _start(command, folder)
    try:
        yield Phones(log)
    finally:
        assert process.returncode is None, f"the phones' SIPp has ended: {_said(folder)}"
        process.kill()
        await process.wait()


async def run_callers(
    phones: Phones,
    scenario: str,
    lines: Sequence[str],
    target: int,
    port: int,
    folder: Path,
    *,
    count: int,
    rate: float,
    stay_milliseconds: int = 0,
) -> Calls:
    """Calls the lines in turns; returns once the last caller has gone."""
    numbers, statistics = folder / f"callers-{port}.csv", folder / f"callers-{port}.stat"
    own = [new_number() for _ in range(count)]
    rows = (f"{lines[number % len(lines)]};{caller}\n" for number, caller in enumerate(own))
    numbers.write_text("SEQUENTIAL\n" + "".join(rows))
    errors, log = folder / f"callers-{port}.errors", folder / f"callers-{port}.log"
    for file in (statistics, errors, log):
        file.unlink(missing_ok=True)
    before = phones.reached
    options = [
        *("-inf", str(numbers), "-m", str(count), "-d", str(stay_milliseconds), "-recv_timeout", "20000"),
        *_pace(rate),
        *("-trace_stat", "-stf", str(statistics), "-fd", "5"),
        *("-trace_err", "-error_file", str(errors)),
        *("-trace_logs", "-log_file", str(log)),
    ]
    process = await _start(_sipp(target, scenario, CALLERS_ADDRESS, port, 34000, *options), folder)
    try:
        async with asyncio.timeout(count / rate + stay_milliseconds / 1000 + 60):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    with statistics.open() as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    failed = count - int(last["SuccessfulCall(C)"])
    said = errors.read_text(errors="replace")[:400] if failed and errors.exists() else ""
    heard = frozenset(log.read_text().split()) if log.exists() else frozenset()
    return Calls(count, failed, phones.reached - before, said, own, heard)


def _pace(rate: float) -> list[str]:
    return ["-r", f"{rate:.0f}"] if rate >= 1 else ["-r", "1", "-rp", f"{1000 / rate:.0f}"]


async def _start(command: Sequence[str], folder: Path) -> asyncio.subprocess.Process:
    with (folder / "sipp.log").open("a") as log:
        return await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=log, cwd=folder
        )


def _said(folder: Path) -> str:
    return (folder / "sipp.log").read_text(errors="replace")[-1000:]


async def register(accounts: Sequence[tuple[str, str]], target: int, port: int, address: str = PHONES_ADDRESS) -> None:
    """Registers every account from one address, to which its calls then go."""
    loop = asyncio.get_running_loop()
    answers = _Answers()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: answers, local_addr=(address, port), remote_addr=("127.0.0.1", target)
    )
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(user: str, password: str) -> None:
        async with gate:
            await _registered(transport, answers, user, password, target, f"{address}:{port}")

    try:
        async with asyncio.TaskGroup() as group:
            for user, password in accounts:
                group.create_task(one(user, password))
    finally:
        transport.close()
        await answers.closed.wait()  # SIPp uses the port next.


async def _registered(
    transport: asyncio.DatagramTransport, answers: _Answers, user: str, password: str, target: int, contact: str
) -> None:
    call_id, uri, credentials = secrets.token_hex(8), f"sip:127.0.0.1:{target}", ""
    for sequence in (1, 2):
        request = (
            f"REGISTER {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {contact};branch=z9hG4bK{secrets.token_hex(8)}\r\n"
            f"From: <sip:{user}@127.0.0.1>;tag={call_id}\r\nTo: <sip:{user}@127.0.0.1>\r\nCall-ID: {call_id}\r\n"
            f"CSeq: {sequence} REGISTER\r\nMax-Forwards: 70\r\nContact: <sip:{user}@{contact}>\r\nExpires: 3600\r\n"
            f"{credentials}Content-Length: 0\r\n\r\n"
        )
        answer = await answers.to(transport, call_id, sequence, request)
        if answer.startswith("SIP/2.0 200"):
            return
        challenges = [line.partition(":")[2].strip() for line in answer.split("\r\n") if line.startswith("WWW-Auth")]
        challenge = digest.best(challenges)
        assert challenge, f"{user} could not register: {answer.partition(chr(13))[0]}"
        credentials = f"Authorization: {digest.answer(challenge, user, password, 'REGISTER', uri)}\r\n"
    raise AssertionError(f"{user} could not register")


class _Answers(asyncio.DatagramProtocol):
    """Final responses, by Call-ID and sequence number."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], asyncio.Future[str]] = {}
        self.closed = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def datagram_received(self, data: bytes, addr: object) -> None:
        text = data.decode(errors="replace")
        heads = dict(line.split(": ", 1) for line in text.split("\r\n")[1:] if ": " in line)
        key = (heads.get("Call-ID", ""), heads.get("CSeq", "").partition(" ")[0])
        if (waiting := self._waiting.pop(key, None)) and not waiting.done():
            waiting.set_result(text)

    async def to(self, transport: asyncio.DatagramTransport, call_id: str, sequence: int, request: str) -> str:
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[call_id, str(sequence)] = waiting
        for _ in range(8):
            transport.sendto(request.encode())
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(asyncio.shield(waiting), 0.5)
        raise AssertionError("the registrar does not answer")
