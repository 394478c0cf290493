"""The tasks of a lead, on its page."""

from __future__ import annotations

from sqlalchemy.orm import Session
from starlette.responses import Response

from crm.domain.access import Act
from crm.domain.errors import NotFound
from crm.services import tasks as tasks_service
from crm.services.audit import By
from crm.views import tasks
from crm.web.console import cursors
from crm.web.console.door import ConsolePage
from crm.web.console.pages.lead.sheet import acted, moment
from crm.web.console.visit import ConsoleVisit


async def _task(visit: ConsoleVisit) -> Response:
    form = await visit.form()

    def act(session: Session, by: By, lead_id: int) -> None:
        due = moment(visit, str(form.get("due", "")))
        owner = str(form.get("owner", "")).strip() or None
        tasks_service.add(session, visit.crm.config, by, lead_id, str(form.get("why", "")), due, owner)

    return await acted(visit, "task", form, act, "task_added", "#tasks")


async def _task_done(visit: ConsoleVisit) -> Response:
    form = await visit.form()

    def act(session: Session, by: By, lead_id: int) -> None:
        tasks_service.finish(session, by, _own_task(session, visit, lead_id), str(form.get("result", "")))

    return await acted(visit, "tasks", form, act, "task_done", "#tasks")


async def _task_given(visit: ConsoleVisit) -> Response:
    form = await visit.form()

    def act(session: Session, by: By, lead_id: int) -> None:
        task_id = _own_task(session, visit, lead_id)
        tasks_service.reassign(session, by, task_id, str(form.get("owner", "")))

    return await acted(visit, "tasks", form, act, "task_given", "#tasks")


def _own_task(session: Session, visit: ConsoleVisit, lead_id: int) -> int:
    """Raises NotFound for one of somebody else's."""
    task_id = cursors.number(str(visit.request.path_params["task"]))
    found = tasks.one(session, task_id, visit.crm.now(), visit.who.reach)
    if found.lead != lead_id:
        raise NotFound(f"There is no task {task_id}.", code="task_unknown", task=task_id)
    return found.id


POST = ("POST",)
PAGES = (
    ConsolePage("/leads/{lead:int}/tasks", _task, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/tasks/{task:int}/done", _task_done, needs=Act.WORK, methods=POST),
    ConsolePage("/leads/{lead:int}/tasks/{task:int}/owner", _task_given, needs=Act.WORK, methods=POST),
)
