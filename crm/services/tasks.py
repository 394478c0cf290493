"""Finishing tasks; they come up in the ledger."""

from __future__ import annotations

from crm.domain import fields
from crm.domain.errors import Conflict, NotFound
from crm.services.audit import By, changing, note
from crm.store.queries import tasks
from crm.store.session import Store


async def finish(store: Store, by: By, task_id: int, result: str) -> None:
    """Marks a task as done, with what came of it."""
    async with changing(store) as session:
        task = await tasks.by_id(session, task_id)
        if task is None:
            raise NotFound(f"There is no task {task_id}: `leaseline task list` shows those there are.")
        if task.done_at is not None:
            raise Conflict(f"Task {task_id} is done, since {task.done_at:%Y-%m-%d %H:%M} UTC; nothing is left to do.")
        task.done_at, task.result = by.now, fields.text(result, "result", 300)
        note(session, by, f"task {task_id} done")
