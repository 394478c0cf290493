"""What has to be done next, and by whom."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain.access import Act
from crm.domain.errors import NotFound
from crm.domain.tasks import TaskKind
from crm.services import tasks as service
from crm.services.audit import By
from crm.views import tasks as view
from crm.views.tasks import TaskEntry
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words.console.tasks import WORDS

PER_PAGE = 50


async def _list(visit: ConsoleVisit) -> Response:
    asked = {"whose": visit.query.get("whose") or ("mine" if visit.who.agent else "everybody")}
    owner = visit.who.agent if asked["whose"] == "mine" else None
    after = _after(visit.query.get("after", ""))
    found = await visit.read(
        view.listed, visit.crm.now(), owner=owner, after=after, limit=PER_PAGE + 1, reach=visit.who.reach
    )
    more = ""
    if len(found) > PER_PAGE:
        found = found[:PER_PAGE]
        more = urlencode({**asked, "after": f"{found[-1].due_at.isoformat()}/{found[-1].id}"})
    whose = [(one, visit.looks.say(WORDS, one)) for one in ("mine", "everybody") if one != "mine" or visit.who.agent]
    return visit.page(
        "tasks",
        WORDS,
        entries=found,
        asked=asked,
        whose=whose,
        more=more,
        kinds=TaskKind,
        may_change=visit.may(Act.WORK),
    )


async def _done(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    task_id = visit.request.path_params["task"]

    def act(session: Session, by: By, result: str) -> TaskEntry:
        found = view.one(session, task_id, by.now, visit.who.reach)
        service.finish(session, by, task_id, result)
        return found

    await visit.run(act, visit.by, str(fields.get("result", "")))
    return visit.see_other(visit.back("/tasks"), visit.looks.say(WORDS, "finished", id=task_id))


def _after(cursor: str) -> tuple[datetime, int] | None:
    """Due time and id of the last one on the page before. Raises NotFound for a cursor that is none of ours."""
    if not cursor:
        return None
    due, _, id = cursor.rpartition("/")
    try:
        at, number = datetime.fromisoformat(due), int(id)
    except ValueError:
        raise NotFound("There is no such page.", code="page_unknown") from None
    if at.tzinfo is None or not 0 < number < 2**31:
        raise NotFound("There is no such page.", code="page_unknown")
    return at, number


PAGES = (
    ConsolePage("/tasks", _list, section="tasks"),
    ConsolePage("/tasks/{task:int}/done", _done, needs=Act.WORK, methods=("POST",)),
)
