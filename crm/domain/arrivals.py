"""What comes in other than by call or text: what it turned out to be. Pure."""

from __future__ import annotations

import re
from enum import StrEnum


class ArrivalOutcome(StrEnum):
    """What an arrival was."""

    LEAD = "lead"
    """Somebody asked about a home, or wrote to us."""
    ANSWER = "answer"
    """Somebody answered a mail of ours."""
    NOTICE = "notice"
    """A program or a list told something that names nobody."""
    AUTOMATIC = "automatic"
    """A program answered by itself: nobody has written."""
    BOUNCE = "bounce"
    """A mail server tells that a mail of ours came back."""
    OWN = "own"
    """We sent it ourselves."""
    ERASED = "erased"
    """Whoever sent it asked to be forgotten: only that something came is kept, so that it does not come again."""
    FLAGGED = "flagged"
    """It looks like spam or a flood: nothing follows from it until somebody releases it."""
    UNREADABLE = "unreadable"
    """It names nobody who could be answered, or could not be read: a person has to look at it."""


_LINK = re.compile(r"(?:https?://|\bwww\.)\S*", re.IGNORECASE)
_MARKUP = re.compile(r"\[/?(?:url|link)\b|<a\s+href", re.IGNORECASE)
MOST_LINKS = 2
"""People who look for a home show where they saw it, or themselves."""


def suspicion(message: str, *, same_address: int, most: int, is_trapped: bool = False) -> str:
    """Why a message from the site looks like spam or a flood; empty: it does not. `same_address` counts the messages
    from the same network address within an hour, this one included; `most` of them are passed on. `is_trapped`: a field
    that people do not see is filled in."""
    if is_trapped:
        return "A field that people do not see is filled in."
    if same_address > most:
        return f"More than {most} messages came from the same network address within an hour."
    if _MARKUP.search(message):
        return "It has links in markup, as only programs write them."
    if len(_LINK.findall(message)) > MOST_LINKS:
        return f"It has more than {MOST_LINKS} links."
    return ""
