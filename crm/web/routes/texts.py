"""The carriers' webhooks: incoming texts, and delivery reports for ours.

A request that is not proven to come from the carrier gets 403 and a log line before any of it is processed. 200 means
that the text is safe, in the database or on disk, so the carrier need not send it again.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from crm.context import Crm
from crm.domain.errors import Unavailable
from crm.edge import telnyx, twilio
from crm.edge.carrier import DeliveryReport, Forged, IncomingText, UnreadableRequest
from crm.secrets import SecretError
from crm.services.outbox.carriers import secret_name, webhook_url
from crm.services.texts import messages
from crm.services.texts.inbox import Inbox
from crm.web.shield import body

LONGEST_BODY = 64 * 1024
"""Bytes of a request; a text with ten links has a few thousand."""
REPORT_SECONDS = 1.5
"""How long a report waits until its text has left the outbox; Telnyx wants an answer within two seconds."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Webhooks:
    """What the webhooks need."""

    crm: Crm
    inbox: Inbox


def routes(webhooks: Webhooks) -> list[Route]:
    def post(path: str, act: Callable[[Webhooks, Request], Awaitable[Response]]) -> Route:
        async def endpoint(request: Request) -> Response:
            return await _answered(webhooks, request, act)

        return Route(path, endpoint, methods=["POST"])

    return [
        post("/texts/twilio", _twilio),
        post("/texts/twilio/status", _twilio_status),
        post("/texts/telnyx", _telnyx),
    ]


async def _answered(
    webhooks: Webhooks, request: Request, act: Callable[[Webhooks, Request], Awaitable[Response]]
) -> Response:
    """Maps errors to statuses."""
    about = {"path": request.url.path, "peer": request.client.host if request.client else "-"}
    try:
        return await act(webhooks, request)
    except Forged as error:
        _log.warning("a forged webhook was refused", extra={**about, "reason": str(error)})
        return Response("forbidden\n", 403, media_type="text/plain")
    except UnreadableRequest as error:
        _log.error("a carrier's webhook could not be read", extra={**about, "reason": str(error)})
        return Response("unreadable\n", 400, media_type="text/plain")
    except HTTPException as error:
        _log.warning("a webhook was refused", extra={**about, "reason": error.detail})
        return Response(f"{error.detail}\n", error.status_code, media_type="text/plain")
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception as error:  # noqa: BLE001 - a door
        # The carrier is asked to try again, and the next request is served. A driver's message would quote the text, so
        # only the type of the error and its line are logged.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        _log.error("a webhook failed", extra={**about, "error": type(error).__name__, "where": where})
        return Response("try again\n", 503, media_type="text/plain", headers={"Retry-After": "30"})


async def _twilio(webhooks: Webhooks, request: Request) -> Response:
    form = await _twilio_form(webhooks, request)
    await webhooks.inbox.accept(_whole(twilio.incoming(form, webhooks.crm.now())))
    # No reply in the response: replies go through the outbox like every text.
    return Response("<Response/>", media_type="text/xml")


async def _twilio_status(webhooks: Webhooks, request: Request) -> Response:
    form = await _twilio_form(webhooks, request)
    await _report(webhooks, twilio.report(form, request.query_params.get("key", "")[:120]))
    return Response(status_code=204)


async def _twilio_form(webhooks: Webhooks, request: Request) -> dict[str, str]:
    sent = await body(request, LONGEST_BODY)
    try:
        token = webhooks.crm.secrets.get(secret_name(twilio.NAME))
    except SecretError:
        raise Forged("there is no auth token to verify it with: `leaseline message secret twilio`") from None
    # Twilio signs the URL it requested, which behind a proxy is not the one that arrives here.
    query = f"?{request.url.query}" if request.url.query else ""
    url = webhook_url(webhooks.crm.config, request.url.path)
    asked = f"{url}{query}" if url else str(request.url)
    return dict(twilio.verified(token, asked, sent, request.headers.get("X-Twilio-Signature", "")))


async def _telnyx(webhooks: Webhooks, request: Request) -> Response:
    sent, now, texts = await body(request, LONGEST_BODY), webhooks.crm.now(), webhooks.crm.config.texts
    if not texts.telnyx_public_key:
        raise Forged("there is no texts.telnyx_public_key in leaseline.toml to verify it with")
    event = telnyx.verified(
        texts.telnyx_public_key,
        sent,
        request.headers.get("telnyx-signature-ed25519", ""),
        request.headers.get("telnyx-timestamp", ""),
        now,
        texts.replay_seconds,
    )
    if incoming := telnyx.incoming(event, now):
        await webhooks.inbox.accept(_whole(incoming))
    else:
        await _report(webhooks, telnyx.report(event, request.query_params.get("key", "")[:120]))
    return Response(status_code=200)


def _whole(incoming: IncomingText) -> IncomingText:
    if not incoming.from_number.strip():
        raise UnreadableRequest("a text without sender")
    return incoming


async def _report(webhooks: Webhooks, told: DeliveryReport | None) -> None:
    if told is None:
        return
    end = asyncio.get_running_loop().time() + REPORT_SECONDS
    while True:
        try:
            known = await webhooks.crm.store.run(messages.report, told, webhooks.crm.now())
        except Unavailable as error:
            raise HTTPException(503, "the database does not answer, try again") from error
        if known is None:
            _log.warning("a report about a text that is not ours", extra={"carrier": told.carrier})
        if known is not False:
            return
        if asyncio.get_running_loop().time() > end:
            raise HTTPException(503, "the text is still being sent, try again")
        await asyncio.sleep(0.1)
