"""The single open task per person and kind: which calls it covers, and how it is worded.

The unique index on Task (person, kind) holds even when two calls end at the same time: the later transaction fails, and
the ledger records its facts again and then finds the other's task.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete

from crm.domain.tasks import said_again
from crm.services.calls.aftermath.scene import Scene
from crm.store.models import Task, TaskCall
from crm.store.queries import tasks


def begin(scene: Scene, task: Task, why: str) -> None:
    """Like `join` and `tell`, for a new task, and a call that no task has covered before."""
    session, call = scene.session, scene.call
    _write(scene, task, why, [(call.id, call.started_at)])
    session.add_all((task, TaskCall(call_id=call.id, task=task)))


def join(scene: Scene, task: Task) -> None:
    """Makes this task the one that covers the call."""
    session = scene.session
    session.add(task)
    session.flush()
    session.execute(delete(TaskCall).where(TaskCall.call_id == scene.call.id, TaskCall.task_id != task.id))
    if session.get(TaskCall, scene.call.id) is None:
        session.add(TaskCall(call_id=scene.call.id, task_id=task.id))
    session.flush()


def stands_for_others(scene: Scene, task: Task) -> bool:
    return any(id != scene.call.id for id, _ in tasks.calls_of(scene.session, task.id))


def tell(scene: Scene, task: Task, why: str) -> bool:
    """Writes on the task why there is something to do, as of the latest call, and how many calls there were. False when
    this call is not the latest; then the text stays."""
    found = tasks.calls_of(scene.session, task.id)
    task.times = max(1, len(found))
    if found and found[-1][0] != scene.call.id:
        return False
    _write(scene, task, why, found)
    return True


def leave(scene: Scene, task: Task) -> None:
    """Removes a call that is finished, or covered by something else, from a task that other calls still need."""
    session, call_id = scene.session, scene.call.id
    session.execute(delete(TaskCall).where(TaskCall.call_id == call_id))
    found = tasks.calls_of(session, task.id)
    if task.key == f"call:{call_id}":
        # Frees the call's key for a task of its own.
        task.key = f"call:{found[0][0]}"
    if task.call_id == call_id:
        _write(scene, task, f"Called {scene.name()} and reached nobody.", found)
    task.times = len(found)
    session.flush()


def _write(scene: Scene, task: Task, why: str, found: Sequence[tuple[str, datetime]]) -> None:
    task.why = why.replace("\x00", "")
    task.property_id = scene.call.property_id
    if found:
        (_, first), (latest, task.last_at) = found[0], found[-1]
        task.call_id = latest
        task.why = said_again(task.why, len(found), first, task.last_at, scene.config.tz)
