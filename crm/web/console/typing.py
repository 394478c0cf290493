"""Who is writing to whom right now, for as long as the web process lives: two people who answer the same person should
see each other do it. Nothing of this is stored; drafts are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

LASTS = timedelta(seconds=8)
"""How long somebody counts as writing after their last change."""
TOLD_EVERY = timedelta(seconds=5)
"""How often others are told of somebody who goes on writing; less than LASTS, so that it does not flicker."""
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
    told_at: datetime | None = None
    """When others were told last; None: not yet."""


class Writers:
    """By thread of the inbox."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], WriterAtWork] = {}

    def seen(self, thread_id: int, one: WriterAtWork) -> bool:
        """Somebody has just changed a draft. Returns whether others have to be told: not of each change."""
        key = (thread_id, one.account_id)
        known = self._seen.pop(key, None)
        if len(self._seen) >= MOST:
            self._seen.pop(next(iter(self._seen)))
        told_at = known.told_at if known else None
        is_news = told_at is None or told_at + TOLD_EVERY <= one.seen_at
        # Put at the end, so that the first is the oldest.
        self._seen[key] = replace(one, told_at=one.seen_at if is_news else told_at)
        return is_news

    def stopped(self, thread_id: int, account_id: int) -> bool:
        """They have sent it. Returns whether they were writing."""
        return self._seen.pop((thread_id, account_id), None) is not None

    def others(self, thread_id: int, account_id: int, now: datetime) -> list[WriterAtWork]:
        """Everybody but this one who is writing there now."""
        found = []
        for (thread, account), one in reversed(self._seen.items()):
            if one.seen_at + LASTS < now:
                break
            if thread == thread_id and account != account_id:
                found.append(one)
        return found
