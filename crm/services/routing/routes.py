"""Gathers from the store what the routing decision needs to know about a call. `crm.domain.routing` decides.

Used for live calls, for `route test` (no call at all), and for `route replay` (past calls under other rules).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from sqlalchemy.orm import Session

from asterisk_conf.prompts import speech
from crm.config import Config
from crm.domain.choosing import Answers, PropertyChoice, choose
from crm.domain.mailboxes import BoxKind, box
from crm.domain.ringing import Strategy
from crm.domain.route_inputs import AiAnswers, EmergencyFacts
from crm.domain.routing import (
    CallerFacts,
    CallerKind,
    OfficeFacts,
    OfficeState,
    Path,
    People,
    PropertyFacts,
    RoutePlan,
    RoutingInputs,
    Rules,
    decide,
)
from crm.services.office import owners
from crm.services.people.identity import Identity, who_is
from crm.services.routing import desks, reception
from crm.services.tours import times
from crm.store import snapshot
from crm.store.queries import properties
from crm.store.snapshot import KnownLine, KnownProperty, KnownTeam, Snapshot


@dataclass(frozen=True)
class PhonesNow:
    """What only the running system knows: the state of the phones, and who is waiting."""

    now: datetime
    online: Collection[str] | None = None
    """Slugs of the devices that can be reached; None when all count as reachable."""
    on_call: Collection[str] = ()
    """Slugs of the devices in a talk."""
    line: Sequence[frozenset[str]] = ()
    """For each caller waiting in line, the agents they are waiting for."""
    waiting: int = 0
    """Further callers in the queue."""
    tried: Collection[str] = ()
    """Slugs of agents who were rung for this call and did not answer; they do not count as free."""
    forward_failed: str = ""
    """Why this call could not be forwarded to the number that all calls go to; empty otherwise."""


def plan(
    session: Session,
    config: Config,
    did: str,
    caller: str | None,
    answers: Answers,
    moment: PhonesNow,
    *,
    person: Identity | None = None,
    emergency: EmergencyFacts | None = None,
) -> tuple[RoutingInputs, RoutePlan]:
    """Decides as things stand now. Returns the inputs and the plan. Both numbers are normalized. Raises Unavailable.

    Everything comes from the office snapshot in memory, except the caller, unless `person` says who it is, talks on
    other nodes, tour times already taken, and which agent has been idle longest.
    """
    office = snapshot.now(session)
    known = who_is(session, caller) if person is None else person
    inputs, property = _gather(session, config, office, did, known, answers, moment, emergency)
    decision = decide(inputs)
    if decision.path is Path.ASK and inputs.ai_answers is AiAnswers.OVERFLOW and not answers:
        # Whether the menu or the voice agent answers depends on who is free.
        inputs = _with_people(session, config, office, inputs, property, moment)
        decision = decide(inputs)
    if decision.path in (Path.ASK, Path.REFUSE):
        return inputs, decision
    due = (decision.task.due_at or moment.now).astimezone(config.tz)
    owner = inputs.caller.assigned_agent or _owner(session, office, property, due)
    if decision.path is Path.LINK:
        inputs = replace(inputs, people=People(owner=owner))
        return inputs, decide(inputs)
    # Only from here on does it matter who is there.
    if kind := decision.desk:
        staffed = desks.staffed(session, office, inputs.desks[kind], due)
        inputs = replace(inputs, desks={**inputs.desks, kind: staffed})
    inputs = _with_people(session, config, office, inputs, property, moment)
    inputs = replace(inputs, people=replace(inputs.people, owner=owner))
    return inputs, decide(inputs)


def _with_people(
    session: Session,
    config: Config,
    office: Snapshot,
    inputs: RoutingInputs,
    property: KnownProperty | None,
    moment: PhonesNow,
) -> RoutingInputs:
    """With who may be rung, and who waits for them."""
    people = _people(session, config, office, inputs, property, moment)
    waiting = moment.waiting
    if moment.line:
        team = {*people.subteam, *people.sisters, *people.everyone, *filter(None, [inputs.caller.assigned_agent])}
        waiting += sum(bool(team & agents) for agents in moment.line)
    return replace(inputs, people=people, waiting=waiting)


def _owner(session: Session, office: Snapshot, property: KnownProperty | None, due: datetime) -> str:
    found = desks.deal(session, office, property, due)
    if isinstance(found, KnownTeam):
        return box(BoxKind.SUBTEAM, found.slug)
    return found.slug if found else owners.admin(session).slug


def _gather(
    session: Session,
    config: Config,
    office: Snapshot,
    did: str,
    known: Identity,
    answers: Answers,
    moment: PhonesNow,
    emergency: EmergencyFacts | None,
) -> tuple[RoutingInputs, KnownProperty | None]:
    line = office.lines.get(did)
    if line is None:
        unknown = RoutingInputs(now=moment.now, line_known=False, emergency=emergency)
        if emergency is None:
            return unknown, None
        schedule = office.schedule(config.tz, None)
        due_at = schedule.due_time(moment.now, config.tasks.due_minutes)
        opening = OfficeFacts.of(schedule, moment.now)
        return replace(unknown, office=opening, due_at=due_at, rules=rules(config), caller=_caller(known)), None
    choice = _choice(session, office, line, known, answers)
    property = line.property
    if property is None or choice.slug != property.slug:
        property = office.properties.get(choice.slug) if choice.slug else None
    organization = office.organization
    schedule = office.schedule(config.tz, property)
    service = property.subteam.answering_service if property and property.subteam else None
    inputs = RoutingInputs(
        now=moment.now,
        line_known=True,
        language=line.language,
        source=line.source,
        caller=_caller(known),
        answers=answers,
        choice=choice,
        property=_property(session, config, office, property, moment.now) if property else None,
        office=OfficeFacts.of(schedule, moment.now),
        desks=desks.known(office, property, schedule, moment.now),
        waiting=moment.waiting,
        forward_to=organization.forward_to if organization else None,
        forward_confirm=organization.forward_confirm if organization else True,
        forward_failed=moment.forward_failed,
        answering_service=service or (organization.answering_service if organization else None),
        due_at=schedule.due_time(moment.now, config.tasks.due_minutes),
        fast_due_at=schedule.due_time(moment.now, config.tasks.question_minutes),
        rules=rules(config),
        ai_answers=_ai_answers(config, line, property),
        emergency=emergency,
    )
    return inputs, property


def _ai_answers(config: Config, line: KnownLine, property: KnownProperty | None) -> AiAnswers:
    return AiAnswers(line.ai_answers or (property.ai_answers if property else "") or config.ai.answers)


SETTINGS = {
    "agent_seconds": ("ring", "agent_seconds"),
    "subteam_seconds": ("ring", "subteam_seconds"),
    "everyone_seconds": ("ring", "everyone_seconds"),
    "office_seconds": ("ring", "office_seconds"),
    "desk_seconds": ("ring", "desk_seconds"),
    "answering_seconds": ("ring", "answering_seconds"),
    "emergency_seconds": ("survival", "last_resort_ring_seconds"),
    "queue": ("queue", "enabled"),
    "overflow_waiting": ("queue", "waiting"),
    "languages": ("menu", "languages"),
}
"""Section and key in leaseline.toml of each rule."""


def rules(config: Config) -> Rules:
    """The routing rules in leaseline.toml."""
    values = {name: getattr(getattr(config, section), key) for name, (section, key) in SETTINGS.items()}
    return Rules(**{**values, "languages": tuple(_heard(config.menu.languages))})


def _heard(languages: Iterable[str]) -> list[str]:
    """The languages that have prompts. A caller whose language has lost its prompts hears the line's."""
    named = list(filter(None, languages))
    known = speech.languages() if named else ()
    return [language for language in named if language in known]


def _choice(session: Session, office: Snapshot, line: KnownLine, known: Identity, answers: Answers) -> PropertyChoice:
    if line.property:
        return PropertyChoice(f"The number dialed is for {line.property.name}.", line.property.slug)
    if known.contact and known.contact.property:
        return PropertyChoice(f"The caller belongs to {known.contact.property_name}.", known.contact.property)
    names = office.names(line.portfolio_id)
    if not names.listed:
        return PropertyChoice("There are no properties to choose from.", "")
    latest = properties.latest_interest(session, known.lead.id) if known.lead else None
    return choose(names, latest, answers)


def _property(
    session: Session, config: Config, office: Snapshot, property: KnownProperty, now: datetime
) -> PropertyFacts:
    return PropertyFacts(property.slug, property.name, has_tours=times.has_free(session, config, office, property, now))


def _caller(known: Identity) -> CallerFacts:
    lead, contact = known.lead, known.contact
    return CallerFacts(
        number=known.number,
        kind=contact.kind if contact else CallerKind.PROSPECT,
        name=lead.name if lead else contact.name if contact else "",
        assigned_agent=lead.assigned_agent if lead else None,
        language=next(iter(_heard(who.language for who in (lead, contact) if who)), ""),
        can_be_texted=known.number is not None and not known.is_line,
        stage=lead.beyond_voice_agent if lead else "",
    )


def _people(
    session: Session,
    config: Config,
    office: Snapshot,
    inputs: RoutingInputs,
    property: KnownProperty | None,
    moment: PhonesNow,
) -> People:
    """The agents who may be rung for this call. Others are not looked at: there may be thousands."""
    team = property.subteam if property else None
    sisters = office.sisters(team) if team else []
    members = tuple(one.slug for one in team.members) if team else ()
    helpers = dict.fromkeys(one.slug for sister in sisters for one in sister.members if one.slug not in members)
    strategies = {sister.strategy for sister in sisters if sister.members}
    rings_through = inputs.emergency is not None and inputs.emergency.rings_through
    rings_everyone = config.ring.everyone_seconds > 0 or rings_through
    standing = office.standing(config.tz, moment.now)
    on_call = reception.everywhere_on_call(session, office, config, moment.on_call)
    busy = {office.owner_of[device].slug for device in on_call if device in office.owner_of}
    busy = {slug for slug in busy if office.agents[slug].on_duty}
    holiday = inputs.office.state is OfficeState.HOLIDAY
    available, after_hours = standing.available, standing.on_holidays if holiday else standing.after_hours
    if rings_everyone:
        reachable = standing.reachable(moment.online)
    else:
        assigned = (inputs.caller.assigned_agent,) if inputs.caller.assigned_agent else ()
        wanted = {*members, *helpers, *assigned, *chain.from_iterable(desk.agents for desk in inputs.desks.values())}
        available, after_hours, busy = available & wanted, after_hours & wanted, busy & wanted
        reachable = standing.reachable(moment.online, of=available)
    return People(
        subteam=members,
        strategy=Strategy(team.strategy) if team else Strategy.RING_ALL,
        sisters=tuple(helpers),
        sisters_strategy=Strategy.ROUND_ROBIN if strategies == {Strategy.ROUND_ROBIN.value} else Strategy.RING_ALL,
        everyone=standing.may_ring if rings_everyone else (),
        available=available,
        busy=frozenset(busy),
        free=reachable.difference(busy, moment.tried),
        after_hours=after_hours,
        roster=office.roster,
    )
