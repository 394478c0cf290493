"""The next action that an unfinished call leaves, and who owns it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import inspect

from crm.domain.calls import CallDirection, CallStep, Outcome
from crm.domain.route_inputs import DeskKind
from crm.domain.story import how_it_went, how_ours_went
from crm.domain.tasks import TaskKind, is_beyond_anybody, person_of, task_after
from crm.services.calls.aftermath import shared
from crm.services.calls.aftermath.scene import Scene
from crm.services.calls.aftermath.voice_talk import gist_of, is_urgent
from crm.services.office import owners
from crm.services.routing import desks
from crm.services.voicemail import mailboxes
from crm.store.models import Agent, Lead, Leg, Subteam, Task, Voicemail
from crm.store.queries import tasks
from crm.store.snapshot import KnownAgent, KnownTeam


def keep_task(
    scene: Scene, lead: Lead | None, outcome: Outcome, ended_at: datetime, *, is_new_lead: bool = False
) -> None:
    """Creates or corrects the next action of a call, or closes it when somebody talked to the caller after all. A
    caller whom nobody can reach leaves none.

    `is_new_lead`: this transaction has made the lead, about which there are no tasks yet.
    """
    session, call = scene.session, scene.call
    story = scene.story
    kind = task_after(
        outcome,
        voicemail_left=story.voicemail is not None,
        went_on=story.step not in (CallStep.TOUR_OFFER, CallStep.VOICE_AGENT),
        left_waiting=story.left_waiting,
        promised=bool(story.voice_talk and story.voice_talk.promises),
    )
    call.unreachable = is_beyond_anybody(
        kind, has_number=_can_be_called(scene, lead), talked=scene.has_talked, is_urgent=_is_urgent(scene)
    )
    if call.unreachable:
        if not scene.is_first:
            void(scene)
        return
    task = None if scene.is_first else tasks.of_call(session, call.id)
    if kind is None:
        if task and task.done_at is None:
            if shared.stands_for_others(scene, task):
                shared.leave(scene, task)
            else:
                task.done_at, task.result = scene.now, "Somebody talked to the caller in this call."
        if outcome in (Outcome.TALKED, Outcome.HANDED_OVER) and not scene.is_leasing:
            served(scene, None, ended_at)
        elif lead and outcome is Outcome.TALKED and not is_new_lead:
            served(scene, lead, ended_at)
        return
    if scene.story.promised or (task and task.done_at):
        return
    task, is_new = task_for(scene, lead, kind, task, is_new_lead=is_new_lead)
    if is_new:
        # A caller who calls again has been waiting since the earlier call, so the task must not become due any later.
        due_at = _due_at(scene, ended_at)
        task.due_at = min(task.due_at or due_at, due_at)
    # Whose talk was cut, or ended as they answered, knows who called.
    is_cut = scene.story.cut or (scene.story.talked and not scene.has_talked)
    cut = _who_talked(scene) if is_new and is_cut else None
    is_anybodys = task.owner_id is not None or task.subteam_id is not None
    if cut or not is_anybodys or task.kind != kind:
        _give(scene, task, cut or _owner(scene, lead, kind, task.due_at, task.owner_id))
    task.kind, task.lead_id = kind, lead.id if lead else None
    if is_new and _is_told(kind, outcome):
        # Not here: a call is on record with few statements, and many missed ones are told in one notice.
        task.tell_at = scene.now
        task.again_at = scene.now if task.id else None
    why = _why(scene, kind, outcome)
    if scene.is_first and task not in session:
        shared.begin(scene, task, why)
        return
    shared.join(scene, task)
    shared.tell(scene, task, why)


def _is_told(kind: TaskKind, outcome: Outcome) -> bool:
    """Whether the owner is told of the call. Of a voicemail they are once it is transcribed; whoever keeps their place
    in line is called without anybody's doing."""
    return kind is not TaskKind.LISTEN and outcome is not Outcome.CALLBACK


def task_for(
    scene: Scene, lead: Lead | None, kind: TaskKind, task: Task | None, *, is_new_lead: bool = False
) -> tuple[Task, bool]:
    """Returns the task that covers the call, and whether it did not cover it before. That is the call's own task if it
    still fits what is known now, else the person's open one, else the call's own corrected or a new one.

    `is_new_lead` as in `keep_task`.
    """
    session, call = scene.session, scene.call
    person = _person(scene, lead, kind)
    if task and (task.kind, task.person) == (kind, person):
        return task, False
    if task and shared.stands_for_others(scene, task):
        shared.leave(scene, task)
        task = None
    may_have_one = not is_new_lead or kind is TaskKind.UNKNOWN_DID
    if may_have_one and (other := tasks.open_one(session, person, kind)):
        if task:
            session.delete(task)
            session.flush()
        return other, True
    if task is None:
        task = Task(key=f"call:{call.id}", call_id=call.id, created_at=scene.now, person=person, why="", result="")
        return task, True
    task.person = person
    return task, False


def _person(scene: Scene, lead: Lead | None, kind: TaskKind) -> str:
    return person_of(
        kind, lead_id=lead.id if lead else None, caller=scene.call.caller, did=scene.call.did, desk=scene.story.desk
    )


def _can_be_called(scene: Scene, lead: Lead | None) -> bool:
    """Whether there is a number to call the person back, or an address to write to. One of our own lines, which a
    forwarding shows, reaches nobody; digits that are no phone number may be an extension."""
    if (scene.call.caller and not scene.known.is_line) or scene.call.caller_digits:
        return True
    return lead is not None and bool(lead.phones or lead.email or lead.emails)


def _is_urgent(scene: Scene) -> bool:
    """Whether it is about an emergency in a home."""
    return scene.story.desk == DeskKind.MAINTENANCE or is_urgent(scene.story.voice_talk)


def _due_at(scene: Scene, ended_at: datetime) -> datetime:
    if _is_urgent(scene):
        return ended_at
    schedule = scene.office.schedule(scene.config.tz, scene.about_property)
    minutes = scene.config.tasks.question_minutes if scene.story.question else scene.config.tasks.due_minutes
    return schedule.due_time(ended_at, minutes)


def keep_own_task(scene: Scene, lead: Lead | None, why: str, ended_at: datetime) -> None:
    """Gives an outgoing call that reached nobody its next action: the agent is to try again, unless there is a task for
    this person already."""
    session, call = scene.session, scene.call
    own = tasks.of_call(session, call.id)
    if any(own is None or task.id != own.id for task in open_tasks(scene, lead)):
        void(scene)
        return
    if own and own.done_at:
        return
    if own is None:
        schedule = scene.office.schedule(scene.config.tz, scene.about_property)
        due_at = schedule.due_time(ended_at, scene.config.tasks.due_minutes)
        own = Task(key=f"call:{call.id}", call_id=call.id, created_at=scene.now, due_at=due_at, why="", result="")
    caller = session.get(Agent, call.agent_id) if call.agent_id else None
    if caller and caller.retired_at is None:
        own.held_by = caller
    else:
        own.held_by = owners.owner(session, lead, scene.about_property, own.due_at.astimezone(scene.config.tz))
    own.kind, own.lead_id = TaskKind.CALL_BACK, lead.id if lead else None
    own.person = _person(scene, lead, TaskKind.CALL_BACK)
    shared.join(scene, own)
    shared.tell(scene, own, why)


def void(scene: Scene) -> None:
    """Withdraws the call's own next action, unless it is done."""
    own = tasks.of_call(scene.session, scene.call.id)
    if own and own.done_at is None:
        if shared.stands_for_others(scene, own):
            shared.leave(scene, own)
        else:
            scene.session.delete(own)


def _why(scene: Scene, kind: TaskKind, outcome: Outcome) -> str:
    if kind is TaskKind.UNKNOWN_DID:
        if not scene.call.did:
            return "A call is on record without its beginning, so nobody knows which line it came to."
        return f"A call came to {scene.call.did}, which is not a line: add it, or have the carrier send it elsewhere."
    voicemail = scene.session.get(Voicemail, scene.call.id) if kind is TaskKind.LISTEN else None
    taken = mailboxes.taken_in_words(scene.session, voicemail) if voicemail else ""
    if scene.story.direction is CallDirection.INTERNAL:
        return f"{how_ours_went(scene.story, scene.agent_name('A colleague'), outcome)}{taken}"
    went = f"{how_it_went(scene.story, outcome)}.{scene.unread_number()}{taken}{gist_of(scene.story.voice_talk)}"
    mark = _MARKS.get(DeskKind.MAINTENANCE if _is_urgent(scene) else scene.story.desk, "")
    if scene.is_leasing:
        return f"{mark}Called {scene.name()} and {went}"
    return f"{mark}{scene.person()} called and {went}"


_MARKS = {DeskKind.MAINTENANCE.value: "Emergency in a home: ", DeskKind.CONCERN.value: "A concern, for a person: "}


Holder = Agent | KnownAgent | Subteam | KnownTeam


def _give(scene: Scene, task: Task, to: Holder) -> None:
    """Makes somebody the owner of a task, by id: most often nobody needs to know more of them."""
    is_team = isinstance(to, (Subteam, KnownTeam))
    task.owner_id, task.subteam_id = (None, to.id) if is_team else (to.id, None)
    if inspect(task).persistent:
        scene.session.expire(task, ["owner", "subteam"])


def _owner(scene: Scene, lead: Lead | None, kind: TaskKind, due_at: datetime, has: int | None) -> Holder:
    """Whose task it is; `has` is the id of the agent who has had it until now. It is dealt here and not by the routing
    decision, which many callers get before the first of them has a task."""
    due = due_at.astimezone(scene.config.tz)
    if kind is TaskKind.UNKNOWN_DID:
        return owners.admin(scene.session)
    if scene.story.desk:
        return desks.owner(scene.session, scene.story.desk, scene.about_property, due, has=has)
    if scene.story.cut and (agent := _who_talked(scene)):
        return agent
    voicemail = scene.session.get(Voicemail, scene.call.id) if kind is TaskKind.LISTEN else None
    if voicemail and (agent := mailboxes.owner(scene.session, voicemail.mailbox)):
        return agent
    if lead is None or lead.assigned_agent_id is None:
        dealt = desks.deal(scene.session, scene.office, scene.about_property, due, has=has)
        if dealt:
            return dealt
    return owners.owner(scene.session, lead, scene.about_property, due)


def _who_talked(scene: Scene) -> Agent | None:
    """The agent the person was talking to when they were cut off, or would have talked to."""
    answered = scene.story.answered_by
    leg_id = scene.story.cut_leg or (answered.id if answered else "")
    leg = scene.session.get(Leg, leg_id) if leg_id else None
    agent_id = leg.agent_id if leg and leg.agent_id else scene.call.agent_id
    agent = scene.session.get(Agent, agent_id) if agent_id else None
    return agent if agent and not agent.retired_at else None


def served(scene: Scene, lead: Lead | None, ended_at: datetime) -> None:
    """Closes what the person waited for, because somebody has talked to them; what came up after `ended_at` stays."""
    for task in open_tasks(scene, lead, _DONE_BY_TALK):
        if _is_settled(scene, task) and (task.last_at or task.created_at) <= ended_at:
            task.done_at, task.result = scene.now, "Somebody talked with them on the phone."


_DONE_BY_TALK = (TaskKind.CALL_BACK, TaskKind.LISTEN, TaskKind.FOLLOW_UP, TaskKind.INQUIRY, TaskKind.REPLY)
_ONLY_THERE = (DeskKind.MAINTENANCE, DeskKind.CONCERN)
"""Whoever talks with the person about something else has not settled it."""


def _is_settled(scene: Scene, task: Task) -> bool:
    """Whether the talk was with somebody who could take care of this, too. Whoever calls out knows whom they call."""
    desk = task.call.desk if task.call else ""
    if scene.story.direction is not CallDirection.IN or desk == scene.story.desk:
        return True
    return desk not in _ONLY_THERE and not (scene.is_leasing and scene.story.desk)


def open_tasks(scene: Scene, lead: Lead | None, kinds: Collection[str] = ()) -> Sequence[Task]:
    """The open tasks for the lead, or, without a lead, for the caller's number."""
    if lead:
        return tasks.open_of(scene.session, lead.id, kinds)
    return tasks.open_of_caller(scene.session, scene.call.caller, kinds) if scene.call.caller else []
