"""The greeting and the menu: a link by text, or the team."""

from __future__ import annotations

from ari_app.edge.media import NoKey, play, prompt
from ari_app.flows.call import Call
from crm.domain.calls import KeyPressed, LinkRequested, Step

TEXT_ME = "1"
TEAM = "2"


async def menu(call: Call) -> Step:
    """Plays greeting and menu, which keys interrupt; nobody is dropped for being slow, they go to the team."""
    greeting = call.office.config.prompts_folder / "greetings" / f"{call.did}.wav"
    sounds = [greeting] if greeting.exists() else call.sounds("welcome")
    for _ in range(call.office.config.menu.tries):
        key = await prompt(call.person, [*sounds, *call.sounds("menu")], call.office.config.menu.first_key_seconds)
        _note(call, key)
        if key == TEXT_ME:
            return Step.TEXT_OFFER
        if key == TEAM:
            return Step.RING
        sounds = [] if key is NoKey.NO_INPUT else call.sounds("not_a_choice")
    await play(call.person, call.sounds("connecting"))
    return Step.RING


async def text_offer(call: Call) -> Step:
    """Texts the link, says so, and leaves the caller the choice: hang up now, or go on to the team."""
    if not call.known.can_text_link:
        await play(call.person, call.sounds("link_not_possible"))
        return Step.RING
    call.note(LinkRequested, once="link")
    sounds = call.sounds("link_sent", "text_offer")
    for _ in range(call.office.config.menu.tries):
        key = await prompt(call.person, sounds, call.office.config.menu.first_key_seconds)
        _note(call, key)
        if key is not NoKey.NO_INPUT:
            # Whatever they press now, they are there and want something.
            return Step.RING
        sounds = call.sounds("text_offer")
    await play(call.person, call.sounds("connecting"))
    return Step.RING


def _note(call: Call, key: str | NoKey) -> None:
    if not isinstance(key, NoKey):
        call.note(KeyPressed, key=key)
