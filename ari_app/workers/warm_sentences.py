"""Has the voice agent's usual sentences rendered before anybody calls: greetings by name, and all that never change.

A sentence that is said for the first time takes half a second more. They are rendered anew after changes of the office,
while nobody talks with the voice agent: rendering takes as much CPU as a talk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from sqlalchemy.orm import Session

from ari_app.call.call import AppContext
from ari_app.voice.client import Door, VoiceLost, warm
from crm.config import Config
from crm.domain.calls import CallStep
from crm.domain.dialogue import Dialogue, placeholders
from crm.domain.understanding import Mind
from crm.services.system.checks import voice_agent
from crm.store import marks, snapshot

LOOK_SECONDS = 30.0
AT_ONCE = 8
"""Between so many sentences, whoever calls comes first."""
MOST_NAMES = 50
"""Properties that are greeted for; there may be thousands."""
GREETINGS = ("greeting", "greeting_recorded")

log = logging.getLogger(__name__)
Sentences = list[tuple[str, str]]


class WarmSentences:
    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._mark = ""
        """Of the office whose sentences are rendered, or being rendered."""
        self._left: Sentences = []

    async def look(self) -> None:
        """Goes on rendering what is left, unless somebody talks with the voice agent. Raises CrmError, SecretError."""
        context = self._context
        self._mark, wanted = await context.store.read(_wanted, context.config, context.mind, self._mark)
        self._left = self._left if wanted is None else wanted
        if not self._left:
            return
        if context.mind.scorer:
            # What it learns from the dialogue takes a second or more, which nobody should wait for.
            await asyncio.to_thread(context.mind.scorer.prepare)
        door = Door.of(context.config, context.secrets)
        while self._left and not self._is_talking:
            try:
                await warm(door, self._left[:AT_ONCE])
            except VoiceLost:
                return  # It is tried again at the next look; `doctor` says if its process does not run.
            del self._left[:AT_ONCE]

    @property
    def _is_talking(self) -> bool:
        return any(call.step is CallStep.VOICE_AGENT for call in self._context.calls)


def _wanted(session: Session, config: Config, mind: Mind, known: str) -> tuple[str, Sentences | None]:
    """The office's mark, and what is said there; None: it has not changed."""
    mark = marks.OFFICE.read(session)
    if mark == known:
        return mark, None
    if not voice_agent.answers(session, config):
        return mark, []
    office = snapshot.now(session)
    called = {line.property.name: line.language for line in office.lines.values() if line.property}
    names = dict(list(called.items())[:MOST_NAMES])
    if office.organization:
        names[office.organization.name] = "en"
    found = [
        (text, dialogue.language)
        for dialogue in mind.dialogues.values()
        for text in _said(dialogue, [name for name, language in names.items() if language == dialogue.language])
    ]
    return mark, list(dict.fromkeys(found))


def _said(dialogue: Dialogue, names: list[str]) -> Iterator[str]:
    """Greetings first: everybody hears one."""
    for greeting in GREETINGS:
        yield from (dialogue.say(greeting, office=name) for name in names)
    yield from (dialogue.say(name) for name, sentence in dialogue.sentences.items() if not placeholders(sentence))
