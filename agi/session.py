"""The FastAGI protocol on one connection: the channel's variables sent by the dialplan, and commands to the channel.

Source: docs.asterisk.org, "Asterisk Gateway Interface (AGI)". Our own implementation, because panoramisk's FastAGI
server loops forever if its peer closes early.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from urllib.parse import urlparse

LINE_SECONDS = 5.0
"""Asterisk sends its lines at once; a peer that is slower than this is not Asterisk."""
MOST_HEADERS = 100


class AgiError(Exception):
    """The peer does not speak AGI, has hung up, or refused a command."""


@dataclass
class Session:
    """One request of the dialplan. Read it with `Session.open`."""

    secret: str
    script: str
    """Both from agi://host/SECRET/NAME; "" if that part is missing."""
    arguments: list[str]
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter
    headers: dict[str, str] = field(default_factory=dict)
    """agi_* variables, e.g. agi_uniqueid, agi_channel."""

    @classmethod
    async def open(cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Session:
        """Reads the variables up to the empty line. Raises AgiError if something else is received."""
        headers: dict[str, str] = {}
        while line := await _line(reader):
            name, colon, value = line.partition(": ")
            if not colon and not line.endswith(":"):
                raise AgiError("a header without a colon")
            headers[name.rstrip(":")] = value
            if len(headers) > MOST_HEADERS:
                raise AgiError("too many headers")
        secret, _, script = urlparse(headers.get("agi_request", "")).path.removeprefix("/").rpartition("/")
        numbered = sorted(
            (int(match[1]), value)
            for name, value in headers.items()
            if (match := re.fullmatch(r"agi_arg_(\d{1,3})", name))
        )
        return cls(secret, script, [value for _, value in numbered], reader, writer, headers)

    async def check_waiting(self) -> None:
        """Raises AgiError if nobody waits for the answer any more: they have been told that it does not work."""
        await self._command("NOOP")

    async def set_variable(self, name: str, value: str) -> None:
        """Sets a channel variable. Raises ValueError for text that could end the quoted argument."""
        if re.search(r'["\\\r\n]', value):
            raise ValueError("an AGI argument may not hold quotes, backslashes or line ends")
        await self._command(f'SET VARIABLE {name} "{value}"')

    async def _command(self, text: str) -> str:
        self._writer.write(text.encode() + b"\n")
        await self._writer.drain()
        answer = await _line(self._reader)
        if not answer.startswith("200 "):
            raise AgiError(f"Asterisk answered {answer[:60]!r}")
        return answer


async def _line(reader: asyncio.StreamReader) -> str:
    try:
        async with asyncio.timeout(LINE_SECONDS):
            raw = await reader.readline()
    except (TimeoutError, ValueError, ConnectionError) as error:
        raise AgiError("no whole line came") from error
    if not raw.endswith(b"\n"):
        raise AgiError("the peer has closed the connection")
    return raw.decode(errors="replace").rstrip("\r\n")
