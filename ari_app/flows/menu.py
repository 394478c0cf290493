"""The greeting and the questions after it: what the caller wants, who they are, which property it is about."""

from __future__ import annotations

import logging
from pathlib import Path

from ari_app.call.call import LiveCall
from ari_app.edge.errors import MediaLost
from ari_app.edge.media import NoKey, key, prompt, tell
from ari_app.flows.plan import STEPS, answer, plan, sounds
from crm.domain.calls import CallStep, KeyPressed, LinkRequested
from crm.domain.choosing import KeyedAnswer, KeyPrompt, Question, Say
from crm.domain.menu import GREETING, LINK_OFFER, LINK_SENT, MenuDialogue
from crm.domain.routing import Path as Way
from crm.domain.routing import RoutePlan

log = logging.getLogger(__name__)


async def menu(call: LiveCall) -> CallStep:
    """Asks the questions that the routing decision needs answered. Keys interrupt what is being said."""
    dialogue = MenuDialogue(call.context.config.menu.tries, greets=not call.answers)
    while (decided := await plan(call)).path is Way.ASK:
        assert decided.ask is not None
        answer(call, decided.ask.answer(await _put(call, dialogue, decided.ask, decided.says)))
    if decided.path in (Way.LIVE, Way.DESK) and call.answers and not call.answers[-1].keys:
        await call.tell()
        await tell(call.person, call.sounds("connecting" if decided.path is Way.LIVE else "connecting_desk"))
    return STEPS[decided.path]


async def _put(call: LiveCall, dialogue: MenuDialogue, ask: KeyPrompt, before: tuple[Say, ...]) -> str:
    """Repeats a question until the dialogue can continue; returns the answer, "" for none."""
    dialogue.put(ask, before)
    await call.tell()
    while True:
        keys = dialogue.keyed(await _keys(call, dialogue))
        if keys:
            call.emit(KeyPressed(*call.stamp(), key=keys, question=ask.question.value))
        given = dialogue.hears(keys)
        if given is not None:
            return given


async def _keys(call: LiveCall, dialogue: MenuDialogue) -> str:
    """What the caller keys in reply to what the dialogue says now; "" for silence."""
    config = call.context.config.menu
    says = dialogue.says()
    greeting = _greeting(call) if GREETING in says else []
    files = [*greeting, *await sounds(call, tuple(say for say in says if say != GREETING))]
    try:
        keys = await prompt(call.person, files, config.first_key_seconds)
    except MediaLost as error:
        # The caller must not be dropped because of that.
        log.error("a question could not be played: %s", error)
        return ""
    if isinstance(keys, NoKey):
        return ""
    while dialogue.wants_more(keys):
        following = await key(call.person, config.next_key_seconds)
        if isinstance(following, NoKey):
            break
        keys += following
    return keys


def _greeting(call: LiveCall) -> list[Path]:
    """The line's own greeting, for callers who hear the line's language; else the standard one."""
    own = call.context.config.line_greeting(call.did)
    return [own] if call.language == call.known.language and own.exists() else call.sounds("welcome")


async def text_offer(call: LiveCall) -> CallStep:
    """Texts the link, says so, and lets the caller choose: hang up now, or go on to the team."""
    if not call.known.can_text_link:
        await tell(call.person, call.sounds("link_not_possible"))
        return await _to_team(call, "")
    call.emit(LinkRequested(*call.stamp("link")))
    dialogue = MenuDialogue(call.context.config.menu.tries, greets=False)
    pressed = await _put(call, dialogue, LINK_OFFER, (LINK_SENT,))
    if not pressed:
        await tell(call.person, call.sounds("connecting"))
    return await _to_team(call, pressed)


async def _to_team(call: LiveCall, pressed: str) -> CallStep:
    answer(call, KeyedAnswer(Question.LINK, pressed))
    decided: RoutePlan = await plan(call)
    return STEPS[decided.path]
