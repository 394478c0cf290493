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


async def asks(path: str) -> bytes:
    """What somebody gets who connects and asks for a script as Asterisk does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with AgiServer(port, SECRET, {"extension": answer}):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"agi_network: yes\nagi_request: agi://127.0.0.1:{port}{path}\nagi_arg_1: 101\n\n".encode())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                said = await reader.readline()
        writer.close()
        return said


async def test_the_dialplan_is_answered() -> None:
    assert await asks(f"/{SECRET}/extension") == b'SET VARIABLE LL_ANSWERED "1"\n'


OTHERS = ("/extension", "", "/s3cr3/extension", "/S3CR3T/extension", f"/x/{SECRET}/extension", f"/{SECRET}", "/\u00fc/")


@pytest.mark.parametrize("path", OTHERS)
async def test_who_does_not_know_the_secret_gets_nothing(path: str) -> None:
    assert await asks(path) == b""


async def test_a_script_that_is_not_there_is_no_answer() -> None:
    assert await asks(f"/{SECRET}/hangup") == b""
