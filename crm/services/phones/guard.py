"""Counts wrong SIP passwords, and makes Asterisk drop those who guess them for some time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ari_app.edge.errors import AsteriskUnreachable
from ari_app.edge.security import Attempt, AttemptKind, SecurityWatch
from crm.config import Config
from crm.context import Crm
from crm.domain import bans as rules
from crm.edge import registrations
from crm.services.phones import bans, publish
from crm.store.changes import Standstill

LOOK_SECONDS = 2.0
ENDED_SECONDS = 30.0
"""How often to look for bans that have ended."""

_log = logging.getLogger(__name__)


class Guard:
    """Bans those who guess passwords, and ends bans, at each look.

    Asterisk's security events are a stream, which `SecurityWatch` collects between two looks.
    """

    def __init__(self, crm: Crm, has_asterisk: Callable[[], bool]) -> None:
        """`has_asterisk`: whether the app is connected to it."""
        config = crm.config
        self._crm, self._has_asterisk = crm, has_asterisk
        self._failures = rules.Failures(config.bans.failures, timedelta(minutes=config.bans.within_minutes))
        self._watch = SecurityWatch(config.ports.ami, crm.secrets.ensure("ami_watch"))
        self._still = Standstill(crm.store.changes)
        self._looked_at: datetime | None = None
        self._dropped: list[str] = []

    async def look(self) -> None:
        """Raises AsteriskUnreachable if the app is connected to Asterisk, but its security events cannot be read."""
        config, store, now = self._crm.config, self._crm.store, self._crm.now()
        try:
            attempts = await self._watch.attempts()
        except AsteriskUnreachable:
            if self._has_asterisk():
                raise
            return
        guessers = _guessers(self._failures, attempts, now)
        if guessers:
            phones = await asyncio.to_thread(_registered, config)
            guessers = [address for address in guessers if address not in phones]
        state = self._still.state()
        is_due = self._looked_at is None or (now - self._looked_at).total_seconds() > ENDED_SECONDS
        is_due = is_due and not self._still.lasts(state, now)
        if not guessers and not is_due:
            return
        if guessers:
            for ban in await store.run(bans.ban_guessers, config, guessers, now):
                _log.warning("an address is banned", extra={"address": ban.network, "until": ban.until})
        wanted, ends = await store.read(_dropped, config, now)
        if wanted != self._dropped:
            await publish.publish(self._crm)
        self._looked_at, self._dropped = now, wanted
        self._still.looked(state, now, ends)

    def close(self) -> None:
        self._watch.close()


def _dropped(session: Session, config: Config, now: datetime) -> tuple[list[str], datetime | None]:
    """What Asterisk is to drop, and until when that stays as it is; None: until a ban is added or removed."""
    return bans.addresses(session, config, now), bans.next_end(session, now)


def _guessers(failures: rules.Failures, attempts: Sequence[Attempt], now: datetime) -> list[str]:
    found = []
    for one in attempts:
        match one.kind:
            case AttemptKind.SUCCEEDED:
                failures.succeeded(one.address, now)
            case AttemptKind.FAILED:
                if failures.failed(one.address, now):
                    found.append(one.address)
    return list(dict.fromkeys(found))


def _registered(config: Config) -> set[str]:
    """Addresses from which phones are registered now, including since before we were started."""
    try:
        return {one.address for one in registrations.find_all(config)}
    except registrations.UnreadableRegistrations as error:
        _log.warning("Asterisk's registrations cannot be read", extra={"error": str(error)})
        return set()
