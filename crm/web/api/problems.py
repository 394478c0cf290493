"""What went wrong, as programs read it (RFC 9457): the one table from errors to status codes."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from starlette.responses import Response

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import Conflict, CrmError, Invalid, NotFound, Unavailable
from crm.web.api.routes import encode

MIME = "application/problem+json"
BUSY_SECONDS = 5
"""After which a request may be tried again that the database had no time for."""

STATUS: tuple[tuple[type[CrmError], int], ...] = ((NotFound, 404), (Conflict, 409), (Invalid, 422), (Unavailable, 503))

VEILED = {
    "lead_is_two": "They are known already, as more than one lead.",
    "number_is_colleagues": "That is the mobile of somebody who works here.",
}
"""What a key that does not see the whole office reads in place of texts which name others."""


class ProblemDetails(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    """The status in words."""
    status: int
    detail: str
    """A sentence for people. It may change; programs go by `code`."""
    code: str
    """Names the situation, and stays as it is."""
    at: str = ""
    """Which field of what was sent is wrong, such as $.email."""


def answer(status: int, code: str, detail: str, *, at: str = "", headers: dict[str, str] | None = None) -> Response:
    title = HTTPStatus(status).phrase
    problem = ProblemDetails(title=title, status=status, detail=detail, code=code, at=at)
    # Always there, whatever msgspec leaves out by default.
    return Response(encode({"type": problem.type, **msgspec.to_builtins(problem)}), status, headers, MIME)


def of(error: CrmError, reach: Reach = WHOLE_OFFICE) -> Response:
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    detail = str(error) if reach.is_whole else VEILED.get(error.code, str(error))
    headers = {"Retry-After": str(BUSY_SECONDS)} if status == 503 else None
    return answer(status, error.code, detail, headers=headers)


def of_fields(error: msgspec.ValidationError, what: str) -> Response:
    """What msgspec says of a value that is not of the type that is wanted."""
    text, _, at = str(error).partition(" - at ")
    return answer(422, f"{what}_invalid", f"{text}.", at=at.strip("`"))
