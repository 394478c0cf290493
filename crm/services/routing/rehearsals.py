"""Rehearses a call without making it: what the caller would hear and press at a given time, and where it would go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from asterisk_conf.prompts import speech
from asterisk_conf.prompts.speech import Prompt
from crm.config import Config
from crm.domain import fields
from crm.domain.choosing import KeyedAnswer, KeyPrompt, Question, Say
from crm.domain.errors import Invalid
from crm.domain.menu import GREETING, LINK_OFFER, LINK_SENT, MenuDialogue
from crm.domain.rehearsals import Rehearsal, RehearsedTurn
from crm.domain.ringing import DeviceKind, Mobile, Phone, who_to_ring
from crm.domain.routing import Path, RoutePlan
from crm.domain.tours import Slot
from crm.services.office import agents
from crm.services.phones import devices
from crm.services.routing import reception, routes
from crm.services.routing.routes import PhonesNow
from crm.services.tours import times
from crm.services.tours.dialogue import TourDialogue, TourWish
from crm.store.models import Device, Line
from crm.store.queries import lines, office


@dataclass(frozen=True)
class RehearsedPhones:
    """The assumed state of agents and phones; all others are registered and free."""

    busy: Sequence[str] = ()
    """Slugs of agents who are on a call."""
    offline: Sequence[str] = ()
    """Slugs of devices that are not registered."""
    waiting: int = 0
    """Callers already in line."""


def rehearse(
    session: Session,
    config: Config,
    number: str,
    caller: str | None,
    at: str,
    presses: Sequence[str],
    now: datetime,
    phones: RehearsedPhones,
) -> Rehearsal:
    """Goes through the dialogue as a call does. Once `presses` are used up, the caller stays silent.

    Both numbers are normalized; `at` is a time as people write it, in the time zone of the line's property. Raises
    Invalid, NotFound.
    """
    line = lines.by_number(session, number)
    tz = office.zone(config.tz, line.property if line else None)
    moment = _moment(session, fields.moment(at, tz, now), phones)
    left = list(presses)
    turns: list[RehearsedTurn] = []
    answers: tuple[KeyedAnswer, ...] = ()
    dialogue = MenuDialogue(config.menu.tries)
    tour: Slot | None = None
    while True:
        _, plan = routes.plan(session, config, number, caller, answers, moment)
        if plan.ask:
            turn = _asked(dialogue, plan.ask, plan.says, line, plan.language, left)
        elif plan.path is Path.LINK:
            turn = _link(dialogue, plan, left)
        elif plan.path is Path.TOUR:
            offered, tour = _tour(session, config, number, caller, plan, moment.now, left)
            turns += offered
            if tour or not offered:
                break
            answers = (*answers, KeyedAnswer(Question.TOUR, ""))
            continue
        else:
            break
        turns.append(turn)
        keys = turn.pressed[-1]
        answers = (*answers, plan.ask.answer(keys) if plan.ask else KeyedAnswer(turn.question, keys))
    hears = () if plan.path is Path.TOUR else _said(plan.says, plan.language)
    rings = _rings(session, config, plan, moment, caller)
    label = line.label if line else ""
    return Rehearsal(number, label, caller, moment.now, tz, tuple(turns), hears, plan, tour, rings)


def _moment(session: Session, now: datetime, phones: RehearsedPhones) -> PhonesNow:
    busy = [agents.named(session, slug) for slug in phones.busy]
    offline = [devices.named(session, slug) for slug in phones.offline]
    registered = set(session.scalars(select(Device.slug).where(Device.kind != DeviceKind.MOBILE)))
    for agent in busy:
        if not agent.devices:
            raise Invalid(
                f"{agent.slug} has no phone to be on a call with.",
                code="rehearsal_agent_without_phone",
                agent=agent.slug,
            )
    for device in offline:
        if device.kind == DeviceKind.MOBILE:
            raise Invalid(
                f"{device.slug} is a mobile, which never registers: leave it out.",
                code="rehearsal_mobile",
                device=device.slug,
            )
    return PhonesNow(
        now,
        online=registered - {device.slug for device in offline},
        waiting=phones.waiting,
        on_call={device.slug for agent in busy for device in agent.devices},
    )


def _rings(
    session: Session, config: Config, plan: RoutePlan, moment: PhonesNow, caller: str | None
) -> dict[str, list[list[str]]]:
    wanted = {agent for stage in plan.stages for agent in stage.agents}
    known = reception.availability(session, config, moment.online, moment.on_call, of=wanted)
    return {
        stage.name.value: [
            [one.device if isinstance(one, Phone | Mobile) else one.number for one in batch]
            for batch in who_to_ring(stage, known, moment.now, caller)
        ]
        for stage in plan.stages
    }


def _tour(
    session: Session, config: Config, did: str, caller: str | None, plan: RoutePlan, now: datetime, left: list[str]
) -> tuple[list[RehearsedTurn], Slot | None]:
    """Offers tour times until one would be booked, which is returned, or the caller wants none."""
    known = reception.receive(session, config, did, caller, plan.property)
    dialogue = TourDialogue(
        known.property_name,
        plan.language,
        can_link=known.can_text_link,
        to_mailbox=Path.VOICEMAIL in plan.otherwise[:1],
        tries=config.menu.tries,
        before=plan.says,
    )
    turns: list[RehearsedTurn] = []
    while (offer := times.offer(session, config, plan.property, now, dialogue.after)).slots:
        hears, keys, pressed = dialogue.says(offer), dialogue.keys(offer), left.pop(0) if left else ""
        turns.append(RehearsedTurn(Question.TOUR, _said(hears, plan.language), keys, (pressed,)))
        wish = dialogue.hears(pressed, offer) if pressed else TourWish.GO_ON
        if isinstance(wish, Slot):
            return turns, wish
        if wish is TourWish.GO_ON:
            break
    return turns, None


def _asked(
    dialogue: MenuDialogue, ask: KeyPrompt, before: Sequence[Say], line: Line | None, language: str, left: list[str]
) -> RehearsedTurn:
    """A question as first asked, and what is pressed until the dialogue goes on."""
    dialogue.put(ask, tuple(before))
    hears = [
        sentence
        for say in dialogue.says()
        for sentence in (_greeting(line, language) if say == GREETING else _said([say], language))
    ]
    pressed: list[str] = []
    given = None
    while given is None:
        pressed.append(left.pop(0) if left else "")
        given = dialogue.hears(pressed[-1])
    return RehearsedTurn(
        ask.question, tuple(hears), ask.keys, tuple(pressed if given == pressed[-1] else [*pressed, given])
    )


def _link(dialogue: MenuDialogue, plan: RoutePlan, left: list[str]) -> RehearsedTurn:
    if not plan.texts:
        return RehearsedTurn(Question.LINK, _sentences(plan.language, Prompt.LINK_NOT_POSSIBLE), (), ("",))
    return _asked(dialogue, LINK_OFFER, [LINK_SENT], None, plan.language, left)


def _greeting(line: Line | None, language: str) -> tuple[str, ...]:
    if line and line.greeting and line.language == language:
        return (line.greeting,)
    return _sentences(language, Prompt.WELCOME)


def _sentences(language: str, *prompts: str) -> tuple[str, ...]:
    return tuple(" ".join(speech.sentences(language)[prompt].split()) for prompt in prompts)


def _said(says: Sequence[Say], language: str) -> tuple[str, ...]:
    found: list[str] = []
    for say in says:
        spoken = say.language or language
        if say.name or say.key:
            found.append(" ".join(speech.phrases(spoken)[say.prompt].format(name=say.name, key=say.key).split()))
        else:
            found += _sentences(spoken, say.prompt)
    return tuple(found)
