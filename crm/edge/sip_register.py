"""Ends all registrations of an account, as the account itself may (RFC 3261 10.2.2: Contact *, Expires 0)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets

from sipmessage import Message, Response

from crm.edge import digest

TRY_SECONDS = 0.5
TRIES = 4


class RegistrarSilent(Exception):
    """The registrar did not answer or did not accept the credentials. Registrations end when they expire."""


async def end_all(host: str, port: int, user: str, password: str) -> None:
    """Asks the registrar on this machine to remove all contacts of `user`. Raises RegistrarSilent."""
    loop = asyncio.get_running_loop()
    answers: asyncio.Queue[bytes] = asyncio.Queue()
    try:
        link, _ = await loop.create_datagram_endpoint(lambda: _Answers(answers), remote_addr=(host, port))
    except OSError as error:
        raise RegistrarSilent(str(error)) from error
    try:
        own_host, own_port = link.get_extra_info("sockname")[:2]
        call_id, credentials = secrets.token_hex(12), ""
        for sequence in (1, 2):
            head = (
                f"REGISTER sip:{host}:{port} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {own_host}:{own_port};rport;branch=z9hG4bK{secrets.token_hex(8)}\r\n"
                f"From: <sip:{user}@{host}>;tag={call_id[:8]}\r\nTo: <sip:{user}@{host}>\r\nCall-ID: {call_id}\r\n"
                f"CSeq: {sequence} REGISTER\r\nMax-Forwards: 70\r\nContact: *\r\nExpires: 0\r\n"
                f"{credentials}Content-Length: 0\r\n\r\n"
            )
            response = await _asked(link, answers, head.encode(), sequence)
            challenge = digest.best(response.headers.getlist("WWW-Authenticate"))
            if response.code != 401 or challenge is None or credentials:
                break
            answer = digest.answer(challenge, user, password, "REGISTER", f"sip:{host}:{port}")
            credentials = f"Authorization: {answer}\r\n"
        if response.code != 200:
            raise RegistrarSilent(f"the registrar answers {response.code}")
    finally:
        link.close()


async def _asked(
    link: asyncio.DatagramTransport, answers: asyncio.Queue[bytes], request: bytes, sequence: int
) -> Response:
    for _ in range(TRIES):
        link.sendto(request)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TRY_SECONDS):
                while True:
                    try:
                        message = Message.parse(await answers.get())
                    except (ValueError, IndexError):
                        continue
                    wanted = [str(sequence), "REGISTER"]
                    if isinstance(message, Response) and (message.headers.get("CSeq") or "").split() == wanted:
                        return message
    raise RegistrarSilent("the registrar does not answer")


class _Answers(asyncio.DatagramProtocol):
    def __init__(self, answers: asyncio.Queue[bytes]) -> None:
        self._answers = answers

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._answers.put_nowait(data)
