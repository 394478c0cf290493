"""Our FastAGI server answers our dialplan and nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from agi.server import AgiServer
from agi.session import Session

pytestmark = pytest.mark.unit

SECRET = "s3cr3t"


async def answer(session: Session) -> None:
    await session.set_variable("LL_ANSWERED", "1")


async def asks(path: str, *, then: str = "200 result=0") -> list[bytes]:
    """What somebody gets who connects and asks for a script as Asterisk does, and answers what comes back."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with AgiServer(port, SECRET, {"extension": answer}):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"agi_network: yes\nagi_request: agi://127.0.0.1:{port}{path}\nagi_arg_1: 101\n\n".encode())
        said = []
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(5):
                while line := await reader.readline():
                    said.append(line)
                    writer.write(f"{then}\n".encode())
        writer.close()
        return said


async def test_the_dialplan_is_answered() -> None:
    assert await asks(f"/{SECRET}/extension") == [b"NOOP\n", b'SET VARIABLE LL_ANSWERED "1"\n']


async def test_when_nobody_waits_any_more_then_nothing_is_done() -> None:
    """As when we stood still and were told meanwhile that the phone has hung up."""
    assert await asks(f"/{SECRET}/extension", then="HANGUP") == [b"NOOP\n"]


OTHERS = ("/extension", "", "/s3cr3/extension", "/S3CR3T/extension", f"/x/{SECRET}/extension", f"/{SECRET}", "/\u00fc/")


@pytest.mark.parametrize("path", OTHERS)
async def test_who_does_not_know_the_secret_gets_nothing(path: str) -> None:
    assert await asks(path) == []


async def test_a_script_that_is_not_there_is_no_answer() -> None:
    assert await asks(f"/{SECRET}/hangup") == []
