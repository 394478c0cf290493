"""Which property a caller means, when the number they dialed does not say it. A pure decision.

The caller's latest interest is offered first, then a list with keys; a list of more than eight begins with areas, or
with the first letters of the name on the keypad. Whoever chooses none is unsure, and is not transferred blindly.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from crm.domain.letters import unaccented


class Question(StrEnum):
    """What a caller can be asked."""

    MENU = "menu"
    LINK = "link"
    """After the link was sent: do they want to talk, too?"""
    WHO = "who"
    """A resident, an owner, or a vendor."""
    URGENT = "urgent"
    """Of those: is it an emergency, or about a home to rent?"""
    SAME = "same"
    """Do they call about the same property again?"""
    AREA = "area"
    LETTERS = "letters"
    """The first letters of the property's name, on the keypad."""
    PROPERTY = "property"
    VOICE_AGENT = "voice_agent"
    """How may I help you? Once it was asked, the menu or a person is next."""
    TOUR = "tour"
    """Which of the times offered for a tour; after any answer they are not offered again."""


@dataclass(frozen=True)
class KeyedAnswer:
    """What the caller keyed; "" when none of their tries was usable."""

    question: Question
    keys: str
    meant: str = ""
    """What the key stood for when it was pressed (Ask.meanings): a list may change during a call. Empty: nothing else
    than the key says, or it is not known."""


Answers = tuple[KeyedAnswer, ...]


def answered(answers: Answers, question: Question) -> list[str]:
    """What was keyed to a question, each time it was asked."""
    return [answer.keys for answer in answers if answer.question is question]


@dataclass(frozen=True)
class Say:
    """A sentence: the name of a prompt, or of a phrase with placeholders for a name and a key."""

    prompt: str
    name: str = ""
    key: str = ""
    language: str = ""
    """Empty: the caller's."""


@dataclass(frozen=True)
class KeyPrompt:
    """A question, and which keys are answers to it."""

    question: Question
    says: tuple[Say, ...]
    keys: tuple[str, ...]
    """Single keys that are answers; empty: any digits up to `digits`, ended by the pound key or a pause."""
    digits: int = 1
    meanings: tuple[str, ...] = ()
    """What the first of the keys stand for: slugs of properties, or names of areas."""

    def answer(self, keys: str) -> KeyedAnswer:
        """What was keyed, with what it stands for."""
        return KeyedAnswer(self.question, keys, dict(zip(self.keys, self.meanings, strict=False)).get(keys, ""))

    def takes(self, keys: str) -> bool:
        """Whether what was keyed is an answer at all, useful or not."""
        return keys in self.keys if self.keys else 0 < len(keys) <= self.digits


@dataclass(frozen=True)
class PropertyName:
    """A property as far as choosing needs it."""

    slug: str
    name: str
    area: str = ""


class Names:
    """Properties to choose among. What depends on it alone is computed once: decisions are many, and lists long."""

    def __init__(self, names: Iterable[PropertyName]) -> None:
        self.listed = tuple(sorted(names, key=lambda one: (one.name.casefold(), one.slug)))
        """In the order in which they are read out."""

    @cached_property
    def by_slug(self) -> dict[str, PropertyName]:
        return {one.slug: one for one in self.listed}

    @cached_property
    def areas(self) -> dict[str, Names]:
        """By area, in order; "" are those without one."""
        found: dict[str, list[PropertyName]] = {}
        for one in self.listed:
            found.setdefault(one.area, []).append(one)
        return {area: Names(found[area]) for area in sorted(found, key=lambda area: (area.casefold(), area))}

    def beginning_with(self, digits: str) -> list[PropertyName]:
        """Those with a word that begins with the letters that these keys stand for; accents do not matter."""
        if not digits:
            return []
        first, behind = bisect_left(self._keyed, (digits,)), bisect_left(self._keyed, (digits + _BEHIND_DIGITS,))
        return [self.listed[at] for at in sorted({at for _, at in self._keyed[first:behind]})]

    @cached_property
    def _keyed(self) -> list[tuple[str, int]]:
        """Each name in keys, from each of its words on, with its position in the list; in order."""
        return sorted((keys, at) for at, one in enumerate(self.listed) for keys in _in_keys(one.name))


@dataclass(frozen=True)
class PropertyChoice:
    """The state of the choice: a property, a question to ask, or, with neither, unsure."""

    why: str
    slug: str | None = None
    """The property it is; "" is the office as a whole."""
    ask: KeyPrompt | None = None


LIST_LENGTH = 8
"""Nobody remembers more. 9 is for other languages, 0 for none of these."""
NONE_OF_THESE = "0"
LETTERS = 6
"""How many letters count at most; callers are asked for three."""
_LETTER_TRIES = 2
_KEYPAD = {
    letter: key
    for key, letters in {
        "2": "abc",
        "3": "def",
        "4": "ghi",
        "5": "jkl",
        "6": "mno",
        "7": "pqrs",
        "8": "tuv",
        "9": "wxyz",
    }.items()
    for letter in letters
}
"""ITU E.161."""
_BEHIND_DIGITS = chr(ord("9") + 1)
"""Sorts behind every key."""


def choose(names: Names, latest: str | None, answers: Answers) -> PropertyChoice:
    """The property, or the question that comes next. `latest` is the slug of the caller's latest interest.

    Takes any answers, also ones that fit no question that was asked. Whatever becomes of the others meanwhile, the
    property that was chosen stays so; if it is gone itself, the question is put again.
    """
    listed = names.listed
    if not listed:
        return PropertyChoice("There is no property to choose.")
    if chosen := names.by_slug.get(_meant(answers, Question.PROPERTY)):
        return _by_key(chosen)
    if len(listed) == 1:
        return PropertyChoice(f"{listed[0].name} is the only property there is to choose.", listed[0].slug)
    again = names.by_slug.get(_meant(answers, Question.SAME) or latest or "")
    if again:
        same = answered(answers, Question.SAME)
        if not same:
            offers = Say("same_property", again.name), Say("another_property")
            return _asked(Question.SAME, offers, ("1", "2"), meanings=(again.slug,))
        if same[-1] == "1":
            return PropertyChoice(
                f"The caller last asked about {again.name}, and says it is about that again.", again.slug
            )
    if len(listed) <= LIST_LENGTH:
        return _listed(listed, answers)
    areas = list(names.areas)
    if 2 <= len(areas) <= LIST_LENGTH and "" not in areas:
        at = _option(answers, Question.AREA, areas)
        if at is None:
            says = tuple(Say("area_choice", area, str(number)) for number, area in enumerate(areas, 1))
            keys = (*_numbers(areas), NONE_OF_THESE)
            return _asked(Question.AREA, (*says, Say("none_of_these")), keys, meanings=tuple(areas))
        if at < 0:
            return PropertyChoice("The caller chose no area.")
        names = names.areas[areas[at]]
        if len(names.listed) <= LIST_LENGTH:
            return _listed(names.listed, answers)
    return _by_letters(names, answers)


def _listed(names: Sequence[PropertyName], answers: Answers) -> PropertyChoice:
    slugs = tuple(one.slug for one in names)
    at = _option(answers, Question.PROPERTY, slugs)
    if at is None:
        says = tuple(Say("property_choice", one.name, str(number)) for number, one in enumerate(names, 1))
        keys = (*_numbers(names), NONE_OF_THESE)
        return _asked(Question.PROPERTY, (*says, Say("none_of_these")), keys, meanings=slugs)
    return _by_key(names[at]) if at >= 0 else PropertyChoice("The caller chose no property.")


def _by_key(chosen: PropertyName) -> PropertyChoice:
    return PropertyChoice(f"The caller chose {chosen.name} by key.", chosen.slug)


def _option(answers: Answers, question: Question, options: Sequence[str]) -> int | None:
    """Which of the options was chosen last; -1 is none of them, None: nothing yet, or one that is gone meanwhile."""
    keyed = answered(answers, question)
    if not keyed:
        return None
    if meant := _meant(answers, question):
        return options.index(meant) if meant in options else None
    numbers = _numbers(options)
    return numbers.index(keyed[-1]) if keyed[-1] in numbers else -1


def _meant(answers: Answers, question: Question) -> str:
    """What the last answer to a question stood for; "" is nothing, or not known."""
    return next((answer.meant for answer in reversed(answers) if answer.question is question), "")


def _by_letters(names: Names, answers: Answers) -> PropertyChoice:
    keyed = answered(answers, Question.LETTERS)
    found = names.beginning_with(keyed[-1]) if keyed else []
    may_try = len(keyed) < _LETTER_TRIES and (not keyed or keyed[-1] != "")
    if found and (len(found) <= LIST_LENGTH or not may_try):
        return _listed(found[:LIST_LENGTH], answers)
    if not may_try:
        return PropertyChoice("No property's name begins with the letters the caller keyed.")
    says = (Say("more_letters" if found else "no_such_letters"),) if keyed else ()
    return _asked(Question.LETTERS, (*says, Say("letters")), (), LETTERS)


def _in_keys(name: str) -> Iterator[str]:
    plain = unaccented(name).encode("ascii", "ignore").decode()
    words = "".join(char if char.isalnum() else " " for char in plain).split()
    for at in range(len(words)):
        yield "".join(_KEYPAD.get(char, char) for char in "".join(words[at:]))


def _asked(
    question: Question, says: tuple[Say, ...], keys: tuple[str, ...], digits: int = 1, meanings: tuple[str, ...] = ()
) -> PropertyChoice:
    ask = KeyPrompt(question, says, keys, digits, meanings)
    return PropertyChoice("It is not known which property the call is about.", ask=ask)


def _numbers(options: Sequence[object]) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, len(options) + 1))
