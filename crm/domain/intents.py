"""What a caller wants, by the dialogue's patterns; where those say nothing, by what likens sentences. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from crm.domain.dialogue import Dialogue, IntentRule, folded

MOST = 3
"""Wishes that are answered in one turn."""
LEAST_LIKENESS = 0.5
"""Of the nearest example, from 0 to 1; what is less alike means nothing."""
LEAST_MARGIN = 0.03
"""By which the nearest intent has to be nearer than the next one."""


class Scorer(Protocol):
    """Likens what was said to the examples of each intent, such as by the distance of sentence embeddings."""

    def scores(self, text: str, language: str) -> Sequence[tuple[str, float]]:
        """Intents with the likeness of their nearest example, from 0 to 1, the highest first."""
        ...


@dataclass(frozen=True)
class Wish:
    """One thing that the caller wants."""

    intent: str
    at: int = 0
    """Where in the folded text."""
    is_sure: bool = True


def wishes(dialogue: Dialogue, text: str, scorer: Scorer | None = None) -> tuple[Wish, ...]:
    """What was asked for, in the order in which it was said; none: not understood.

    A wish that is not sure is the nearest one, with another one nearly as near.
    """
    plain = folded(text)
    found: dict[str, tuple[IntentRule, int]] = {}
    for rule in dialogue.intents:
        if rule.pattern and (match := rule.pattern.search(plain)):
            found[rule.name] = rule, match.start()
    hidden = {name for rule, _ in found.values() for name in rule.over}
    # Two that hide each other: the one that comes first in the file is meant.
    kept = {name: pair for name, pair in found.items() if name not in hidden or _leads(dialogue, name, found)}
    if kept:
        inorder = sorted(kept.items(), key=lambda one: one[1][1])
        return tuple(Wish(name, at) for name, (_, at) in inorder[:MOST])
    return _likened(dialogue, text, scorer) if scorer and len(plain.split()) > 1 else ()


def _leads(dialogue: Dialogue, name: str, found: dict[str, tuple[IntentRule, int]]) -> bool:
    """Whether only intents hide it that it hides itself, and it comes before them."""
    order = [rule.name for rule in dialogue.intents]
    hiders = [rule for rule, _ in found.values() if name in rule.over]
    mine = found[name][0].over
    return all(rule.name in mine and order.index(name) < order.index(rule.name) for rule in hiders)


def _likened(dialogue: Dialogue, text: str, scorer: Scorer) -> tuple[Wish, ...]:
    ranked = [one for one in scorer.scores(text, dialogue.language) if one[0] in dialogue.by_name]
    if not ranked or ranked[0][1] < LEAST_LIKENESS:
        return ()
    margin = ranked[0][1] - ranked[1][1] if len(ranked) > 1 else 1.0
    return (Wish(ranked[0][0], is_sure=margin >= LEAST_MARGIN),)
