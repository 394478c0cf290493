"""The one open task of a person and kind: the calls it stands for, and how it says so.

The unique index on Task (person, kind) holds when two calls end at once: the later transaction fails, and the ledger
records its facts again, which then find the task of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete

from crm.domain.tasks import how_often
from crm.services.calls.aftermath.scene import Scene, fit
from crm.store.models import Task, TaskCall
from crm.store.queries import tasks


def join(scene: Scene, task: Task) -> None:
    """The call is taken care of by this task, from now on."""
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
    """Why there is something to do, as the latest of the calls says it, and how many there were. False when this call
    is not the latest, which then said it already."""
    found = tasks.calls_of(scene.session, task.id)
    task.times = max(1, len(found))
    if found and found[-1][0] != scene.call.id:
        return False
    _write(scene, task, why, found)
    return True


def leave(scene: Scene, task: Task) -> None:
    """The call is finished, or something else is to be done about it: the task stays for the others."""
    session, call_id = scene.session, scene.call.id
    session.execute(delete(TaskCall).where(TaskCall.call_id == call_id))
    found = tasks.calls_of(session, task.id)
    if task.key == f"call:{call_id}":
        # The key is the call's again, for a task of its own.
        task.key = f"call:{found[0][0]}"
    if task.call_id == call_id:
        _write(scene, task, f"Called {scene.name()} and reached nobody.", found)
    task.times = len(found)
    session.flush()


def _write(scene: Scene, task: Task, why: str, found: Sequence[tuple[str, datetime]]) -> None:
    often = how_often([at for _, at in found], scene.config.tz)
    task.why = fit(why, 300 - len(often)) + often
    if found:
        task.call_id = found[-1][0]
