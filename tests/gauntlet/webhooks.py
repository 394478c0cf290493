"""Forged and broken requests to the carriers' webhooks and the people's pages: none may be taken, none may fail."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable

import aiohttp
from sqlalchemy import func, select

from crm.store.models import Message
from tests.system import ELM, System

SEED = 7515
SIDE_BY_SIDE = 8
PATHS = (
    "/texts/twilio",
    "/texts/twilio/status",
    "/texts/telnyx",
    "/texts/twilio/",
    "/texts",
    "/tours/x",
    "/",
    "/%00",
    "/../etc",
)
HOSTILE = (
    "STOP",
    "<script>alert(1)</script>",
    "'; DROP TABLE message; --",
    "${SHELL(id)}",
    "{{7*7}}",
    "\x1b[2J",
    "a" * 20000,
)
MANY_HEADERS = "X: y\r\n" * 400


async def attack(system: System, count: int, progress: Callable[[str], None]) -> tuple[int, int, int]:
    """Returns how many requests there were, how many texts were taken, and how often ours failed (5xx)."""
    dice = random.Random(SEED)
    before = await _texts(system)
    statuses: Counter[int] = Counter()
    gate = asyncio.Semaphore(SIDE_BY_SIDE)
    done = 0

    async def one(number: int) -> None:
        nonlocal done
        async with gate:
            statuses[await _send(system, dice, number)] += 1
            done += 1
            if done % 100 == 0:
                progress(f"{done} of {count} webhooks")

    await asyncio.gather(*(one(number) for number in range(count)))
    failed = sum(times for status, times in statuses.items() if status >= 500)
    return count, await _texts(system) - before, failed


async def _send(system: System, dice: random.Random, number: int) -> int:
    ports = system.config.ports
    port, path = dice.choice((ports.webhooks, ports.web)), dice.choice(PATHS)
    if number % 5 == 0:
        return await _raw(port, _request(dice, path))
    text = dice.choice(HOSTILE)
    form = {"From": f"+1512562{number % 10000:04d}", "To": ELM, "Body": text, "MessageSid": f"SM{number:032x}"}
    headers = {"X-Twilio-Signature": dice.choice(("", "AAAA", "x" * 500, "é")), "Telnyx-Signature-Ed25519": "AAAA"}
    headers |= {"Telnyx-Timestamp": dice.choice(("0", "99999999999999", "x")), "X-Forwarded-Host": "evil.example"}
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            made = session.post(
                f"http://127.0.0.1:{port}{path}",
                headers=headers,
                **({"data": form} if number % 2 else {"json": {"data": {"event_type": text, "payload": form}}}),  # type: ignore[arg-type]
            )
            async with made as response:
                return response.status
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return 0


def _request(dice: random.Random, path: str) -> bytes:
    """HTTP that no client writes."""
    head = dice.choice(
        (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            f"POST {path} HTTP/9.9\r\n\r\n",
            f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nzz\r\nx",
            f"GET {path}?{'a' * 20000} HTTP/1.1\r\nHost: x\r\n\r\n",
            "\x00\x01\x02\r\n\r\n",
            f"POST {path} HTTP/1.1\r\n{MANY_HEADERS}Content-Length: 2\r\n\r\nxx",
            f"POST {path} HTTP/1.1\r\nHost: {'h' * 900}\r\nContent-Type: multipart/form-data\r\n"
            "Content-Length: 0\r\n\r\n",
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n[[[[[[[[[",
        )
    )
    return head.encode("latin-1")


async def _raw(port: int, request: bytes) -> int:
    with contextlib.suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(request)
                answer = await reader.read(200)
                return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
            finally:
                writer.close()
    return 0


async def _texts(system: System) -> int:
    with system.store.reading() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0
