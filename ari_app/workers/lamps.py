"""Lamps whose state we set in Asterisk: do not disturb on colleagues' busy lamps, in addition to Asterisk's own
knowledge of who is on a call."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

from ari_app.edge.client import AriClient
from crm.services.phones import extensions
from crm.store.models import Agent, Device
from crm.worker import Worker

log = logging.getLogger(__name__)

State = TypeVar("State")


class Lamps(Worker[Mapping[str, State], None], Generic[State]):
    """Tells Asterisk the states in the database, and all of them again at each connection, since it may have been
    restarted and know none."""

    def __init__(self, client: AriClient) -> None:
        self._client = client
        self._told: dict[str, State] = {}
        self.wake: asyncio.Event = asyncio.Event()

    def forget(self) -> None:
        """Tells all states again, because Asterisk may have lost them."""
        self._told = {}
        self.wake.set()

    @abstractmethod
    def wanted(self, session: Session, now: datetime) -> Mapping[str, State]:
        """What each lamp should show, by name."""

    def next_change(self, session: Session, now: datetime) -> datetime | None:
        """When a lamp next changes without a row changing; None: none does."""
        return None

    @abstractmethod
    async def tell(self, name: str, state: State) -> None:
        """Raises PhoneError."""

    def due(self, session: Session, now: datetime, under_way: Sequence[Mapping[str, State]]) -> datetime | None:
        if not self._client.connected.is_set():
            return None
        return now if self._news(session, now) else self.next_change(session, now)

    def claim(
        self, session: Session, now: datetime, under_way: Sequence[Mapping[str, State]]
    ) -> Mapping[str, State] | None:
        return self._news(session, now) or None

    async def work(self, claim: Mapping[str, State]) -> None:
        told = self._told
        for name, state in claim.items():
            await self.tell(name, state)
            told[name] = state

    def _news(self, session: Session, now: datetime) -> dict[str, State]:
        told = self._told
        return {name: state for name, state in self.wanted(session, now).items() if told.get(name) != state}


class BusyLamps(Lamps[bool]):
    """Sets each extension's DND state (`dnd-<extension>`, see the context lamps)."""

    name = "busy lamps"
    wakes_on = (Agent, Device)

    def wanted(self, session: Session, now: datetime) -> dict[str, bool]:
        return extensions.with_dnd(session, now)

    def next_change(self, session: Session, now: datetime) -> datetime | None:
        return extensions.next_dnd_end(session, now)

    async def tell(self, name: str, state: bool) -> None:
        # INVALID ranks lowest among the phones' own states, so that these decide what the lamp shows.
        await self._client.set_device_state(f"dnd-{name}", "BUSY" if state else "INVALID")
