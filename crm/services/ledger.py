"""The record of calls: takes one fact at a time and keeps the call, its lead, task and texts as the facts so far say.

Recording a fact twice changes nothing, and the order does not matter: what is kept is told anew from all facts of the
call (`crm.domain.story`). A fact that comes after the end, such as a message found in the spool, corrects the outcome.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from crm.config import Config
from crm.domain import texts
from crm.domain.calls import CallbackPromised, Direction, Fact, Outcome, PlaceKept, Routed, Step, outcome_of
from crm.domain.mailboxes import BoxKind, box
from crm.domain.route_inputs import CallerKind, DeskKind
from crm.domain.segments import segments
from crm.domain.story import CallStory, how_it_went, how_ours_went, tell
from crm.domain.tasks import TaskKind, task_after
from crm.domain.texts import MessageState, Purpose
from crm.services import desks, facts, mailboxes, orders, owners
from crm.services.contacts import who
from crm.store.models import (
    Activity,
    Agent,
    Call,
    CallEvent,
    Contact,
    Interest,
    Lead,
    LeadPhone,
    Leg,
    Line,
    Message,
    Property,
    Recording,
    RoutingDecision,
    Task,
    Tour,
    Voicemail,
)
from crm.store.queries import agents, calls, contacts, leads, lines, messages, office, properties, tasks
from crm.store.session import Store

_TRIES = 5


async def record(store: Store, config: Config, fact: Fact, now: datetime) -> None:
    """Records one fact and what follows from it, in one transaction. Raises Unavailable for database trouble."""
    for attempt in range(1, _TRIES + 1):
        try:
            async with store.write() as session:
                await _record(session, config, fact, now)
            return
        except IntegrityError:
            # Another process recorded the same fact, or made a lead for the same number, at the same moment. The next
            # try finds what it made.
            if attempt == _TRIES:
                raise


async def open_calls(store: Store) -> Sequence[str]:
    """Ids of calls without an outcome, oldest first: they are up, or were lost sight of while the app was away."""
    async with store.read() as session:
        return await calls.open_ids(session)


@dataclass(frozen=True)
class _Scene:
    """What the steps below need to know of a call."""

    session: AsyncSession
    config: Config
    now: datetime
    call: Call
    story: CallStory
    line: Line | None
    place: Property | None
    """What the call is about."""

    def language(self, lead: Lead | None) -> str:
        """That the caller is written to in: what they chose in this call or before, else the line's."""
        chosen = self.story.language or (lead.language if lead else "")
        return chosen or (self.line.language if self.line else "en")

    @property
    def is_leasing(self) -> bool:
        """Somebody who may rent called, or was called: a lead is theirs, or is made."""
        return self.call.kind == CallerKind.PROSPECT

    async def name(self) -> str:
        """What the caller believes to have called."""
        if self.place:
            return self.place.name
        organization = await office.organization(self.session)
        return (organization.name if organization else "") or (self.line.label if self.line else "") or "our office"

    async def may_text(self) -> bool:
        """Texts go to a known number through a known line, and never to one of our own numbers."""
        caller = self.call.caller
        return bool(self.line and caller) and await lines.by_number(self.session, caller or "") is None


async def _record(session: AsyncSession, config: Config, fact: Fact, now: datetime) -> None:
    if await session.get(CallEvent, fact.id):
        return
    call = await session.get(Call, fact.call_id, with_for_update={"key_share": True})
    if call is None:
        call = Call(id=fact.call_id, did="", started_at=fact.at)
        session.add(call)
        await session.flush()
    session.add(facts.to_row(fact))
    if isinstance(fact, Routed):
        session.add(_decision(fact))
    await session.flush()

    story = tell(facts.from_row(row) for row in await calls.events(session, call.id))
    await _write_call(session, config, call, story, now)
    await _write_legs(session, call, story)
    line = await lines.by_id(session, call.line_id) if call.line_id else None
    place = await properties.by_id(session, call.property_id) if call.property_id else None
    scene = _Scene(session, config, now, call, story, line, place)
    if story.placed and story.placed.order_id is not None:
        await orders.placed(session, story.placed.order_id, call.id)
    if story.link_requested:
        await _text_link(scene)
    if story.promised:
        await _keep_promise(scene, story.promised)
    if story.tour_id is not None and (tour := await session.get(Tour, story.tour_id)):
        tour.call_id = tour.call_id or call.id
    if story.ended_at:
        await _settle(scene, story.ended_at)


def _decision(fact: Routed) -> RoutingDecision:
    return RoutingDecision(
        id=fact.id,
        call_id=fact.call_id,
        at=fact.at,
        rule=_fit(fact.rule, 40),
        reasons=list(fact.reasons),
        stages=list(fact.stages),
        path=_fit(fact.path, 20),
        inputs=fact.inputs,
        plan=fact.plan,
    )


async def _write_call(session: AsyncSession, config: Config, call: Call, story: CallStory, now: datetime) -> None:
    call.started_at = story.started_at
    call.did = _fit(story.did, 40)
    call.direction = story.direction
    call.attestation = _fit(story.attestation, 30)
    if call.agent_id is None and story.placed and (agent := await agents.by_slug(session, story.placed.agent)):
        call.agent_id = agent.id
    call.caller = story.caller
    call.trunk = _fit(story.trunk, 40)
    call.step = story.step
    call.without_app = story.without_app
    call.talk_started_at = story.talk_started_at
    if call.line_id is None and call.did and (line := await lines.by_number(session, call.did)):
        call.line_id = line.id
    call.desk = _fit(story.desk, 20)
    if story.place and (chosen := await properties.by_slug(session, story.place)):
        call.property_id = chosen.id
    elif call.property_id is None and call.line_id and (line := await lines.by_id(session, call.line_id)):
        call.property_id = line.property_id
    if call.contact_id is None and call.outcome is None and call.caller:
        # Who is entered after a call was none of them during it.
        contact = await contacts.by_number(session, call.caller)
        call.contact_id = contact.id if contact else None
    lead = await leads.by_phone(session, call.caller) if call.caller else None
    call.kind = _fit(await _kind(session, call, story, lead), 10)
    if call.lead_id is None and lead and call.kind == CallerKind.PROSPECT:
        call.lead_id = lead.id
    if message := story.message:
        voicemail = await session.get(Voicemail, call.id)
        is_new = voicemail is None
        voicemail = voicemail or Voicemail(call_id=call.id)
        voicemail.file, voicemail.seconds, voicemail.left_at = _fit(message.file, 200), message.seconds, message.at
        if is_new:
            place = await properties.by_id(session, call.property_id) if call.property_id else None
            mailbox = message.mailbox or await _of_callee(session, story)
            is_urgent = story.desk == DeskKind.MAINTENANCE
            await mailboxes.came_in(
                session, config, voicemail, place, _fit(mailbox, 60), now, is_urgent=is_urgent
            )
            session.add(voicemail)
    for told in story.recordings:
        recording = await session.get(Recording, told.id)
        if recording is None:
            recording = Recording(id=told.id, call_id=call.id)
            session.add(recording)
        recording.mode, recording.file = _fit(told.mode, 10), _fit(told.file, 200)
        recording.started_at, recording.ended_at, recording.seconds = told.started_at, told.ended_at, told.seconds


async def _kind(session: AsyncSession, call: Call, story: CallStory, lead: Lead | None) -> str:
    """Who the person is: what the call has shown, else what is known of their number. Whom we call is a lead before all
    else."""
    if story.kind:
        return story.kind
    contact = await session.get(Contact, call.contact_id) if call.contact_id else None
    if contact is None or (lead and story.direction is not Direction.IN):
        return call.kind or CallerKind.PROSPECT
    return contact.kind


async def _of_callee(session: AsyncSession, story: CallStory) -> str:
    """The mailbox of the colleague who was called, for a message that was found when the app came back; else ""."""
    dialled = story.placed.extension if story.placed else ""
    callee = await session.scalar(select(Agent).where(Agent.extension == dialled)) if dialled else None
    return box(BoxKind.AGENT, callee.slug) if callee else ""


async def _write_legs(session: AsyncSession, call: Call, story: CallStory) -> None:
    if not story.legs:
        return
    rows = {leg.id: leg for leg in await session.scalars(select(Leg).where(Leg.call_id == call.id))}
    for told in story.legs:
        leg = rows.get(told.id)
        if leg is None:
            leg = Leg(id=told.id, call_id=call.id)
            session.add(leg)
        leg.device = _fit(told.device, 40)
        leg.stage = _fit(told.stage, 20)
        leg.number, leg.announced_at = told.number, told.announced_at
        leg.started_at, leg.answered_at, leg.ended_at = told.started_at, told.answered_at, told.ended_at
        leg.status = told.status or ""
        if leg.agent_id is None and (told.agent or told.device):
            # The dialplan knows phones only, not whose they are.
            found = agents.by_slug(session, told.agent) if told.agent else agents.by_device(session, told.device)
            owner = await found
            leg.agent_id = owner.id if owner else None
        if told.answered_at and told.ended_at and leg.agent_id and (agent := await session.get(Agent, leg.agent_id)):
            agent.last_talk_ended_at = max(told.ended_at, agent.last_talk_ended_at or told.ended_at)


async def _text_link(scene: _Scene) -> None:
    """Queues the listings for a caller who asked for them."""
    url = await office.listings_url(scene.session, scene.place)
    if not url or not await scene.may_text():
        return
    lead = await _lead(scene)
    assert scene.line is not None
    await _queue(
        scene,
        f"link:{scene.call.id}",
        Purpose.LISTINGS_LINK,
        texts.listings_link(await scene.name(), url, scene.language(lead)),
        lead,
    )


async def _settle(scene: _Scene, ended_at: datetime) -> None:
    """Gives an ended call its outcome and sees to it that somebody takes care of the caller."""
    session, call, story = scene.session, scene.call, scene.story
    link = await messages.by_key(session, f"link:{call.id}")
    outcome = outcome_of(
        known_line=scene.line is not None,
        talked=story.talked,
        message_left=story.message is not None,
        link_sent=link is not None,
        direction=story.direction,
        blocked=story.blocked,
        handed_over=story.handed_over,
        booked=story.tour_id is not None,
        place_kept=story.place_kept is not None,
    )
    call.outcome = outcome
    call.ended_at = ended_at
    call.ended_by = story.ended_by or ""

    if story.direction is not Direction.IN:
        await _settle_ours(scene, outcome, ended_at)
        return
    if not scene.is_leasing:
        await _forget_lead(scene)
        await _remember_language(scene, None)
        await _keep_task(scene, None, outcome, ended_at)
        if outcome is Outcome.CALLBACK and story.place_kept:
            await _keep_place(scene, None, story.place_kept)
        return
    # Who misdialled or is unwanted is no lead; who was one before stays one. A call that may have been the emergency
    # service's may as well have been a prospect's: it is kept as any other, only never answered by a text.
    makes_lead = outcome not in (Outcome.WRONG_NUMBER, Outcome.BLOCKED)
    lead = await _lead(scene) if makes_lead or call.lead_id else None
    is_active = lead is not None and any(interest.updated_at < call.started_at for interest in lead.interests)
    if lead:
        await _keep_lead(scene, lead, outcome, ended_at)

    await _remember_language(scene, lead)
    await _keep_task(scene, lead, outcome, ended_at)
    if outcome is Outcome.CALLBACK and story.place_kept:
        await _keep_place(scene, lead, story.place_kept)
        return
    is_missed = outcome not in (Outcome.TALKED, Outcome.HANDED_OVER, Outcome.BOOKED, Outcome.BLOCKED)
    is_answered = link is not None or story.promised or story.is_emergency_callback
    if is_missed and lead and not is_answered and not story.desk:
        await _text_missed(scene, lead, is_active)


async def _settle_ours(scene: _Scene, outcome: Outcome, ended_at: datetime) -> None:
    """A call that an agent placed: it stands with the lead, and leaves a next action if nobody was reached."""
    session, call, story = scene.session, scene.call, scene.story
    own = await tasks.by_key(session, f"call:{call.id}")
    if call.caller is None:
        # Between colleagues: a message is to be listened to, and else nothing is to be done. What came of the call
        # while its beginning was not known is void.
        if outcome is Outcome.LEFT_MESSAGE:
            await _keep_task(scene, None, outcome, ended_at)
        elif own and own.done_at is None:
            await session.delete(own)
        lead = await leads.by_id(session, call.lead_id) if call.lead_id else None
        if lead and not lead.phones:
            call.lead_id = None
            await session.flush()
            await session.delete(lead)
        return
    lead = await _lead(scene) if scene.is_leasing else None
    caller = await session.get(Agent, call.agent_id) if call.agent_id else None
    text = how_ours_went(story, caller.name if caller else "Somebody", outcome)
    if not scene.is_leasing:
        contact = await session.get(Contact, call.contact_id) if call.contact_id else None
        text = f"{text} It was for {who(contact, call.kind, scene.place)}."
    if lead:
        await _tell(scene, lead, "CallToProspect", text)
        if lead.status == "closed" or (lead.status == "new" and outcome is Outcome.TALKED):
            lead.status = "in_progress"
    if outcome is Outcome.TALKED:
        if lead:
            lead.assigned_agent_id = lead.assigned_agent_id or call.agent_id
        await _served(scene, lead, ended_at)
        return
    if any(task.id != (own.id if own else None) for task in await _open_tasks(scene, lead)):
        # Somebody has to call them back already; one next action is enough.
        if own and own.done_at is None:
            await session.delete(own)
        return
    if own and own.done_at:
        return
    owner = caller or await owners.owner(session, lead, scene.place)
    if own is None:
        schedule = await office.schedule(session, scene.config.tz, scene.place)
        due_at = schedule.due_time(ended_at, scene.config.tasks.due_minutes)
        own = Task(key=f"call:{call.id}", call_id=call.id, created_at=scene.now, due_at=due_at, result="")
    own.kind, own.lead_id, own.why, own.owner = TaskKind.CALL_BACK, lead.id if lead else None, _fit(text, 300), owner
    session.add(own)


async def _open_tasks(scene: _Scene, lead: Lead | None, kinds: Collection[str] = ()) -> Sequence[Task]:
    """What is to be done for the person: for the lead, else for whoever has the number and is none."""
    if lead:
        return await tasks.open_of(scene.session, lead.id, kinds)
    return await tasks.open_of_caller(scene.session, scene.call.caller, kinds) if scene.call.caller else []


async def _served(scene: _Scene, lead: Lead | None, ended_at: datetime) -> None:
    """Somebody has talked with the person: who was to call them back need not any more."""
    for task in await _open_tasks(scene, lead, _SETTLED_BY_TALK):
        if not await calls.began_after(scene.session, task.call_id, ended_at):
            task.done_at, task.result = scene.now, "Somebody talked with them on the phone."


_SETTLED_BY_TALK = (TaskKind.CALL_BACK, TaskKind.FOLLOW_UP)


async def _keep_promise(scene: _Scene, promised: CallbackPromised) -> None:
    """The agent is to call back in some minutes: that is the call's next action, and an order to ring them then; the
    caller is told by text."""
    session, call = scene.session, scene.call
    lead = await _lead(scene) if scene.is_leasing else None
    agent = await agents.by_slug(session, promised.agent) or await owners.owner(session, lead, scene.place)
    due_at = promised.at + timedelta(minutes=promised.minutes)
    why = _fit(f"Called {await scene.name()}; {agent.name} promised to call back.", 300)
    task = await tasks.by_key(session, f"call:{call.id}")
    if task is None:
        task = Task(key=f"call:{call.id}", call_id=call.id, created_at=scene.now, result="")
    if task.done_at is None:
        task.kind, task.why, task.owner, task.due_at = TaskKind.CALL_BACK, why, agent, due_at
        task.lead_id = lead.id if lead else None
    session.add(task)
    await session.flush()
    if call.caller is None:
        return
    await orders.promise(session, scene.config, task=task, number=call.caller, now=scene.now)
    if await scene.may_text():
        assert scene.line is not None
        name = await scene.name()
        body = texts.callback_promised(agent.name, name, promised.minutes, scene.language(lead))
        await _queue(scene, f"callback:{call.id}", Purpose.CALLBACK, body, lead)


async def _keep_place(scene: _Scene, lead: Lead | None, kept: PlaceKept) -> None:
    """The caller is to be called back when it is their turn: an order in the line of those who wait, and a text."""
    session, call = scene.session, scene.call
    task = await tasks.by_key(session, f"call:{call.id}")
    if task is None or call.caller is None:
        return
    await orders.keep_place(
        session, scene.config, task=task, number=call.caller, agents=kept.agents, since=call.started_at, now=scene.now
    )
    if lead and await scene.may_text():
        body = texts.place_kept(await scene.name(), scene.language(lead))
        await _queue(scene, f"callback:{call.id}", Purpose.CALLBACK, body, lead)


async def _lead(scene: _Scene) -> Lead:
    """The caller's lead, locked; made when there is none. A withheld number makes one of its own for each call."""
    session, call = scene.session, scene.call
    lead = await leads.by_id(session, call.lead_id, for_update=True) if call.lead_id else None
    if call.caller and (lead is None or not lead.phones):
        known = await leads.by_phone(session, call.caller, for_update=True)
        if lead and known:
            # Made when the call's end was known before its beginning; what hangs on it moves with the call.
            await session.delete(lead)
            await session.flush()
        elif lead:
            lead.phones.append(LeadPhone(number=call.caller))
        lead = known or lead
    if lead is None:
        lead = Lead(
            status="new",
            created_at=call.started_at,
            phones=[LeadPhone(number=call.caller)] if call.caller else [],
            interests=[],
            assigned_agent=None,
        )
        session.add(lead)
        await session.flush()
    call.lead_id = lead.id
    if scene.story.direction is Direction.IN:
        lead.source = lead.source or (scene.line.source if scene.line else "")
    return lead


async def _forget_lead(scene: _Scene) -> None:
    """Takes the call from the lead it was put with before it was known who called; one that it made goes."""
    session, call = scene.session, scene.call
    lead = await leads.by_id(session, call.lead_id, for_update=True) if call.lead_id else None
    if lead is None:
        return
    call.lead_id = None
    for activity in await session.scalars(select(Activity).where(Activity.key == f"call:{call.id}")):
        await session.delete(activity)
    missed = await messages.by_key(session, f"missed:{call.id}")
    if missed and missed.state == MessageState.QUEUED:
        await session.delete(missed)
    await session.flush()
    if lead.created_at != call.started_at or lead.name is not None:
        return
    for mark in (Call.lead_id, Message.lead_id, Activity.lead_id):
        if await session.scalar(select(mark).where(mark == lead.id).limit(1)):
            return
    await session.delete(lead)
    await session.flush()


async def _keep_lead(scene: _Scene, lead: Lead, outcome: Outcome, ended_at: datetime) -> None:
    """The lead's interest, timeline, status and agent as this call leaves them."""
    session, story = scene.session, scene.story
    # A concern is no interest in a home, and nobody who has one is followed up by texts.
    if scene.place and outcome is not Outcome.BLOCKED and not story.desk:
        interest = next((found for found in lead.interests if found.property_id == scene.place.id), None)
        if interest is None:
            interest = Interest(property_id=scene.place.id, stage="contacted", updated_at=ended_at)
            lead.interests.append(interest)
        interest.updated_at = max(interest.updated_at, ended_at)

    await _tell(scene, lead, "CallFromProspect", f"Called {await scene.name()} and {how_it_went(story, outcome)}.")

    if outcome is Outcome.BLOCKED:
        return
    if lead.status == "closed" or (lead.status == "new" and outcome in (Outcome.TALKED, Outcome.HANDED_OVER)):
        lead.status = "in_progress"
    is_leased_by = outcome is Outcome.TALKED and not story.desk and lead.assigned_agent_id is None
    if is_leased_by and (answered := story.answered_by):
        # Whom they talked to first knows them; from now on that phone rings first.
        leg = await session.get(Leg, answered.id)
        lead.assigned_agent_id = leg.agent_id if leg else None


async def _remember_language(scene: _Scene, lead: Lead | None) -> None:
    """What the caller chose to hear is what they hear, and read, from now on."""
    contact = await scene.session.get(Contact, scene.call.contact_id) if scene.call.contact_id else None
    for person in (lead, contact):
        if person and scene.story.language:
            person.language = _fit(scene.story.language, 10)


async def _tell(scene: _Scene, lead: Lead, kind: str, text: str) -> None:
    """The call's entry in the timeline."""
    key = f"call:{scene.call.id}"
    activity = (await scene.session.scalars(select(Activity).where(Activity.key == key))).first()
    if activity is None:
        activity = Activity(key=key, call_id=scene.call.id)
        scene.session.add(activity)
    activity.kind, activity.lead_id, activity.at, activity.text = kind, lead.id, scene.call.started_at, _fit(text, 500)


async def _keep_task(scene: _Scene, lead: Lead | None, outcome: Outcome, ended_at: datetime) -> None:
    """The one next action of a call: made, corrected, or closed when somebody talked to the caller after all."""
    session, call = scene.session, scene.call
    kind = task_after(
        outcome, message_left=scene.story.message is not None, went_on=scene.story.step is not Step.TOUR_OFFER
    )
    task = await tasks.by_key(session, f"call:{call.id}")
    if kind is None:
        if task and task.done_at is None:
            task.done_at, task.result = scene.now, "Somebody talked to the caller in this call."
        is_about_leasing = scene.is_leasing and not scene.story.desk
        if outcome in (Outcome.TALKED, Outcome.HANDED_OVER) and not scene.is_leasing:
            await _served(scene, None, ended_at)
        elif lead and outcome is Outcome.TALKED and is_about_leasing:
            await _served(scene, lead, ended_at)
        return
    if scene.story.promised or (task and task.done_at):
        return
    why = _fit(await _why(scene, kind, outcome), 300)
    owner = task.owner if task and task.kind == kind else await _owner(scene, lead, kind)
    if task is None:
        schedule = await office.schedule(session, scene.config.tz, scene.place)
        minutes = scene.config.tasks.question_minutes if scene.story.question else scene.config.tasks.due_minutes
        due_at = schedule.due_time(ended_at, minutes)
        if scene.story.desk == DeskKind.MAINTENANCE:
            due_at = ended_at
        task = Task(key=f"call:{call.id}", call_id=call.id, created_at=scene.now, due_at=due_at)
        session.add(task)
    task.kind, task.owner, task.why, task.lead_id = kind, owner, why, lead.id if lead else None


async def _why(scene: _Scene, kind: TaskKind, outcome: Outcome) -> str:
    if kind is TaskKind.UNKNOWN_DID:
        if not scene.call.did:
            return "A call is on record without its beginning, so nobody knows which line it came to."
        return f"A call came to {scene.call.did}, which is no line: add it, or have the carrier send it elsewhere."
    message = await scene.session.get(Voicemail, scene.call.id) if kind is TaskKind.LISTEN else None
    taken = await mailboxes.taken_in_words(scene.session, message) if message else ""
    if scene.story.direction is Direction.INTERNAL:
        caller = await scene.session.get(Agent, scene.call.agent_id) if scene.call.agent_id else None
        return f"{how_ours_went(scene.story, caller.name if caller else 'A colleague', outcome)}{taken}"
    withheld = "" if scene.call.caller else " The number was withheld."
    went = f"{how_it_went(scene.story, outcome)}.{withheld}{taken}"
    if scene.is_leasing:
        return f"{_MARKS.get(scene.story.desk, '')}Called {await scene.name()} and {went}"
    contact = await scene.session.get(Contact, scene.call.contact_id) if scene.call.contact_id else None
    return f"{_MARKS.get(scene.story.desk, '')}{who(contact, scene.call.kind, scene.place)} called and {went}"


_MARKS = {DeskKind.MAINTENANCE.value: "Emergency in a home: ", DeskKind.CONCERN.value: "A concern, for a person: "}


async def _owner(scene: _Scene, lead: Lead | None, kind: TaskKind) -> Agent:
    if kind is TaskKind.UNKNOWN_DID:
        return await owners.admin(scene.session)
    if scene.story.desk:
        return await desks.owner(scene.session, scene.story.desk, scene.place)
    if kind is TaskKind.LISTEN and (message := await scene.session.get(Voicemail, scene.call.id)):
        return await mailboxes.owner(scene.session, message.mailbox, lead, scene.place)
    return await _planned_owner(scene) or await owners.owner(scene.session, lead, scene.place)


async def _planned_owner(scene: _Scene) -> Agent | None:
    """Whose the next action is by the last decision about the call; None when it says the admin's, or nothing."""
    decisions = await calls.decisions(scene.session, scene.call.id)
    task = decisions[-1].plan.get("task") if decisions else None
    return await agents.by_slug(scene.session, task["owner"]) if task and task.get("owner") else None


async def _text_missed(scene: _Scene, lead: Lead, is_active: bool) -> None:
    """Queues the one text of a missed call, at most one per caller within the configured time."""
    session, line, caller = scene.session, scene.line, scene.call.caller
    if not line or not caller or not await scene.may_text():
        return
    since = scene.now - timedelta(seconds=scene.config.texts.missed_per_caller_seconds)
    if await messages.has_any_since(session, caller, Purpose.MISSED_CALL, since):
        return
    url = await office.listings_url(session, scene.place)
    body = texts.missed_call(await scene.name(), url, scene.language(lead), is_active=is_active)
    await _queue(scene, f"missed:{scene.call.id}", Purpose.MISSED_CALL, body, lead)


async def _queue(scene: _Scene, key: str, purpose: Purpose, body: str, lead: Lead | None) -> None:
    """Puts a text into the outbox, once per key."""
    if await messages.by_key(scene.session, key):
        return
    assert scene.line is not None
    scene.session.add(
        Message(
            key=key,
            purpose=purpose,
            to_number=scene.call.caller,
            from_number=scene.line.number,
            body=body,
            segments=segments(body).count,
            lead_id=lead.id if lead else None,
            call_id=scene.call.id,
            state=MessageState.QUEUED,
            next_attempt_at=scene.now,
            created_at=scene.now,
        )
    )
    await scene.session.flush()


def _fit(text: str, length: int) -> str:
    """PostgreSQL refuses text longer than its column, and NUL; a call must not get lost over that."""
    return text.replace("\x00", "")[:length]
