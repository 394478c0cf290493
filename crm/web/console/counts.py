"""What waits for somebody, as numbers beside the sections of the navigation.

A page has them when it is rendered; the event stream has them once they are others. A change of the database says only
that something has changed. So everybody who has a page open is counted for again, those who have the same rights
together, in slices and with pauses: however much changes, and however many look, it takes a small part of the time.
What was counted for a page is kept for the next one, until something changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from crm.context import Crm
from crm.domain.access import ACTS, Act, Reach, Role
from crm.domain.errors import CrmError
from crm.domain.mailboxes import BoxKind, box
from crm.services.access.sessions import SignedIn
from crm.services.voicemail import mailboxes
from crm.views import counts as view
from crm.web.console.stream import EventHub, event

TABLES = ("message", "mail", "task", "voicemail", "inbox_thread", "subteam_member")
GATHER_SECONDS = 1.0
"""What changes within it is counted once."""
LOOK_SECONDS = 60.0
"""Tasks become overdue, and what was put off comes back, without any change."""
AT_ONCE = 25
"""Viewers in one transaction."""
REST = 4.0
"""Times as long as it has counted, it does nothing."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CountedFor:
    """By what somebody's counts are decided."""

    role: Role
    reach: Reach
    agent: str
    """Slug; empty: none."""
    agent_id: int | None

    @classmethod
    def of(cls, who: SignedIn) -> CountedFor:
        return cls(who.role, who.reach, who.agent or "", who.agent_id)


def boxes(session: Session, role: Role, agent_id: int | None) -> list[str] | None:
    """The mailboxes that they may listen to; None: all, as far as their reach goes. Agents have those that their phones
    play them: their own, and those of their subteams and properties."""
    if role is not Role.AGENT:
        return None
    return mailboxes.boxes_of(session, agent_id) if agent_id is not None else []


def counted(session: Session, one: CountedFor, now: datetime) -> dict[str, int]:
    """By section. Each is what the section's page shows first."""
    found = {
        "inbox": view.waiting_threads(session, now, one.agent_id, one.reach),
        "tasks": view.overdue_tasks(session, now, one.agent_id, one.reach),
        "missed": view.people_to_call_back(session, one.agent_id, one.reach),
    }
    if Act.HEAR in ACTS[one.role]:
        own = box(BoxKind.AGENT, one.agent) if one.agent else ""
        found["voicemail"] = view.new_voicemails(session, one.reach, boxes(session, one.role, one.agent_id), own)
    return found


def _all_counted(session: Session, viewers: Collection[CountedFor], now: datetime) -> dict[CountedFor, dict[str, int]]:
    return {one: counted(session, one, now) for one in viewers}


class WaitingCounts:
    """`run` keeps those current that browsers show."""

    def __init__(self, crm: Crm, hub: EventHub) -> None:
        self._crm = crm
        self._hub = hub
        self._known: dict[CountedFor, dict[str, int]] = {}
        """Of those who have a page open, and of those who were given one since something changed."""
        self._changes: int | None = None
        """How often something has changed; None: nobody tells us."""
        self._due: dict[CountedFor, None] = {}
        self._first: dict[CountedFor, None] = {}
        """Who opened a page, or did something: they look at it now."""
        self._changed = asyncio.Event()
        hub.on_stream = self.stir

    async def of(self, who: SignedIn) -> dict[str, int]:
        """For a page that is rendered now; empty if they cannot be counted."""
        one = CountedFor.of(who)
        if (known := self._known.get(one)) is not None:
            return known
        since = self._changes
        try:
            found = await self._crm.store.read(counted, one, self._crm.now())
        except (CrmError, TimeoutError):
            return {}
        if since is not None and since == self._changes:
            self._known[one] = found
        return found

    def stir(self, who: SignedIn) -> None:
        """Counts soon for somebody."""
        self._first[CountedFor.of(who)] = None
        self._changed.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        with self._crm.store.changes.told(TABLES, self._all_changed), self._following():
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._changed.wait()
                if not self._changed.is_set():
                    self._all_changed()
                await asyncio.sleep(0 if self._first else GATHER_SECONDS)
                self._changed.clear()
                while self._first or self._due:
                    seconds = await self._count()
                    await asyncio.sleep(seconds * REST)

    @contextlib.contextmanager
    def _following(self) -> Iterator[None]:
        self._changes = 0
        try:
            yield
        finally:
            self._changes = None
            self._known.clear()

    def _all_changed(self) -> None:
        if self._changes is not None:
            self._changes += 1
        viewers = self._viewers()
        self._known = {one: found for one, found in self._known.items() if one in viewers}
        self._due |= dict.fromkeys(viewers)
        self._changed.set()

    def _viewers(self) -> set[CountedFor]:
        return {CountedFor.of(stream.who) for stream in self._hub.streams}

    async def _count(self) -> float:
        """Returns the seconds that it took."""
        chosen = [*self._first, *(one for one in self._due if one not in self._first)][:AT_ONCE]
        for one in chosen:
            self._first.pop(one, None)
            self._due.pop(one, None)
        began = asyncio.get_running_loop().time()
        try:
            found = await self._crm.store.read(_all_counted, chosen, self._crm.now())
        except (CrmError, TimeoutError) as error:
            _log.warning("what waits could not be counted: %s", error)
            return GATHER_SECONDS
        took = asyncio.get_running_loop().time() - began
        for stream in self._hub.streams:
            one = CountedFor.of(stream.who)
            if one in found:
                self._known[one] = found[one]
                if stream.counts != found[one]:
                    stream.counts = found[one]
                    stream.put(event("", "counts", dict(found[one])))
        return took
