"""What the caller was promised: a callback in a few minutes, or their place in line."""

from __future__ import annotations

from datetime import timedelta

from crm.domain import texts
from crm.domain.calls import CallbackPromised, CallbackQueued
from crm.domain.tasks import TaskKind
from crm.domain.texts import TextPurpose
from crm.services.calls import orders
from crm.services.calls.aftermath import shared
from crm.services.calls.aftermath.leads import lead_of
from crm.services.calls.aftermath.scene import Scene
from crm.services.calls.aftermath.tasks import task_for
from crm.services.calls.aftermath.texts import queue
from crm.services.office import owners
from crm.store.models import Lead
from crm.store.queries import agents, tasks


def keep_promise(scene: Scene, promised: CallbackPromised) -> None:
    """Makes the promised callback the call's next action, orders it for the promised time, and confirms it to the
    caller by text."""
    session, call = scene.session, scene.call
    lead = lead_of(scene) if scene.is_leasing else None
    agent = agents.by_slug(session, promised.agent) or owners.admin(session)
    due_at = promised.at + timedelta(minutes=promised.minutes)
    why = f"Called {scene.name()}; {agent.name} promised to call back."
    task = tasks.of_call(session, call.id)
    if task is None or task.done_at is None:
        task, _ = task_for(scene, lead, TaskKind.CALL_BACK, task)
        if task.owner is None:
            task.held_by = agent
        task.due_at = task.due_at or due_at
        task.kind, task.lead_id = TaskKind.CALL_BACK, lead.id if lead else None
        shared.join(scene, task)
        if shared.tell(scene, task, why):
            task.held_by, task.due_at = agent, due_at
        session.flush()
    if call.caller is None:
        return
    orders.promise(session, scene.config, task=task, number=call.caller, now=scene.now)
    if scene.may_text():
        assert scene.line is not None
        name = scene.name()
        body = texts.callback_promised(scene.words(lead), agent.name, name, promised.minutes)
        queue(scene, f"callback:{call.id}", TextPurpose.CALLBACK, body, lead)


def queue_callback(scene: Scene, lead: Lead | None, kept: CallbackQueued) -> None:
    """Keeps the caller's place in line: orders a callback for when it is their turn, and confirms it by text."""
    session, call = scene.session, scene.call
    task = tasks.of_call(session, call.id)
    if task is None or call.caller is None:
        return
    orders.queue_callback(
        session, scene.config, task=task, number=call.caller, agents=kept.agents, since=call.started_at, now=scene.now
    )
    if lead and scene.may_text():
        body = texts.callback_queued(scene.words(lead), scene.name())
        queue(scene, f"callback:{call.id}", TextPurpose.CALLBACK, body, lead)
