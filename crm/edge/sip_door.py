"""The way of a browser's SIP to Asterisk's WebSocket (RFC 7118), one message at a time.

The browser never has the password of its device. It signs with one of its own, which ends with its session, and here
the digest is made anew with the device's. So Asterisk, which knows the devices' passwords alone, need not be told of
anybody who signs in or out.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from crm.edge import digest

PROTOCOL = "sip"
"""The subprotocol of the WebSocket (RFC 7118, 4)."""
LONGEST = 32 * 1024
"""Characters of a message. An offer with many candidates (ICE) has some thousands."""
PER_SECOND = 20.0
BURST = 100.0
"""How many messages a browser may send."""

METHODS = frozenset(
    ("ACK", "BYE", "CANCEL", "INFO", "INVITE", "NOTIFY", "OPTIONS", "PRACK", "REFER", "REGISTER", "UPDATE")
)
"""What a phone asks for. Texts go another way."""
_START = re.compile(r"(?:([A-Z]{2,20}) sips?:[^\s]+ SIP/2\.0|SIP/2\.0 [1-6][0-9]{2}[^\r\n]*)\r\n")
_CREDENTIALS = re.compile(r"^((?:Proxy-)?Authorization[ \t]*:[ \t]*)([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


class AsteriskAway(Exception):
    """Asterisk's WebSocket cannot be reached; the browser tries again later."""


class NoPhone(Exception):
    """What the browser sent is nothing that a phone sends, or too much of it."""


@dataclass(frozen=True)
class DoorAccount:
    """Who the browser is."""

    device: str
    password: str = field(repr=False)
    """The device's."""
    known: str = field(repr=False)
    """The browser's own."""


@dataclass
class Pace:
    """How fast a browser sends: a bucket that fills again with time."""

    left: float = BURST
    at: float | None = None

    def take(self, now: float) -> None:
        """Counts one message. Raises NoPhone if there were too many."""
        if self.at is not None:
            self.left = min(BURST, self.left + (now - self.at) * PER_SECOND)
        self.at = now
        if self.left < 1:
            raise NoPhone("too many messages")
        self.left -= 1


def passed_on(message: str, account: DoorAccount) -> str:
    """Returns what Asterisk gets. Raises NoPhone."""
    if not message.strip():
        return message  # Keeps the connection open (RFC 5626, 3.5.1).
    if len(message) > LONGEST:
        raise NoPhone("a message is too long")
    start = _START.match(message)
    if start is None:
        raise NoPhone("no SIP")
    method = start[1]
    if method is None:
        return message
    if method not in METHODS:
        raise NoPhone(f"a phone does not ask for {method}")
    head, separator, body = message.partition("\r\n\r\n")

    def signed(match: re.Match[str]) -> str:
        made = digest.made_anew(match[2], method, account.device, account.known, account.password)
        # Asterisk refuses what is not signed with its password.
        return match[0] if made is None else match[1] + made

    return _CREDENTIALS.sub(signed, head) + separator + body


@asynccontextmanager
async def to_asterisk(port: int) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A connection of one browser's. Raises AsteriskAway."""
    url, timeout = f"http://127.0.0.1:{port}/ws", aiohttp.ClientWSTimeout(ws_close=1.0)
    async with aiohttp.ClientSession() as http:
        try:
            socket = await http.ws_connect(url, protocols=[PROTOCOL], timeout=timeout, max_msg_size=4 * LONGEST)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AsteriskAway(str(error)) from error
        async with socket:
            yield socket
