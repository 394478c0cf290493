"""Texts through a real Asterisk: a carrier's SIP MESSAGE comes in, an answer goes out, none is lost without the app."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import select

from crm.domain.gate import Verdict
from crm.services.audit import By
from crm.services.phones import trunks
from crm.services.texts import messages
from crm.store.models import Message, OptOut, Task
from tests.system import ELM, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

CARRIER = "127.0.0.9"
"""A trunk known by its address."""


@dataclass
class Peer:
    """Sends SIP MESSAGE from one address and gives the status of the answer."""

    socket: socket.socket
    system: System

    async def text(self, body: str | bytes, sender: str, *, to: str = ELM, id: str = "") -> int:
        raw = body.encode() if isinstance(body, str) else body
        host, port = self.socket.getsockname()
        head = "\r\n".join(
            (
                f"MESSAGE sip:{to}@{self.system.sip} SIP/2.0",
                f"Via: SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bK{uuid.uuid4().hex}",
                "Max-Forwards: 70",
                f'From: "Not <sip:+15550000000@x>" <sip:{sender}@carrier.example>;tag=1',
                f"To: <sip:{to}@{self.system.sip}>",
                f"Call-ID: {id or uuid.uuid4().hex}",
                "CSeq: 1 MESSAGE",
                "Content-Type: text/plain;charset=UTF-8",
                f"Content-Length: {len(raw)}",
                "",
                "",
            )
        )
        loop = asyncio.get_running_loop()
        await loop.sock_sendto(self.socket, head.encode() + raw, ("127.0.0.1", self.system.config.ports.sip))
        async with asyncio.timeout(60):
            answer = await loop.sock_recv(self.socket, 65536)
        return int(answer.split()[1])


@asynccontextmanager
async def peer(system: System, address: str = CARRIER) -> AsyncIterator[Peer]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        endpoint.setblocking(False)
        endpoint.bind((address, 0))
        yield Peer(endpoint, system)


@asynccontextmanager
async def carrier(system: System) -> AsyncIterator[Peer]:
    """The peer of a trunk by address; texts of ours still leave through the first one, the demo trunk."""
    await system.store.run(
        trunks.add,
        system.secrets,
        system.by,
        "acme",
        host=CARRIER,
        port=system.config.ports.demo,
        auth="address",
        addresses=[CARRIER],
    )
    await system.publish()
    async with peer(system) as found:
        yield found


async def from_(system: System, number: str, count: int = 1) -> list[Message]:
    """Waits until so many texts of a number are in the database."""
    query = select(Message).where(Message.from_number == number).order_by(Message.id)

    async def there() -> bool:
        return len(await system.all(query)) >= count

    await system.until(there, f"{count} texts from {number}")
    return await system.all(query)


async def test_a_text_comes_in_and_the_answer_goes_out(system: System) -> None:
    number = system.new_number()
    async with carrier(system) as acme:
        body = 'Is the "2 bedroom"; free? ${EPOCH}, café \U0001f600\nBob'
        assert await acme.text(body, number, id="once-" + number) == 202
        # The carrier did not get our answer and sends it again.
        assert await acme.text(body, number, id="once-" + number) == 202
        assert await acme.text("and parking?", number) == 202
        first, second = await from_(system, number, 2)
        assert (first.body, first.to_number, first.carrier) == (body, ELM, "sip")
        assert second.body == "and parking?"
        (task,) = await system.all(select(Task).where(Task.lead_id == first.lead_id))
        assert task.kind == "reply"

        # An answer to what they have just written may go out at any time of the day.
        by = By("tests", datetime.now(UTC))
        written = await system.store.run(messages.send, system.config, by, number, "Yes, it is.", agent="alice")
        assert written.decision == Verdict.SEND
        assert (await system.carrier.text_to(number)).startswith("Yes, it is. ")

        assert await acme.text("STOP", number) == 202
        await from_(system, number, 3)
        assert "unsubscribed" in await system.carrier.text_to(number, 2)
        blocked = await system.store.run(messages.send, system.config, by, number, "Are you sure?")
        assert blocked.decision == Verdict.BLOCK
        assert await acme.text("start", number) == 202
        assert "again" in await system.carrier.text_to(number, 3)
        assert len(await from_(system, number)) == 4


async def test_pain_12_a_text_while_the_app_is_down_is_there_when_it_is_back(system: System) -> None:
    number = system.new_number()
    async with carrier(system) as acme:
        await system.app.stop()
        try:
            assert await acme.text("Anybody there? Stop texting me", number) == 202
        finally:
            await system.start_app()
        (message,) = await from_(system, number)
        assert message.body == "Anybody there? Stop texting me"
        assert "unsubscribed" in await system.carrier.text_to(number)
        (entry,) = await system.all(select(OptOut).where(OptOut.number == number))
        assert entry.source == "sentence"


async def test_a_text_too_long_for_asterisk_leaves_a_task(system: System) -> None:
    number = system.new_number()
    async with carrier(system) as acme:
        assert await acme.text("x" * 1100, number) == 202
        (message,) = await from_(system, number)
        assert message.body == ""
        (task,) = await system.all(select(Task).where(Task.lead_id == message.lead_id))
        assert "too long for Asterisk" in task.why


async def test_pain_12_a_forged_webhook_gets_403_and_a_line_in_the_log(system: System) -> None:
    form = {"MessageSid": "SM1", "From": system.new_number(), "To": ELM, "Body": "STOP"}
    url = f"http://127.0.0.1:{system.config.ports.web}/texts/twilio"
    async with httpx.AsyncClient() as http:
        answer = await http.post(url, data=form, headers={"X-Twilio-Signature": "forged"})
    assert answer.status_code == 403
    log = (system.config.log_folder / "app.log").read_text()
    assert "a forged webhook was refused" in log
    assert form["From"] not in log
    assert not await system.all(select(Message).where(Message.from_number == form["From"]))


async def test_a_stranger_is_not_heard(system: System) -> None:
    number = system.new_number()
    async with carrier(system), peer(system, "127.0.0.13") as stranger:
        assert await stranger.text("STOP", number) == 401
    assert not await system.all(select(Message).where(Message.from_number == number))
