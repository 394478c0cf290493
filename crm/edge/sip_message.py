"""Texts as SIP MESSAGE (RFC 3428) to a trunk's peer, over UDP or TCP.

Asterisk is not used: its ARI answers 202 to sendMessage before anything has left, and never reports the outcome.

A text has a socket to itself while it is sent; then the socket stays open for the next one. A text always keeps its
Call-ID and From tag, so the peer's log shows every attempt as the same text. Each request of an attempt has a higher
CSeq than all before it (RFC 3261 8.1.1.5, 22.2): another attempt is only made if the peer has certainly not delivered
the last one.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import math
import re
import secrets
import socket
from dataclasses import dataclass, field
from typing import cast

from sipmessage import URI, Address, CSeq, MediaType, Message, Parameters, Request, Response, Via

from crm.edge import digest
from crm.edge.carrier import CarrierError, CarrierUnknown, OutgoingText


@dataclass(frozen=True)
class SipPeer:
    """The other end of a trunk, and our identity there."""

    host: str
    port: int = 5060
    transport: str = "udp"
    """udp or tcp."""
    username: str = ""
    """User for digest authentication; empty if the peer knows us by our address."""
    password: str = field(default="", repr=False)
    bind: str = ""
    """Local address to send from; empty or 0.0.0.0 leaves it to the system."""
    our_host: str = ""
    """Host in From, as the peer knows us; empty for the address we send from."""


@dataclass(frozen=True)
class Timers:
    """Timers of RFC 3261 17.1.2, in seconds."""

    t1: float = 0.5
    """Wait before a request is retransmitted over UDP; doubles each time."""
    t2: float = 4.0
    """Longest wait between two retransmissions."""
    f: float = 32.0
    """Without a final response for this long, the outcome will never be known."""
    asked: float = 2.0
    """A peer that has not answered OPTIONS within this long gets no text while another one does."""
    connect: float = 8.0
    """For looking up the host's name, and again for opening the TCP connection."""
    idle: float = 60.0
    """A TCP connection that was idle longer is replaced: a firewall on the way may have dropped it silently."""


# Limit for a text over UDP, because fragmented datagrams get lost on the way (RFC 3428 section 8).
LONGEST_OVER_UDP = 1300
LONGEST_ANSWER = 65536
# A digest takes two requests; with a stale nonce, or a proxy and a server that both ask, a few more.
MOST_REQUESTS = 5
LONGEST_RETRY_AFTER = 86400
ANSWERED_LATELY, SILENT_LATELY = 60.0, 20.0
"""A peer is not asked again for this long, in seconds, after it has answered, or has not."""

_RETRYABLE = {408, 480, 500, 503, 504}
_MEANINGS = {
    403: "The trunk's peer does not allow this text",
    404: "The trunk's peer does not know the number",
    405: "The trunk's peer does not accept texts",
    413: "The text is too long for the trunk's peer",
    415: "The trunk's peer does not accept plain texts",
    484: "The trunk's peer says that the number is incomplete",
    501: "The trunk's peer does not accept texts",
    513: "The text is too long for the trunk's peer",
}


class SipMessageCarrier:
    """Sends texts through one trunk, any number at once. Opens a socket if none is free; `close` closes them."""

    def __init__(self, peer: SipPeer, timers: Timers | None = None) -> None:
        self._peer = peer
        self._timers = timers or Timers()
        # Each sends one text at a time, so that an error reported by the network can only concern that text.
        self._free: list[_Link] = []
        self._answered_at = self._silent_at = -math.inf
        """By the event loop's clock."""

    async def send(self, text: OutgoingText) -> None:
        """Returns on a 2xx response. Raises CarrierError, CarrierUnknown."""
        _check(self._peer, text)
        link = await self._open()
        try:
            await self._converse(link, text)
        except (CarrierUnknown, asyncio.CancelledError):
            # A late response must not reach the next text; and the host is looked up again, as its address may have
            # changed.
            link.close()
            raise
        except CarrierError:
            self._keep(link)
            raise
        self._keep(link)

    async def is_there(self) -> bool:
        """Whether the peer answers at all, which it does not matter what. Asks it (OPTIONS), unless it has answered, or
        failed to, a moment ago."""
        now = asyncio.get_running_loop().time()
        if now - self._answered_at < ANSWERED_LATELY:
            return True
        if now - self._silent_at < SILENT_LATELY:
            return False
        try:
            link = await self._open()
        except CarrierError:
            self._silent_at = now
            return False
        try:
            await self._transact(link, _options(self._peer, link), within=self._timers.asked)
        except CarrierError:
            self._silent_at = now
            return False
        finally:
            # A late response must not reach a text.
            link.close()
        return True

    def close(self) -> None:
        while self._free:
            self._free.pop().close()

    def _keep(self, link: _Link) -> None:
        if link.usable(self._timers.idle):
            self._free.append(link)
        else:
            link.close()

    async def _open(self) -> _Link:
        while self._free:
            link = self._free.pop()
            if link.usable(self._timers.idle):
                return link
            link.close()
        kind = _TcpLink if self._peer.transport == "tcp" else _UdpLink
        return await kind.open(self._peer, self._timers.connect)

    async def _converse(self, link: _Link, text: OutgoingText) -> None:
        """Sends the request, answers challenges, and judges the final response."""
        credentials: dict[str, str] = {}
        answered: set[str] = set()
        for number in range(MOST_REQUESTS):
            request = _request(self._peer, link, text, text.attempt * 100 + number)
            for header, value in credentials.items():
                request.headers.set(header, value)
            response = await self._transact(link, request)
            if response.code not in (401, 407):
                _judge(response)
                return
            header, challenges = _CHALLENGES[response.code]
            challenge = digest.best(response.headers.getlist(challenges))
            if not self._peer.username or not self._peer.password:
                raise _not_sent("The trunk's peer asks for a user name and password: set them for the trunk.")
            if challenge is None:
                raise _not_sent("The trunk's peer asks for an unknown kind of authentication.")
            if header in answered and challenge.get("stale", "").lower() != "true":
                raise _not_sent("The trunk's peer does not accept the trunk's user name or password: correct them.")
            answered.add(header)
            credentials[header] = digest.answer(
                challenge, self._peer.username, self._peer.password, request.method, str(request.uri)
            )
        raise _not_sent("The trunk's peer keeps asking for the password.")

    async def _transact(self, link: _Link, request: Request, within: float | None = None) -> Response:
        """Returns the final response to one request, which has to come `within` seconds (None: timer F): a non-INVITE
        client transaction, RFC 3261 17.1.2."""
        timers, now = self._timers, asyncio.get_running_loop().time
        branch = f"z9hG4bK{secrets.token_hex(12)}"
        rport = {} if link.reliable else {"rport": None}
        parameters = Parameters(branch=branch, **rport)
        request.via = [Via(transport=link.transport, host=link.host, port=link.port, parameters=parameters)]
        packet = bytes(request)
        link.forget_answers()
        link.send(packet)
        copies = 1
        end = now() + (timers.f if within is None else within)
        wait = timers.t1
        again = end if link.reliable else now() + wait
        while True:
            try:
                async with asyncio.timeout_at(min(again, end)):
                    item = await link.inbox.get()
            except TimeoutError:
                if now() >= end:
                    raise CarrierUnknown(
                        "The trunk's peer did not answer, so the text may or may not have arrived: "
                        "ask the person before you resend it, and check the trunk."
                    ) from None
                link.send(packet)
                copies += 1
                wait = min(wait * 2, timers.t2)
                again = now() + wait
                continue
            if isinstance(item, OSError):
                if link.reliable:
                    raise CarrierUnknown(
                        "The trunk's peer closed the connection without an answer, so the text may or may "
                        "not have arrived: ask the person before you resend it."
                    ) from item
                if copies == 1:
                    # The only copy sent was rejected by the network, so nobody has it.
                    link.stale = True
                    raise _unreachable(self._peer, item) from item
                # An earlier copy may have been accepted by a peer that has just restarted and may still answer the next
                # one.
                continue
            response = _read(item)
            if response is None or not _answers(response, branch, request):
                continue
            self._answered_at = now()
            if response.code < 200:
                wait = timers.t2
                if not link.reliable:
                    again = now() + wait
                continue
            if copies > 1:
                # The network's rejection of a late copy would otherwise be taken for one of the next request.
                link.stale = True
            return response


class SipCarriers:
    """One carrier for each peer, kept as long as the peer's settings stay the same."""

    def __init__(self, timers: Timers | None = None) -> None:
        self._timers = timers
        self._carriers: dict[SipPeer, SipMessageCarrier] = {}

    def to(self, peer: SipPeer) -> SipMessageCarrier:
        if peer not in self._carriers:
            self._carriers[peer] = SipMessageCarrier(peer, self._timers)
        return self._carriers[peer]

    def close(self) -> None:
        for carrier in self._carriers.values():
            carrier.close()
        self._carriers.clear()


# --- what may be sent, and what a response means ---

_NUMBER = re.compile(r"\+?[0-9]{1,40}", re.ASCII)
_NAME = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?", re.ASCII
)


def _check(peer: SipPeer, text: OutgoingText) -> None:
    """Only digits and host names get into a header, so no text or setting can inject one. Raises CarrierError."""
    if not _NUMBER.fullmatch(text.to_number) or not _NUMBER.fullmatch(text.from_number):
        raise _not_sent("The text's number is not a phone number, so it cannot be sent.")
    for host in (peer.host, peer.our_host):
        if host and _uri_host(host) is None:
            raise _not_sent(f"{host!a} is not a host name or address: correct the trunk.")
    if not (peer.username + peer.password).isprintable() or '"' in peer.username or "\\" in peer.username:
        raise _not_sent("The trunk's user name or password has characters that SIP does not allow: correct them.")
    if peer.transport != "tcp" and len(_body(text)) > LONGEST_OVER_UDP:
        raise _not_sent(f"The text is longer than {LONGEST_OVER_UDP} bytes: shorten it, or switch the trunk to TCP.")


def _uri_host(host: str) -> str | None:
    """Returns a host as SIP URIs write it, IPv6 in brackets; None if it is not a valid host."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host if len(host) <= 253 and _NAME.fullmatch(host) else None
    return f"[{address}]" if address.version == 6 else str(address)


def _body(text: OutgoingText) -> bytes:
    return text.body.encode("utf-8", "replace")


def _request(peer: SipPeer, link: _Link, text: OutgoingText, sequence: int) -> Request:
    host = cast(str, _uri_host(peer.host))
    our_host = _uri_host(peer.our_host) or link.host
    port = None if peer.port == 5060 else peer.port
    identity = hashlib.sha256(
        f"{text.key}\0{text.from_number}\0{text.to_number}".encode("utf-8", "replace")
    ).hexdigest()
    body = _body(text)
    target = URI(scheme="sip", user=text.to_number, host=host, port=port, parameters=_of_number(text.to_number))
    ours = URI(scheme="sip", user=text.from_number, host=our_host, parameters=_of_number(text.from_number))
    request = Request("MESSAGE", target, body)
    # Filled in by each transaction; set here so that Via is the first header.
    request.via = []
    request.max_forwards = 70
    request.from_address = Address(uri=ours, parameters=Parameters(tag=identity[32:48]))
    request.to_address = Address(uri=target)
    request.call_id = f"{identity[:32]}@{our_host}"
    request.cseq = CSeq(sequence=sequence, method="MESSAGE")
    request.user_agent = "Leaseline"
    request.content_type = MediaType("text/plain", Parameters(charset="UTF-8"))
    request.content_length = len(body)
    return request


def _options(peer: SipPeer, link: _Link) -> Request:
    host = cast(str, _uri_host(peer.host))
    target = URI(scheme="sip", host=host, port=None if peer.port == 5060 else peer.port)
    ours = URI(scheme="sip", user="leaseline", host=_uri_host(peer.our_host) or link.host)
    request = Request("OPTIONS", target, b"")
    request.via = []
    request.max_forwards = 70
    request.from_address = Address(uri=ours, parameters=Parameters(tag=secrets.token_hex(8)))
    request.to_address = Address(uri=target)
    request.call_id = f"{secrets.token_hex(16)}@{link.host}"
    request.cseq = CSeq(sequence=1, method="OPTIONS")
    request.user_agent = "Leaseline"
    request.content_length = 0
    return request


def _of_number(number: str) -> Parameters:
    # user=phone says that the user part is a phone number, which an extension of an office's phone system is not.
    return Parameters(user="phone") if number.startswith("+") else Parameters()


def _judge(response: Response) -> None:
    """Raises CarrierError for every final response but success."""
    if response.code < 300:
        return
    said = "".join(char for char in response.phrase if char.isprintable())[:60].strip()
    answer = f"it answered {response.code} {said}".strip()
    if response.code in _RETRYABLE:
        raise CarrierError(
            f"The trunk's peer cannot take the text right now ({answer}).",
            retryable=True,
            retry_after_seconds=_retry_after(response.headers.get("Retry-After")),
        )
    meaning = _MEANINGS.get(response.code, "The trunk's peer refused the text")
    raise _not_sent(f"{meaning} ({answer}): ask the carrier, or call the person.")


def _retry_after(value: str | None) -> float | None:
    """Parses the seconds from `120 (a comment);duration=60`."""
    found = re.match(r"\s*([0-9]{1,9})(?![0-9])", value or "", re.ASCII)
    return min(float(found[1]), LONGEST_RETRY_AFTER) if found else None


def _not_sent(message: str) -> CarrierError:
    return CarrierError(message, retryable=False)


def _unreachable(peer: SipPeer, error: OSError) -> CarrierError:
    reason = error.strerror or type(error).__name__
    return CarrierError(
        f"The trunk's peer {peer.host}:{peer.port} cannot be reached ({reason}): "
        "check the trunk's host, port and transport.",
        retryable=True,
    )


# --- responses from the network, which may be anything ---


def _read(data: bytes) -> Response | None:
    """Parses a response; None for anything else."""
    head, _, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    # The library accepts only UTF-8, no folded lines and no space before a colon; peers send all three.
    text = head.decode("utf-8", "replace")
    text = re.sub(r"\r\n[ \t]+", " ", text)
    text = re.sub(r"(?m)^([A-Za-z-]+)[ \t]+:", r"\1:", text)
    try:
        message = Message.parse(text.encode() + b"\r\n\r\n" + body)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return message if isinstance(message, Response) and 100 <= message.code <= 699 else None


_BRANCH = re.compile(r";\s*branch\s*=\s*([^\s;,]+)", re.IGNORECASE)


def _answers(response: Response, branch: str, request: Request) -> bool:
    """Whether a response matches a request, by the branch of its topmost Via and CSeq (RFC 3261 17.1.3)."""
    # The library's own Via rejects IPv6 addresses without brackets, which peers write into `received`.
    found = _BRANCH.search(response.headers.get("Via") or "")
    return (
        found is not None
        and found[1] == branch
        and (response.headers.get("CSeq") or "").split() == str(request.cseq).split()
    )


# --- digest authentication, RFC 7616 and RFC 8760 ---

_CHALLENGES = {401: ("Authorization", "WWW-Authenticate"), 407: ("Proxy-Authorization", "Proxy-Authenticate")}


# --- sockets ---


class _Link:
    """A socket to the peer. `inbox` receives each message, and an OSError if the network reports one."""

    transport = ""
    reliable = False

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        """Our own address as Via writes it."""
        self.port = port
        self.inbox: asyncio.Queue[bytes | OSError] = asyncio.Queue(maxsize=64)
        self.stale = False

    def usable(self, idle_seconds: float) -> bool:
        raise NotImplementedError

    def send(self, packet: bytes) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def forget_answers(self) -> None:
        """Drops repeated responses to the last request, which are of no use to the next."""
        while not self.inbox.empty():
            self.inbox.get_nowait()

    def arrived(self, item: bytes | OSError) -> None:
        # A peer that floods us fills a queue, not the memory; its repetitions are of no use anyway.
        if not self.inbox.full():
            self.inbox.put_nowait(item)


class _UdpLink(_Link, asyncio.DatagramProtocol):
    """A connected UDP socket: it only receives the peer's packets, and reports ICMP errors about ours."""

    transport = "UDP"
    _socket: asyncio.DatagramTransport

    @classmethod
    async def open(cls, peer: SipPeer, seconds: float) -> _UdpLink:
        address = await _resolve(peer, socket.SOCK_DGRAM, seconds)
        try:
            made, link = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: cls("", 0), local_addr=_local(peer), remote_addr=address
            )
        except OSError as error:
            raise _unreachable(peer, error) from error
        link._socket = made
        link.host, link.port = _own_address(made)
        return link

    def usable(self, idle_seconds: float) -> bool:
        return not self.stale and not self._socket.is_closing()

    def send(self, packet: bytes) -> None:
        self._socket.sendto(packet)

    def close(self) -> None:
        self._socket.close()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.arrived(data)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError):
            self.arrived(exc)


class _TcpLink(_Link):
    """A TCP connection and a task that reads messages from it."""

    transport = "TCP"
    reliable = True
    _writer: asyncio.StreamWriter
    _task: asyncio.Task[None]

    @classmethod
    async def open(cls, peer: SipPeer, seconds: float) -> _TcpLink:
        host, port = await _resolve(peer, socket.SOCK_STREAM, seconds)
        try:
            async with asyncio.timeout(seconds):
                reader, writer = await asyncio.open_connection(
                    host, port, local_addr=_local(peer), limit=LONGEST_ANSWER
                )
        except TimeoutError as error:
            raise _unreachable(peer, TimeoutError(0, "no answer")) from error
        except OSError as error:
            raise _unreachable(peer, error) from error
        link = cls(*_own_address(writer.transport))
        link._writer = writer
        link._last_used = asyncio.get_running_loop().time()
        link._task = asyncio.create_task(link._listen(reader), name=f"texts to {peer.host}")
        return link

    def usable(self, idle_seconds: float) -> bool:
        idle = asyncio.get_running_loop().time() - self._last_used
        return not self.stale and not self._task.done() and idle < idle_seconds

    def send(self, packet: bytes) -> None:
        self._last_used = asyncio.get_running_loop().time()
        self._writer.write(packet)

    def close(self) -> None:
        self._task.cancel()
        self._writer.close()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Reads messages until the connection ends or something other than SIP arrives."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lstrip(b"\r\n")
                if not head:
                    continue  # a keep-alive, RFC 5626 3.5.1
                length = re.search(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,5})[ \t]*\r$", head)
                if not length:
                    self.arrived(ConnectionError("an answer without length"))
                    return
                # The body of a response is of no use, but has to be read to find the next response.
                self.arrived(head + await reader.readexactly(int(length[1])))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
            self.arrived(error if isinstance(error, OSError) else ConnectionError("the connection ended"))


def _local(peer: SipPeer) -> tuple[str, int] | None:
    return (peer.bind, 0) if peer.bind and peer.bind != "0.0.0.0" else None


def _own_address(made: asyncio.BaseTransport) -> tuple[str, int]:
    host, port = made.get_extra_info("sockname")[:2]
    return _uri_host(host.partition("%")[0]) or host, port


async def _resolve(peer: SipPeer, kind: socket.SocketKind, seconds: float) -> tuple[str, int]:
    try:
        async with asyncio.timeout(seconds):
            found = await asyncio.get_running_loop().getaddrinfo(peer.host, peer.port, type=kind)
    except (OSError, UnicodeError, TimeoutError) as error:
        raise CarrierError(
            f"The trunk's host {peer.host} was not found: check its name, and this machine's name server.",
            retryable=True,
        ) from error
    host, port = found[0][4][:2]
    return str(host), int(port)
