"""One caller and one phone with precise timing: how long from the key until the INVITE reaches the phone."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import socket
import struct
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

from bench.call.offices import CALLERS_PORT, PASSWORD, PHONES_PORT, Office, agent_of
from bench.call.sipp import CALLERS_ADDRESS, PHONES_ADDRESS, new_number, register

GREETING_SECONDS = 0.4
"""Time from the answer to the key."""
TALK_SECONDS = 0.1
ANSWER_SECONDS = 20.0

SDP = (
    "v=0\r\no=probe 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)
KEY, KEY_SECONDS = 2, 0.1


def _header(message: str, name: str) -> str:
    found = re.search(rf"^{name}: *(.*?)\r$", message, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""


class Phone(asyncio.DatagramProtocol):
    """A phone that answers every call at once."""

    def __init__(self) -> None:
        self.invited: asyncio.Future[float] | None = None
        """The time at which the next INVITE arrives."""
        self.in_talk = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        now = time.perf_counter()
        request = data.decode(errors="replace")
        match request.partition(" ")[0]:
            case "INVITE":
                if self.invited and not self.invited.done():
                    self.invited.set_result(now)
                self._answer(request, addr, SDP.format(address=PHONES_ADDRESS, port=44000))
            case "ACK":
                self.in_talk.set()
            case "SIP/2.0":
                pass
            case _:
                self._answer(request, addr)

    def _answer(self, request: str, addr: tuple[str, int], body: str = "") -> None:
        vias = [line for line in request.split("\r\n") if line.lower().startswith("via:")]
        to = _header(request, "To")
        own = self._transport.get_extra_info("sockname")
        heads = [
            *vias,
            f"From: {_header(request, 'From')}",
            f"To: {to if 'tag=' in to else f'{to};tag=probe'}",
            f"Call-ID: {_header(request, 'Call-ID')}",
            f"CSeq: {_header(request, 'CSeq')}",
            f"Contact: <sip:{own[0]}:{own[1]}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._transport.sendto("\r\n".join(["SIP/2.0 200 OK", *heads, "", body]).encode(), addr)


@dataclass
class Caller(asyncio.DatagramProtocol):
    """A caller that places one call at a time."""

    own: str
    target: str
    answers: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        message = data.decode(errors="replace")
        if message.startswith("SIP/2.0"):
            self.answers.put_nowait(message)

    async def call(self, line: str, phone: Phone) -> float:
        """Returns the seconds from the release of the key until the phone's INVITE."""
        self._number, self._line, self._call_id = new_number(), line, secrets.token_hex(8)
        self._to, self._uri = f"<sip:{line}@127.0.0.1>", f"sip:{line}@{self.target}"
        phone.invited = asyncio.get_running_loop().create_future()
        phone.in_talk.clear()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sound:
            sound.bind((CALLERS_ADDRESS, 0))
            body = SDP.format(address=CALLERS_ADDRESS, port=sound.getsockname()[1])
            self._send("INVITE", 1, body, "application/sdp")
            answered = await self._answer("1 INVITE")
            self._to = _header(answered, "To")
            self._uri = _header(answered, "Contact").strip("<>")
            self._send("ACK", 1)
            await asyncio.sleep(GREETING_SECONDS)
            found = re.search(r"^m=audio (\d+) ", answered, re.MULTILINE)
            assert found, "the answer has no sound"
            sound.connect(("127.0.0.1", int(found[1])))
            pressed = await self._press(sound)
        rang = await asyncio.wait_for(phone.invited, ANSWER_SECONDS)
        await asyncio.wait_for(phone.in_talk.wait(), ANSWER_SECONDS)
        await asyncio.sleep(TALK_SECONDS)
        self._send("BYE", 2)
        await self._answer("2 BYE")
        return rang - pressed

    async def _press(self, sound: socket.socket) -> float:
        """Presses the key as a telephone event (RFC 4733); returns the time of its release."""
        source, stamp = secrets.randbits(32), secrets.randbits(16)

        def event(number: int, *, is_end: bool) -> None:
            head = struct.pack("!BBHII", 0x80, 101 | (0x80 if number == 0 else 0), number, stamp, source)
            samples = 160 * (number + 1)
            sound.send(head + struct.pack("!BBH", KEY, (0x80 if is_end else 0) | 10, samples))

        for number in range(round(KEY_SECONDS / 0.02)):
            event(number, is_end=False)
            await asyncio.sleep(0.02)
        let_go = time.perf_counter()
        for again in range(3):
            event(number + 1 + again, is_end=True)
        return let_go

    def _send(self, method: str, sequence: int, body: str = "", kind: str = "") -> None:
        heads = [
            f"{method} {self._uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.own};branch=z9hG4bK{secrets.token_hex(8)}",
            f"From: <sip:{self._number}@{self.own}>;tag={self._call_id}",
            f"To: {self._to}",
            f"Call-ID: {self._call_id}",
            f"CSeq: {sequence} {method}",
            f"Contact: <sip:bench@{self.own}>",
            "Max-Forwards: 70",
            *([f"Content-Type: {kind}"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._transport.sendto("\r\n".join([*heads, "", body]).encode())

    async def _answer(self, sequence: str) -> str:
        """Returns the final response, which has to be a success."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                message = await self.answers.get()
                status = message.split(" ", 2)[1]
                if _header(message, "CSeq") == sequence and _header(message, "Call-ID") == self._call_id:
                    assert status < "300", f"{sequence} was answered {status}"
                    if status >= "200":
                        return message


@dataclass
class Probe:
    caller: Caller
    phone: Phone

    async def key_to_invite(self, line: str) -> float:
        return await self.caller.call(line, self.phone)


@contextlib.asynccontextmanager
async def probe(office: Office) -> AsyncIterator[Probe]:
    """Yields a caller and the phone of the first agent, which is registered; it has its address to itself."""
    loop, ports = asyncio.get_running_loop(), office.config.ports
    port = ports.demo + PHONES_PORT
    await register([(agent_of(0), PASSWORD)], ports.sip, port)
    in_phone, phone = await loop.create_datagram_endpoint(Phone, local_addr=(PHONES_ADDRESS, port))
    own = (CALLERS_ADDRESS, ports.demo + CALLERS_PORT)
    in_caller, caller = await loop.create_datagram_endpoint(
        lambda: Caller(f"{own[0]}:{own[1]}", f"127.0.0.1:{ports.sip}"),
        local_addr=own,
        remote_addr=("127.0.0.1", ports.sip),
    )
    try:
        await asyncio.sleep(1)
        yield Probe(caller, phone)
    finally:
        in_caller.close()
        in_phone.close()
