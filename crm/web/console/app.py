"""The console's web application, for ports.console."""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from crm.context import Crm
from crm.services.access import push
from crm.web.console import browser, phone, scripts
from crm.web.console.board import Board
from crm.web.console.door import ConsolePage
from crm.web.console.looks import ConsoleLooks, style
from crm.web.console.pages import (
    account,
    calls,
    inbox,
    lead,
    leads,
    listings,
    missed,
    passkeys,
    people,
    pictures,
    properties,
    recent,
    reports,
    routing,
    settings,
    sign_in,
    tasks,
    tours,
    voicemail,
)
from crm.web.console.pages import board as board_pages
from crm.web.console.pages import health as health_pages
from crm.web.console.visit import SECRET, ConsoleFrame, ConsoleVisit, NavItem
from crm.web.shield import hosts, shielded, with_headers
from crm.words.console import LANGUAGES
from crm.words.console import frame as words

MOST_FILES = 64
"""Scripts and the style that are kept in memory, plain and compressed: more than there are."""
_TAKES_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")
"""RFC 9110, 12.5.3."""

PAGES: tuple[ConsolePage, ...] = (
    *board_pages.PAGES,
    *recent.PAGES,
    *missed.PAGES,
    *calls.PAGES,
    *inbox.PAGES,
    *leads.PAGES,
    *lead.PAGES,
    *tasks.PAGES,
    *tours.PAGES,
    *voicemail.PAGES,
    *properties.PAGES,
    *listings.PAGES,
    *pictures.PAGES,
    *reports.PAGES,
    *routing.PAGES,
    *settings.PAGES,
    *people.PAGES,
    *account.PAGES,
    *passkeys.PAGES,
    *sign_in.PAGES,
    *health_pages.PAGES,
)
"""In the order in which the sections are shown."""
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
"""A file's name changes with its content."""


def build(crm: Crm, board: Board | None = None) -> ASGIApp:
    """`board` is kept up to date by whoever runs it (`Board.run`)."""
    frame = frame_of(crm, board)
    app = Starlette(
        routes=[
            Route("/static/{name}", _file),
            *phone.routes(frame),
            *browser.routes(frame),
            *(page.route(frame) for page in PAGES),
            ConsolePage("/{rest:path}", _nothing, methods=("GET", "POST")).route(frame),
        ]
    )
    app.router.redirect_slashes = False
    return shielded(_with_headers(app, frame), hosts(crm.config.console, crm.config.console.public_url))


def looks_of(crm: Crm) -> dict[str, ConsoleLooks]:
    return {language: ConsoleLooks(crm.config, language, crm.now) for language in LANGUAGES}


def frame_of(crm: Crm, board: Board | None = None) -> ConsoleFrame:
    looks = looks_of(crm)
    return ConsoleFrame(
        crm,
        looks,
        tuple(NavItem(page.section, page.path, page.needs) for page in PAGES if page.section),
        scripts.paths(),
        crm.config.console.is_encrypted,
        crm.secrets.ensure(SECRET),
        push.key(crm.secrets).public,
        board or Board(crm, looks),
    )


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    sheet, content = style()
    if name == sheet:
        return _for_ever(request, content, "text/css")
    if (found := scripts.find(name)) is not None:
        return _for_ever(request, _read(found), "text/javascript")
    return Response("not found\n", 404, media_type="text/plain")


def _for_ever(request: Request, content: bytes, kind: str) -> Response:
    """What never changes under its name, compressed for whoever takes it so."""
    headers = {**FOR_EVER, "Vary": "Accept-Encoding"}
    if _TAKES_GZIP.search(request.headers.get("accept-encoding", "")):
        headers["Content-Encoding"] = "gzip"
        content = _packed(content)
    return Response(content, media_type=kind, headers=headers)


@lru_cache(MOST_FILES)
def _read(file: Path) -> bytes:
    return file.read_bytes()


@lru_cache(MOST_FILES)
def _packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


async def _nothing(visit: ConsoleVisit) -> Response:
    return visit.page("said", words.WORDS, 404, text=visit.looks.say(words.WORDS, "not_found"))


def _with_headers(app: ASGIApp, frame: ConsoleFrame) -> ASGIApp:
    """Adds what only the console needs to `crm.web.shield.HEADERS`."""
    added = {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "microphone=(self), speaker-selection=(self), camera=(), geolocation=()",
        "Referrer-Policy": "same-origin",
    }
    if frame.is_secure:
        added["Strict-Transport-Security"] = "max-age=31536000"
    return with_headers(app, added)
