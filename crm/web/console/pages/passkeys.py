"""Passkeys: signing in with one, and those of one's own account.

The element <lease-passkey> (crm/web/islands/elements/passkey.ts) asks `begin` what its browser is to sign, and then
sends the form with what it got. In between, the form holds the challenge, signed by us.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from itsdangerous import BadSignature
from starlette.exceptions import HTTPException
from starlette.responses import Response

from crm.domain.errors import CrmError
from crm.services import signing_in
from crm.services.access import passkeys
from crm.services.access.passkeys import RelyingParty
from crm.services.access.sessions import NotSignedIn
from crm.views import office as office_view
from crm.web.console import cookies
from crm.web.console.door import ConsolePage
from crm.web.console.pages import account, sign_in
from crm.web.console.visit import ConsoleVisit, is_own_path
from crm.web.shield import retry_after
from crm.words.console.account import WORDS
from crm.words.console.sign_in import WORDS as SIGN_IN_WORDS

MADE, SHOWN = "passkey-made", "passkey-shown"
"""What a signed challenge is good for."""


@dataclass(frozen=True)
class SignedChallenge:
    """What a browser was to sign."""

    challenge: bytes
    asked_at: datetime
    session_id: int
    """Whose page asked; 0: the one for signing in."""


async def _begin_sign_in(visit: ConsoleVisit) -> Response:
    party = _party(visit)
    await visit.form()
    if seconds := sign_in.wait_to_try(visit):
        return retry_after(_json({"wrong": visit.looks.say(SIGN_IN_WORDS, "slow_down")}, 429), seconds)
    challenge = passkeys.new_challenge()
    return _json({"sealed": _seal(visit, SHOWN, challenge, 0), "asked": passkeys.request(party, challenge)})


async def _sign_in(visit: ConsoleVisit) -> Response:
    party, there = _party(visit), visit.query.get("to", "/")
    there = there if is_own_path(there) else "/"
    visit.signed_in = None
    fields = await visit.form()
    try:
        if seconds := sign_in.wait_to_try(visit):
            return sign_in.slow_down(visit, seconds, there)
        asked = _open(visit, SHOWN, str(fields.get("sealed", "")), 0)
        shown = str(fields.get("credential", ""))
        proven = await visit.read(passkeys.proven, party, asked.challenge, shown)
        token = await visit.run(
            signing_in.with_passkey,
            visit.crm.config,
            visit.crm.now(),
            proven,
            asked.asked_at,
            address=visit.address,
            browser=visit.request.headers.get("User-Agent", ""),
        )
    except (NotSignedIn, BadSignature):
        return sign_in.show(visit, 403, there, wrong=visit.looks.say(SIGN_IN_WORDS, "passkey_failed"))
    answer = visit.leave(there)
    cookies.keep(answer, visit.frame, token)
    return answer


async def _begin_adding(visit: ConsoleVisit) -> Response:
    party, fields = _party(visit), await visit.form()
    # Whoever finds a browser where somebody is signed in cannot stay in by it.
    if not await account.is_right(visit, str(fields.get("old", ""))):
        return _json({"wrong": visit.looks.say(WORDS, "not_yours")}, 422)
    office = await visit.read(office_view.one)
    challenge, who = passkeys.new_challenge(), visit.who
    handle = hmac.new(visit.frame.key.encode(), f"passkey:{who.account_id}".encode(), hashlib.sha256).digest()
    asked = await visit.read(passkeys.creation, party, who.account_id, handle, challenge, office.name)
    return _json({"sealed": _seal(visit, MADE, challenge, who.session_id), "asked": asked, "is_new": True})


async def _add(visit: ConsoleVisit) -> Response:
    party, fields = _party(visit), await visit.form()
    try:
        asked = _open(visit, MADE, str(fields.get("sealed", "")), visit.who.session_id)
        made, name = str(fields.get("credential", "")), str(fields.get("name", ""))
        await visit.run(passkeys.add, visit.by, visit.who.account_id, party, asked.challenge, made, name)
    except BadSignature:
        return visit.see_other("/account", visit.looks.say(WORDS, "passkey_late"))
    except CrmError as error:
        return visit.see_other("/account", visit.refusal(error))
    return visit.see_other("/account", visit.looks.say(WORDS, "passkey_added"))


async def _remove(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    if not await account.is_right(visit, str(fields.get("old", ""))):
        return visit.see_other("/account", visit.looks.say(WORDS, "not_yours"))
    await visit.run(passkeys.remove, visit.by, visit.who.account_id, visit.request.path_params["passkey"])
    return visit.see_other("/account", visit.looks.say(WORDS, "passkey_removed"))


def _party(visit: ConsoleVisit) -> RelyingParty:
    """Raises HTTPException where there can be no passkeys, whose buttons are not shown there."""
    found = visit.passkey_party
    if found is None:
        raise HTTPException(404)
    return found


def _seal(visit: ConsoleVisit, salt: str, challenge: bytes, session_id: int) -> str:
    made = [base64.b64encode(challenge).decode(), visit.crm.now().timestamp(), session_id]
    return str(visit.frame.sign(salt).dumps(made))


def _open(visit: ConsoleVisit, salt: str, sealed: str, session_id: int) -> SignedChallenge:
    """Raises BadSignature for what is not ours, is another session's, or is too old."""
    challenge, at, of = visit.frame.sign(salt).loads(sealed)
    found = SignedChallenge(base64.b64decode(challenge), datetime.fromtimestamp(at, UTC), of)
    if of != session_id or not found.asked_at <= visit.crm.now() <= found.asked_at + passkeys.GOOD_FOR:
        raise BadSignature("too old, or another session's")
    return found


def _json(value: dict[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


PAGES = (
    ConsolePage("/sign-in/passkey/begin", _begin_sign_in, methods=("POST",), is_public=True),
    ConsolePage("/sign-in/passkey", _sign_in, methods=("POST",), is_public=True),
    ConsolePage("/account/passkeys/begin", _begin_adding, methods=("POST",)),
    ConsolePage("/account/passkeys", _add, methods=("POST",)),
    ConsolePage("/account/passkeys/{passkey:int}/remove", _remove, methods=("POST",)),
)
