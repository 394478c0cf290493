"""Codes that an agent keys in a talk."""

from __future__ import annotations

from crm.config import TALK_CODES, Talk

FORGOTTEN_SECONDS = 3.0
"""Keys belong together when no longer a pause is between them."""


class Keys:
    """Collects an agent's keys until they are a code. Other keys are for the one at the other end."""

    def __init__(self, talk: Talk) -> None:
        self._codes = [code for code in (getattr(talk, name) for name in TALK_CODES) if code]
        self._pressed = ""
        self._at = 0.0

    def press(self, digit: str, at: float) -> str | None:
        """The code that this key completes. `at` is in seconds on any clock."""
        if at - self._at > FORGOTTEN_SECONDS:
            self._pressed = ""
        self._pressed, self._at = (self._pressed + digit)[-8:], at
        found = next((code for code in self._codes if self._pressed.endswith(code)), None)
        if found:
            self._pressed = ""
        return found
