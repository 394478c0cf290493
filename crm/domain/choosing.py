"""Which property a caller means, when the number they dialled does not say it. A pure decision.

The caller's latest interest is offered first, then a list with keys; a list of more than eight begins with areas, or
with the first letters of the name on the keypad. Whoever settles nothing is unsure, and is not transferred blindly.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


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
    TOUR = "tour"
    """Which of the times for a tour that are offered; any answer means that they are not offered again."""


@dataclass(frozen=True)
class Answer:
    """What the caller keyed; "" when they keyed nothing of use, however often they were asked."""

    question: Question
    keys: str


Answers = tuple[Answer, ...]


def answered(answers: Answers, question: Question) -> list[str]:
    """What was keyed to a question, each time it was asked."""
    return [answer.keys for answer in answers if answer.question is question]


@dataclass(frozen=True)
class Say:
    """A sentence: the name of a prompt, or of a phrase with places for a name and a key."""

    prompt: str
    name: str = ""
    key: str = ""
    language: str = ""
    """Empty is the caller's."""


@dataclass(frozen=True)
class Ask:
    """A question, and which keys are answers to it."""

    question: Question
    says: tuple[Say, ...]
    keys: tuple[str, ...]
    """Single keys that are answers; empty: any digits up to `digits`, ended by the pound key or a pause."""
    digits: int = 1

    def takes(self, keys: str) -> bool:
        """Whether what was keyed is an answer at all, be it a useful one or not."""
        return keys in self.keys if self.keys else 0 < len(keys) <= self.digits


@dataclass(frozen=True)
class PropertyName:
    """A property as far as choosing needs it."""

    slug: str
    name: str
    area: str = ""


@dataclass(frozen=True)
class Choice:
    """How it stands with the property: settled, to be asked, or, with neither, unsure."""

    why: str
    slug: str | None = None
    """The property it is; "" is the office as a whole."""
    ask: Ask | None = None


LIST_LENGTH = 8
"""Nobody keeps more in mind. 9 is for other languages, 0 for none of these."""
NONE_OF_THESE = "0"
LETTERS = 6
"""So many are read at most; three are asked for."""
_LETTER_TRIES = 2
_KEYPAD = {letter: key for key, letters in {
    "2": "abc", "3": "def", "4": "ghi", "5": "jkl", "6": "mno", "7": "pqrs", "8": "tuv", "9": "wxyz",
}.items() for letter in letters}  # fmt: skip
"""ITU E.161."""


def choose(names: Sequence[PropertyName], latest: str | None, answers: Answers) -> Choice:
    """The property, or the question that comes next. `latest` is the slug of the caller's latest interest.

    Takes any answers, also ones that fit no question that was asked.
    """
    names = sorted(names, key=lambda one: (one.name.casefold(), one.slug))
    if not names:
        return Choice("There is no property to choose.")
    if len(names) == 1:
        return Choice(f"{names[0].name} is the only property there is to choose.", names[0].slug)
    again = next((one for one in names if one.slug == latest), None)
    if again:
        same = answered(answers, Question.SAME)
        if not same:
            return _asked(Question.SAME, (Say("same_property", again.name), Say("another_property")), ("1", "2"))
        if same[-1] == "1":
            return Choice(f"The caller's latest interest was {again.name}, and they said it still is.", again.slug)
    if len(names) <= LIST_LENGTH:
        return _listed(names, answers)
    areas = sorted({one.area for one in names}, key=str.casefold)
    if 2 <= len(areas) <= LIST_LENGTH and "" not in areas:
        chosen = answered(answers, Question.AREA)
        if not chosen:
            says = tuple(Say("area_choice", area, str(number)) for number, area in enumerate(areas, 1))
            return _asked(Question.AREA, (*says, Say("none_of_these")), (*_numbers(areas), NONE_OF_THESE))
        if chosen[-1] not in _numbers(areas):
            return Choice("The caller named no area.")
        names = [one for one in names if one.area == areas[int(chosen[-1]) - 1]]
        if len(names) <= LIST_LENGTH:
            return _listed(names, answers)
    return _by_letters(names, answers)


def _listed(names: Sequence[PropertyName], answers: Answers) -> Choice:
    chosen = answered(answers, Question.PROPERTY)
    if not chosen:
        says = tuple(Say("property_choice", one.name, str(number)) for number, one in enumerate(names, 1))
        return _asked(Question.PROPERTY, (*says, Say("none_of_these")), (*_numbers(names), NONE_OF_THESE))
    if chosen[-1] not in _numbers(names):
        return Choice("The caller named no property.")
    found = names[int(chosen[-1]) - 1]
    return Choice(f"The caller chose {found.name} by key.", found.slug)


def _by_letters(names: Sequence[PropertyName], answers: Answers) -> Choice:
    keyed = answered(answers, Question.LETTERS)
    found = [one for one in names if begins_with(one.name, keyed[-1])] if keyed else []
    may_try = len(keyed) < _LETTER_TRIES and (not keyed or keyed[-1] != "")
    if found and (len(found) <= LIST_LENGTH or not may_try):
        return _listed(found[:LIST_LENGTH], answers)
    if not may_try:
        return Choice("No property's name begins with the letters that the caller keyed.")
    says = (Say("more_letters" if found else "no_such_letters"),) if keyed else ()
    return _asked(Question.LETTERS, (*says, Say("letters")), (), LETTERS)


def begins_with(name: str, digits: str) -> bool:
    """Whether a word of the name begins with the letters that these keys stand for; accents do not matter."""
    return bool(digits) and f" {digits}" in _keyed(name)


@lru_cache(maxsize=4096)
def _keyed(name: str) -> str:
    """The name in keys, from each of its words on, with a blank before each; remembered, for lists are long."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = "".join(char if char.isalnum() else " " for char in plain).split()
    return "".join(
        " " + "".join(_KEYPAD.get(char, char) for char in "".join(words[at:])) for at in range(len(words))
    )


def _asked(question: Question, says: tuple[Say, ...], keys: tuple[str, ...], digits: int = 1) -> Choice:
    return Choice("It is not known which property the call is about.", ask=Ask(question, says, keys, digits))


def _numbers(options: Sequence[object]) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, len(options) + 1))
