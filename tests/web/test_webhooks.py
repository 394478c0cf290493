"""The carriers' webhooks: what proves to come from them is taken in, all else gets 403 and a line in the log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from datetime import timedelta

import httpx
import msgspec
import pytest

from crm.config import Ports
from crm.domain.errors import Unavailable
from crm.edge import listening, twilio
from crm.edge.carrier import IncomingText
from crm.services.audit import By
from crm.services.texts import messages
from crm.store.models import Message, OptOut
from crm.web import app as web
from crm.web.app import build, serving
from crm.web.routes.texts import LONGEST_BODY
from crm.worker import Troubles
from tests.web.conftest import MAPLE, PERSON, PUBLIC, TOKEN, Site

pytestmark = pytest.mark.web

TEXT = {"MessageSid": "SM1", "From": PERSON, "To": MAPLE, "Body": "Hello, 2 bedrooms & a café?", "NumMedia": "0"}


def received(id: str = "40385f64", text: str = "hello", **payload: object) -> dict[str, object]:
    body = {
        "id": id,
        "direction": "inbound",
        "type": "SMS",
        "from": {"phone_number": PERSON},
        "to": [{"phone_number": MAPLE}],
        "text": text,
        "media": [],
        **payload,
    }
    return {"data": {"record_type": "event", "event_type": "message.received", "id": "e", "payload": body}}


def finalized(id: str, status: str, *errors: str) -> dict[str, object]:
    payload = {
        "id": id,
        "to": [{"phone_number": PERSON, "status": status}],
        "errors": [{"code": code} for code in errors],
    }
    return {"data": {"event_type": "message.finalized", "payload": payload}}


def test_twilios_own_example() -> None:
    # From "Validating requests are coming from Twilio", section "Calculate the signature".
    form = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675310"),
        ("Digits", "1234"),
        ("From", "+14158675310"),
        ("To", "+18005551212"),
    ]
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert twilio.signature("12345", url, form) == "GvWf1cFY/Q7PnoempGyD5oXAezc="


# --- Twilio ---


async def test_a_text_by_twilio(site: Site) -> None:
    answer = await site.twilio(**TEXT)
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (
        200,
        "<Response/>",
        "text/xml; charset=utf-8",
    )
    (message,) = await site.rows(Message)
    assert (message.body, message.from_number, message.carrier_id) == (TEXT["Body"], PERSON, "SM1")


async def test_an_mms_by_twilio_keeps_the_links(site: Site) -> None:
    links = {"NumMedia": "2", "MediaUrl0": "https://api.twilio.com/a", "MediaUrl1": "https://api.twilio.com/b"}
    await site.twilio(**{**TEXT, "Body": "", **links})
    (message,) = await site.rows(Message)
    assert message.media == ["https://api.twilio.com/a", "https://api.twilio.com/b"]


async def test_pain_12_twilio_sends_it_twice(site: Site) -> None:
    answers = await asyncio.gather(*(site.twilio(**{**TEXT, "Body": "STOP"}) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert [row.purpose for row in await site.rows(Message)] == ["inbound", "stop_confirmed"]
    assert len(await site.rows(OptOut)) == 1


@pytest.mark.parametrize("carrier", ["twilio", "telnyx"])
async def test_the_carriers_own_opt_out_and_in_are_believed(site: Site, carrier: str) -> None:
    async def told(id: str, word: str, what: str) -> None:
        if carrier == "twilio":
            answer = await site.twilio(**{**TEXT, "MessageSid": id, "Body": word, "OptOutType": what})
        else:
            answer = await site.telnyx(received(id, word, autoresponse_type=what))
        assert answer.status_code == 200

    await told("1", "Adiós", "STOP")
    (entry,) = await site.rows(OptOut)
    assert (entry.source, entry.ended_at) == ("carrier", None)
    await told("2", "Hola", "START")
    (entry,) = await site.rows(OptOut)
    assert entry.ended_at == site.now
    await told("3", "info", "HELP")
    # The carrier has answered all three.
    assert {row.purpose for row in await site.rows(Message)} == {"inbound"}


@pytest.mark.parametrize("signature", ["", "x", "GvWf1cFY/Q7PnoempGyD5oXAezc=", "é", "a" * 5000])
async def test_pain_12_a_forged_one_gets_403_and_a_line(
    site: Site, caplog: pytest.LogCaptureFixture, signature: str
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = await site.http.post(
            "/texts/twilio", data=TEXT, headers=[(b"X-Twilio-Signature", signature.encode("latin-1"))]
        )
    assert answer.status_code == 403
    assert "forged webhook" in caplog.text
    assert PERSON not in caplog.text
    assert not await site.rows(Message)


async def test_a_changed_text_or_address_is_forged(site: Site) -> None:
    good = twilio.signature(TOKEN, f"{PUBLIC}/texts/twilio", list(TEXT.items()))
    assert (await site.twilio(signature=good, **{**TEXT, "Body": "Something else"})).status_code == 403
    assert (await site.twilio("/texts/twilio?x=1", signature=good, **TEXT)).status_code == 403
    assert (await site.twilio(signature=good, **TEXT)).status_code == 200


async def test_without_a_secret_all_are_forged(site: Site) -> None:
    site.webhooks.crm.secrets.remove("texts/twilio")
    assert (await site.twilio(**TEXT)).status_code == 403


async def test_pain_11_twilios_opted_out_report_goes_into_the_ledger(site: Site) -> None:
    written = await sent(site, "hello")
    path = f"/texts/twilio/status?key={written.key}"
    assert (await site.twilio(path, MessageSid="SMx", MessageStatus="sent")).status_code == 204
    assert (
        await site.twilio(path, MessageSid="SMx", MessageStatus="undelivered", ErrorCode="21610")
    ).status_code == 204
    (message,) = await site.rows(Message)
    (entry,) = await site.rows(OptOut)
    assert (message.state, entry.source, entry.number) == ("blocked", "carrier", PERSON)


async def test_a_failed_and_a_delivered_report(site: Site) -> None:
    one, two = await sent(site, "one"), await sent(site, "two")
    for message, status in ((one, "failed"), (two, "delivered")):
        path = f"/texts/twilio/status?key={message.key}"
        assert (await site.twilio(path, MessageSid="S", MessageStatus=status, ErrorCode="30005")).status_code == 204
    first, second = await site.rows(Message)
    assert (first.state, second.state) == ("failed", "delivered")
    assert "unknown" in first.error
    unknown = await site.twilio("/texts/twilio/status?key=nobody", MessageSid="S", MessageStatus="failed")
    assert unknown.status_code == 204


# --- Telnyx ---


async def test_a_text_by_telnyx(site: Site) -> None:
    picture = [{"url": "https://telnyx.example/1.png", "content_type": "image/png"}]
    for _ in range(2):  # pain 12: twice; on a busy machine the first may be taken from disk after the second
        assert (await site.telnyx(received(text="hello \U0001f600", media=picture))).status_code == 200
    (message,) = await site.rows(Message)
    assert (message.body, message.carrier, message.media) == (
        "hello \U0001f600",
        "telnyx",
        ["https://telnyx.example/1.png"],
    )


@pytest.mark.parametrize("seconds", [-301, 301, -86400])
async def test_pain_12_a_replay_gets_403_and_a_line(site: Site, caplog: pytest.LogCaptureFixture, seconds: int) -> None:
    answer = await site.telnyx(received(), at=int((site.now + timedelta(seconds=seconds)).timestamp()))
    assert answer.status_code == 403
    (line,) = [record for record in caplog.records if "forged webhook" in record.message]
    assert "replay" in line.__dict__["reason"]
    assert not await site.rows(Message)
    assert (await site.telnyx(received(), at=int((site.now - timedelta(seconds=299)).timestamp()))).status_code == 200


@pytest.mark.parametrize("signature", ["", "x", "AAAA", "A" * 88, "é"])
async def test_a_forged_one_of_telnyx(site: Site, signature: str) -> None:
    answer = await site.http.post(
        "/texts/telnyx",
        json=received(),
        headers=[
            (b"telnyx-timestamp", str(int(site.now.timestamp())).encode()),
            (b"telnyx-signature-ed25519", signature.encode("latin-1")),
        ],
    )
    assert answer.status_code == 403
    assert not await site.rows(Message)


async def test_pain_11_telnyx_reports(site: Site) -> None:
    one, two, three = [await sent(site, body) for body in ("one", "two", "three")]
    for message, event in (
        (one, finalized("a", "delivered")),
        (two, finalized("b", "delivery_failed", "40001")),
        (three, finalized("c", "sending_failed", "40300")),
    ):
        assert (await site.telnyx(event, path=f"/texts/telnyx?key={message.key}")).status_code == 200
    assert [row.state for row in await site.rows(Message)] == ["delivered", "failed", "blocked"]
    assert [row.source for row in await site.rows(OptOut)] == ["carrier"]


@pytest.mark.parametrize(
    "event",
    [b"", b"null", b"[]", b'{"data": 1}', b'{"data": {"payload": []}}', b"[" * 5000, received(id=7)],  # type: ignore[arg-type]
)
async def test_what_telnyx_never_documented_is_refused(site: Site, event: object) -> None:
    assert (await site.telnyx(event)).status_code == 400


async def test_other_events_are_let_pass(site: Site) -> None:
    event = {"data": {"event_type": "message.sent", "payload": {"id": "a"}}}
    assert (await site.telnyx(event)).status_code == 200


# --- both ---


@pytest.mark.parametrize("path", ["/texts/twilio", "/texts/twilio/status", "/texts/telnyx"])
async def test_too_much_is_sent_away(site: Site, path: str) -> None:
    assert (await site.http.post(path, content=b"x" * (LONGEST_BODY + 1))).status_code == 413
    assert (await site.http.get(path)).status_code == 405


async def test_nothing_else_is_served(site: Site) -> None:
    assert (await site.http.get("/")).status_code == 404


async def test_with_the_database_away_a_text_is_kept_and_a_report_has_to_come_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> bool:
        raise Unavailable("away", code="database_silent")

    with monkeypatch.context() as patched:
        patched.setattr(messages, "receive", away)
        patched.setattr(messages, "report", away)
        assert (await site.twilio(**TEXT)).status_code == 200
        report = await site.twilio("/texts/twilio/status", MessageSid="S", MessageStatus="failed")
        assert report.status_code == 503
    assert await site.webhooks.inbox.import_all() == 1
    assert len(await site.rows(Message)) == 1


async def test_when_not_even_the_disk_takes_it_then_the_carrier_is_to_come_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> bool:
        raise Unavailable("away", code="database_silent")

    monkeypatch.setattr(messages, "receive", away)
    site.webhooks.crm.config.spool_folder.rmdir()
    assert (await site.twilio(**TEXT)).status_code == 503


async def test_over_a_real_connection(site: Site) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = msgspec.structs.replace(site.webhooks.crm.config, ports=Ports(web=port))
    async with serving(config, build(site.webhooks)) as server:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            site.http = http
            assert (await site.twilio(**TEXT)).status_code == 200
            assert (await site.twilio(signature="no", **TEXT)).status_code == 403
        with pytest.raises(OSError, match=r"ports\.web"):
            async with serving(config, build(site.webhooks)):
                pass
        assert not server.done()
    assert len(await site.rows(Message)) == 1


async def test_a_taken_port_is_waited_for_and_the_last_request_is_answered(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(listening, "HANDOVER_SECONDS", 0.05)
    taken = asyncio.Event()
    accept = site.webhooks.inbox.accept

    async def slow(incoming: IncomingText) -> None:
        taken.set()
        await asyncio.sleep(0.3)
        await accept(incoming)

    monkeypatch.setattr(site.webhooks.inbox, "accept", slow)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        config = msgspec.structs.replace(site.webhooks.crm.config, ports=Ports(web=port))
        troubles = Troubles(lambda: site.now)
        serving = asyncio.create_task(web.keep_serving(config, build(site.webhooks), troubles))
        async with asyncio.timeout(60):
            while not troubles.found:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert "ports.web" in troubles.found["listener web"].what
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as site.http, asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.ConnectError):
                assert (await site.twilio(**{**TEXT, "From": ""})).status_code == 400
                break
            await asyncio.sleep(0.02)
        # It answers a moment before it is reported well.
        while troubles.found:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        last = asyncio.create_task(site.twilio(**TEXT))
        await taken.wait()
        serving.cancel()
        assert (await last).status_code == 200
        with pytest.raises(asyncio.CancelledError):
            await serving
    # On a busy machine it may be on disk still, which is as safe.
    await site.webhooks.inbox.import_all()
    assert len(await site.rows(Message)) == 1


async def sent(site: Site, body: str) -> Message:
    """A text of ours that the carrier has taken."""
    store = site.webhooks.crm.store
    written = await store.run(messages.send, site.webhooks.crm.config, By("tests", site.now), PERSON, body)
    with store.writing() as session:
        row = session.get(Message, written.id)
        assert row is not None
        row.state, row.sent_at, row.carrier = "sent", site.now, "twilio"
    return written
