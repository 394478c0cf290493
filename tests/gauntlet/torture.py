"""Broken SIP over UDP, TCP and TLS: torture tests in the way of RFC 4475, and mutations of every request and answer."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections.abc import Callable

from tests.gauntlet.scene import Scene
from tests.system import ELM, System

SEED = 4475
"""The same messages at each run."""
PER_SECOND = 250
PER_CONNECTION = 20
"""Messages over one TCP or TLS connection."""
SHARES = (("udp", 70), ("tcp", 20), ("tls", 10))
METHODS = (
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "REGISTER",
    "SUBSCRIBE",
    "NOTIFY",
    "PUBLISH",
    "MESSAGE",
    "REFER",
    "INFO",
    "UPDATE",
    "PRACK",
    "FOO",
)
SDP = (
    "v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
)
TORTURES = (
    "Content-Length: -999",
    "Content-Length: 99999999999999999999",
    "Content-Length: 7\r\nContent-Length: 9",
    "CSeq: 36893488147419103232 INVITE",
    "CSeq: -1 INVITE",
    "Max-Forwards: 0",
    "Max-Forwards: 300",
    "Max-Forwards: x",
    "Expires: 10000000000000000000",
    "Via: SIP/2.0/UDP",
    'Via: SIP/2.0/UDP [::::1]:5060;branch=z9hG4bK\\"',
    "Via: " + "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx, " * 60 + "SIP/2.0/UDP 10.0.0.1",
    "Contact: *",
    "Contact: <sip:",
    "Contact: <sip:a@[fe80::1%25eth0]:99999>",
    "From: <sip:a@b>;tag=",
    'From: "unterminated <sip:a@b>',
    "To: ???",
    "Route: <sip:127.0.0.1:1;lr>, <sip:%00@x>",
    "Record-Route: <>",
    "Authorization: Digest",
    'Authorization: Digest username="' + "a" * 4000 + '"',
    "Proxy-Authorization: NTLM x",
    "Require: 100rel, nothing, replaces",
    "Content-Type: application/" + "x" * 900,
    "Date: Fri, 01 Jan 2010 16:00:00 EST",
    "Content-Type: multipart/mixed;boundary=",
    "Content-Encoding: gzip",
    "Session-Expires: 1",
    "Min-SE: 0",
    "Session-Expires: 4294967296;refresher=both",
    "Replaces: ;to-tag=;from-tag=",
    "Event: " + ";".join("a=b" for _ in range(300)),
    'Warning: 1812 x "y"',
    "Call-ID: \x00\x01\x02",
    "Subject: \x7f\x1b[2J",
    "Identity: " + "A" * 3000,
    "Geolocation: <cid:x@y>",
    " folded\r\n\tinto: nothing",
    ": no name",
    "NoColon",
    "Reason: SIP;cause=-1",
    "Join: x",
    "Timestamp: 99999999999999999999",
)


def messages(count: int, scene: Scene) -> list[bytes]:
    dice = random.Random(SEED)
    return [_mutated(dice, _message(dice, number, scene)) for number in range(count)]


def _message(dice: random.Random, number: int, scene: Scene) -> bytes:
    host, port = scene.server
    method = dice.choice(METHODS)
    user = dice.choice((ELM, "101", "alice-desk", "", "a" * 600, "%00", "x;y=z", "19005550123"))
    first = dice.choice(
        (f"{method} sip:{user}@{host}:{port} SIP/2.0",) * 6
        + (
            f"SIP/2.0 {dice.choice((100, 180, 200, 302, 401, 503, 699, 0, 99999))} Hello",
            f"{method}  sip:x  SIP/7.0",
            f"{method} http://x SIP/2.0",
            f"{method} sip:{user}@{host}:{port}",
        )
    )
    lines = [
        first,
        f"Via: SIP/2.0/UDP 127.0.0.77:5099;rport;branch=z9hG4bKt{number}",
        f"From: <sip:t{number % 50}@x>;tag=t{number}",
        f"To: <sip:{user}@{host}>",
        f"Call-ID: torture-{number}",
        f"CSeq: {number % 90000} {method}",
        "Contact: <sip:t@127.0.0.77:5099>",
        "Max-Forwards: 70",
        *dice.sample(TORTURES, dice.randint(0, 3)),
    ]
    body = dice.choice(("", "", SDP, SDP.replace("m=audio 9", "m=audio 99999999"), "v=0\r\n" * 200, "\x00" * 40))
    if body:
        lines.append("Content-Type: application/sdp")
    lines += [f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(lines).encode("latin-1", "replace")


def _mutated(dice: random.Random, message: bytes) -> bytes:
    """Some messages go as they are, others with bytes changed, missing, doubled or cut off."""
    data = bytearray(message)
    for _ in range(dice.choice((0, 0, 1, 2, 5, 20))):
        place = dice.randrange(len(data))
        match dice.randrange(5):
            case 0:
                data[place] = dice.randrange(256)
            case 1:
                del data[place : place + dice.randint(1, 12)]
            case 2:
                data[place:place] = bytes(data[place : place + dice.randint(1, 200)])
            case 3:
                data[place:place] = bytes(dice.randrange(256) for _ in range(dice.randint(1, 8)))
            case 4:
                del data[place:]
        if not data:
            return b"\r\n\r\n"
    return bytes(data[:60000])


async def attack(system: System, scene: Scene, count: int, progress: Callable[[str], None]) -> int:
    """Sends so many; what comes back is nobody's."""
    todo = messages(count, scene)
    places = {"udp": 0}
    begin = 0
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.77", 0))
    try:
        for way, share in SHARES:
            end = begin + count * share // 100
            some, begin = todo[begin:end], end
            places[way] = len(some)
            step = PER_SECOND // 5 if way == "udp" else PER_CONNECTION
            for start in range(0, len(some), step):
                batch = some[start : start + step]
                if way == "udp":
                    for message in batch:
                        transport.sendto(message, scene.server)
                else:
                    await _connect(system, batch, way == "tls")
                progress(f"{way}: {start + len(batch)} of {len(some)}")
                await asyncio.sleep(len(batch) / PER_SECOND)
    finally:
        transport.close()
    return sum(places.values())


async def _connect(system: System, batch: list[bytes], is_tls: bool) -> None:
    """Several messages over one connection; Asterisk may end it at any of them."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    port = system.config.ports.sips if is_tls else system.config.ports.sip
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(5):
            _, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=context if is_tls else None, local_addr=("127.0.0.77", 0)
            )
            try:
                for message in batch:
                    writer.write(message)
                    await writer.drain()
            finally:
                writer.close()
