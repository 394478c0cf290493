"""What comes in other than by call or text: what it turned out to be. Pure."""

from __future__ import annotations

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
    UNREADABLE = "unreadable"
    """It names nobody who could be answered, or could not be read: a person has to look at it."""
