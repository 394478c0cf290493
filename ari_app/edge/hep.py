"""INVITEs as seen by Asterisk's SIP stack, and its answers: res_hep_pjsip sends us a copy of each SIP message.

The packets are HEPv3 (https://github.com/sipcapture/HEP/blob/master/docs/HEP3NetworkProtocolSpecification_REV26.pdf),
and contain SIP. They only serve as evidence: whatever is received, nothing here raises.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

_SOURCE, _DESTINATION, _SOURCE_PORT, _PASSWORD, _TEXT = 0x03, 0x04, 0x07, 0x0E, 0x0F
"""Kinds of chunks: IPv4 addresses of sender and receiver, the sender's port, hep.conf's capture_password, the
message."""
_MOST_INVITES = 1000
"""INVITEs kept until they are answered; beyond that, the oldest is dropped."""
_LONGEST, _LONGEST_VALUE, _MOST_VALUES = 16_384, 300, 4
"""Limits of a message's head and of a header (characters), and of headers with the same name; the rest is not read."""
_COMPACT = {"f": "from", "t": "to", "i": "call-id"}
_SENT = re.compile(r"INVITE (\S{1,300}) SIP/2\.0", re.ASCII)
_ANSWERED = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: |$)", re.ASCII)


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
    """Finds the INVITE that belongs to each answer."""

    def __init__(self, headers: Collection[str]) -> None:
        """`headers` are the ones to keep, by name in lower case."""
        self._wanted = {*headers, "to", "call-id", "cseq", "authorization", "proxy-authorization"}
        self._waiting: dict[tuple[str, str], InviteAnswer] = {}

    def answer(self, way: MessagePath, text: str) -> InviteAnswer | None:
        """The answer that a message gives to an INVITE that began a call; None for any other message, and for 100."""
        first = text.partition("\n")[0].rstrip("\r")
        sent, answered = _SENT.fullmatch(first), _ANSWERED.match(first)
        if not (sent or answered):
            return None
        headers = _headers(text, self._wanted)
        if not all(headers.get(name) for name in ("call-id", "cseq", "to")):
            return None
        key = headers["call-id"][0], " ".join(headers["cseq"][0].split())
        if sent:
            if ";tag=" not in headers["to"][0].rpartition(">")[2].replace(" ", ""):
                self._waiting[key] = InviteAnswer(0, way, sent[1], headers)
                while len(self._waiting) > _MOST_INVITES:
                    del self._waiting[next(iter(self._waiting))]
            return None
        assert answered is not None
        status = int(answered[1])
        if status < 180:
            return None
        invite = self._waiting.get(key) if status < 200 else self._waiting.pop(key, None)
        return InviteAnswer(status, invite.way, invite.uri, invite.headers) if invite else None


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, password: str, invites: Invites, on_answer: Callable[[InviteAnswer], None]) -> None:
        self._password, self._invites, self._on_answer = password, invites, on_answer

    def datagram_received(self, data: bytes, addr: object) -> None:
        if (message := read(data, self._password)) and (answer := self._invites.answer(*message)):
            self._on_answer(answer)


@asynccontextmanager
async def listening(
    port: int, password: str, headers: Collection[str], on_answer: Callable[[InviteAnswer], None]
) -> AsyncIterator[None]:
    """Calls `on_answer` for each answer while the block runs. Raises OSError if the port is taken."""
    listener = _Listener(password, Invites(headers), on_answer)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: listener, local_addr=("127.0.0.1", port))
    try:
        yield
    finally:
        transport.close()


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
