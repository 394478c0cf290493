"""How webhooks reach receivers: a real HTTP server on loopback, and addresses that nothing may be sent to."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from crm.domain import webhooks
from crm.edge import webhooks as edge
from crm.edge.networks import Allowed
from crm.edge.webhooks import CheckedResolver, WebhookClient, WebhookError

pytestmark = pytest.mark.unit

LOOPBACK = Allowed.of(["127.0.0.0/8", "::1/128"])
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def receiver(handler: Handler) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(handler))  # type: ignore[arg-type]
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
    await runner.cleanup()


async def test_what_is_posted_arrives_as_it_is_over_a_connection_that_is_kept() -> None:
    got = []

    async def take(request: web.Request) -> web.Response:
        assert request.transport
        got.append((await request.read(), request.headers["webhook-id"], request.transport.get_extra_info("peername")))
        return web.Response(status=204)

    async with receiver(take) as url, WebhookClient(LOOPBACK) as client:
        for _ in range(3):
            assert (await client.post(url, b'{"a": 1}', {"webhook-id": "msg_1"})).status == 204
    assert [one[:2] for one in got] == [(b'{"a": 1}', "msg_1")] * 3
    assert len({peer for _, _, peer in got}) == 1


@pytest.mark.parametrize(
    ("status", "headers", "said", "gone", "wait"),
    [
        (500, {}, "It answered 500.", False, None),
        (404, {}, "It answered 404.", False, None),
        (429, {"Retry-After": "120"}, "It answered 429.", False, 120.0),
        (503, {"Retry-After": "Mon, 02 Mar 2026 16:00:00 GMT"}, "It answered 503.", False, None),
        (429, {"Retry-After": "1e99"}, "It answered 429.", False, 86400.0),
        (302, {"Location": "http://127.0.0.1:1/"}, "It answered 302, a redirect, which is not followed.", False, None),
        (410, {}, "It answered 410: it is gone and no longer accepts events.", True, None),
    ],
)
async def test_an_answer_that_is_no_yes_is_told(
    status: int, headers: dict[str, str], said: str, gone: bool, wait: float | None
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    async with receiver(refuse) as url, WebhookClient(LOOPBACK) as client:
        with pytest.raises(WebhookError) as error:
            await client.post(url, b"{}", {})
    assert (str(error.value), error.value.is_gone, error.value.retry_after_seconds) == (said, gone, wait)


async def test_of_a_long_answer_little_is_read() -> None:
    written = 0

    async def talk(request: web.Request) -> web.StreamResponse:
        nonlocal written
        answer = web.StreamResponse()
        await answer.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(4000):
                await answer.write(b"x" * 65536)
                written += 65536
        return answer

    async with receiver(talk) as url, WebhookClient(LOOPBACK) as client:
        assert (await client.post(url, b"{}", {})).status == 200
    # What the two ends' buffers hold may be on its way.
    assert written < 20_000_000


async def test_a_receiver_that_dawdles_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "SECONDS", aiohttp.ClientTimeout(total=0.2))
    over = asyncio.Event()

    async def dawdle(request: web.Request) -> web.StreamResponse:
        await over.wait()
        return web.Response()

    async with receiver(dawdle) as url, WebhookClient(LOOPBACK) as client:
        with pytest.raises(WebhookError, match="did not answer"):
            await client.post(url, b"{}", {})
        over.set()


async def test_a_receiver_that_is_not_there_is_told() -> None:
    async with WebhookClient(LOOPBACK) as client:
        with pytest.raises(WebhookError, match="cannot be reached"):
            await client.post("http://127.0.0.1:1/", b"{}", {})


REFUSED = (
    "https://127.0.0.1/",
    "https://127.8.9.1/",
    "https://10.0.0.7/",
    "https://192.168.1.1/",
    "https://172.16.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://224.0.0.1/",
    "https://[::1]/",
    "https://[::]/",
    "https://[fe80::1]/",
    "https://[fd00::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:10.0.0.7]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://user:password@example.com/",
    "http://203.0.114.1/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
)


@pytest.mark.parametrize("url", REFUSED)
async def test_nothing_is_sent_where_nobody_allowed_it(url: str) -> None:
    async with WebhookClient(Allowed()) as client:
        with pytest.raises(WebhookError) as error:
            await client.post(url, b"{}", {})
    assert "refused" in str(error.value) or "cannot be reached (InvalidUrlClientError)" in str(error.value)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_sent_to_over_tls_alone(address: str) -> None:
    assert Allowed().lets(ipaddress.ip_address(address), "https")
    assert not Allowed().lets(ipaddress.ip_address(address), "http")


async def test_a_name_is_refused_when_one_of_its_addresses_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the name answers with a public address, and a private one that is tried next."""

    async def both(self: object, host: str, port: int = 0, family: object = None) -> list[dict[str, object]]:
        return [{"hostname": host, "host": one, "port": port} for one in ("8.8.8.8", "127.0.0.1")]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", both)
    with pytest.raises(OSError, match="refused"):
        await CheckedResolver(Allowed(), "https").resolve("evil.example.com", 443)


async def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is resolved to another address the second time finds nobody who asks a second time."""
    asked = []

    async def rebound(self: object, host: str, port: int = 0, family: object = None) -> list[dict[str, object]]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "127.9.9.9"
        return [{"hostname": host, "host": address, "port": port, "family": 2, "proto": 6, "flags": 0}]

    async def take(request: web.Request) -> web.Response:
        return web.Response(text=request.host)

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", rebound)
    async with receiver(take) as url, WebhookClient(LOOPBACK) as client:
        await client.post(url.replace("127.0.0.1", "hooks.example.com"), b"{}", {})
    assert asked == ["hooks.example.com"]


def test_a_delivery_is_signed_as_standard_webhooks_says() -> None:
    """The example of its specification (standardwebhooks.com)."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromtimestamp(1614265330, UTC)
    body = b'{"test": 2432232314}'
    signed = webhooks.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_new_secret_has_256_bits() -> None:
    secret = webhooks.new_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
