"""People to be called back: callers whom nobody talked to, and voicemail nobody has answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from crm.domain.access import Act
from crm.domain.errors import Conflict, Invalid
from crm.services import tasks as service
from crm.services.audit import By
from crm.views import choices, recent, reports
from crm.views import tasks as view
from crm.views.choices import Choices
from crm.views.reports import LostEntry
from crm.views.tasks import MissedEntry
from crm.web.console import cursors
from crm.web.console.cursors import PER_PAGE
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words.console.missed import WORDS

WHOSE = ("mine", "everybody")


@dataclass(frozen=True)
class MissedSheet:
    lost: list[LostEntry]
    entries: list[MissedEntry]
    agents: Choices
    linked: set[str]
    """Calls whose page they may open."""


async def _list(visit: ConsoleVisit) -> Response:
    return await _show(visit)


async def _show(visit: ConsoleVisit, wrong: str = "", status: int = 200) -> Response:
    whose = visit.query.get("whose") or ("mine" if visit.who.agent else "everybody")
    if whose not in WHOSE:
        raise HTTPException(404)
    after = cursors.moment_and_id(visit.query.get("after", ""))
    sheet = await visit.read(_sheet, visit, whose, after)
    found, more = sheet.entries, ""
    if len(found) > PER_PAGE:
        found = found[:PER_PAGE]
        more = urlencode({"whose": whose, "after": cursors.written(found[-1].due_at, found[-1].task)})
    return visit.page(
        "missed",
        WORDS,
        status,
        sheet=sheet,
        entries=found,
        names=dict(sheet.agents),
        whose=whose,
        choices_of_whose=[(one, visit.looks.say(WORDS, one)) for one in WHOSE if one != "mine" or visit.who.agent],
        wrong=wrong,
        more=more,
        is_first=after is None,
        me=visit.who.agent or "",
        may_work=visit.may(Act.WORK),
    )


def _sheet(session: Session, visit: ConsoleVisit, whose: str, after: tuple[datetime, int] | None) -> MissedSheet:
    config, now, reach = visit.crm.config, visit.crm.now(), visit.who.reach
    owner = (visit.who.agent or "") if whose == "mine" else None
    entries = view.missed(session, now, owner=owner, after=after, limit=PER_PAGE + 1, reach=reach)
    # Nobody is lost as a rule; where somebody is, they are nobody's, so whoever may see the call is told.
    lost = reports.lost(session, config, now) if after is None else []
    seen = recent.within(session, [one.call for one in lost], reach)
    return MissedSheet(
        [one for one in lost if one.call in seen],
        entries,
        choices.agents(session),
        recent.within(session, [one.call for one in entries if one.call], reach),
    )


async def _done(visit: ConsoleVisit) -> Response:
    result = str((await visit.form()).get("result", ""))
    return await _acted(visit, "done", lambda session, by, task: service.finish(session, by, task, result))


async def _take(visit: ConsoleVisit) -> Response:
    await visit.form()
    agent = visit.who.agent
    if agent is None:
        raise HTTPException(403)

    def act(session: Session, by: By, task: int) -> None:
        if view.one(session, task, by.now).owner is None:
            service.take(session, by, task, agent)
        else:
            service.reassign(session, by, task, agent)

    return await _acted(visit, "taken", act)


async def _give(visit: ConsoleVisit) -> Response:
    owner = str((await visit.form()).get("owner", "")).strip()

    def act(session: Session, by: By, task: int) -> None:
        if not owner:
            raise Invalid(visit.looks.say(WORDS, "choose_agent"), code="agent_missing")
        service.reassign(session, by, task, owner)

    return await _acted(visit, "given", act)


async def _acted(visit: ConsoleVisit, said: str, act: Callable[[Session, By, int], None]) -> Response:
    task = cursors.number(str(visit.request.path_params["task"]))

    def found_and_acted(session: Session, by: By) -> None:
        view.one(session, task, by.now, visit.who.reach)
        act(session, by, task)

    try:
        await visit.run(found_and_acted, visit.by)
    except (Invalid, Conflict) as error:
        return await _show(visit, visit.refusal(error), 422)
    return visit.see_other(visit.back("/missed"), visit.looks.say(WORDS, f"is_{said}"))


PAGES = (
    ConsolePage("/missed", _list, section="missed"),
    ConsolePage("/missed/{task:int}/done", _done, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/missed/{task:int}/taker", _take, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/missed/{task:int}/owner", _give, needs=Act.WORK, methods=("POST",)),
)
