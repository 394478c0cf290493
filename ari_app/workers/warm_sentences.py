"""Has the voice agent's sentences rendered before anybody calls: greetings by name, all that never change, and what
there is to say about homes.

A sentence that is said for the first time takes half a second more. They are rendered anew after changes of the office
and of listings, while nobody talks with the voice agent: rendering takes as much CPU as a talk. What was said of a home
before it changed is removed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, time, timedelta
from pathlib import Path

import msgspec
from sqlalchemy.orm import Session

from ari_app.call.call import AppContext
from ari_app.voice.client import Door, VoiceLost, forget, warm
from crm.domain.calls import CallStep
from crm.domain.dialogue import Dialogue, placeholders
from crm.services.system.checks import voice_agent
from crm.services.talks import sayings
from crm.services.talks.sayings import SayableHome
from crm.store import marks, snapshot
from crm.store.changes import Standstill

LOOK_SECONDS = 30.0
AT_ONCE = 8
"""Between so many sentences, whoever calls comes first."""
FEW = 2
"""Of homes there are more sentences, and they are less urgent."""
MOST_NAMES = 50
"""Properties that are greeted for; there may be thousands."""
GREETINGS = ("greeting", "greeting_recorded")
KEPT = "listing_sentences.json"
"""In the run folder: what was rendered of homes."""

log = logging.getLogger(__name__)
Sentences = list[tuple[str, str]]


class WarmSentences:
    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._still = Standstill(context.store.changes)
        self._mark = ""
        """Of the office whose sentences are rendered, or being rendered."""
        self._left: Sentences = []
        self._listed = ""
        """Mark and day of the listings whose sentences are rendered, or being rendered."""
        self._homes: list[SayableHome] = []
        self._said: Sentences = []
        """Of the homes that are done."""

    async def look(self) -> None:
        """Goes on rendering what is left, unless somebody talks with the voice agent. Raises CrmError, SecretError."""
        context, now, state = self._context, self._context.now(), self._still.state()
        if not (self._left or self._homes) and self._still.lasts(state, now):
            return
        self._mark, wanted = await context.store.read(_wanted, context, self._mark)
        self._left = self._left if wanted is None else wanted
        await self._list_homes()
        self._still.looked(state, now, _tomorrow(now))
        if not (self._left or self._homes):
            return
        if context.mind.scorer:
            # What it learns from the dialogue takes a second or more, which nobody should wait for.
            await asyncio.to_thread(context.mind.scorer.prepare)
        door = Door.of(context.config, context.secrets)
        while self._left and not self._is_talking():
            try:
                await warm(door, self._left[:AT_ONCE])
            except VoiceLost:
                return  # It is tried again at the next look; `doctor` says if its process does not run.
            del self._left[:AT_ONCE]
        with suppress(VoiceLost):
            await self._render_homes(door)

    async def _list_homes(self) -> None:
        listed = await self._context.store.read(_listings_mark, self._context.now())
        if listed != self._listed:
            self._homes = await self._context.store.read(sayings.homes, self._context.config, self._context.now())
            self._listed, self._said = listed, []

    async def _render_homes(self, door: Door) -> None:
        """Raises VoiceLost."""
        context = self._context
        while self._homes and not self._is_talking():
            texts = await context.store.read(
                sayings.of_home, context.config, context.mind, self._homes[0], context.now()
            )
            for at in range(0, len(texts), FEW):
                if self._is_talking():
                    return
                await warm(door, texts[at : at + FEW])
            self._said += texts
            del self._homes[0]
            if not self._homes:
                await self._drop_old(door)

    async def _drop_old(self, door: Door) -> None:
        """What was rendered of homes and is said no more is removed. Raises VoiceLost."""
        kept = self._context.config.run_folder / KEPT
        before = await asyncio.to_thread(_read_kept, kept)
        said = set(self._said)
        if gone := [one for one in before if one not in said]:
            await forget(door, gone)
        if gone or len(before) != len(said):
            await asyncio.to_thread(_write_kept, kept, sorted(said))

    def _is_talking(self) -> bool:
        return any(call.step is CallStep.VOICE_AGENT for call in self._context.calls)


def _listings_mark(session: Session, now: datetime) -> str:
    """Changes with listings and the office, and each day: a home is available from a date on."""
    return f"{marks.OFFICE.read(session)} {marks.SITE.read(session)} {now.date()}"


def _tomorrow(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)


def _read_kept(path: Path) -> Sentences:
    """What was rendered of homes; none where the file is missing, or half of one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Sentences)
    except (OSError, msgspec.MsgspecError):
        return []


def _write_kept(path: Path, sentences: Sentences) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(sentences))
    new.replace(path)


def _wanted(session: Session, context: AppContext, known: str) -> tuple[str, Sentences | None]:
    """The office's mark, and what is said there; None: it has not changed."""
    mark = marks.OFFICE.read(session)
    if mark == known:
        return mark, None
    if not voice_agent.answers(session, context.config):
        return mark, []
    office = snapshot.now(session)
    called = {line.property.name: line.language for line in office.lines.values() if line.property}
    names = dict(list(called.items())[:MOST_NAMES])
    if office.organization:
        names[office.organization.name] = "en"
    found = [
        (text, dialogue.language)
        for dialogue in context.mind.dialogues.values()
        for text in _said(dialogue, [name for name, language in names.items() if language == dialogue.language])
    ]
    return mark, list(dict.fromkeys(found))


def _said(dialogue: Dialogue, names: list[str]) -> Iterator[str]:
    """Greetings first: everybody hears one."""
    for greeting in GREETINGS:
        yield from (dialogue.say(greeting, office=name) for name in names)
    yield from (dialogue.say(name) for name, sentence in dialogue.sentences.items() if not placeholders(sentence))
