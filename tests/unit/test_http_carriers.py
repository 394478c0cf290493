"""Twilio and Telnyx against local servers that speak their documented requests and errors."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from crm.edge import http_carrier
from crm.edge.carrier import Carrier, CarrierError, CarrierUnknown, OutgoingText
from crm.edge.telnyx import TelnyxAccount as TelnyxAccount
from crm.edge.telnyx import TelnyxCarrier
from crm.edge.twilio import TwilioAccount as TwilioAccount
from crm.edge.twilio import TwilioCarrier

pytestmark = pytest.mark.unit

TEXT = OutgoingText(key="agent:1 & 2", to_number="+15125550177", from_number="+15125550100", body="Café & \U0001f600")


@dataclass
class Provider:
    """Remembers the requests, and answers what a test says."""

    answers: list[tuple[int, object, dict[str, str]]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], object]] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)
    url: str = ""
    hang: bool = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.connections.add(request.transport)
        is_json = request.content_type == "application/json"
        body = await request.json() if is_json else dict(await request.post())
        self.requests.append((request.path, dict(request.headers), body))
        if self.hang:
            assert request.transport is not None
            request.transport.close()
        status, answer, headers = self.answers.pop(0)
        if isinstance(answer, str):
            return web.Response(status=status, text=answer, headers=headers)
        return web.json_response(answer, status=status, headers=headers)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    found = Provider()
    app = web.Application()
    app.router.add_post("/{path:.*}", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("")).rstrip("/")
        yield found


@pytest.fixture(params=["twilio", "telnyx"])
async def carrier(request: pytest.FixtureRequest, provider: Provider) -> AsyncIterator[Carrier]:
    async with http_carrier.client() as http:
        if request.param == "twilio":
            yield TwilioCarrier(
                TwilioAccount("AC1", "token", provider.url, "https://x.example/texts/twilio/status"), http
            )
        else:
            yield TelnyxCarrier(TelnyxAccount("KEY1", provider.url, "https://x.example/texts/telnyx"), http)


def error(carrier: Carrier, code: str) -> object:
    if isinstance(carrier, TwilioCarrier):
        return {"code": int(code), "message": "no", "more_info": "https://www.twilio.com/docs/errors/1", "status": 400}
    return {"errors": [{"code": code, "title": "no", "detail": "no"}]}


async def test_twilios_documented_request(provider: Provider) -> None:
    provider.answers = [(201, {"sid": "SM123", "status": "queued"}, {})]
    async with http_carrier.client() as http:
        account = TwilioAccount("AC1", "token", provider.url, "https://x.example/status")
        assert await TwilioCarrier(account, http).send(TEXT) == "SM123"
        assert "token" not in repr(account)
    ((path, headers, form),) = provider.requests
    assert path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"AC1:token").decode()
    assert form == {
        "To": "+15125550177",
        "From": "+15125550100",
        "Body": "Café & \U0001f600",
        "StatusCallback": "https://x.example/status?key=agent%3A1+%26+2",
    }


async def test_telnyxs_documented_request(provider: Provider) -> None:
    provider.answers = [(200, {"data": {"id": "4038", "record_type": "message"}}, {})]
    async with http_carrier.client() as http:
        account = TelnyxAccount("KEY1", provider.url)
        assert await TelnyxCarrier(account, http).send(TEXT) == "4038"
        assert "KEY1" not in repr(account)
    ((path, headers, body),) = provider.requests
    assert path == "/v2/messages"
    assert headers["Authorization"] == "Bearer KEY1"
    assert body == {"from": "+15125550100", "to": "+15125550177", "text": "Café & \U0001f600"}


async def test_one_connection_is_kept(provider: Provider, carrier: Carrier) -> None:
    provider.answers = [(201, {"sid": "S", "data": {"id": "S"}}, {})] * 5
    for _ in range(5):
        assert await carrier.send(TEXT) == "S"
    assert len(provider.connections) == 1


async def test_pain_11_the_person_opted_out_at_the_carrier(provider: Provider, carrier: Carrier) -> None:
    code = "21610" if isinstance(carrier, TwilioCarrier) else "40300"
    provider.answers = [(400 if isinstance(carrier, TwilioCarrier) else 409, error(carrier, code), {})]
    with pytest.raises(CarrierError, match=code) as raised:
        await carrier.send(TEXT)
    assert raised.value.opted_out
    assert not raised.value.retryable
    assert "512" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "twilio", "telnyx", "retryable"),
    [
        (400, "21211", "40310", False),
        (400, "21617", "40302", False),
        (401, "20003", "10009", False),
        (404, "20404", "10005", False),
        (429, "20429", "10011", True),
        (503, "20503", "10007", True),
        (400, "21611", "40318", True),
    ],
)
async def test_refusals(
    provider: Provider, carrier: Carrier, status: int, twilio: str, telnyx: str, retryable: bool
) -> None:
    code = twilio if isinstance(carrier, TwilioCarrier) else telnyx
    provider.answers = [(status, error(carrier, code), {"Retry-After": "7"} if retryable else {})]
    with pytest.raises(CarrierError) as raised:
        await carrier.send(TEXT)
    assert not isinstance(raised.value, CarrierUnknown)
    assert (raised.value.retryable, raised.value.opted_out) == (retryable, False)
    assert raised.value.retry_after_seconds == (7.0 if retryable else None)
    assert code in str(raised.value)


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_gateways_error_says_nothing(provider: Provider, carrier: Carrier, status: int) -> None:
    provider.answers = [(status, "<html>Bad Gateway</html>", {})]
    with pytest.raises(CarrierUnknown):
        await carrier.send(TEXT)


async def test_an_answer_that_breaks_off_leaves_it_unknown(provider: Provider, carrier: Carrier) -> None:
    provider.hang = True
    provider.answers = [(200, {}, {})]
    with pytest.raises(CarrierUnknown):
        await carrier.send(TEXT)
    assert len(provider.requests) == 1, "it is not sent again"


async def test_nobody_there_is_tried_again() -> None:
    async with http_carrier.client() as http:
        nowhere = f"http://127.0.0.1:{_closed_port()}"
        for made in (
            TwilioCarrier(TwilioAccount("AC1", "t", nowhere), http),
            TelnyxCarrier(TelnyxAccount("K", nowhere), http),
        ):
            with pytest.raises(CarrierError) as raised:
                await made.send(TEXT)
            assert raised.value.retryable


def _closed_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("body", ["", "not json", [], {"errors": "x"}, {"errors": [1]}, {"code": None}, {"data": 1}])
async def test_strange_answers(provider: Provider, carrier: Carrier, body: object) -> None:
    provider.answers = [(400, body, {}), (201, body, {})]
    with pytest.raises(CarrierError) as raised:
        await carrier.send(TEXT)
    assert not raised.value.retryable
    assert await carrier.send(TEXT) is None


async def test_too_long_is_not_even_asked(provider: Provider, carrier: Carrier) -> None:
    with pytest.raises(CarrierError, match="1600"):
        await carrier.send(OutgoingText("k", "+15125550177", "+15125550100", "x" * 1601))
    assert not provider.requests


async def test_a_slow_answer_can_be_cancelled(provider: Provider, carrier: Carrier) -> None:
    sending = asyncio.create_task(carrier.send(TEXT))
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
