"""The greeting and what is asked after it: what the caller wants, who they are, which property it is about."""

from __future__ import annotations

from ari_app.edge.media import NoKey, play, prompt
from ari_app.flows.call import Call
from ari_app.flows.plan import STEPS, answer, plan, sounds
from crm.domain.calls import KeyPressed, LinkRequested, Step
from crm.domain.choosing import Ask, Question
from crm.domain.routing import OTHER_LANGUAGE, Path, RoutePlan


async def menu(call: Call) -> Step:
    """Asks what the decision wants to know, until it wants nothing more. Keys interrupt what is said."""
    greets = not call.answers
    while (decided := await plan(call)).path is Path.ASK:
        assert decided.ask is not None
        keys = await _put(call, decided.ask, greets=greets)
        # After another language the same is asked in it, from the greeting on.
        greets = keys == OTHER_LANGUAGE and decided.ask.question is Question.MENU
        await answer(call, decided.ask.question, keys)
    if decided.path is Path.LIVE and call.answers and not call.answers[-1].keys:
        await play(call.person, call.sounds("connecting"))
    return STEPS[decided.path]


async def _put(call: Call, ask: Ask, *, greets: bool) -> str:
    """Puts a question, again after silence or a wrong key, and returns what was keyed; "" is nothing of use.

    Nobody is dropped for being slow: the decision goes on without an answer.
    """
    config = call.office.config.menu
    greeting = call.office.config.prompts_folder / "greetings" / f"{call.did}.wav"
    before = ([greeting] if greeting.exists() else call.sounds("welcome")) if greets else []
    for _ in range(config.tries):
        key = await prompt(call.person, [*before, *await sounds(call, ask.says)], config.first_key_seconds)
        keys = await _rest(call, ask, key)
        if keys:
            call.note(KeyPressed, key=keys, question=ask.question.value)
        if keys and (keys in ask.keys or not ask.keys):
            return keys
        before = [] if not keys else call.sounds("not_a_choice")
    return ""


async def _rest(call: Call, ask: Ask, key: str | NoKey) -> str:
    """The keys after the first, up to the pound key or a pause, where more than one is wanted."""
    keys = "" if isinstance(key, NoKey) else key
    while keys and len(keys) < ask.digits and not keys.endswith("#"):
        key = await prompt(call.person, [], call.office.config.menu.next_key_seconds)
        if isinstance(key, NoKey):
            break
        keys += key
    return keys if ask.digits == 1 else keys.rstrip("#")


async def text_offer(call: Call) -> Step:
    """Texts the link, says so, and leaves the caller the choice: hang up now, or go on to the team."""
    if not call.known.can_text_link:
        await play(call.person, call.sounds("link_not_possible"))
        return await _to_team(call, "")
    call.note(LinkRequested, once="link")
    files = call.sounds("link_sent", "text_offer")
    for _ in range(call.office.config.menu.tries):
        key = await prompt(call.person, files, call.office.config.menu.first_key_seconds)
        if not isinstance(key, NoKey):
            call.note(KeyPressed, key=key, question=Question.LINK.value)
            # Whatever they press now, they are there and want something.
            return await _to_team(call, key)
        files = call.sounds("text_offer")
    await play(call.person, call.sounds("connecting"))
    return await _to_team(call, "")


async def _to_team(call: Call, key: str) -> Step:
    await answer(call, Question.LINK, key)
    decided: RoutePlan = await plan(call)
    return STEPS[decided.path]
