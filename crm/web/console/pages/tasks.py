"""What has to be done next, and by whom."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from crm.domain.access import Act
from crm.domain.tasks import TaskKind
from crm.services import tasks as service
from crm.views import choices
from crm.views import tasks as view
from crm.web.console import cursors
from crm.web.console.cursors import PER_PAGE
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words.console.tasks import WORDS

LATER = {"hour": timedelta(hours=1), "hours": timedelta(hours=4), "day": timedelta(days=1), "week": timedelta(weeks=1)}


async def _list(visit: ConsoleVisit) -> Response:
    asked = {"whose": visit.query.get("whose") or ("mine" if visit.who.agent else "everybody")}
    owner = visit.who.agent if asked["whose"] == "mine" else None
    after = cursors.moment_and_id(visit.query.get("after", ""))
    found = await visit.read(
        view.listed, visit.crm.now(), owner=owner, after=after, limit=PER_PAGE + 1, reach=visit.who.reach
    )
    more = ""
    if len(found) > PER_PAGE:
        found = found[:PER_PAGE]
        more = urlencode({**asked, "after": cursors.written(found[-1].due_at, found[-1].id)})
    whose = [(one, visit.looks.say(WORDS, one)) for one in ("mine", "everybody") if one != "mine" or visit.who.agent]
    return visit.page(
        "tasks",
        WORDS,
        entries=found,
        asked=asked,
        whose=whose,
        more=more,
        kinds=TaskKind,
        later=[(key, visit.looks.say(WORDS, f"later_{key}")) for key in LATER],
        agents=await visit.read(choices.agents) if visit.may(Act.WORK) else [],
        may_change=visit.may(Act.WORK),
    )


async def _take(visit: ConsoleVisit) -> Response:
    await visit.form()
    task_id = await _seen(visit)
    if visit.who.agent is None:
        raise HTTPException(403)
    await visit.run(service.take, visit.by, task_id, visit.who.agent)
    return visit.see_other(visit.back("/tasks"), visit.looks.say(WORDS, "taken", id=task_id))


async def _give(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    task_id = await _seen(visit)
    to = str(fields.get("to", "")).strip()
    await visit.run(service.reassign, visit.by, task_id, to)
    return visit.see_other(visit.back("/tasks"), visit.looks.say(WORDS, "given", id=task_id, to=to))


async def _snooze(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    task_id = await _seen(visit)
    try:
        until = visit.crm.now() + LATER[str(fields.get("until", ""))]
    except KeyError:
        raise HTTPException(404) from None
    await visit.run(service.snooze, visit.by, task_id, until)
    when = visit.looks.moment(until)
    return visit.see_other(visit.back("/tasks"), visit.looks.say(WORDS, "snoozed", id=task_id, when=when))


async def _seen(visit: ConsoleVisit) -> int:
    """The id of the task that the path names. Raises NotFound for one that they do not see."""
    task_id = cursors.number(str(visit.request.path_params["task"]))
    return (await visit.read(view.one, task_id, visit.crm.now(), visit.who.reach)).id


async def _done(visit: ConsoleVisit) -> Response:
    fields = await visit.form()
    task_id = await _seen(visit)
    await visit.run(service.finish, visit.by, task_id, str(fields.get("result", "")))
    return visit.see_other(visit.back("/tasks"), visit.looks.say(WORDS, "finished", id=task_id))


PAGES = (
    ConsolePage("/tasks", _list, section="tasks"),
    ConsolePage("/tasks/{task:int}/take", _take, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/tasks/{task:int}/give", _give, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/tasks/{task:int}/snooze", _snooze, needs=Act.WORK, methods=("POST",)),
    ConsolePage("/tasks/{task:int}/done", _done, needs=Act.WORK, methods=("POST",)),
)
