"""Handles a request: checks the key, its limits and scopes, parses the input, runs one transaction, and responds."""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from crm.context import Crm
from crm.domain.errors import CrmError
from crm.services.access import answers, keys
from crm.services.access.answers import GivenAnswer
from crm.services.access.keys import KnownKey
from crm.store.changes import Standstill
from crm.web.api import calls, leads, listings, messages, openapi, problems, tasks, tours
from crm.web.api.routes import Ask, Operation, Reply, Routes, Stale, converted, encode, etag, matches, query_of
from crm.web.shield import body, hosts, retry_after, shielded, wait_seconds

ROOT = "/api/v1"
LONGEST_BODY = 64 * 1024
USE_KEPT_TO = timedelta(minutes=5)
"""The time of a key's last use is stored at most this often."""
EVERY_SECONDS = 60.0
RESOURCES: tuple[Routes, ...] = tuple(noun.routes for noun in (leads, tasks, listings, tours, calls, messages))

_log = logging.getLogger(__name__)


class ApiServer:
    """The API of one system."""

    def __init__(self, crm: Crm) -> None:
        self._crm = crm
        self._counts = MovingWindowRateLimiter(MemoryStorage())
        self._limit = RateLimitItemPerMinute(crm.config.api.requests_per_minute)
        self._used: dict[int, Any] = {}
        """Last uses of keys that are not stored yet, by id of the key."""
        self._document = b""
        self._still = Standstill(crm.store.changes)

    def build(self) -> ASGIApp:
        """Builds the application, for ports.api."""
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in operations():
            by_path.setdefault(operation.path, {})[operation.method] = operation
        app = Starlette(
            routes=[
                Route(f"{ROOT}/openapi.json", self._describe),
                *(
                    Route(f"{ROOT}{path}", partial(self._answer, found), methods=list(found))
                    for path, found in by_path.items()
                ),
            ],
            exception_handlers={HTTPException: _outside},
        )
        app.router.redirect_slashes = False
        return shielded(app, hosts(self._crm.config.api, self._crm.config.api.public_url))

    async def look(self) -> None:
        """Stores when keys were last used, and deletes stored responses that have expired."""
        used, self._used = self._used, {}
        if used:
            await self._crm.store.run(keys.note_use, used)
        now, state = self._crm.now(), self._still.state()
        if self._still.lasts(state, now):
            return
        ends = await self._crm.store.read(answers.next_end)
        if ends and ends <= now:
            while await self._crm.store.run(answers.forget, now) == answers.AT_ONCE:
                pass
        self._still.looked(state, now, ends)

    async def _describe(self, request: Request) -> Response:
        self._document = self._document or encode(openapi.document(RESOURCES, ROOT, self._crm.config.api.public_url))
        return _conditional(request, self._document, {"Cache-Control": "public, max-age=300"})

    async def _answer(self, by_method: dict[str, Operation], request: Request) -> Response:
        operation = by_method["GET" if request.method == "HEAD" else request.method]
        key: KnownKey | None = None
        try:
            shown = _shown(request)
            if shown:
                key = await self._crm.store.read(keys.known, shown, self._crm.now())
            if key is None:
                return _stranger(bool(shown))
            if (refused := self._refused(key, operation)) is not None:
                return refused
            return await self._carried_out(request, operation, key)
        except CrmError as error:
            return problems.of(error, key.reach) if key else problems.of(error)
        except Stale:
            text = "It has changed since you read it: read it again, and repeat the change if it still applies."
            return problems.answer(412, "changed_meanwhile", text)
        except HTTPException as error:
            return _outside(request, error)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:  # noqa: BLE001 - a door: the program gets an answer, and we the reason
            _log.exception("a request to the API failed")
            return problems.answer(500, "failed", "Something failed on our side; the log says what.")

    def _refused(self, key: KnownKey, operation: Operation) -> Response | None:
        """Returns the response to a request that a valid key may not make, or not now; None if it may."""
        now = self._crm.now()
        if key.used_at is None or now - key.used_at >= USE_KEPT_TO:
            self._used[key.id] = now
        if seconds := wait_seconds(self._counts, self._limit, str(key.id)):
            text = f"This key may make {self._limit.amount} requests per minute: wait, and try again."
            return retry_after(problems.answer(429, "too_many_requests", text), seconds)
        if operation.scope not in key.scopes:
            text = f"This key has no scope {operation.scope}."
            header = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{operation.scope}"'}
            return problems.answer(403, "scope_missing", text, headers=header)
        return None

    async def _carried_out(self, request: Request, operation: Operation, key: KnownKey) -> Response:
        crm, now = self._crm, self._crm.now()
        raw = b""
        arguments: dict[str, Any] = {}
        try:
            for name, kind in operation.of_path.items():
                arguments[name] = converted(request.path_params[name], kind)
        except msgspec.ValidationError:
            return problems.answer(404, "path_unknown", "There is nothing at this address.")
        try:
            if operation.query:
                arguments["query"] = query_of(_query(request), operation.query)
            elif request.url.query:
                return problems.answer(422, "query_invalid", "This address takes no query parameters.")
        except msgspec.ValidationError as error:
            return problems.of_fields(error, "query")
        if operation.body:
            if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
                return problems.answer(415, "not_json", "Send JSON, as Content-Type application/json.")
            raw = await body(request, LONGEST_BODY)
            try:
                arguments["body"] = msgspec.json.decode(raw, type=operation.body)
            except msgspec.ValidationError as error:
                return problems.of_fields(error, "body")
            except (msgspec.DecodeError, UnicodeDecodeError):
                return problems.answer(400, "json_invalid", "The body is not JSON.")
        match = request.headers.get("If-Match") if operation.takes_match else None

        def act(session: Session) -> GivenAnswer:
            found = operation.act(Ask(session, crm, key, now, match), **arguments)
            if isinstance(found, Reply):
                return GivenAnswer(found.status, ROOT + found.location, encode(found.value))
            return GivenAnswer(operation.statuses[0], "", encode(found))

        if operation.method == "GET":
            shown = await crm.store.read(act)
            return _conditional(request, shown.body, {"Cache-Control": "private, no-cache", "Vary": "Authorization"})
        name = request.headers.get("Idempotency-Key", "") if operation.method == "POST" else ""
        if not name:
            return _written(await crm.store.run(act), operation)
        if len(name) > answers.LONGEST_NAME or not (name.isascii() and name.isprintable()):
            text = f"An Idempotency-Key has 1 to {answers.LONGEST_NAME} printable characters."
            return problems.answer(422, "idempotency_key_invalid", text)
        fingerprint = hashlib.sha256(b"\n".join([request.method.encode(), request.url.path.encode(), raw])).hexdigest()

        def once(session: Session) -> GivenAnswer:
            return answers.once(session, key.id, name, fingerprint, now, lambda: act(session))

        return _written(await crm.store.run(once), operation)


def operations() -> list[Operation]:
    return [operation for routes in RESOURCES for operation in routes.operations]


def _shown(request: Request) -> str:
    """Returns the key in the request (RFC 6750); "" if there is none."""
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return shown.strip() if scheme.lower() == "bearer" else ""


def _stranger(has_shown: bool) -> Response:
    header = {"WWW-Authenticate": 'Bearer error="invalid_token"' if has_shown else "Bearer"}
    text = "This key is not valid." if has_shown else "Send a key: Authorization: Bearer llk_..."
    return problems.answer(401, "key_invalid" if has_shown else "key_missing", text, headers=header)


def _query(request: Request) -> dict[str, str]:
    """Returns the query parameters, each of which may be given once. Raises HTTPException."""
    pairs = request.query_params.multi_items()
    if len(pairs) > len(request.query_params.keys()):
        raise HTTPException(422, "Each parameter may only be given once.")
    if any("\x00" in part for pair in pairs for part in pair):
        raise HTTPException(422, "A parameter contains a NUL character.")
    return dict(pairs)


def _conditional(request: Request, content: bytes, headers: dict[str, str]) -> Response:
    tag = etag(content)
    headers = {**headers, "ETag": tag}
    if matches(request.headers.get("If-None-Match", ""), tag, weak=True):
        return Response(status_code=304, headers=headers)
    return Response(content, 200, headers, "application/json")


def _written(given: GivenAnswer, operation: Operation) -> Response:
    headers = {"Location": given.location} if given.location else {}
    if given.is_again:
        headers["Idempotency-Replayed"] = "true"
    if operation.takes_match:
        headers["ETag"] = etag(given.body)
    return Response(given.body, given.status, headers, "application/json")


_CODES = {404: "path_unknown", 405: "method_unknown", 408: "too_slow", 413: "body_too_long", 422: "query_invalid"}
_TEXTS = {
    404: "There is nothing at this address.",
    405: "This address does not support that method.",
    408: "The request took too long to arrive.",
    413: f"A request may have at most {LONGEST_BODY} bytes.",
}


def _outside(request: Request, error: Exception) -> Response:
    """Returns the response to an error that occurred before a resource's function was called."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    text = _TEXTS.get(status, error.detail)
    return problems.answer(status, _CODES.get(status, "refused"), text, headers=dict(error.headers or {}))
