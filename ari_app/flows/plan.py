"""The routing decision while a call is up: made again whenever more is known, recorded, and turned into a step."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path as File
from urllib.parse import quote, unquote

from ari_app.call.available import phones as phones_now
from ari_app.call.call import LiveCall
from asterisk_conf.prompts import speech
from crm.domain.calls import CallerIs, CallStep, DeskChosen, LanguageChosen, PropertyChosen
from crm.domain.choosing import KeyedAnswer, Question, Say
from crm.domain.errors import CrmError
from crm.domain.routing import CallerKind, OfficeState, Path, RoutePlan, RoutingInputs
from crm.services.phones.spoken import spoken
from crm.services.routing import reception, welcome
from crm.services.routing.routes import PhonesNow
from crm.store import decisions

log = logging.getLogger(__name__)

STEPS = {
    Path.ASK: CallStep.MENU,
    Path.VOICE_AGENT: CallStep.VOICE_AGENT,
    Path.LINK: CallStep.TEXT_OFFER,
    Path.TOUR: CallStep.TOUR_OFFER,
    Path.LIVE: CallStep.RING,
    Path.DESK: CallStep.RING,
    Path.VOICEMAIL: CallStep.VOICEMAIL,
    Path.QUESTION: CallStep.QUESTION,
    Path.QUEUE: CallStep.QUEUE,
    Path.REFUSE: CallStep.UNKNOWN_LINE,
}
"""The step that carries out each path."""


async def plan(call: LiveCall, *, forward_failed: str = "") -> RoutePlan:
    """Decides from what is known now, and records what is new in the decision. Raises Unavailable, TimeoutError."""
    inputs, decided = await _decide(call, forward_failed)
    if decided.path is not Path.ASK:
        comes_first = decided.path in (Path.LINK, Path.TOUR, Path.VOICE_AGENT)
        once = "routed-again" if forward_failed else f"routed-{decided.path}" if comes_first else "routed"
        _put_on_record(call, inputs, decided, once)
    return decided


async def to_carry_out(call: LiveCall) -> RoutePlan:
    """The decision that led to this step, which carries it out; a new one if the call came here another way."""
    decided = call.decided if call.is_decided else await plan(call)
    assert decided is not None
    call.is_decided = False
    return decided


async def ring_again(call: LiveCall, number: int) -> RoutePlan | CallStep | None:
    """Whom to ring after other callers have taken the agents who were being rung, or that the caller waits in line.
    None if nobody untried is free, and there is nobody to wait for.

    `number` counts these decisions within a call, from 1. It is a single decision, because somebody who became free
    between two would neither be rung nor be waited for.
    """
    try:
        inputs, decided = await _decide(call, "")
    except (CrmError, TimeoutError) as error:
        log.warning("who is free now is not known: %s", error)
        return None
    free = (inputs.people.free or frozenset()) - call.tried - call.context.calls.reserved
    if _may_wait(decided):
        _put_on_record(call, inputs, decided, "routed-to-queue")
        return CallStep.QUEUE
    if free.isdisjoint(agent for stage in decided.stages for agent in stage.agents):
        return None
    _put_on_record(call, inputs, decided, f"routed-again-{number}")
    call.is_decided = False
    return decided


async def may_queue(call: LiveCall) -> bool:
    """Whether a caller whom nobody has answered may wait in line: meanwhile everybody who was free may have taken
    another call."""
    try:
        inputs, decided = await _decide(call, "")
    except (CrmError, TimeoutError):
        return False
    if not _may_wait(decided):
        return False
    _put_on_record(call, inputs, decided, "routed-to-queue")
    return True


def _may_wait(decided: RoutePlan) -> bool:
    return Path.QUEUE in (decided.path, *decided.otherwise)


async def _decide(call: LiveCall, forward_failed: str) -> tuple[RoutingInputs, RoutePlan]:
    context = call.context
    async with asyncio.timeout(context.config.survival.store_seconds):
        decision, call.first_decision = call.first_decision, None
        if decision is None or call.answers or forward_failed:
            decision = await context.store.read(
                welcome.decide,
                context.config,
                call.known,
                tuple(call.answers),
                await moment(call, forward_failed),
                call.emergency,
            )
        inputs, decided, call.to_ring = decision.inputs, decision.plan, decision.to_ring
        if decided.property and not call.known.property_name:
            call.reception = await context.store.read(
                reception.receive,
                context.config,
                call.did,
                call.caller,
                decided.property,
                is_withheld=call.is_withheld,
                person=call.known.person,
            )
            call.emit(PropertyChosen(*call.stamp(f"property-{decided.property}"), property=decided.property))
    if CallerKind.PROSPECT is not decided.kind or CallerKind.PROSPECT is not inputs.caller.kind:
        # Also if somebody known as a resident turns out to call as a prospect.
        call.emit(CallerIs(*call.stamp(f"caller-{decided.kind}"), who=decided.kind.value))
    if decided.language != call.language:
        call.emit(
            LanguageChosen(*call.stamp(f"language-{decided.language}-{len(call.answers)}"), language=decided.language)
        )
        call.language = decided.language
    call.is_closed = inputs.office.state in (OfficeState.CLOSED, OfficeState.HOLIDAY)
    if decided.desk:
        call.emit(DeskChosen(*call.stamp(f"desk-{decided.desk}"), desk=decided.desk.value))
        call.is_closed = not decided.stages and (call.is_closed or not inputs.desks[decided.desk].is_open)
    call.decided, call.is_decided = decided, True
    return inputs, decided


async def moment(call: LiveCall, forward_failed: str = "") -> PhonesNow:
    """What a decision needs to know about phones, and about callers in line."""
    context = call.context
    phones = await phones_now(context)
    return PhonesNow(
        context.now(),
        phones.online,
        phones.on_call,
        line=context.calls.line(call),
        forward_failed=forward_failed,
        # If others took those who were being rung, these are waited for; those who did not answer are not.
        tried=call.tried if call.taken_away else (),
    )


def _put_on_record(call: LiveCall, inputs: RoutingInputs, decided: RoutePlan, once: str) -> None:
    call.emit(decisions.told(*call.stamp(once), inputs, decided))


def otherwise(decided: RoutePlan, after: Path | None = None) -> CallStep:
    """What follows if a path led nowhere: the first of the plan's alternatives, or of those after `after`."""
    rest = list(decided.otherwise)
    if after in rest:
        rest = rest[rest.index(after) + 1 :]
    return next((STEPS[path] for path in rest if path in STEPS), CallStep.VOICEMAIL)


def answer(call: LiveCall, given: KeyedAnswer) -> None:
    """Keeps what the caller keyed, also with their channel before they next wait for anything."""
    call.answers.append(given)
    call.keep(LL_KEYS=kept(call.answers))


def kept(answers: Iterable[KeyedAnswer]) -> str:
    """Answers in the form that `answers_from` reads. What a key meant is quoted, since areas can have any name."""
    meant = ((one, f":{quote(one.meant, safe='')}" if one.meant else "") for one in answers)
    return ",".join(f"{one.question}={one.keys}{meaning}" for one, meaning in meant)


def answers_from(kept: str) -> list[KeyedAnswer]:
    """Reads what `kept` wrote; what cannot be read is left out."""
    found = []
    for part in kept.split(","):
        question, _, given = part.partition("=")
        keys, _, meant = given.partition(":")
        if question in list(Question):
            found.append(KeyedAnswer(Question(question), keys, unquote(meant)))
    return found


async def sounds(call: LiveCall, says: tuple[Say, ...]) -> list[File]:
    """The files of sentences, in the caller's language; those with a name or key in them are synthesized now."""
    found = await asyncio.gather(*(_sound(call, say) for say in says))
    return [file for file in found if file]


async def _sound(call: LiveCall, say: Say) -> File | None:
    language = say.language or call.language
    if not say.name and not say.key:
        return call.context.config.prompt(say.prompt, language)
    try:
        text = speech.phrases(language)[say.prompt].format(name=say.name, key=say.key)
        return await spoken(call.context.config, text, language)
    except speech.SpeechError as error:
        # For example a name without any letters. The caller hears the rest, and may be unsure.
        log.warning("a choice could not be spoken: %s", type(error).__name__)
        return None
