"""The carrier at the other end of the demo trunk."""

from __future__ import annotations

import asyncio
from typing import cast

from sipmessage import Message as SipMessage
from sipmessage import Request

SILENT = "silent"
"""In place of a status line: the carrier does not answer."""


class CarrierPeer(asyncio.DatagramProtocol):
    """The demo trunk's other end: accepts texts (SIP MESSAGE) and answers Asterisk's OPTIONS."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []
        """Number and body of every accepted text."""
        self.answers: list[str] = []
        """Status lines for the next texts, e.g. '503 Service Unavailable'; once they are used up, '200 OK'."""
        self.refused = 0
        self._answered: dict[bytes, str] = {}
        """The status each request got."""
        self._changed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = SipMessage.parse(data)
        if not isinstance(request, Request):
            return
        if request.method == "ACK":
            return
        # It accepts texts, not calls.
        status = "480 Temporarily Unavailable" if request.method == "INVITE" else "200 OK"
        if request.method == "MESSAGE" and data in self._answered:
            # A client that gets no response retransmits the same request (RFC 3261, 17.1.2.2).
            status = self._answered[data]
        elif request.method == "MESSAGE":
            status = self._answered[data] = self.answers.pop(0) if self.answers else status
            if status.startswith("2"):
                body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
                self.texts.append((str(request.uri.user), body))
            else:
                self.refused += 1
            self._changed.set()
        if status is not SILENT:
            self._transport.sendto(response(data, status), addr)

    async def text_to(self, number: str, count: int = 1) -> str:
        """Waits until the number has `count` texts and returns the body of the last."""
        async with asyncio.timeout(60):
            while len(found := [body for to, body in self.texts if to == number]) < count:
                await self._changed.wait()
                self._changed.clear()
        return found[-1]

    def texts_to(self, number: str) -> list[str]:
        return [body for to, body in self.texts if to == number]


def response(request: bytes, status: str) -> bytes:
    head = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    names = ("via", "from", "to", "call-id", "cseq", "v", "f", "t", "i")
    kept = [line for line in head if line.partition(":")[0].strip().lower() in names]
    kept = [f"{line};tag=carrier" if line.lower().startswith(("to:", "t:")) else line for line in kept]
    return "\r\n".join([f"SIP/2.0 {status}", *kept, "Content-Length: 0", "", ""]).encode()
