"""Who is writing to whom right now, for as long as the web process lives: two people who answer the same person should
see each other do it. Nothing of this is stored; drafts are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

LASTS = timedelta(seconds=8)
"""How long somebody counts as writing after their last change."""
MOST = 10_000
"""Entries kept at a time; beyond it, the oldest go."""


@dataclass(frozen=True)
class WriterAtWork:
    """Somebody who has just changed a draft."""

    account_id: int
    name: str
    way: str
    """text or mail."""
    seen_at: datetime


class Writers:
    """By thread of the inbox."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], WriterAtWork] = {}
        self.on_change: list[Callable[[int], None]] = []
        """Called with the thread's id when somebody begins to write, or stops by sending."""

    def seen(self, thread_id: int, one: WriterAtWork) -> None:
        key = (thread_id, one.account_id)
        known = self._seen.pop(key, None)
        if len(self._seen) >= MOST:
            self._seen.pop(next(iter(self._seen)))
        # Put at the end, so that the first is the oldest.
        self._seen[key] = one
        if known is None or known.seen_at + LASTS < one.seen_at or known.way != one.way:
            self._tell(thread_id)

    def stopped(self, thread_id: int, account_id: int) -> None:
        if self._seen.pop((thread_id, account_id), None) is not None:
            self._tell(thread_id)

    def others(self, thread_id: int, account_id: int, now: datetime) -> list[WriterAtWork]:
        """Everybody but this one who is writing there now."""
        found = []
        for (thread, account), one in reversed(self._seen.items()):
            if one.seen_at + LASTS < now:
                break
            if thread == thread_id and account != account_id:
                found.append(one)
        return found

    def _tell(self, thread_id: int) -> None:
        for tell in self.on_change:
            tell(thread_id)
