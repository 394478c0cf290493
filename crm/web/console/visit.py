"""A request to the console: who sends it, and how it is answered."""

from __future__ import annotations

import hashlib
import hmac
import secrets as random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import parse_qsl, urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from crm.context import Crm
from crm.domain.access import Act, may
from crm.domain.errors import CrmError
from crm.services.access import passkeys
from crm.services.access.passkeys import RelyingParty
from crm.services.access.sessions import SignedIn
from crm.services.audit import By
from crm.web.console.board import Board
from crm.web.console.looks import ConsoleLooks, style
from crm.web.shield import body
from crm.web.site import visitors
from crm.words.console import LANGUAGES, Words, refusals

LONGEST_FORM = 64 * 1024
"""Bytes."""
MOST_FIELDS = 500
SAID_SECONDS = 60
"""How long what is to be said on the next page waits for it."""
SECRET = "console"
"""Name of the key in the secrets file that signs forms and what is said on the next page."""

P = ParamSpec("P")
Result = TypeVar("Result")


@dataclass(frozen=True)
class NavItem:
    """A section of the console, in the order of `crm.web.console.app.PAGES`."""

    key: str
    """Of its name in `crm.words.console.frame`."""
    path: str
    needs: Act | None


@dataclass(frozen=True)
class ConsoleFrame:
    """What all requests share."""

    crm: Crm
    looks: dict[str, ConsoleLooks]
    """By language."""
    nav: tuple[NavItem, ...]
    scripts: dict[str, str]
    """URL paths by name; empty as long as they have not been built."""
    is_secure: bool
    """Whether browsers reach us by https."""
    key: str
    """Signs what only we may have written."""
    push_key: str
    """With which browsers subscribe to our messages (RFC 8292)."""
    board: Board
    """What is happening now."""

    def sign(self, salt: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.key, salt=salt)


@dataclass
class ConsoleVisit:
    """A request, with what is needed to answer it."""

    frame: ConsoleFrame
    request: Request
    signed_in: SignedIn | None
    """None on pages that are shown before anybody has signed in."""
    token: str = ""
    """Of the session; empty: there is none."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """What waits for them, by section, for pages that are rendered with the frame."""

    @property
    def crm(self) -> Crm:
        return self.frame.crm

    @property
    def who(self) -> SignedIn:
        assert self.signed_in is not None, "a page without `is_public` is answered only for somebody who signed in"
        return self.signed_in

    @property
    def by(self) -> By:
        return By(self.who.name, self.crm.now())

    @property
    def looks(self) -> ConsoleLooks:
        if self.signed_in is not None and self.signed_in.language in self.frame.looks:
            return self.frame.looks[self.signed_in.language]
        wanted = self.request.headers.get("Accept-Language", "")[:2].lower()
        return self.frame.looks.get(wanted, self.frame.looks[next(iter(LANGUAGES))])

    @property
    def address(self) -> str:
        """The network address that the request came from, as the office's proxy tells it, if there is one; for IPv6
        the network of a household."""
        return visitors.address(self.request, self.crm.config.console)

    @property
    def passkey_party(self) -> RelyingParty | None:
        """What passkeys of this page are good for; None: it can have none."""
        return passkeys.party(self.request.headers.get("Host", ""), is_secure=self.frame.is_secure)

    @property
    def theme(self) -> str:
        """The colors that were chosen in this browser; empty: those of its system."""
        chosen = self.request.cookies.get("theme", "")
        return chosen if chosen in ("light", "dark") else ""

    @property
    def query(self) -> dict[str, str]:
        return dict(self.request.query_params)

    def may(self, act: Act | None, property_id: int | None = None) -> bool:
        """Whether they may do this, and with this property if one is named."""
        return act is None or (self.signed_in is not None and may(self.signed_in, act, property_id))

    def require(self, act: Act, property_id: int | None = None) -> None:
        """Raises HTTPException 403 if they may not."""
        if not self.may(act, property_id):
            raise HTTPException(403)

    async def read(self, act: Callable[Concatenate[Session, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        return await self.crm.store.read(act, *args, **kwargs)

    async def run(self, act: Callable[Concatenate[Session, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        return await self.crm.store.run(act, *args, **kwargs)

    # --- forms ---

    @cached_property
    def csrf(self) -> str:
        """What each form of this session has to bring back."""
        return hmac.new(self.frame.key.encode(), self.token.encode(), hashlib.sha256).hexdigest()[:32]

    async def form(self, longest: int = LONGEST_FORM) -> FormData:
        """The fields sent, as `application/x-www-form-urlencoded`. Raises HTTPException."""
        raw = await body(self.request, longest)
        try:
            pairs = parse_qsl(raw.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS, keep_blank_values=True)
        except ValueError:
            raise HTTPException(413) from None
        # PostgreSQL's texts have no NUL.
        fields = FormData([(name, value.replace("\0", "")) for name, value in pairs])
        if self.signed_in is not None and not hmac.compare_digest(str(fields.get("csrf", "")), self.csrf):
            raise HTTPException(403, "form_old")
        return fields

    # --- answers ---

    @property
    def is_part(self) -> bool:
        """Whether htmx asks, and puts what it gets in the place of the page's main part: the frame stays as it is."""
        headers = self.request.headers
        return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"

    def page(self, template: str, words: Words, status: int = 200, **values: Any) -> Response:
        """Renders a template of templates/console, which extends `layout`. It gets `visit`, `looks`, `say`, and the
        values."""
        looks, nonce = self.looks, random.token_urlsafe(16)

        def say(key: str, **filled: object) -> str:
            return looks.say(words, key, **filled)

        text = looks.render(
            template,
            visit=self,
            say=say,
            layout="part.html.j2" if self.is_part else "frame.html.j2",
            said=self._said(),
            nonce=nonce,
            style=style()[0],
            **values,
        )
        answer = HTMLResponse(text, status, headers={"Content-Security-Policy": policy(nonce), "Vary": "HX-Request"})
        if "said" in self.request.cookies:
            answer.delete_cookie("said", path="/")
        return answer

    def fragment(self, template: str, macro: str, *args: object, status: int = 200) -> Response:
        """A part of a page alone, for what is replaced within it."""
        return HTMLResponse(self.looks.render_macro(template, macro, *args), status)

    def see_other(self, path: str, said: str = "") -> Response:
        """Goes on to a page of the console after a form was done. `said`, at most a few sentences, is shown there."""
        answer = RedirectResponse(path, 303)
        self.say_later(answer, said)
        return answer

    def say_later(self, answer: Response, said: str) -> None:
        """Shows this on the next page; nothing for an empty text."""
        if said:
            signed = self.frame.sign("said").dumps(said[:800])
            answer.set_cookie("said", str(signed), max_age=SAID_SECONDS, httponly=True, samesite="strict", path="/")

    def leave(self, path: str) -> Response:
        """Opens a page with a new frame, as when somebody signs in or out."""
        if self.request.headers.get("HX-Request") == "true":
            return Response(status_code=204, headers={"HX-Redirect": path})
        return RedirectResponse(path, 303)

    def refusal(self, error: CrmError) -> str:
        """The sentence for an act that was refused."""
        return refusals.told(error, self.looks.language)

    def back(self, other: str = "/") -> str:
        """The page of ours from which this request was sent, or else `other`."""
        came_from = urlsplit(self.request.headers.get("HX-Current-URL") or self.request.headers.get("Referer", ""))
        if came_from.netloc != self.request.headers.get("Host") or not is_own_path(came_from.path):
            return other
        return came_from.path + (f"?{came_from.query}" if came_from.query else "")

    def _said(self) -> str:
        try:
            return str(self.frame.sign("said").loads(self.request.cookies.get("said", ""), max_age=SAID_SECONDS))
        except BadSignature:
            return ""


def is_own_path(path: str) -> bool:
    """Whether this leads to a page of ours and nowhere else: `//host` and `/\\host` would."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()


def policy(nonce: str = "") -> str:
    """The Content-Security-Policy: only scripts of the page itself run, and what they load."""
    scripts = f"'nonce-{nonce}' 'strict-dynamic'" if nonce else "'self'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data: blob:;"
        " media-src 'self' blob:;"
        " connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    )
