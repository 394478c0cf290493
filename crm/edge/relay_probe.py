"""Asks a STUN or TURN server as a browser would: where do I come from (RFC 8489), and will you pass my sound on
(RFC 8656)."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import threading
from dataclasses import dataclass

from crm.edge.turn import IceServer

LIFETIME_SECONDS = 600
"""That a relay is asked for, which is given back at once; no shorter one is given (RFC 8656, 7.2)."""
_URL = re.compile(r"(stuns?|turns?):(\[[^\]]+\]|[^:?]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?", re.ASCII)
_UNAUTHORIZED = 401


class RelayError(Exception):
    """The server is of no use to a page; says why."""


class RelaySilent(RelayError):
    """It does not answer."""


class RelayRefused(RelayError):
    """It answers, but our password does not count there."""


class RelayFailing(RelayError):
    """It answers with an error of its own."""


@dataclass(frozen=True)
class _Way:
    is_turn: bool
    host: str
    port: int
    is_tcp: bool
    is_tls: bool


async def ask(server: IceServer, url: str, seconds: float) -> None:
    """Asks the server at one of its addresses. Raises RelayError, after `seconds` at the latest."""
    # It takes a while to load, and few offices have such a server.
    from aioice import stun

    try:
        async with asyncio.timeout(seconds):
            await _ask(_way(url), server)
    except TimeoutError as error:
        raise RelaySilent(f"nothing came within {seconds:g} s") from error
    except stun.TransactionFailed as error:
        code = error.response.error_code
        if code == _UNAUTHORIZED:
            raise RelayRefused from error
        raise RelayFailing(f"error {code}") from error
    except (OSError, stun.TransactionError) as error:
        raise RelaySilent(getattr(error, "strerror", None) or str(error)) from error


def _way(url: str) -> _Way:
    found = _URL.fullmatch(url)
    if found is None or not (port := int(found[3] or (5349 if found[1].endswith("s") else 3478))) < 65536:
        raise RelaySilent("the address is not one of such a server")
    is_tls = found[1].endswith("s")
    return _Way(found[1].startswith("turn"), found[2].strip("[]"), port, is_tls or found[4] == "tcp", is_tls)


async def _ask(way: _Way, server: IceServer) -> None:
    from aioice import stun, turn

    loop = asyncio.get_running_loop()
    address = await _address(way)
    kind = turn.TurnClientTcpProtocol if way.is_tcp else turn.TurnClientUdpProtocol
    client = kind(address, server.username or None, server.credential or None, LIFETIME_SECONDS, LIFETIME_SECONDS)
    transport: asyncio.BaseTransport
    if way.is_tcp:
        tls = ssl.create_default_context() if way.is_tls else None
        name = way.host if tls else None
        transport, _ = await loop.create_connection(lambda: client, *address, ssl=tls, server_hostname=name)
    else:
        transport, _ = await loop.create_datagram_endpoint(lambda: client, remote_addr=address)
    try:
        if way.is_turn:
            await client.connect()
            await client.delete()
        else:
            await client.request(stun.Message(stun.Method.BINDING, stun.Class.REQUEST))
    finally:
        transport.close()


async def _address(way: _Way) -> tuple[str, int]:
    """Resolved in a thread that nobody waits for: a name server that is away takes longer than we have."""
    loop = asyncio.get_running_loop()
    resolved: asyncio.Future[tuple[str, int]] = loop.create_future()

    def tell(found: tuple[str, int] | OSError) -> None:
        if resolved.done():
            return
        if isinstance(found, OSError):
            resolved.set_exception(found)
        else:
            resolved.set_result(found)

    def look_up() -> None:
        found: tuple[str, int] | OSError
        try:
            first = socket.getaddrinfo(way.host, way.port, type=socket.SOCK_STREAM)[0][4]
            found = str(first[0]), int(first[1])
        except OSError as error:
            found = error
        with contextlib.suppress(RuntimeError):  # The loop has ended.
            loop.call_soon_threadsafe(tell, found)

    threading.Thread(target=look_up, daemon=True, name="relay-name").start()
    return await resolved
