"""The one way into the console: who asks, whether they may, and what becomes of errors."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crm.domain.access import Act
from crm.domain.errors import CrmError, NotFound, Unavailable
from crm.services.access import sessions
from crm.services.access.sessions import SignedIn
from crm.web.console import cookies
from crm.web.console.visit import ConsoleFrame, ConsoleVisit
from crm.words.console import frame as words

_log = logging.getLogger(__name__)
SIGN_IN = "/sign-in"
SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class ConsolePage:
    """A path of the console, and what answers it."""

    path: str
    answer: Callable[[ConsoleVisit], Awaitable[Response]]
    needs: Act | None = None
    """What one has to be allowed to do; None: to have signed in is enough."""
    methods: tuple[str, ...] = ("GET",)
    is_public: bool = False
    """Whether one need not have signed in."""
    section: str = ""
    """Where this is the first page of a section: the section's name in `crm.words.console.frame`."""

    def route(self, frame: ConsoleFrame) -> Route:
        return Route(self.path, partial(_answered, frame, self), methods=list(self.methods))


async def _answered(frame: ConsoleFrame, page: ConsolePage, request: Request) -> Response:
    """Maps every error to its page."""
    visit = ConsoleVisit(frame, request, None, cookies.token(request, frame))
    try:
        if request.method not in SAFE and not is_from_here(request):
            raise HTTPException(403, "form_foreign")
        visit.signed_in = await who_is_it(visit)
        if visit.signed_in is None and not page.is_public:
            return _to_sign_in(visit)
        if page.needs is not None and not visit.may(page.needs):
            raise HTTPException(403)
        if visit.signed_in and request.method not in SAFE:
            # Whoever does something sees at once what it leaves.
            frame.board.counts.stir(visit.signed_in)
        elif visit.signed_in and not visit.is_part and _is_for_a_page(request):
            visit.counts = await frame.board.counts.of(visit.signed_in)
        return await page.answer(visit)
    except NotFound as error:
        return _said(visit, 404, visit.refusal(error))
    except Unavailable:
        return _said(visit, 503, _say(visit, "database_away"))
    except CrmError as error:
        return _said(visit, 422, visit.refusal(error))
    except HTTPException as error:
        key = {404: "not_found", 403: "not_allowed", 413: "too_long"}.get(error.status_code, "trouble")
        key = error.detail if error.detail in words.WORDS["en"] else key
        return _said(visit, error.status_code, _say(visit, key))
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception:  # noqa: BLE001 - a door: the person gets a page, and we the reason
        _log.exception("a page of the console failed")
        return _said(visit, 500, _say(visit, "trouble"))


async def who_is_it(visit: ConsoleVisit) -> SignedIn | None:
    """Who has signed in with the session's cookie; None: nobody, or no longer. Raises Unavailable."""
    if not visit.token:
        return None
    now = visit.crm.now()
    found = await visit.read(sessions.find, visit.token, now)
    if found is not None and now - found.used_at > sessions.NOTED_EVERY:
        await visit.run(sessions.note_use, visit.crm.config, found.session_id, now)
    return found


def is_from_here(request: Request) -> bool:
    """Whether a form was sent from a page of ours, as the browser says (Fetch Metadata; the Origin of RFC 6454). What
    says nothing is no browser of today, and is refused."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("Host")


def _to_sign_in(visit: ConsoleVisit) -> Response:
    path = visit.request.url.path
    here = path + (f"?{visit.request.url.query}" if visit.request.url.query else "")
    there = SIGN_IN if visit.request.method not in SAFE or path == "/" else f"{SIGN_IN}?to={quote(here, safe='/')}"
    if visit.request.headers.get("HX-Request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": there})
    if not _is_for_a_page(visit.request):
        return Response("not signed in\n", 401, media_type="text/plain")
    return RedirectResponse(there, 303)


def _is_for_a_page(request: Request) -> bool:
    """Whether a page is to be shown, and not a part of one loaded. Through a service worker, the one thing that says so
    is the mode."""
    headers = request.headers
    return headers.get("Sec-Fetch-Dest", "document") == "document" or headers.get("Sec-Fetch-Mode") == "navigate"


def _say(visit: ConsoleVisit, key: str) -> str:
    return visit.looks.say(words.WORDS, key)


def _said(visit: ConsoleVisit, status: int, text: str) -> Response:
    return visit.page("said", words.WORDS, status, text=text)
