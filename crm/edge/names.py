"""Names of people, as they are written in forms: whether two may be one person's."""

from __future__ import annotations

import unicodedata

from rapidfuzz import fuzz

SAME, ALIKE = 94, 85
"""Of 100. Jon Smith and John Smith have 95, Maria and Mario Garcia 92, Pat Smith and Pat Smyth 89."""
SHORTEST = 3
"""Letters that a short form of a first name has, such as Pat."""


def are_same(one: str, other: str) -> bool:
    """Whether two names are one, written differently: other capitals or accents, another order, a part left out, a
    slip, or a short form of the first name."""
    one, other = _folded(one), _folded(other)
    if max(fuzz.ratio(one, other), fuzz.token_set_ratio(one, other)) >= SAME:
        return True
    first, *rest = one.split() or [""]
    other_first, *other_rest = other.split() or [""]
    shorter, longer = sorted((first, other_first), key=len)
    is_short_form = len(shorter) >= SHORTEST and longer.startswith(shorter)
    return is_short_form and (rest == other_rest or not rest or not other_rest)


def are_alike(one: str, other: str) -> bool:
    """Whether it is worth asking a person if two names are one."""
    folded = _folded(one), _folded(other)
    return are_same(one, other) or max(fuzz.ratio(*folded), fuzz.token_sort_ratio(*folded)) >= ALIKE


def _folded(name: str) -> str:
    """Letters and spaces only, small and without accents."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    kept = (" " if one in " ,.-" else one for one in plain if one.isalnum() or one in " ,.-")
    return " ".join("".join(kept).split())
