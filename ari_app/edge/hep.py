"""INVITEs as seen by Asterisk's SIP stack, and its answers: res_hep_pjsip sends us a copy of each SIP message.

The packets are HEPv3 (https://github.com/sipcapture/HEP/blob/master/docs/HEP3NetworkProtocolSpecification_REV26.pdf),
and contain SIP. They only serve as evidence: whatever is received, nothing here raises.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

GIVEN_UP = timedelta(seconds=35)
"""After this time nobody sends an INVITE again that has had no answer (RFC 3261, timer B: 32 s)."""
IGNORED = 408
"""What the sender makes of no answer at all."""
_COPIES = 3
"""How often an INVITE has come that counts as ignored: fewer may have been answered in a packet that we have missed."""
_SOURCE, _DESTINATION, _SOURCE_PORT, _PASSWORD, _TEXT = 0x03, 0x04, 0x07, 0x0E, 0x0F
"""Kinds of chunks: IPv4 addresses of sender and receiver, the sender's port, hep.conf's capture_password, the
message."""
_MOST_INVITES = 1000
"""INVITEs kept until they are answered; beyond that, the oldest is dropped."""
_LONGEST, _LONGEST_VALUE, _MOST_VALUES = 16_384, 300, 4
"""Limits of a message's head and of a header (characters), and of headers with the same name; the rest is not read."""
_MOST_BYTES = 2_000_000
"""Of all INVITEs that are kept."""
_LONGEST_PACKET = 65_535
_PAUSE_SECONDS = 0.1
_MOST_AT_ONCE = 500
"""Packets within a pause; those of 200 calls a second."""
_ROOM_BYTES = 1_000_000
"""For packets that wait until the pause is over, with what the system keeps about them."""
_NEEDED = ("call-id", "cseq", "to")
_COMPACT = {"f": "from", "t": "to", "i": "call-id"}
_SENT = re.compile(r"INVITE (\S{1,300}) SIP/2\.0\r?\n", re.ASCII)
_BEGINS = re.compile(rb"\0\0\0\x0f..(?:INVITE |SIP/2\.0 (?P<status>[1-6]\d\d)[ \r\n])", re.DOTALL)
"""The head of the chunk with the message, and how messages begin that may be of interest."""
_CALL_ID = re.compile(rb"\n(?:Call-ID|i)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE)
_OF_INVITE = re.compile(rb"\nCSeq[ \t]*:[ \t]*\d+[ \t]+INVITE[ \t]*[\r\n]", re.IGNORECASE)


@dataclass(frozen=True)
class MessagePath:
    """Where a message came from and where it went."""

    source: str
    """IPv4."""
    port: int
    destination: str
    """IPv4."""

    def is_in(self, ports: Collection[int]) -> bool:
        """Whether somebody else sent it to us; we send from these ports."""
        return _is_ours(self.destination) and not (self.port in ports and _is_ours(self.source))


@dataclass(frozen=True)
class InviteAnswer:
    """An answer to an INVITE that begins a call."""

    status: int
    """180 to 699."""
    way: MessagePath
    """Path of the INVITE."""
    uri: str
    """In the INVITE's request line."""
    headers: Mapping[str, tuple[str, ...]]
    """Headers of the INVITE, by name in lower case."""

    @property
    def call(self) -> str:
        """Its Call-ID."""
        return self.headers["call-id"][0]

    @property
    def user(self) -> str:
        """The user for whom the INVITE has credentials; "" for none."""
        shown = (*self.headers.get("authorization", ()), *self.headers.get("proxy-authorization", ()))
        found = (re.search(r'\busername="([^"]*)"', one) for one in shown)
        return next((match[1] for match in found if match), "")


def read(packet: bytes, password: str) -> tuple[MessagePath, str] | None:
    """Path and text of a packet; None if it is not such a packet, or not from our Asterisk."""
    if packet[:4] != b"HEP3" or len(packet) < 6 or struct.unpack_from("!H", packet, 4)[0] != len(packet):
        return None
    chunks: dict[int, bytes] = {}
    offset = 6
    while offset < len(packet):
        if len(packet) - offset < 6:
            return None
        vendor, kind, length = struct.unpack_from("!HHH", packet, offset)
        if length < 6 or offset + length > len(packet):
            return None
        if vendor == 0:
            chunks.setdefault(kind, packet[offset + 6 : offset + length])
        offset += length
    source, port, destination = (chunks.get(kind, b"") for kind in (_SOURCE, _SOURCE_PORT, _DESTINATION))
    if (len(source), len(port), len(destination)) != (4, 2, 4) or chunks.get(_PASSWORD) != password.encode():
        return None
    way = MessagePath(socket.inet_ntoa(source), int.from_bytes(port, "big"), socket.inet_ntoa(destination))
    return way, chunks.get(_TEXT, b"")[:_LONGEST].decode("utf-8", "replace")


class Invites:
    """Finds the INVITE for each answer that somebody wants to hear of.

    Nearly all messages are about calls that go well. So of an INVITE only its Call-ID is read, of an answer its status
    and, if it is a final one, what it answers; both as a whole when they are wanted.
    """

    def __init__(
        self,
        headers: Collection[str],
        password: str,
        wants: Callable[[int], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`headers`: those that somebody reads, names in lower case; `wants`: whether an answer with this status is
        of interest now."""
        self._wanted = {*headers, "to", "call-id", "cseq", "authorization", "proxy-authorization"}
        self._password, self._wants = password, wants
        self._proof = password.encode()
        self._kept: dict[bytes, bytes] = {}
        """The latest INVITE of each Call-ID that has no final answer, as it came."""
        self._bytes = 0
        """Of all of them."""
        self._clock = clock
        self._ignored: dict[bytes, tuple[float, int]] = {}
        """Of those that have had no answer, not even 100: since when, and how often they have come."""

    def hear(self, packet: bytes) -> InviteAnswer | None:
        """What a packet says of an INVITE that began a call, if that is wanted."""
        begins = _BEGINS.search(packet)
        if begins is None:
            return None
        if begins["status"] is None:
            self._keep(packet, begins.end())
            return None
        status = int(begins["status"])
        if self._ignored:
            self._ignored.pop(_call_id(packet, begins.end()), None)
        is_wanted, is_final = status >= 180 and self._wants(status), status >= 200
        if not (is_wanted or is_final):
            return None
        call = _call_id(packet, begins.end())
        if not (invite := self._kept.get(call)):
            return None
        found = self._match(status, packet, invite) if is_wanted else None
        if is_final and self._proof in packet and _OF_INVITE.search(packet, begins.end()):
            self._forget(call)
        return found

    def unanswered(self) -> list[InviteAnswer]:
        """INVITEs that were sent again and again, and have had no answer for GIVEN_UP. Each is returned once."""
        until = self._clock() - GIVEN_UP.total_seconds()
        over = [call for call, (since, _) in self._ignored.items() if since <= until]
        found = []
        for call in over:
            _, copies = self._ignored.pop(call)
            if copies >= _COPIES and (invite := self._kept.get(call)) and (one := self._begun(IGNORED, invite)):
                found.append(one)
                self._forget(call)
        return found

    def _match(self, status: int, packet: bytes, invite: bytes) -> InviteAnswer | None:
        answered, found = read(packet, self._password), self._begun(status, invite)
        if answered is None or found is None:
            return None
        of_answer = _headers(answered[1], self._wanted)
        if not all(of_answer.get(name) for name in _NEEDED):
            return None
        if any(found.headers[name][0].split() != of_answer[name][0].split() for name in ("call-id", "cseq")):
            return None
        return found

    def _begun(self, status: int, invite: bytes) -> InviteAnswer | None:
        """An INVITE with what was answered; None unless it begins a call."""
        sent = read(invite, self._password)
        if sent is None or not (line := _SENT.match(sent[1])):
            return None
        headers = _headers(sent[1], self._wanted)
        if not all(headers.get(name) for name in _NEEDED):
            return None
        if ";tag=" in headers["to"][0].rpartition(">")[2].replace(" ", ""):
            return None  # Sent within a call.
        return InviteAnswer(status, sent[0], line[1], headers)

    def _keep(self, packet: bytes, after: int) -> None:
        if self._proof not in packet or not (call := _call_id(packet, after)):
            return
        since, copies = self._ignored.get(call, (self._clock(), 0))
        self._forget(call)
        self._kept[call], self._ignored[call] = packet, (since, copies + 1)
        self._bytes += len(packet)
        while len(self._kept) > _MOST_INVITES or self._bytes > _MOST_BYTES:
            self._forget(next(iter(self._kept)))

    def _forget(self, call: bytes) -> None:
        self._bytes -= len(self._kept.pop(call, b""))
        self._ignored.pop(call, None)


@asynccontextmanager
async def listening(port: int, invites: Invites, on_answer: Callable[[InviteAnswer], None]) -> AsyncIterator[None]:
    """Calls `on_answer` for each answer while the block runs. Raises OSError if the port is in use.

    A call has some twenty messages, in bursts of several within milliseconds, and nobody is in a hurry to know of them.
    So after each look at what has come there is a pause: otherwise each message would wake the process.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as packets:
        packets.setblocking(False)
        # The system may give less room than that.
        packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM_BYTES)
        packets.bind(("127.0.0.1", port))

        # A number, because Python would write all about a socket each time it finds that it is not being read.
        file = packets.fileno()
        pause: asyncio.Handle

        def listen() -> None:
            loop.add_reader(file, look)

        def look() -> None:
            nonlocal pause
            loop.remove_reader(file)
            pause = loop.call_later(_PAUSE_SECONDS, listen)
            take()

        def take() -> None:
            with contextlib.suppress(OSError):  # BlockingIOError: there are no more.
                for _ in range(_MOST_AT_ONCE):
                    if answer := invites.hear(packets.recv(_LONGEST_PACKET)):
                        on_answer(answer)

        pause = loop.call_soon(listen)
        try:
            yield
        finally:
            pause.cancel()
            loop.remove_reader(file)
            take()


def _call_id(packet: bytes, after: int) -> bytes:
    found = _CALL_ID.search(packet, after)
    return found[1].strip() if found else b""


def _headers(text: str, wanted: Collection[str]) -> dict[str, tuple[str, ...]]:
    head = re.split(r"\r?\n\r?\n", text, maxsplit=1)[0]
    found: dict[str, tuple[str, ...]] = {}
    # A line that starts with white space continues the previous one (RFC 3261, 7.3.1).
    for line in re.sub(r"\r?\n[ \t]+", " ", head).split("\n")[1:]:
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        name = _COMPACT.get(name, name)
        values = found.get(name, ())
        if colon and name in wanted and len(values) < _MOST_VALUES:
            found[name] = (*values, value.strip()[:_LONGEST_VALUE])
    return found


def _is_ours(address: str) -> bool:
    """Whether this machine has the address: others cannot be bound to."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
