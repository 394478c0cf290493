"""Too much of everything: calls that nobody confirms, connections that say nothing, passwords that are wrong."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable

import aiohttp

from tests.gauntlet.party import Party, party
from tests.gauntlet.scene import Scene
from tests.system import ELM, System

HELD_SECONDS = 4
"""So long all connections are held, while the webhook is asked for."""


async def calls_without_ack(scene: Scene, count: int, progress: Callable[[str], None]) -> int:
    """INVITEs of a carrier's, each with credentials and from another number; no answer is ever confirmed."""
    host, port = scene.server
    async with party(scene.server, "trunk-evil", scene.secrets["trunk-evil"]) as one:

        async def invite(number: int) -> None:
            await one.request(
                "INVITE",
                f"sip:{ELM}@{host}:{port}",
                body=one.offer(),
                within=2.0,
                sender=f"<sip:+1512561{number:04d}@carrier.example>;tag={uuid.uuid4().hex[:8]}",
            )

        for start in range(0, count, 25):
            await asyncio.gather(*(invite(number) for number in range(start, min(count, start + 25))))
            progress(f"{start} calls that nobody confirms")
    return count


async def idle_connections(system: System, count: int, progress: Callable[[str], None]) -> tuple[int, int]:
    """Holds connections to both web listeners open, half of them with half a request, and asks for the webhook all the
    while. Returns how many there were, and how often the webhook answered that it was too busy, or nothing."""
    held: list[asyncio.StreamWriter] = []
    failed = 0
    try:
        for number in range(count):
            port = system.config.ports.web if number % 2 else system.config.ports.webhooks
            with contextlib.suppress(OSError):
                ours = (f"127.0.0.{80 + number % 4}", 0)
                _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=ours)
                if number % 3 == 0:
                    writer.write(b"POST /texts/twilio HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
                held.append(writer)
            if number % 20 == 0:
                failed += await _is_busy(system)
                progress(f"{number} idle connections")
        for _ in range(HELD_SECONDS):
            failed += await _is_busy(system)
            await asyncio.sleep(1)
    finally:
        for writer in held:
            writer.close()
    return count, failed


async def _is_busy(system: System) -> bool:
    url = f"http://127.0.0.1:{system.config.ports.webhooks}/texts/twilio"
    limit = aiohttp.ClientTimeout(total=5)
    try:
        async with aiohttp.ClientSession(timeout=limit) as session, session.post(url, data="x=y") as response:
            return response.status >= 500
    except (aiohttp.ClientError, TimeoutError):
        return True


async def wrong_passwords(scene: Scene, count: int, progress: Callable[[str], None]) -> int:
    """REGISTERs with a phone's name and a wrong password, from addresses of their own."""
    parties: list[Party] = []
    async with contextlib.AsyncExitStack() as stack:
        for number in range(4):
            made = party(scene.server, "alice-desk", "wrong", address=f"127.0.0.{90 + number}")
            parties.append(await stack.enter_async_context(made))
        for start in range(0, count, 20):
            await asyncio.gather(
                *(
                    parties[number % 4].request(
                        "REGISTER", f"sip:{scene.server[0]}:{scene.server[1]}", headers=["Expires: 60"], within=1.0
                    )
                    for number in range(start, min(count, start + 20))
                )
            )
            progress(f"{start} wrong passwords")
    return count
