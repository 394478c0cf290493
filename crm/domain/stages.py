"""How far an interest in a home has come: the stages of leasing, as the latest event says."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    CONTACTED = "contacted"
    """They have called or written."""
    SHOWING_DESIRED = "showing_desired"
    """They want to see a home, and have no time for it yet."""
    SHOWING_BOOKED = "showing_booked"
    SHOWING_MISSED = "showing_missed"
    """They did not come, or cancelled."""
    STILL_DECIDING = "still_deciding"
    """They have seen it."""
    APPLICATION_SENT = "application_sent"
    APPLIED = "applied"
    LEASED = "leased"
    LOST = "lost"
    """They went elsewhere, or said no."""
    UNRESPONSIVE = "unresponsive"
    """They answer no more."""
