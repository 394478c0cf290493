"""A call that is not made: what its caller would hear and key at some time, and what would be decided of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from asterisk_conf import speech
from asterisk_conf.speech import Prompt
from crm.config import Config
from crm.domain import fields
from crm.domain.choosing import Answer, Ask, Question, Say
from crm.domain.routing import OTHER_LANGUAGE, Path, RoutePlan
from crm.services import routes
from crm.services.routes import Moment
from crm.store.models import Line
from crm.store.queries import lines, office
from crm.store.session import Store


@dataclass(frozen=True)
class Turn:
    """Something is said, and the caller keys something, or nothing."""

    question: Question
    hears: tuple[str, ...]
    """Word by word, in the caller's language."""
    keys: tuple[str, ...]
    """That would be answers; empty: any digits."""
    pressed: tuple[str, ...]
    """Each try, the last one counts; "" is silence."""


@dataclass(frozen=True)
class Rehearsal:
    line: Line | None
    """None: the number is none of the lines."""
    at: datetime
    tz: ZoneInfo
    """Where the property is, else the office."""
    turns: tuple[Turn, ...]
    hears: tuple[str, ...]
    """After the last turn."""
    plan: RoutePlan


async def rehearse(
    store: Store, config: Config, number: str, caller: str | None, at: str, presses: Sequence[str], now: datetime
) -> Rehearsal:
    """Follows the dialogue as a call does; keys that run out are silence. All phones count as registered and free.

    Both numbers are cleaned; `at` is as people write it, on the clock of the line's property. Raises Invalid.
    """
    async with store.read() as session:
        line = await lines.by_number(session, number)
    tz = office.zone(config.tz, line.property if line else None)
    moment = Moment(fields.moment(at, tz, now))
    left = list(presses)
    turns: list[Turn] = []
    answers: tuple[Answer, ...] = ()
    greets = True
    while True:
        _, plan = await routes.plan(store, config, number, caller, answers, moment)
        if plan.ask:
            hears = (*(_greeting(line, plan.language) if greets else ()), *_said(plan.ask.says, plan.language))
            turn = Turn(plan.ask.question, hears, plan.ask.keys, _pressed(left, plan.ask, config.menu.tries))
        elif plan.path is Path.LINK:
            turn = _link(plan, left)
        else:
            break
        turns.append(turn)
        keys = turn.pressed[-1]
        greets = turn.question is Question.MENU and keys == OTHER_LANGUAGE
        answers = (*answers, plan.ask.answer(keys) if plan.ask else Answer(turn.question, keys))
    return Rehearsal(line, moment.now, tz, tuple(turns), _said(plan.says, plan.language), plan)


def _pressed(left: list[str], ask: Ask, tries: int) -> tuple[str, ...]:
    """What is keyed until it is an answer, or until the flow goes on without one, which is ""."""
    pressed: list[str] = []
    for _ in range(tries):
        pressed.append(left.pop(0) if left else "")
        if ask.takes(pressed[-1]):
            return tuple(pressed)
    return tuple(pressed) if not pressed[-1] else (*pressed, "")


def _link(plan: RoutePlan, left: list[str]) -> Turn:
    if not plan.texts:
        return Turn(Question.LINK, _sentences(plan.language, Prompt.LINK_NOT_POSSIBLE), (), ("",))
    hears = _sentences(plan.language, Prompt.LINK_SENT, Prompt.TEXT_OFFER)
    return Turn(Question.LINK, hears, (), (left.pop(0) if left else "",))


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
