"""One's own account: password, one-time codes, language, and where one is signed in."""

from __future__ import annotations

from collections.abc import Sequence

import segno
from itsdangerous import BadSignature
from starlette.responses import Response

from crm.domain.errors import CrmError
from crm.services.access import accounts, passwords, sessions
from crm.services.access.accounts import AccountChange
from crm.views import access
from crm.views import office as office_view
from crm.web.console import cursors
from crm.web.console.door import ConsolePage
from crm.web.console.pages.sign_in import in_thread
from crm.web.console.visit import ConsoleVisit
from crm.words.console import LANGUAGES
from crm.words.console.account import WORDS

SET_UP_SECONDS = 900
"""How long somebody may take to set up an authenticator."""


async def _page(visit: ConsoleVisit) -> Response:
    return await _show(visit, {})


async def _show(
    visit: ConsoleVisit, wrong: dict[str, str], secret: str = "", recovery_codes: Sequence[str] = ()
) -> Response:
    who, now = visit.who, visit.crm.now()
    [account] = await visit.read(access.accounts, now, name=who.name)
    own_passkeys = await visit.read(access.passkeys, who.account_id)
    left = await visit.read(sessions.recovery_codes_left, who.account_id)
    open_ones = await visit.read(access.sessions, who.account_id, now)
    qr = ""
    if secret:
        office = await visit.read(office_view.one)
        qr = segno.make(sessions.totp_uri(secret, who.name, office.name), error="m", micro=False).svg_data_uri(scale=4)
    return visit.page(
        "account",
        WORDS,
        422 if wrong else 200,
        account=account,
        sessions=open_ones,
        passkeys=own_passkeys,
        has_passkeys=visit.passkey_party is not None,
        recovery_codes=recovery_codes,
        codes_left=left,
        languages=list(LANGUAGES.items()),
        shortest=passwords.SHORTEST,
        wrong=wrong,
        qr=qr,
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        sealed=visit.frame.sign("totp").dumps([who.account_id, secret]) if secret else "",
    )


async def _language(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    language = str(fields.get("language", ""))
    await visit.run(accounts.change, visit.by, visit.who.name, AccountChange(language=language))
    # The frame is in the other language, too.
    said = visit.frame.looks[language].say(WORDS, "language_set")
    answer = visit.leave("/account")
    visit.say_later(answer, said)
    return answer


async def _password(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    old, new = str(fields.get("old", "")), str(fields.get("new", ""))
    if new != str(fields.get("again", "")):
        return await _show(visit, {"again": visit.looks.say(WORDS, "differs")})
    if not await is_right(visit, old):
        return await _show(visit, {"old": visit.looks.say(WORDS, "not_yours")})
    try:
        passwords.check(new, visit.who.name)
    except CrmError as error:
        return await _show(visit, {"new": visit.refusal(error)})
    hashed = await in_thread(passwords.hashed, new)
    await visit.run(accounts.set_password, visit.by, visit.who.account_id, hashed, keep_session=visit.who.session_id)
    return visit.see_other("/account", visit.looks.say(WORDS, "password_set"))


async def _begin_codes(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    # Whoever finds a browser where somebody is signed in cannot lock them out by it.
    if not await is_right(visit, str(fields.get("old", ""))):
        return await _show(visit, {"begin": visit.looks.say(WORDS, "not_yours")})
    return await _show(visit, {}, sessions.new_totp())


async def _set_codes(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    try:
        of, secret = visit.frame.sign("totp").loads(str(fields.get("sealed", "")), max_age=SET_UP_SECONDS)
    except BadSignature:
        return visit.see_other("/account")
    if of != visit.who.account_id:
        return visit.see_other("/account")
    try:
        await visit.run(sessions.set_totp, visit.by, visit.who.account_id, secret, str(fields.get("code", "")))
    except CrmError as error:
        return await _show(visit, {"code": visit.refusal(error)}, secret)
    codes = await visit.run(sessions.new_recovery_codes, visit.by, visit.who.account_id)
    return await _show(visit, {}, recovery_codes=codes)


async def _write_codes(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    if not await is_right(visit, str(fields.get("old", ""))):
        return await _show(visit, {"codes": visit.looks.say(WORDS, "not_yours")})
    codes = await visit.run(sessions.new_recovery_codes, visit.by, visit.who.account_id)
    return await _show(visit, {}, recovery_codes=codes)


async def _drop_codes(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    if not await is_right(visit, str(fields.get("old", ""))):
        return await _show(visit, {"drop": visit.looks.say(WORDS, "not_yours")})
    await visit.run(sessions.drop_totp, visit.by, visit.who.account_id)
    return visit.see_other("/account", visit.looks.say(WORDS, "codes_dropped"))


async def _end(visit: ConsoleVisit) -> Response:
    await visit.form()
    await visit.run(
        sessions.end, visit.by, visit.who.account_id, cursors.number(str(visit.request.path_params["session"]))
    )
    return visit.see_other("/account", visit.looks.say(WORDS, "ended"))


async def _end_others(visit: ConsoleVisit) -> Response:
    await visit.form()
    await visit.run(sessions.end_others, visit.by, visit.who.account_id, visit.who.session_id)
    return visit.see_other("/account", visit.looks.say(WORDS, "ended"))


async def is_right(visit: ConsoleVisit, password: str) -> bool:
    """Whether this is their password; wrong ones count as at signing in."""
    now = visit.crm.now()
    known = await visit.read(sessions.credentials, visit.who.name, now)
    if not known.may_try:
        return False
    if await in_thread(passwords.matches, known.password, password):
        return True
    await visit.run(sessions.failed, now, visit.who.account_id)
    return False


PAGES = (
    ConsolePage("/account", _page),
    ConsolePage("/account/language", _language, methods=("POST",)),
    ConsolePage("/account/password", _password, methods=("POST",)),
    ConsolePage("/account/codes", _begin_codes, methods=("POST",)),
    ConsolePage("/account/codes/on", _set_codes, methods=("POST",)),
    ConsolePage("/account/codes/written", _write_codes, methods=("POST",)),
    ConsolePage("/account/codes/off", _drop_codes, methods=("POST",)),
    ConsolePage("/account/sessions/{session:int}/end", _end, methods=("POST",)),
    ConsolePage("/account/sessions/end", _end_others, methods=("POST",)),
)
