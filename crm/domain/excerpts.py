"""The beginning of what people wrote, where there is no room for all of it. Pure."""

from __future__ import annotations

MORE = "..."
"""Three dots of the alphabet that texts are charged by, where a single character for them would double their price."""
LONGEST_WORD = 40
"""What is longer is no word that one would miss, and may be cut."""


def excerpt(text: str, longest: int) -> str:
    """Returns the text if it has at most `longest` characters, else as many whole words as fit, and three dots."""
    if len(text) <= longest:
        return text
    room = longest - len(MORE)
    kept = text[:room]
    if not text[room].isspace():
        words = kept.rsplit(None, 1)
        if len(words) == 2 and len(words[1]) <= LONGEST_WORD:
            kept = words[0]
    return kept.rstrip(" \n\t,;:-(") + MORE
