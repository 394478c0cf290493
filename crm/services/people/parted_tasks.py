"""Divides the open tasks when a merge is undone.

While two leads were one, a call from either joined the one open task of its kind. Afterwards each lead has a task for
its own calls, so that nobody is forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.domain.tasks import TaskKind
from crm.store.models import Activity, Call, Task, TaskCall


@dataclass(frozen=True)
class Side:
    """One of the two, and what has come in from them since the merge."""

    lead_id: int
    arrivals: Collection[Any]
    texts: Collection[Any]


def part(
    session: Session, key: str, now: datetime, survivor: Side, gone: Side, before: Mapping[Any, Mapping[str, Any]]
) -> None:
    """Gives each side its tasks. `key` names the merge in the keys of new ones; `before` are the tasks that were open
    at the time of the merge, by id."""
    parting = _TaskParting(session, key, now, before)
    for one, other in ((survivor, gone), (gone, survivor)):
        for task in parting.open_of(one.lead_id):
            parting.part_calls(task, one, other)
        for kind, came, theirs, prefix in (
            (TaskKind.INQUIRY, one.arrivals, other.arrivals, "arrival"),
            (TaskKind.REPLY, one.texts, other.texts, "text"),
        ):
            if theirs:
                parting.part_kind(kind, one, other, len(came), sorted(theirs), prefix)


class _TaskParting:
    def __init__(self, session: Session, key: str, now: datetime, before: Mapping[Any, Mapping[str, Any]]) -> None:
        self._session, self._key, self._now, self._before = session, key, now, before

    def open_of(self, lead_id: int) -> Sequence[Task]:
        found = select(Task).where(Task.lead_id == lead_id, Task.done_at.is_(None)).order_by(Task.id)
        return self._session.scalars(found).all()

    def part_calls(self, task: Task, one: Side, other: Side) -> None:
        """A task of one lead that also covers calls of the other is reduced to its own."""
        found = select(Call.id, Call.lead_id).join(TaskCall, TaskCall.call_id == Call.id)
        calls = self._session.execute(found.where(TaskCall.task_id == task.id).order_by(Call.started_at, Call.id)).all()
        theirs = [id for id, lead_id in calls if lead_id == other.lead_id]
        if not theirs:
            return
        own = [id for id, lead_id in calls if lead_id != other.lead_id]
        target = self._counterpart(task, other, f"call:{theirs[-1]}", len(theirs))
        self._session.execute(update(TaskCall).where(TaskCall.call_id.in_(theirs)).values(task_id=target.id))
        target.call_id = theirs[-1]
        task.times = max(1, len(own))
        if task.call_id in theirs:
            task.call_id = own[-1] if own else None
        self._say_again(task)

    def part_kind(self, kind: TaskKind, one: Side, other: Side, own: int, theirs: Sequence[Any], prefix: str) -> None:
        """The other gets a task of this kind if what came from them was only added to the first one's."""
        if any(task.kind == kind for task in self.open_of(other.lead_id)):
            return
        task = next((task for task in self.open_of(one.lead_id) if task.kind == kind), None)
        if task is None:
            return
        self._counterpart(task, other, f"{prefix}:{theirs[-1]}", len(theirs))
        was = self._before.get(task.id)
        task.times = (was["times"] if was else 0) + own or 1
        if not own:
            self._say_again(task)

    def _counterpart(self, task: Task, other: Side, entry: str, times: int) -> Task:
        """The other's task of this kind, created if there is none, with the text of the timeline entry."""
        whose, slash, desk = task.person.partition("/")
        person = f"lead:{other.lead_id}{slash}{desk}" if whose else ""
        for found in self.open_of(other.lead_id):
            if found.kind == task.kind and found.person == person:
                found.times += times
                return found
        why = self._session.scalar(select(Activity.text).where(Activity.key == entry))
        made = Task(
            key=f"{self._key}:{task.id}",
            kind=task.kind,
            person=person,
            times=times,
            owner_id=task.owner_id,
            subteam_id=task.subteam_id,
            lead_id=other.lead_id,
            why=why or task.why,
            due_at=task.due_at,
            created_at=self._now,
            escalate_at=task.escalate_at,
            result="",
        )
        self._session.add(made)
        self._session.flush()
        return made

    def _say_again(self, task: Task) -> None:
        """Restores the text of a task that existed before the merge."""
        if was := self._before.get(task.id):
            task.why = was["why"]
