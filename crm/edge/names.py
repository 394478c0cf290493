"""Names of people as written in forms: whether two may belong to the same person."""

from __future__ import annotations

import unicodedata

from rapidfuzz import fuzz

SAME, ALIKE = 94, 85
"""Similarity in percent. Jon Smith and John Smith have 95, Maria and Mario Garcia 92, Pat Smith and Pat Smyth 89."""
SHORTEST = 3
"""Least number of letters in a short form of a first name, such as Pat."""


def are_same(one: str, other: str) -> bool:
    """Whether two names are the same, written differently: in capitals or accents, order, with a part left out or a
    typo, or with a short form of the first name."""
    one, other = _folded(one), _folded(other)
    if max(fuzz.ratio(one, other), fuzz.token_set_ratio(one, other)) >= SAME:
        return True
    first, *rest = one.split() or [""]
    other_first, *other_rest = other.split() or [""]
    shorter, longer = sorted((first, other_first), key=len)
    is_short_form = len(shorter) >= SHORTEST and longer.startswith(shorter)
    return is_short_form and (rest == other_rest or not rest or not other_rest)


def are_alike(one: str, other: str) -> bool:
    """Whether two names are similar enough to ask a person about them."""
    folded = _folded(one), _folded(other)
    return are_same(one, other) or max(fuzz.ratio(*folded), fuzz.token_sort_ratio(*folded)) >= ALIKE


def _folded(name: str) -> str:
    """Returns only letters, digits and spaces, in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    kept = (" " if one in " ,.-" else one for one in plain if one.isalnum() or one in " ,.-")
    return " ".join("".join(kept).split())
