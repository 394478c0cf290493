"""Which property somebody means who says its name, its street or its area, as a transcriber heard it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from types import MappingProxyType

from crm.domain.dialogue import folded, listed

LEAST_LIKENESS = 0.75
"""Of each word of a name, from 0 to 1."""
LEAST_AMONG = 0.6
"""The same, where one of a few that were named before is meant."""
_GENERIC = frozenset(
    listed(
        "apartments apartment homes home house houses the at community residences llc street st avenue ave drive dr road rd lane ln boulevard blvd court ct place pl way circle cir north south east west n s e w of and on de la el los las condos condominiums townhomes villas apts apartamentos"
    )
)
_OTHER = 6
"""Rank of names that go after all others."""
_MUST_FIT = 4
"""Letters of a name, taken together: fewer are too easily something else."""


@dataclass(frozen=True, slots=True)
class PlaceName:
    """A property with what people call it."""

    slug: str
    name: str
    street: str = ""
    area: str = ""


@dataclass(frozen=True, slots=True)
class PlaceFound:
    slugs: tuple[str, ...]
    """All that it may be."""
    words: str
    likeness: float
    is_area: bool = False
    """They have the area in common, not a name."""


class Places:
    """An office's properties, by the words of their names; made once, and asked for each sentence."""

    def __init__(self, properties: Iterable[PlaceName], others: Mapping[str, str] = MappingProxyType({})) -> None:
        """`others` are slugs by further names, such as former ones, which mean what nothing else is called."""
        self.by_slug = {one.slug: one for one in properties}
        self._others = {name: slug for name, slug in others.items() if slug in self.by_slug}
        self._by_words: dict[tuple[str, ...], tuple[int, set[str]]] = {}
        self._starting: dict[str, set[tuple[str, ...]]] = {}
        for one in self.by_slug.values():
            # A name goes before a street, and a street before an area.
            for rank, spoken in enumerate((one.name, one.street, one.area)):
                self._enter(rank, spoken, one.slug)
        taken = frozenset(self._by_words)
        for spoken, slug in self._others.items():
            self._enter(_OTHER, spoken, slug, taken)

    def _enter(self, rank: int, spoken: str, slug: str, taken: Collection[tuple[str, ...]] = ()) -> None:
        words = tuple(word for word in folded(spoken).split() if not word.isdigit())
        telling = tuple(word for word in words if word not in _GENERIC)
        # "Elm Court" is called Elm as well, and a long name by its first word.
        short = telling[:1] if len(telling) > 1 and rank == 0 else ()
        if rank == _OTHER and not telling:
            return
        for weight, said in ((rank, words), (rank, telling), (rank + 3, short)):
            if said and said not in taken and sum(map(len, said)) >= 3:
                known_rank, slugs = self._by_words.get(said, (weight, set()))
                self._by_words[said] = min(weight, known_rank), slugs | {slug}
                self._starting.setdefault(said[0][0], set()).add(said)

    def among(self, slugs: Iterable[str]) -> Places:
        """Only these."""
        return Places((self.by_slug[slug] for slug in slugs if slug in self.by_slug), self._others)

    def find(self, text: str, *, loosely: bool = False) -> PlaceFound | None:
        """The property, or those, whose name was said most clearly; None: none was. `loosely`: one of them was said,
        for which less has to be alike."""
        least = LEAST_AMONG if loosely else LEAST_LIKENESS
        heard = folded(text).split()
        best: tuple[float, int, int, PlaceFound] | None = None
        for at, word in enumerate(heard):
            for said in self._starting.get(word[0], ()):
                near, likeness = _near(said, heard, at, loosely=loosely)
                if likeness < least or (not loosely and likeness < 1 and sum(map(len, said)) < _MUST_FIT):
                    continue
                rank, slugs = self._by_words[said]
                found = PlaceFound(tuple(sorted(slugs)), " ".join(heard[at : at + near]), likeness, rank == 2)
                # More words said alike tell more than fewer said exactly.
                key = (likeness + 0.2 * (len(said) - 1), -rank, -at)
                if best is None or key > best[:3]:
                    best = (*key, found)
        return best[3] if best else None

    def names(self, slugs: Sequence[str]) -> list[str]:
        return [self.by_slug[slug].name for slug in slugs if slug in self.by_slug]


def _near(said: Sequence[str], heard: Sequence[str], at: int, *, loosely: bool) -> tuple[int, float]:
    """How many of the words heard are meant, and how alike they are."""
    joined = "".join(said)
    if len(said) > 1 and _alike(joined, heard[at]) > 0.9:
        return 1, 1.0
    if len(said) == 1 and at + 1 < len(heard) and len(said[0]) > 5 and said[0] == heard[at] + heard[at + 1]:
        return 2, 1.0
    near = heard[at : at + len(said)]
    if len(near) < len(said):
        return 0, 0.0
    return len(said), min(_alike(word, other, loosely=loosely) for word, other in zip(said, near, strict=True))


def _alike(word: str, heard: str, *, loosely: bool = False) -> float:
    if word == heard:
        return 1.0
    if loosely and word[0] == heard[0] and len(heard) > 2:
        return SequenceMatcher(None, word, heard).ratio()
    if len(word) < 4 or abs(len(word) - len(heard)) > 2 or word[0] != heard[0]:
        return 0.0
    return SequenceMatcher(None, word, heard).ratio()


_UNIT = re.compile(
    r"\b(?:unit|apartment|apt|number|suite|home|casa|apartamento|unidad|departamento|numero)\s+(?:number\s+|numero\s+)?#?"
    r"(\d{1,5}\s?[a-z]?|[a-z]\s?\d{1,4}|[a-z])\b(?!\s*(?:bed|br\b|bath|month|people|dollar|pet|cat|dog|rec|hab))"
)


def unit(text: str) -> str:
    """The number on the door that was named, without spaces and in capitals; "" for none."""
    found = _UNIT.search(folded(text))
    if not found or found[1] in ("a", "i", "y", "o"):
        return ""
    return found[1].replace(" ", "").upper()
