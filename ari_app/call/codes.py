"""Codes that an agent keys during a talk."""

from __future__ import annotations

from crm.config import TALK_CODES, Talk

FORGOTTEN_SECONDS = 3.0
"""Keys with a longer pause between them do not belong to the same code."""


class Keys:
    """Collects an agent's keys until they form a code. Other keys are for the person at the other end."""

    def __init__(self, talk: Talk) -> None:
        self._codes = [code for code in (getattr(talk, name) for name in TALK_CODES) if code]
        self._pressed = ""
        self._at = 0.0

    def press(self, digit: str, at: float) -> str | None:
        """The code that this key completes, if any. `at` is in seconds, on any clock."""
        if at - self._at > FORGOTTEN_SECONDS:
            self._pressed = ""
        self._pressed, self._at = (self._pressed + digit)[-8:], at
        found = next((code for code in self._codes if self._pressed.endswith(code)), None)
        if found:
            self._pressed = ""
        return found
