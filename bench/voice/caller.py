"""A caller: SIP and RTP (PCMU) on loopback, who notes when they sent and heard something."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import struct
import time
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]
"""8 kHz, -1 to 1."""

RATE = 8000
FRAME = 160
LOUD = 0.004
"""RMS of a packet in which somebody speaks."""
_SILENCE = bytes([0xFF]) * FRAME


def _mulaw() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """From PCM16 + 32768 to mu-law, and from mu-law to -1 to 1 (ITU-T G.711)."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = ((code >> 4) & 7).astype(int), (code & 15).astype(int)
    value = (((mantissa << 3) + 132) << exponent) - 132
    level = np.where(code & 0x80, -value, value)
    order = np.argsort(level, kind="stable")
    nearest = np.searchsorted((level[order][1:] + level[order][:-1]) / 2, np.arange(-32768, 32768))
    return order[nearest].astype(np.uint8), (level / 32768).astype(np.float32)


_TO_MULAW, _FROM_MULAW = _mulaw()


def packets(sound: Sound) -> bytes:
    return bytes(_TO_MULAW[(np.clip(sound, -1, 1) * 32767).astype(int) + 32768].tobytes())


@dataclass
class Said:
    """When the first and the last sound of something said were sent."""

    began: float
    ended: float


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, hear: object) -> None:
        self._hear = hear

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._hear(data, addr)  # type: ignore[operator]


class BenchCaller:
    def __init__(self, address: str, server: tuple[str, int], line: str) -> None:
        self._address, self._server, self._line = address, server, line
        self._tag, self._call_id = f"{random.getrandbits(32):x}", f"{random.getrandbits(64):x}@bench"
        self._up, self._over, self._silent = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._to, self._target = f"<sip:{line}@{server[0]}>", f"sip:{line}@{server[0]}:{server[1]}"
        self._peer: tuple[str, int] | None = None
        self._queue: deque[tuple[bytes, bool]] = deque()
        self.answered_at = 0.0
        self.heard: list[tuple[float, float]] = []
        """When each packet came, and its RMS."""
        self._sent: list[float] = []
        """When each packet with sound was sent."""

    async def call(self) -> None:
        loop = asyncio.get_running_loop()
        self._sip, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._signal), (self._address, 0))
        self._rtp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._audio), (self._address, 0))
        port = self._rtp.get_extra_info("sockname")[1]
        sdp = (
            f"v=0\r\no=- 1 1 IN IP4 {self._address}\r\ns=-\r\nc=IN IP4 {self._address}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0\r\na=ptime:20\r\n"
        )
        for _ in range(5):
            self._request("INVITE", 1, sdp)
            # A datagram may get lost.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(3):
                    await self._up.wait()
                    break
        assert self._up.is_set(), "the call was not answered"
        self._sending = asyncio.create_task(self._send())

    def _request(self, method: str, sequence: int, body: str = "") -> None:
        own = self._sip.get_extra_info("sockname")
        head = (
            f"{method} {self._target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {own[0]}:{own[1]};branch=z9hG4bK{self._tag}{method}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:+1617555{random.randrange(10000):04d}@{own[0]}>;tag={self._tag}\r\n"
            f"To: {self._to}\r\nCall-ID: {self._call_id}\r\nCSeq: {sequence} {method}\r\n"
            f"Contact: <sip:bench@{own[0]}:{own[1]}>\r\n"
        )
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self._sip.sendto(f"{head}{kind}Content-Length: {len(body)}\r\n\r\n{body}".encode(), self._server)

    def _signal(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode(errors="replace")
        if text.startswith("SIP/2.0 200") and "INVITE" in text and not self._up.is_set():
            self.answered_at = time.monotonic()
            self._to = _found(r"^To: *(.*)$", text)
            self._target = _found(r"^Contact: *<([^>]+)>", text)
            self._peer = _found(r"c=IN IP4 (\S+)", text), int(_found(r"m=audio (\d+)", text))
            self._request("ACK", 1)
            self._up.set()
        elif text.startswith("BYE"):
            kept = [
                line for line in text.split("\r\n") if line.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")
            ]
            self._sip.sendto("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode(), addr)
            self._over.set()

    def _audio(self, data: bytes, addr: tuple[str, int]) -> None:
        sound = _FROM_MULAW[np.frombuffer(data[12:], np.uint8)]
        self.heard.append((time.monotonic(), float(np.sqrt(np.mean(sound**2)))))

    async def _send(self) -> None:
        assert self._peer
        number, source, due = random.getrandbits(15), random.getrandbits(32), time.monotonic()
        while not self._over.is_set():
            payload, is_loud = self._queue.popleft() if self._queue else (_SILENCE, False)
            if not self._queue:
                self._silent.set()
            head = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * FRAME & 0xFFFFFFFF, source)
            self._rtp.sendto(head + payload, self._peer)
            if is_loud:
                self._sent.append(time.monotonic())
            number += 1
            due += 0.02
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def say(self, sound: Sound) -> Said:
        """Says something, and returns once it was sent."""
        frames = [sound[at : at + FRAME] for at in range(0, len(sound) - FRAME + 1, FRAME)]
        before = len(self._sent)
        for frame in frames:
            self._queue.append((packets(frame), bool(np.sqrt(np.mean(frame**2)) > 0.01)))
        self._silent.clear()
        async with asyncio.timeout(len(sound) / RATE + 5):
            await self._silent.wait()
        return Said(self._sent[before], self._sent[-1] + 0.02)

    async def hears_after(self, at: float, seconds: float) -> float | None:
        """When the caller first hears something after a time; None: not within `seconds` of it."""
        while time.monotonic() < at + seconds:
            if found := next((when for when, rms in self.heard if when > at and rms > LOUD), None):
                return found
            await asyncio.sleep(0.02)
        return None

    async def hears_nothing(self, seconds: float) -> None:
        """Waits until nothing was heard for this long."""
        left = seconds
        while left > 0:
            await asyncio.sleep(left)
            left = self._last_heard() + seconds - time.monotonic()

    def _last_heard(self) -> float:
        return next((when for when, rms in reversed(self.heard) if rms > LOUD), 0.0)

    async def hang_up(self) -> None:
        self._request("BYE", 2)
        self._over.set()
        await asyncio.gather(self._sending)
        await asyncio.sleep(0.2)
        self._sip.close()
        self._rtp.close()


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    assert match, f"no {pattern} in a SIP message"
    return match[1].strip()
