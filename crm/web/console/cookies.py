"""The cookie with the session.

Over https its name begins with `__Host-`, by which browsers take it from nobody but this host, and send it to this host
alone. Over plain http, which is for this machine only, browsers refuse such a name; there the port is in it, because
cookies of one host are the same on all its ports, and several systems may run beside each other.
"""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response

from crm.web.console.visit import ConsoleFrame

LONGEST = 200


def name(frame: ConsoleFrame) -> str:
    return "__Host-leaseline" if frame.is_secure else f"leaseline-{frame.crm.config.ports.console}"


def token(request: HTTPConnection, frame: ConsoleFrame) -> str:
    """The session's token as the browser shows it; empty: none."""
    return request.cookies.get(name(frame), "")[:LONGEST]


def keep(answer: Response, frame: ConsoleFrame, token: str) -> None:
    """Gives the browser the token of a session that has just begun. The database says how long it is good for."""
    answer.set_cookie(name(frame), token, secure=frame.is_secure, httponly=True, samesite="lax", path="/")


def drop(answer: Response, frame: ConsoleFrame) -> None:
    answer.delete_cookie(name(frame), secure=frame.is_secure, httponly=True, samesite="lax", path="/")
