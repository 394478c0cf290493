"""Letters as people compare them: neither case, nor accents, nor signs that nobody sees make a difference."""

from __future__ import annotations

import unicodedata


def unaccented(text: str) -> str:
    """Small letters without accents and invisible signs: compatibility decomposition (NFKD) and case folding, without
    what is then a mark of its own. The length may change."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(one for one in decomposed if unicodedata.category(one) not in ("Mn", "Me", "Cf"))
