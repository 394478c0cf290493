"""A SIP party that says what it is told, word for word: a caller, phone, carrier or attacker, over UDP on loopback."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from crm.edge import digest

FINAL_SECONDS = 3.0
"""So long a party waits for the final answer to an INVITE; what is malformed gets none."""
RTP_PORT = 9
"""Discard: whatever is sent there is nobody's."""


@dataclass(frozen=True)
class Answer:
    status: int
    """0 for none in time."""
    text: str = ""

    def header(self, name: str) -> str:
        found = re.search(rf"^{name}\s*:\s*(.*?)\r?$", self.text, re.MULTILINE | re.IGNORECASE)
        return found[1] if found else ""


@dataclass(frozen=True)
class Talk:
    """A call of ours that was answered."""

    uri: str
    """Where requests within it go: the far end's Contact."""
    sender: str
    receiver: str
    call_id: str


class Party(asyncio.DatagramProtocol):
    def __init__(self, server: tuple[str, int], user: str = "", password: str = "") -> None:
        self._server = server
        self._user = user
        self._password = password
        self.invited: list[str] = []
        """User part of the request URI of every call that came here, one for each."""
        self.answer_invite: Callable[[], tuple[str, str]] = lambda: ("486 Busy Here", "")
        """Status line and further headers for a call that comes here."""
        self._seen: set[str] = set()
        self._answers: dict[str, asyncio.Queue[Answer]] = defaultdict(asyncio.Queue)
        self._sequence = 0

    @property
    def port(self) -> int:
        return int(self._transport.get_extra_info("sockname")[1])

    @property
    def address(self) -> str:
        return str(self._transport.get_extra_info("sockname")[0])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    # --- what comes ---

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode("utf-8", "replace")
        if text.startswith("SIP/2.0 "):
            answer = Answer(int(text[8:11]), text)
            if answer.status >= 200:
                self._answers[f"{answer.header('Call-ID')} {answer.header('CSeq')}"].put_nowait(answer)
            return
        method = text.partition(" ")[0]
        if method == "INVITE":
            self._invite(text, data, addr)
        elif method != "ACK":
            self._transport.sendto(_response(text, "200 OK"), addr)

    def _invite(self, text: str, data: bytes, addr: tuple[str, int]) -> None:
        call_id = Answer(0, text).header("Call-ID")
        if call_id not in self._seen:
            self._seen.add(call_id)
            uri = text.split(" ")[1]
            self.invited.append(uri.partition(":")[2].partition("@")[0])
        status, headers = self.answer_invite()
        self._transport.sendto(_response(text, "180 Ringing"), addr)
        self._transport.sendto(_response(text, status, headers), addr)

    # --- what goes ---

    def send(self, message: bytes) -> None:
        self._transport.sendto(message, self._server)

    async def request(
        self,
        method: str,
        uri: str,
        *,
        sender: str = "",
        receiver: str = "",
        call_id: str = "",
        headers: Sequence[str] = (),
        body: str = "",
        kind: str = "application/sdp",
        within: float = 3.0,
    ) -> Answer:
        """Sends a request, once more with credentials when it is asked for them and has any, and returns the final
        answer. Nothing of what is given is checked or escaped."""
        call_id = call_id or uuid.uuid4().hex
        sender = sender or f"<sip:{self._user or 'stranger'}@{self.address}>;tag={uuid.uuid4().hex[:8]}"
        receiver = receiver or f"<{uri}>"
        answer = await self._once(method, uri, sender, receiver, call_id, headers, body, kind, within)
        if answer.status in (401, 407) and self._password:
            name = "WWW-Authenticate" if answer.status == 401 else "Proxy-Authenticate"
            challenge = digest.best([answer.header(name)])
            if challenge:
                shown = digest.answer(challenge, self._user, self._password, method, uri)
                field = f"{'Authorization' if answer.status == 401 else 'Proxy-Authorization'}: {shown}"
                answer = await self._once(method, uri, sender, receiver, call_id, [*headers, field], body, kind, within)
        return answer

    async def call(
        self, uri: str, *, sender: str = "", headers: Sequence[str] = (), within: float = FINAL_SECONDS
    ) -> tuple[Answer, Talk | None]:
        """Calls, and confirms the answer when there is one."""
        call_id, sender = uuid.uuid4().hex, sender or f"<sip:{self._user}@{self.address}>"
        if ";tag=" not in sender:
            sender += f";tag={uuid.uuid4().hex[:8]}"
        answer = await self.request(
            "INVITE", uri, sender=sender, call_id=call_id, headers=headers, body=self.offer(), within=within
        )
        if answer.status != 200:
            return answer, None
        found = re.search(r"<([^>]+)>", answer.header("Contact"))
        talk = Talk(found[1] if found else uri, sender, answer.header("To"), call_id)
        self._sequence += 1
        self.send(self._message("ACK", talk.uri, sender, talk.receiver, call_id, _number(answer), (), "", ""))
        return answer, talk

    async def hang_up(self, talk: Talk) -> None:
        await self.request("BYE", talk.uri, sender=talk.sender, receiver=talk.receiver, call_id=talk.call_id)

    async def ask(self, talk: Talk, method: str, headers: Sequence[str], body: str = "", kind: str = "") -> Answer:
        """A request within a call."""
        return await self.request(
            method,
            talk.uri,
            sender=talk.sender,
            receiver=talk.receiver,
            call_id=talk.call_id,
            headers=headers,
            body=body,
            kind=kind,
        )

    async def register(self, contact: str = "", expires: int = 300) -> int:
        """Registers as its user, at its own address unless another contact is given."""
        host, port = self._server
        contact = contact or f"<sip:{self._user}@{self.address}:{self.port}>"
        answer = await self.request(
            "REGISTER",
            f"sip:{host}:{port}",
            receiver=f"<sip:{self._user}@{host}:{port}>",
            headers=[f"Contact: {contact}", f"Expires: {expires}"],
        )
        return answer.status

    def offer(self) -> str:
        return (
            f"v=0\r\no=p 1 1 IN IP4 {self.address}\r\ns=-\r\nc=IN IP4 {self.address}\r\nt=0 0\r\n"
            f"m=audio {RTP_PORT} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        )

    async def _once(
        self,
        method: str,
        uri: str,
        sender: str,
        receiver: str,
        call_id: str,
        headers: Sequence[str],
        body: str,
        kind: str,
        within: float,
    ) -> Answer:
        self._sequence += 1
        number = self._sequence
        message = self._message(method, uri, sender, receiver, call_id, number, headers, body, kind)
        waiting = self._answers[f"{call_id} {number} {method}"]
        answer = await self._answered(message, waiting, within)
        if method == "INVITE" and answer.status != 200:
            last = answer.header("To") or receiver
            if answer.status == 0:
                self.send(self._message("CANCEL", uri, sender, receiver, call_id, number, (), "", ""))
            else:
                self.send(self._message("ACK", uri, sender, last, call_id, number, (), "", ""))
        return answer

    async def _answered(self, message: bytes, waiting: asyncio.Queue[Answer], within: float) -> Answer:
        """Sends it again every second, as UDP wants, until it is answered."""
        clock = asyncio.get_running_loop().time
        until = clock() + within
        while (left := until - clock()) > 0:
            self.send(message)
            try:
                async with asyncio.timeout(min(1.0, left)):
                    return await waiting.get()
            except TimeoutError:
                continue
        return Answer(0)

    def _message(
        self,
        method: str,
        uri: str,
        sender: str,
        receiver: str,
        call_id: str,
        number: int,
        headers: Sequence[str],
        body: str,
        kind: str,
    ) -> bytes:
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address}:{self.port};rport;branch=z9hG4bK{call_id[:20]}{number}{_of(method)}",
            f"From: {sender}",
            f"To: {receiver}",
            f"Call-ID: {call_id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:{self._user or 'stranger'}@{self.address}:{self.port}>",
            "Max-Forwards: 70",
            *headers,
        ]
        if any(line.lower().startswith("contact:") for line in headers):
            del lines[6]
        if body:
            lines.append(f"Content-Type: {kind}")
        lines += [f"Content-Length: {len(body.encode('utf-8', 'surrogateescape'))}", "", body]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def _of(method: str) -> str:
    """An ACK to a failure and a CANCEL belong to the INVITE's transaction (RFC 3261, 17.1.1.3 and 9.1)."""
    return "INVITE" if method in ("ACK", "CANCEL") else method


def _number(answer: Answer) -> int:
    return int(answer.header("CSeq").split(" ")[0])


def _response(request: str, status: str, headers: str = "") -> bytes:
    head = request.partition("\r\n\r\n")[0].split("\r\n")[1:]
    kept = [line for line in head if line.partition(":")[0].strip().lower() in ("via", "from", "to", "call-id", "cseq")]
    kept = [f"{line};tag=p" if line.lower().startswith("to:") and ";tag=" not in line else line for line in kept]
    lines = [f"SIP/2.0 {status}", *kept, *([headers] if headers else []), "Content-Length: 0", "", ""]
    return "\r\n".join(lines).encode()


@asynccontextmanager
async def party(
    server: tuple[str, int], user: str = "", password: str = "", *, address: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Party]:
    """One on a port of its own, any that is free unless one is named."""
    loop = asyncio.get_running_loop()
    made = loop.create_datagram_endpoint(lambda: Party(server, user, password), local_addr=(address, port))
    transport, one = await made
    try:
        yield one
    finally:
        transport.close()
