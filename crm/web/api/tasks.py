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
    """Filters for tasks."""

    owner: Slug | None = None
    """Only this agent's tasks, and open ones they may take of their subteams'."""
    team: Slug | None = None
    """Only tasks that nobody of this subteam has taken."""
    lead: Id | None = None
    """Only tasks about this lead."""
    done: bool = False
    """Include tasks that are done."""
    due_before: Moment | None = None
    since: Moment | None = None
    """Only tasks created then or later."""


@routes.get("/tasks", Scope.TASKS_READ)
def list_tasks(ask: Ask, query: TaskQuery) -> ListPage[TaskEntry]:
    """List open tasks, most urgent first."""
    return page(
        query,
        tuple[datetime, int],
        lambda one: (one.due_at, one.id),
        lambda after, limit: tasks.listed(
            ask.session,
            ask.now,
            owner=query.owner,
            team=query.team,
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
    """The result of a task."""

    result: Annotated[str, msgspec.Meta(max_length=300)] = ""


@routes.post("/tasks/{task}/done", Scope.TASKS_WRITE)
def finish_task(ask: Ask, task: Id, body: TaskResult) -> TaskEntry:
    """Mark a task as done."""
    service.finish(ask.session, ask.by, sees.task(ask, task), body.result)
    ask.session.flush()
    return tasks.one(ask.session, task, ask.now, ask.reach)


class NewOwner(Body, kw_only=True):
    """The agent who should do a task."""

    owner: Slug


@routes.post("/tasks/{task}/assignment", Scope.TASKS_WRITE)
def assign_task(ask: Ask, task: Id, body: NewOwner) -> TaskEntry:
    """Assign a task to another agent."""
    service.reassign(ask.session, ask.by, sees.task(ask, task), body.owner)
    ask.session.flush()
    return tasks.one(ask.session, task, ask.now, ask.reach)


@routes.post("/tasks/{task}/taking", Scope.TASKS_WRITE)
def take_task(ask: Ask, task: Id, body: NewOwner) -> TaskEntry:
    """Take a task that a whole subteam has."""
    service.take(ask.session, ask.by, sees.task(ask, task), body.owner)
    ask.session.flush()
    return tasks.one(ask.session, task, ask.now, ask.reach)


class NewDueTime(Body, kw_only=True):
    """The time until which a task is postponed."""

    until: Moment


@routes.post("/tasks/{task}/postponement", Scope.TASKS_WRITE)
def postpone_task(ask: Ask, task: Id, body: NewDueTime) -> TaskEntry:
    """Postpone a task."""
    service.snooze(ask.session, ask.by, sees.task(ask, task), body.until)
    ask.session.flush()
    return tasks.one(ask.session, task, ask.now, ask.reach)
