"""Signing in and out, and choosing a password by a link."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import ParamSpec, TypeVar

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.background import BackgroundTask
from starlette.responses import Response

from crm.domain.errors import CrmError
from crm.services import signing_in
from crm.services.access import accounts, passwords, sessions
from crm.services.access.sessions import Credentials, NotSignedIn
from crm.web.console import cookies
from crm.web.console.door import SIGN_IN, ConsolePage
from crm.web.console.visit import ConsoleVisit, is_own_path
from crm.web.shield import retry_after, wait_seconds
from crm.words.console.sign_in import WORDS

TRIES = RateLimitItemPerMinute(10)
"""Of each network address."""
LONGEST_CODE = 40
AT_ONCE = 2
"""Passwords that are compared at a time: each takes 64 MB for a moment."""

P = ParamSpec("P")
Result = TypeVar("Result")

_tries = MovingWindowRateLimiter(MemoryStorage())
_comparing = asyncio.Semaphore(AT_ONCE)


async def _sign_in(visit: ConsoleVisit) -> Response:
    there = visit.query.get("to", "/")
    there = there if is_own_path(there) else "/"
    if visit.signed_in is not None:
        return visit.leave(there)
    if visit.request.method != "POST":
        return show(visit, 200, there)
    fields = await visit.form()
    name = str(fields.get("name", ""))[:80]
    if seconds := wait_to_try(visit):
        return slow_down(visit, seconds, there, name=name)
    now = visit.crm.now()
    known = await visit.read(sessions.credentials, name, now)
    try:
        token = await _begin(
            visit, now, known, str(fields.get("password", "")), str(fields.get("code", ""))[:LONGEST_CODE]
        )
    except NotSignedIn as error:
        answer = show(visit, 403, there, name=name, wrong=visit.refusal(error))
        if known.account_id is not None and known.may_try:
            # After the answer, whose time would tell otherwise that there is such an account.
            answer.background = BackgroundTask(visit.run, sessions.failed, now, known.account_id)
        return answer
    answer = visit.leave(there)
    cookies.keep(answer, visit.frame, token)
    return answer


def show(visit: ConsoleVisit, status: int, there: str, *, name: str = "", wrong: str = "") -> Response:
    """The page for signing in, which leads on to `there`."""
    has_passkeys = visit.passkey_party is not None
    return visit.page("sign_in", WORDS, status, there=there, name=name, wrong=wrong, has_passkeys=has_passkeys)


def wait_to_try(visit: ConsoleVisit) -> int:
    """Counts a try of the network address, and returns for how many seconds it has to wait; 0: it has not tried too
    often."""
    return wait_seconds(_tries, TRIES, visit.address)


def slow_down(visit: ConsoleVisit, seconds: int, there: str, *, name: str = "") -> Response:
    """The same page, for an address that has tried too often."""
    return retry_after(show(visit, 429, there, name=name, wrong=visit.looks.say(WORDS, "slow_down")), seconds)


async def _begin(visit: ConsoleVisit, now: datetime, known: Credentials, password: str, code: str) -> str:
    """The token of a new session. Raises NotSignedIn."""
    is_right = await in_thread(passwords.matches, known.password, password)
    if known.account_id is None or not known.may_try or not is_right:
        raise sessions.refused()
    browser = visit.request.headers.get("User-Agent", "")
    begin = partial(signing_in.with_password, code=code, address=visit.address, browser=browser)
    token = await visit.run(begin, visit.crm.config, now, known.account_id)
    if passwords.is_outdated(known.password):
        hashed = await in_thread(passwords.hashed, password)
        await visit.run(accounts.hash_anew, known.account_id, known.password, hashed)
    return token


async def _sign_out(visit: ConsoleVisit) -> Response:
    await visit.form()
    await visit.run(sessions.end, visit.by, visit.who.account_id, visit.who.session_id)
    answer = visit.leave(SIGN_IN)
    cookies.drop(answer, visit.frame)
    # What the browser has kept of the pages goes as well (W3C, Clear Site Data).
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


async def _signed_in(visit: ConsoleVisit) -> Response:
    """For scripts whose stream or socket was refused; whoever is signed in no longer, gets no further than the door."""
    return Response(status_code=204)


async def _welcome(visit: ConsoleVisit) -> Response:
    token = visit.request.path_params["token"][:80]
    if seconds := wait_to_try(visit):
        return retry_after(visit.page("said", WORDS, 429, text=visit.looks.say(WORDS, "slow_down")), seconds)
    account = await visit.read(accounts.invited, token, visit.crm.now())
    if visit.request.method != "POST":
        return _choose(visit, account.name, account.full_name)
    # Whoever has signed in already as somebody else chooses a password for this account all the same.
    visit.signed_in = None
    fields = await visit.form()
    chosen, again = str(fields.get("password", "")), str(fields.get("again", ""))
    if chosen != again:
        return _choose(visit, account.name, account.full_name, visit.looks.say(WORDS, "differs"))
    try:
        passwords.check(chosen, account.name)
    except CrmError as error:
        return _choose(visit, account.name, account.full_name, visit.refusal(error))
    hashed = await in_thread(passwords.hashed, chosen)
    now = visit.crm.now()
    account = await visit.run(accounts.accept, now, token, hashed)
    browser = visit.request.headers.get("User-Agent", "")
    begin = partial(signing_in.with_password, address=visit.address, browser=browser)
    session = await visit.run(begin, visit.crm.config, now, account.id)
    answer = visit.leave("/")
    cookies.keep(answer, visit.frame, session)
    return answer


def _choose(visit: ConsoleVisit, name: str, full_name: str, wrong: str = "") -> Response:
    visit.signed_in = None
    status = 422 if wrong else 200
    return visit.page(
        "welcome", WORDS, status, name=name, full_name=full_name, wrong=wrong, shortest=passwords.SHORTEST
    )


async def in_thread(act: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
    async with _comparing:
        return await asyncio.to_thread(act, *args, **kwargs)


PAGES = (
    ConsolePage(SIGN_IN, _sign_in, methods=("GET", "POST"), is_public=True),
    ConsolePage("/signed-in", _signed_in),
    ConsolePage("/sign-out", _sign_out, methods=("POST",)),
    ConsolePage(f"{accounts.WELCOME}{{token}}", _welcome, methods=("GET", "POST"), is_public=True),
)
