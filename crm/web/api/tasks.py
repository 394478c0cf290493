"""Tasks: what has to be done next, and by whom."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from crm.domain.access import Scope
from crm.services import tasks as service
from crm.views import tasks
from crm.views.tasks import TaskEntry
from crm.web.api import sees
from crm.web.api.cursors import page
from crm.web.api.routes import Ask, Body, Id, ListPage, Moment, Paged, Routes, Slug

routes = Routes("tasks")


class TaskQuery(Paged, kw_only=True):
    """Which tasks."""

    owner: Slug | None = None
    """Only this agent's."""
    lead: Id | None = None
    """Only about this lead."""
    done: bool = False
    """Those that are done, too."""
    due_before: Moment | None = None
    since: Moment | None = None
    """Only those made then or later."""


@routes.get("/tasks", Scope.TASKS_READ)
def list_tasks(ask: Ask, query: TaskQuery) -> ListPage[TaskEntry]:
    """List open tasks, the most urgent first."""
    return page(
        query,
        tuple[datetime, int],
        lambda one: (one.due_at, one.id),
        lambda after, limit: tasks.listed(
            ask.session,
            ask.now,
            owner=query.owner,
            with_done=query.done,
            due_before=query.due_before,
            since=query.since,
            lead=query.lead,
            after=after,
            limit=limit,
            reach=ask.reach,
        ),
    )


@routes.get("/tasks/{task}", Scope.TASKS_READ)
def show_task(ask: Ask, task: Id) -> TaskEntry:
    """Show a task."""
    return tasks.one(ask.session, task, ask.now, ask.reach)


class TaskResult(Body, kw_only=True):
    """What came of a task."""

    result: Annotated[str, msgspec.Meta(max_length=300)] = ""


@routes.post("/tasks/{task}/done", Scope.TASKS_WRITE)
def finish_task(ask: Ask, task: Id, body: TaskResult) -> TaskEntry:
    """Mark a task as done."""
    service.finish(ask.session, ask.by, sees.task(ask, task), body.result)
    ask.session.flush()
    return tasks.one(ask.session, task, ask.now, ask.reach)


class NewOwner(Body, kw_only=True):
    """Who is to do a task."""

    owner: Slug


@routes.post("/tasks/{task}/assignment", Scope.TASKS_WRITE)
def assign_task(ask: Ask, task: Id, body: NewOwner) -> TaskEntry:
    """Give a task to another agent."""
    service.reassign(ask.session, ask.by, sees.task(ask, task), body.owner)
    ask.session.flush()
    return tasks.one(ask.session, task, ask.now, ask.reach)


class NewDueTime(Body, kw_only=True):
    """Until when a task is put off."""

    until: Moment


@routes.post("/tasks/{task}/postponement", Scope.TASKS_WRITE)
def postpone_task(ask: Ask, task: Id, body: NewDueTime) -> TaskEntry:
    """Put a task off."""
    service.snooze(ask.session, ask.by, sees.task(ask, task), body.until)
    ask.session.flush()
    return tasks.one(ask.session, task, ask.now, ask.reach)
