"""Those who may sign in: invited, changed and disabled by admins."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from crm.domain.access import Act, Role
from crm.domain.errors import CrmError, NotFound
from crm.services.access import accounts, push, sessions
from crm.services.access.accounts import LINK_DAYS, WELCOME, AccountChange
from crm.services.audit import By
from crm.views import access
from crm.views.access import AccountEntry
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words.console import LANGUAGES
from crm.words.console.people import WORDS


async def _list(visit: ConsoleVisit) -> Response:
    return await _show(visit, {}, {})


async def _add(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    name = str(fields.get("name", "")).strip().lower()

    def act(session: Session, by: By) -> str:
        accounts.add(
            session,
            by,
            name,
            str(fields.get("full_name", "")),
            _role(fields),
            email=str(fields.get("email", "")),
            agent=str(fields.get("agent", "")).strip() or None,
            language=str(fields.get("language", "en")),
            property_slugs=_slugs(fields, "properties"),
            subteam_slugs=_slugs(fields, "subteams"),
        )
        return accounts.invite(session, by, name)

    try:
        token = await visit.run(act, visit.by)
    except CrmError as error:
        return await _show(visit, {key: str(value) for key, value in fields.items()}, {"": visit.refusal(error)})
    return _link(visit, name, token)


async def _one(visit: ConsoleVisit) -> Response:
    return visit.page("person", WORDS, person=await _account(visit), wrong="", **_choices(visit))


async def _change(visit: ConsoleVisit) -> Response:
    person, fields = await _account(visit), await visit.form()
    try:
        wanted = AccountChange(
            full_name=str(fields.get("full_name", "")),
            email=str(fields.get("email", "")),
            role=_role(fields),
            language=str(fields.get("language", person.language)),
            agent=str(fields.get("agent", "")).strip(),
            property_slugs=_slugs(fields, "properties"),
            subteam_slugs=_slugs(fields, "subteams"),
        )
        await visit.run(accounts.change, visit.by, person.name, wanted)
    except CrmError as error:
        return visit.page("person", WORDS, 422, person=person, wrong=visit.refusal(error), **_choices(visit))
    return visit.see_other("/people", visit.looks.say(WORDS, "changed", name=person.name))


async def _invite(visit: ConsoleVisit) -> Response:
    person = await _account(visit)
    await visit.form()
    return _link(visit, person.name, await visit.run(accounts.invite, visit.by, person.name))


async def _disable(visit: ConsoleVisit) -> Response:
    person = await _account(visit)
    await visit.form()
    await visit.run(accounts.disable, visit.by, person.name)
    return visit.see_other("/people", visit.looks.say(WORDS, "disabled", name=person.name))


async def _enable(visit: ConsoleVisit) -> Response:
    person = await _account(visit)
    await visit.form()
    await visit.run(accounts.enable, visit.by, person.name)
    return visit.see_other("/people", visit.looks.say(WORDS, "enabled", name=person.name))


async def _sign_out(visit: ConsoleVisit) -> Response:
    person = await _account(visit)
    await visit.form()

    def act(session: Session, by: By) -> int:
        return sessions.end_others(session, by, accounts.named(session, person.name).id, None)

    count = await visit.run(act, visit.by)
    return visit.see_other("/people", visit.looks.say(WORDS, "signed_out", n=count))


async def _show(visit: ConsoleVisit, filled: dict[str, str], wrong: dict[str, str]) -> Response:
    people = await visit.read(access.accounts, visit.crm.now())
    bells = await visit.read(push.bells, visit.crm.now())
    shown = {"people": people, "bells": bells, "filled": filled, "wrong": wrong}
    return visit.page("people", WORDS, 422 if wrong else 200, **shown, **_choices(visit))


def _link(visit: ConsoleVisit, name: str, token: str) -> Response:
    """Shows a link, which is nowhere else from then on. It leads to the host that this page came from."""
    console = visit.crm.config.console
    scheme = "https" if visit.frame.is_secure else "http"
    base = console.public_url.rstrip("/") or f"{scheme}://{visit.request.headers['Host']}"
    return visit.page("invitation", WORDS, name=name, link=f"{base}{WELCOME}{token}", days=LINK_DAYS)


async def _account(visit: ConsoleVisit) -> AccountEntry:
    name = visit.request.path_params["name"]
    found = await visit.read(access.accounts, visit.crm.now(), name=name)
    if not found:
        raise NotFound("There is no such account.", code="account_unknown")
    return found[0]


def _choices(visit: ConsoleVisit) -> dict[str, Any]:
    say = visit.looks.say
    return {
        "roles": [(role.value, say(WORDS, f"role_{role}")) for role in Role],
        "languages": list(LANGUAGES.items()),
    }


def _role(fields: FormData) -> Role:
    """Raises NotFound for none of ours."""
    try:
        return Role(str(fields.get("role", "")))
    except ValueError:
        raise NotFound("There is no such role.", code="role_unknown") from None


def _slugs(fields: FormData, name: str) -> list[str]:
    return str(fields.get(name, "")).replace(",", " ").split()


PAGES = (
    ConsolePage("/people", _list, needs=Act.PEOPLE, section="people"),
    ConsolePage("/people/add", _add, needs=Act.PEOPLE, methods=("POST",)),
    ConsolePage("/people/{name}", _one, needs=Act.PEOPLE),
    ConsolePage("/people/{name}/change", _change, needs=Act.PEOPLE, methods=("POST",)),
    ConsolePage("/people/{name}/invite", _invite, needs=Act.PEOPLE, methods=("POST",)),
    ConsolePage("/people/{name}/disable", _disable, needs=Act.PEOPLE, methods=("POST",)),
    ConsolePage("/people/{name}/enable", _enable, needs=Act.PEOPLE, methods=("POST",)),
    ConsolePage("/people/{name}/sign-out", _sign_out, needs=Act.PEOPLE, methods=("POST",)),
)
