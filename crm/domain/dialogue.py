"""What the voice agent says, and by which words it knows what callers want: data of one language.

The office may change all of it (crm/words/dialogue). What must not be changed, such as how an emergency or a question
about fair housing is noticed, is code: crm/domain/guards.py. Pure.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from crm.domain import fair_housing
from crm.domain.letters import unaccented

MOST_SENTENCES = 2
"""In one go; whoever listens by phone forgets the rest."""

AGREES, DECLINES = "yes", "no"
"""Names of the examples of how people answer a question; no intents."""

URL = re.compile(
    r"https?:|www\b|\b[\w-]{1,63}\s?\.\s?(?:com|org|net|info|io|us|co|rent|homes|apartments|example|app)\b"
    r"|\b(?:dot|punto)\s+(?:com|org|net)\b(?!.*\barroba\b)",
    re.IGNORECASE,
)
"""What sounds like a web address."""


@dataclass(frozen=True)
class IntentRule:
    """One thing that callers want, and how it is noticed."""

    name: str
    pattern: re.Pattern[str] | None
    """Applied to `folded` text; None: only examples."""
    examples: tuple[str, ...]
    """For what likens sentences (crm.domain.intents.Scorer)."""
    over: tuple[str, ...]
    """Intents that are meant, too, by words that mean this one: they do not count next to it."""
    topics: tuple[str, ...]
    """Topics of the office's own answers (crm.domain.listings) that answer it before anything else."""


@dataclass(frozen=True)
class Dialogue:
    language: str
    sentences: Mapping[str, str]
    """By name; with placeholders such as {property}."""
    words: Mapping[str, str]
    """Names of typed values, such as hot-water, of months and of weekdays."""
    intents: tuple[IntentRule, ...]
    """In the order in which they are tried."""
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Examples of AGREES and DECLINES."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Words that stand for one another in examples, such as months and pets, by what they have in common."""

    @property
    def examples(self) -> list[tuple[str, str]]:
        """Names with sentences that are examples of them."""
        of_intents = [(one.name, text) for one in self.intents for text in one.examples]
        return [*of_intents, *((name, text) for name, texts in self.answers.items() for text in texts)]

    @cached_property
    def kind_of(self) -> dict[str, str]:
        """By word; the first kind counts."""
        found: dict[str, str] = {}
        for kind, words in self.kinds.items():
            for word in folded(words).split():
                found.setdefault(word, kind)
        return found

    @cached_property
    def by_name(self) -> dict[str, IntentRule]:
        return {one.name: one for one in self.intents}

    def say(self, template: str, /, **values: object) -> str:
        return " ".join(self.sentences[template].format(**values).split())

    def word(self, value: str) -> str:
        return self.words.get(value, value.replace("-", " "))

    def joined(self, parts: Sequence[str], conjunction: str = "and") -> str:
        """As a list: a, b and c."""
        if len(parts) < 2:
            return "".join(parts)
        return f"{', '.join(parts[:-1])} {self.word(conjunction)} {parts[-1]}"


def placeholders(sentence: str) -> set[str]:
    """Raises ValueError for braces that do not close."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def troubles(dialogue: Dialogue, model: Dialogue) -> Iterator[str]:
    """What is wrong with an edited dialogue, each as one sentence; `model` is the one that comes with the program."""
    for name in sorted(model.sentences.keys() - dialogue.sentences.keys()):
        yield f"The sentence {name} is missing."
    for name in sorted(dialogue.sentences.keys() - model.sentences.keys()):
        yield f"There is no sentence named {name}: remove it, or check its spelling."
    for name in sorted(dialogue.sentences.keys() & model.sentences.keys()):
        yield from _wrong_sentence(name, dialogue.sentences[name], model.sentences[name])
    for name in sorted(model.words.keys() - dialogue.words.keys()):
        yield f"The word {name} is missing."
    for name, word in dialogue.words.items():
        if URL.search(word):
            yield f"The word {name} holds a web address, which is never read aloud."
    names = {one.name for one in model.intents}
    for intent in dialogue.intents:
        if intent.name not in names:
            yield f"There is no intent named {intent.name}: nothing would follow from it."
        for other in intent.over:
            if other not in names:
                yield f"The intent {intent.name} goes before {other}, which does not exist."
        if intent.pattern is None and not intent.examples:
            yield f"The intent {intent.name} has neither a pattern nor examples, so it is never noticed."
    for name in sorted(names - {one.name for one in dialogue.intents}):
        yield f"The intent {name} is missing."


def _wrong_sentence(name: str, sentence: str, model: str) -> Iterator[str]:
    try:
        used, known = placeholders(sentence), placeholders(model)
    except ValueError:
        yield f"The sentence {name} has a brace that does not close."
        return
    for unknown in sorted(used - known):
        allowed = ", ".join(f"{{{one}}}" for one in sorted(known)) or "none"
        yield f"The sentence {name} has {{{unknown}}}, which nothing fills in: it may use {allowed}."
    plain = re.sub(r"\{\w*\}", " x ", sentence)
    if not plain.strip():
        yield f"The sentence {name} is empty."
    if URL.search(plain):
        yield f"The sentence {name} holds a web address, which is never read aloud: offer to text it."
    if len(split_sentences(plain)) > MOST_SENTENCES:
        yield f"The sentence {name} is longer than {MOST_SENTENCES} sentences: people forget the rest."
    if re.search(r"\d", plain) and not re.search(r"\d", model):
        yield f"The sentence {name} has a number in it: numbers come from listings, so that they are always right."
    for found in fair_housing.check_text("en", name, plain):
        yield f"The sentence {name} says “{found.words}” ({found.protected}): {fair_housing.WHY[found.protected]}."


_SENTENCE_END = re.compile(
    r"(?<!\b[A-Z]\.)(?<!\bSt\.)(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bApt\.)(?<!\bAve\.)(?<!\bNo\.)(?<=[.!?])\s+(?=\S)"
)


def split_sentences(text: str) -> list[str]:
    """A point after an initial or an abbreviation ends no sentence."""
    return [part for part in _SENTENCE_END.split(text.strip()) if part]


def folded(text: str) -> str:
    """Small letters without accents, digits and single spaces: how rules read what was heard. Apostrophes close up, so
    that "don't" is "dont"."""
    plain = re.sub(r"['\u2019]", "", unaccented(text))
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", plain)
    return " ".join(re.sub(r"[^\w$@]+", " ", plain).split())


def listed(text: str) -> list[str]:
    """A list of words, written as one text."""
    return text.split()
