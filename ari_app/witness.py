"""When channels ended without an event: according to Asterisk's own log, or else to what is known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from ari_app.recovery import call_of
from crm.domain.calls import ChannelLeft, Fact

MOST = 20_000


class Witness:
    """What one app has seen of channels, besides its flows."""

    def __init__(self) -> None:
        self._gone: dict[str, datetime] = {}
        self._left: dict[str, datetime] = {}
        """By call: when the last of its channels was gone of which `facts` has told."""
        self._seen: set[str] = set()

    def gone(self, channel_id: str, at: datetime) -> None:
        """Asterisk logged that a channel was gone; it may log that twice."""
        self._gone[channel_id] = at
        _forget_the_oldest(self._gone)

    def seen(self, calls: Collection[str], not_ended: Collection[str] | None) -> None:
        """These calls are up now. `not_ended` are all calls on record without an end: nobody will ask about others that
        are not up; None: more may still come on record."""
        if not_ended is not None:
            self._seen.intersection_update(not_ended)
        elif len(self._seen) > MOST:
            self._seen.clear()
        self._seen.update(calls)

    def facts(self, open_calls: Mapping[str, datetime], heard_since: datetime | None) -> Iterator[Fact]:
        """Facts about calls that are on record without an end: their channels that were gone before we received events.
        Flows report the others."""
        for channel_id, at in list(self._gone.items()):
            call_id = call_of(channel_id)
            if heard_since is None or at >= heard_since:
                del self._gone[channel_id]
            elif call_id in open_calls:
                del self._gone[channel_id]
                self._left[call_id] = max(at, self._left.get(call_id, at))
                _forget_the_oldest(self._left)
                yield ChannelLeft(f"{call_id}/left-{channel_id}", call_id, at, channel_id)

    def ended_at(
        self, call_id: str, began_at: datetime, now: datetime, *, died_at: datetime | None, last_seen: datetime | None
    ) -> datetime:
        """When a call ended of whose end nothing is on record. `died_at`: when its Asterisk died, if it did;
        `last_seen`: when the app before us was last alive. A call that we have seen up ended just now, and one whose
        channels were logged as gone while no app was there ended with the last of them."""
        left = self._left.get(call_id)
        if died_at:
            known = max(died_at, left or died_at)
        elif call_id in self._seen:
            known = None
        else:
            known = left or last_seen
        return min(known, now) if known and known > began_at else now


def _forget_the_oldest(known: dict[str, datetime]) -> None:
    while len(known) > MOST:
        del known[next(iter(known))]
