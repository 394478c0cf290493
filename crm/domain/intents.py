"""What a caller wants: by the dialogue's patterns, and by what their sentence is like among its examples. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from crm.domain.dialogue import AGREES, DECLINES, Dialogue, IntentRule, folded

MOST = 3
"""Wishes that are answered in one turn."""
LEAST_LIKENESS = 0.2
"""Of the likest intent, from 0 to 1; what is less alike means nothing."""
LEAST_MARGIN = 0.02
"""By which the likest intent has to be liker than the next one."""
LEAST_BESIDES = 0.2
"""Of what a pattern found besides the likest intent."""
LEAST_TO_HIDE = 0.3
"""Of the highest likeness, for a pattern to hide the intent that has it."""
LEAST_CLAUSE = 0.45
"""Of a part of a sentence that is about something else than the whole."""
PATTERN_COUNTS = 0.1
"""What a pattern's word is worth beside likeness."""
LEAST_ANSWER = 0.3
"""Of agreeing or declining."""
GREETS = "greeting"
FACTS = frozenset(
    (
        *("availability", "rent", "deposit", "move_in", "size", "specials", "app_fee", "fees", "pets", "pet_fee"),
        *("parking", "laundry", "utilities", "lease_term", "address", "hours", "amenities", "tour"),
    )
)
"""What may be asked beside another of these: "what's the rent and the deposit"."""


class Scorer(Protocol):
    """Says how like a sentence is to the examples of each intent."""

    def prepare(self) -> None:
        """Does what it has to do before it can answer at once. Blocks."""

    def scores(self, text: str, language: str) -> Sequence[tuple[str, float]]:
        """Intents with their likeness, about from 0 to 1, the highest first; none where the language is not known."""
        ...


@dataclass(frozen=True)
class Wish:
    """One thing that the caller wants."""

    intent: str
    at: int = 0
    """Where in the folded text."""
    is_sure: bool = True


def wishes(dialogue: Dialogue, text: str, scorer: Scorer | None = None, *, answers: bool = False) -> tuple[Wish, ...]:
    """What was asked for, in the order in which it was said; none: not understood. `answers`: it answers a question, so
    that only patterns tell what else they want.

    A wish that is not sure is the likest one, with another one nearly as like.
    """
    matched = _matched_apart(dialogue, text)
    scores = {} if answers else _scores(dialogue, text, scorer)
    if not scores:
        inorder = sorted(matched.items(), key=lambda one: one[1])
        return tuple(Wish(name, at) for name, at in inorder[:MOST])
    return _weighed(dialogue, text, matched, scores, scorer)


def beside(dialogue: Dialogue, found: Sequence[Wish], rest: str) -> tuple[Wish, ...]:
    """Of the wishes that were found in a whole sentence, those that a pattern finds in what is left of it, too.

    "What kind of people live there, and what's the rent?" asks for the rent; without its end it asks for nothing,
    though it is like sentences that do.
    """
    said = _matched(dialogue, rest)
    return tuple(wish for wish in found if wish.intent in said)


def answer(dialogue: Dialogue, text: str, scorer: Scorer | None) -> bool | None:
    """Whether a sentence that answers a question agrees or declines, by what it is like; None: neither."""
    ranked = scorer.scores(text, dialogue.language) if scorer else ()
    if not ranked or ranked[0][0] not in (AGREES, DECLINES) or ranked[0][1] < LEAST_ANSWER:
        return None
    return ranked[0][0] == AGREES


def _matched(dialogue: Dialogue, plain: str) -> dict[str, int]:
    """Where the pattern of each intent found its words, without intents that others hide."""
    found: dict[str, tuple[IntentRule, int]] = {}
    greeted = 0
    for rule in dialogue.intents:
        if rule.pattern and (match := rule.pattern.search(plain)):
            found[rule.name] = rule, match.start()
            greeted = match.end() if rule.name == GREETS else greeted
    if len(found) > 1 and GREETS in found and any(at >= greeted for _, at in found.values()):
        # "Hi, is there a person": the greeting is none of it, and hides nothing.
        del found[GREETS]
    hidden = {name for rule, _ in found.values() for name in rule.over}
    # Two that hide each other: the one that comes first in the file is meant.
    return {name: at for name, (_, at) in found.items() if name not in hidden or _leads(dialogue, name, found)}


def _matched_apart(dialogue: Dialogue, text: str) -> dict[str, int]:
    """The same, where a fact hides only what is asked in its own part of the sentence."""
    plain = folded(text)
    found = _matched(dialogue, plain)
    parts = [(at, _matched(dialogue, part)) for at, part in _parts(text)]
    if len(parts) > 1:
        alone = {name for _, names in parts for name in names}
        for at, names in parts:
            for name, place in names.items():
                hiders = [one for one in found if name in dialogue.by_name[one].over]
                if (
                    name in FACTS
                    and hiders
                    and all(one in FACTS and one in alone and one not in names for one in hiders)
                ):
                    found.setdefault(name, at + place)
    return found


def _parts(text: str) -> list[tuple[int, str]]:
    """What joints part, folded, each with where it begins in the folded text."""
    found, at = [], 0
    plain = folded(text)
    for part in filter(None, map(folded, _JOINTS.split(text))):
        at = max(at, plain.find(part, at))
        found.append((at, part))
        at += len(part)
    return found


def _leads(dialogue: Dialogue, name: str, found: dict[str, tuple[IntentRule, int]]) -> bool:
    """Whether only intents hide it that it hides itself, and it comes before them."""
    order = [rule.name for rule in dialogue.intents]
    hiders = [rule for rule, _ in found.values() if name in rule.over]
    mine = found[name][0].over
    return all(rule.name in mine and order.index(name) < order.index(rule.name) for rule in hiders)


def _scores(dialogue: Dialogue, text: str, scorer: Scorer | None, matched: Collection[str] = ()) -> dict[str, float]:
    """Of each intent, the highest first; empty: nothing likens sentences in this language."""
    found = scorer.scores(text, dialogue.language) if scorer else ()
    scored = {
        name: likeness + PATTERN_COUNTS * (name in matched) for name, likeness in found if name in dialogue.by_name
    }
    return dict(sorted(scored.items(), key=lambda one: -one[1]))


def _weighed(
    dialogue: Dialogue, text: str, matched: Mapping[str, int], scores: Mapping[str, float], scorer: Scorer | None
) -> tuple[Wish, ...]:
    """What patterns and likeness say together."""
    # "The deposit for a cat" is like "the deposit", but its pattern knows better.
    likest, most = next(iter(scores.items()))
    hidden = _hidden_by(
        dialogue, [name for name in matched if scores.get(name, 0.0) >= max(LEAST_BESIDES, LEAST_TO_HIDE * most)]
    )
    ranked = sorted(
        (
            (name, likeness + PATTERN_COUNTS * (name in matched))
            for name, likeness in scores.items()
            if name in matched or name not in hidden
        ),
        key=lambda one: -one[1],
    )
    (best, likeness), second = ranked[0], ranked[1][1] if len(ranked) > 1 else 0.0
    found: dict[str, int] = {}
    knows = [
        name
        for name in matched
        if likest in dialogue.by_name[name].over and scores.get(name, 0.0) >= LEAST_TO_HIDE * most
    ]
    if likest not in matched and knows:
        # "The past deposit" is much like "the deposit", and nothing like "the pet deposit" that it was.
        found[knows[0]] = matched[knows[0]]
    elif likeness >= LEAST_LIKENESS and (best in matched or likeness - second >= LEAST_MARGIN):
        found[best] = matched.get(best, 0)
    # "Have the manager call me" is like nothing but a call back, although "the manager" would be a person.
    meant = dialogue.by_name[best].over if best in found and best not in matched else ()
    for name, at in matched.items():
        if scores.get(name, 0.0) >= LEAST_BESIDES and name not in meant:
            found.setdefault(name, at)
    for at, clause in _clauses(text):
        [(name, part), *_] = _scores(dialogue, clause, scorer, _matched(dialogue, folded(clause))).items()
        if part >= LEAST_CLAUSE and name not in found and name not in _hidden_by(dialogue, found):
            found[name] = at
    if not found:
        if matched:
            # Patterns alone, where nothing is like it.
            found = dict(matched)
        elif likeness >= LEAST_LIKENESS:
            return (Wish(best, is_sure=False),)
    inorder = sorted(found.items(), key=lambda one: one[1])
    return tuple(Wish(name, at) for name, at in inorder[:MOST])


_JOINTS = re.compile(
    r"[.?!;,]+\s+|\s+(?:and also|and then|and|but|also|plus|y también|y|pero|además)\s+", re.IGNORECASE
)


def _clauses(text: str) -> list[tuple[int, str]]:
    """The parts of a sentence that has several, each with where it begins in the folded text."""
    parts = [part for part in _JOINTS.split(text) if part and len(part.split()) > 2]
    if len(parts) < 2:
        return []
    plain = folded(text)
    return [(max(0, plain.find(folded(part))), part) for part in parts]


def _hidden_by(dialogue: Dialogue, found: Collection[str]) -> set[str]:
    return {name for one in found for name in dialogue.by_name[one].over}
