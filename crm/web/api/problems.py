"""Errors as programs read them (RFC 9457), and the table that maps errors to status codes."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from starlette.responses import Response

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import Conflict, CrmError, Invalid, NotFound, Unavailable
from crm.web.api.routes import encode

MIME = "application/problem+json"
BUSY_SECONDS = 5
"""When to retry a request for which the database had no time."""

STATUS: tuple[tuple[type[CrmError], int], ...] = ((NotFound, 404), (Conflict, 409), (Invalid, 422), (Unavailable, 503))

VEILED = {
    "lead_is_two": "They are already known, as more than one lead.",
    "number_is_colleagues": "That is the mobile of somebody who works here.",
}
"""Replace messages that name other records, for keys that do not see the whole office."""


class ProblemDetails(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An error (RFC 9457)."""

    type: str = "about:blank"
    title: str
    """The status in words."""
    status: int
    detail: str
    """A sentence for people. It may change; programs should use `code`."""
    code: str
    """Identifies the situation, and does not change."""
    at: str = ""
    """The field that is wrong, such as $.email."""


def answer(status: int, code: str, detail: str, *, at: str = "", headers: dict[str, str] | None = None) -> Response:
    title = HTTPStatus(status).phrase
    problem = ProblemDetails(title=title, status=status, detail=detail, code=code, at=at)
    # msgspec leaves out defaults, but the type is always there.
    return Response(encode({"type": problem.type, **msgspec.to_builtins(problem)}), status, headers, MIME)


def of(error: CrmError, reach: Reach = WHOLE_OFFICE) -> Response:
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    detail = str(error) if reach.is_whole else VEILED.get(error.code, str(error))
    headers = {"Retry-After": str(BUSY_SECONDS)} if status == 503 else None
    return answer(status, error.code, detail, headers=headers)


def of_fields(error: msgspec.ValidationError, what: str) -> Response:
    """Returns the response to a value that does not have the declared type."""
    text, _, at = str(error).partition(" - at ")
    return answer(422, f"{what}_invalid", f"{text}.", at=at.strip("`"))
