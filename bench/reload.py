"""How long callers wait for the first sound while `leaseline reload` replaces the app, and whether all hear one.

A home of its own runs as `leaseline up` runs it. Callers come at a steady rate; in each round the app is replaced once.
The callers of the seconds in which nothing is replaced are the control: `script/bench reload --rounds 3 --rate 4`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from ari_app import heartbeat
from crm import config as settings
from tests.system import port_block

CALLER, LINE = "127.4.0.1", "+15125550100"
PATIENCE = 15.0
"""Seconds after which a caller who has heard nothing hangs up and counts as lost."""
AROUND = 8.0
"""Seconds of callers before a reload is asked for, and after it is done."""
SILENT = {0xFF, 0x7F, 0xD5, 0x55}
"""Samples of silence, in mu-law and A-law."""


class Sound(asyncio.DatagramProtocol):
    """The caller's ear."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not SILENT.issuperset(data[12:]):
            self.heard.set()


class Signals(asyncio.DatagramProtocol):
    """One call as SIP: acknowledges what is final, and answers what the other side asks."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server, self.id = server, uuid.uuid4().hex
        self.to = ""
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode(errors="replace")
        if not text.startswith("SIP/2.0"):
            kept = re.findall(r"(?im)^(?:via|from|to|call-id|cseq):[^\r]*", text)
            self._send("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]))
            if text.startswith("BYE"):
                self.ended.set()
        elif re.search(r"(?im)^cseq:\s*1 INVITE", text) and int(text[8:11]) >= 200:
            self.to = re.search(r"(?im)^to:\s*([^\r]*)", text)[1]  # type: ignore[index]
            self.ask("ACK", 1)
            if int(text[8:11]) >= 300:
                self.ended.set()

    def ask(self, method: str, number: int, body: str = "") -> None:
        host, port = self.server
        contact = f"sip:{LINE}@{host}:{port}"
        heads = [
            f"{method} {contact} SIP/2.0",
            f"Via: SIP/2.0/UDP {CALLER}:{self.port};branch=z9hG4bK{self.id}{method};rport",
            "Max-Forwards: 70",
            f"From: <sip:+15125550{self.port % 1000:03}@{CALLER}>;tag={self.id}",
            f"To: {self.to or f'<{contact}>'}",
            f"Call-ID: {self.id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:caller@{CALLER}:{self.port}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._send("\r\n".join([*heads, "", body]))

    def _send(self, text: str) -> None:
        self._transport.sendto(text.encode(), self.server)


@dataclass
class Callers:
    server: tuple[str, int]
    waited: list[tuple[float, float | None]] = field(default_factory=list)
    """When each called, and the seconds until the first sound; None: there was none."""

    async def one(self) -> None:
        loop = asyncio.get_running_loop()
        rtp, sound = await loop.create_datagram_endpoint(Sound, local_addr=(CALLER, 0))
        sip, signals = await loop.create_datagram_endpoint(lambda: Signals(self.server), local_addr=(CALLER, 0))
        port = rtp.get_extra_info("sockname")[1]
        offer = f"v=0\r\no=- 1 1 IN IP4 {CALLER}\r\ns=-\r\nc=IN IP4 {CALLER}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
        began = time.perf_counter()
        try:
            signals.ask("INVITE", 1, offer)
            async with asyncio.timeout(PATIENCE):
                await sound.heard.wait()
            self.waited.append((began, time.perf_counter() - began))
        except TimeoutError:
            self.waited.append((began, None))
        finally:
            signals.ask("BYE", 2)
            rtp.close()
            sip.close()

    async def come(self, rate: float, stopped: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            while not stopped.is_set():
                group.create_task(self.one())
                await asyncio.sleep(1 / rate)


async def leaseline(home: Path, *words: str) -> None:
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("leaseline"),
        *words,
        env={**os.environ, "LEASELINE_HOME": str(home)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    if await process.wait():
        raise SystemExit(f"leaseline {' '.join(words)} failed.")


async def set_up(home: Path, first_port: int) -> None:
    await leaseline(home, "init", "--name", "Bench", "--ports-from", str(first_port))
    await leaseline(home, "config", "set", "sip.bind", "127.0.0.1")
    await leaseline(home, "property", "add", "elm", "--name", "Elm Street")
    await leaseline(home, "line", "add", LINE, "--property", "elm")
    trunk = ("--host", CALLER, "--auth", "address", "--address", CALLER)
    await leaseline(home, "trunk", "add", "bench", *trunk)


async def main(rounds: int, rate: float) -> None:
    with tempfile.TemporaryDirectory() as folder, port_block() as first_port:
        home = Path(folder) / "home"
        await set_up(home, first_port)
        config = settings.load(home)
        up = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("leaseline"),
            *("--home", str(home), "up"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            since = datetime.now(UTC)
            async with asyncio.timeout(600):  # The sentences are spoken first.
                while not heartbeat.is_connected(config, since):  # noqa: ASYNC110 - another process writes it
                    await asyncio.sleep(0.1)
            callers, stopped = Callers(("127.0.0.1", config.ports.sip)), asyncio.Event()
            coming = asyncio.create_task(callers.come(rate, stopped))
            spans: list[tuple[float, float]] = []
            for _ in range(rounds):
                await asyncio.sleep(AROUND)
                began = time.perf_counter()
                await leaseline(home, "reload")
                spans.append((began, time.perf_counter()))
            await asyncio.sleep(AROUND)
            stopped.set()
            await coming
            tell(callers, spans)
        finally:
            await leaseline(home, "down", "--now")
            await up.wait()


def tell(callers: Callers, spans: list[tuple[float, float]]) -> None:
    def within(began: float) -> bool:
        return any(start <= began < end + 1 for start, end in spans)

    for name, during in (("otherwise (control)", False), ("during a reload", True)):
        waited = [seconds for began, seconds in callers.waited if within(began) is during]
        heard = sorted(seconds for seconds in waited if seconds is not None)
        middle, slowest = (heard[len(heard) // 2], heard[-1]) if heard else (0.0, 0.0)
        print(
            f"{name}: {len(waited)} callers, {len(waited) - len(heard)} heard nothing; first sound after "
            f"{middle:.2f} s (median), {slowest:.2f} s (slowest)"
        )
    print("a reload took " + ", ".join(f"{end - start:.1f}" for start, end in spans) + " s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=4, help="Callers a second.")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.rounds, arguments.rate))
