"""The greeting and what is asked after it: what the caller wants, who they are, which property it is about."""

from __future__ import annotations

import logging
from pathlib import Path

from ari_app.call.call import Call
from ari_app.edge.errors import MediaLost
from ari_app.edge.media import NoKey, key, play, prompt
from ari_app.flows.plan import STEPS, answer, plan, sounds
from crm.domain.calls import KeyPressed, LinkRequested, Step
from crm.domain.choosing import Answer, Ask, Question, Say
from crm.domain.routing import OTHER_LANGUAGE, RoutePlan
from crm.domain.routing import Path as Way

log = logging.getLogger(__name__)


async def menu(call: Call) -> Step:
    """Asks what the decision wants to know, until it wants nothing more. Keys interrupt what is said."""
    greets = not call.answers
    while (decided := await plan(call)).path is Way.ASK:
        assert decided.ask is not None
        keys = await _put(call, decided.ask, decided.says, greets=greets)
        # After another language the same is asked in it, from the greeting on.
        greets = keys == OTHER_LANGUAGE and decided.ask.question is Question.MENU
        await answer(call, decided.ask.answer(keys))
    if decided.path in (Way.LIVE, Way.DESK) and call.answers and not call.answers[-1].keys:
        await play(call.person, call.sounds("connecting" if decided.path is Way.LIVE else "connecting_desk"))
    return STEPS[decided.path]


async def _put(call: Call, ask: Ask, says: tuple[Say, ...], *, greets: bool) -> str:
    """Puts a question, the first time after `says`, and again after silence or a wrong key.

    Returns what was keyed; "" is nothing of use. Nobody is dropped for being slow.
    """
    config = call.office.config.menu
    question = await sounds(call, ask.says)
    before = [*(_greeting(call) if greets else []), *await sounds(call, says)]
    for _ in range(config.tries):
        try:
            first = await prompt(call.person, [*before, *question], config.first_key_seconds)
        except MediaLost as error:
            # Nobody is dropped for that either.
            log.error("a question could not be played: %s", error)
            first = NoKey.NO_INPUT
        keys = "" if isinstance(first, NoKey) else await _rest(call, ask, first)
        if keys:
            call.note(KeyPressed(*call.stamp(), key=keys, question=ask.question.value))
        if ask.takes(keys):
            return keys
        before = call.sounds("not_a_choice") if keys else []
    return ""


def _greeting(call: Call) -> list[Path]:
    """The line's own, to those who hear its language; else the standard one."""
    own = call.office.config.prompts_folder / "greetings" / f"{call.did}.wav"
    return [own] if call.language == call.known.language and own.exists() else call.sounds("welcome")


async def _rest(call: Call, ask: Ask, first: str) -> str:
    """A key with those after it, up to the pound key or a pause, where more than one is wanted."""
    keys = first
    while len(keys) < ask.digits and not keys.endswith("#"):
        following = await key(call.person, call.office.config.menu.next_key_seconds)
        if isinstance(following, NoKey):
            break
        keys += following
    return keys if ask.digits == 1 else keys.rstrip("#")


async def text_offer(call: Call) -> Step:
    """Texts the link, says so, and leaves the caller the choice: hang up now, or go on to the team."""
    if not call.known.can_text_link:
        await play(call.person, call.sounds("link_not_possible"))
        return await _to_team(call, "")
    call.note(LinkRequested(*call.stamp("link")))
    files = call.sounds("link_sent", "text_offer")
    for _ in range(call.office.config.menu.tries):
        pressed = await prompt(call.person, files, call.office.config.menu.first_key_seconds)
        if not isinstance(pressed, NoKey):
            call.note(KeyPressed(*call.stamp(), key=pressed, question=Question.LINK.value))
            # Whatever they press now, they are there and want something.
            return await _to_team(call, pressed)
        files = call.sounds("text_offer")
    await play(call.person, call.sounds("connecting"))
    return await _to_team(call, "")


async def _to_team(call: Call, pressed: str) -> Step:
    await answer(call, Answer(Question.LINK, pressed))
    decided: RoutePlan = await plan(call)
    return STEPS[decided.path]
