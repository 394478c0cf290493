"""Watches who shows wrong passwords to Asterisk's SIP, and has Asterisk drop them for a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from ari_app.edge.errors import AsteriskUnreachable
from ari_app.edge.security import Attempt, AttemptKind, SecurityWatch
from crm.config import Config
from crm.context import Crm
from crm.domain import bans as rules
from crm.domain.errors import CrmError
from crm.edge import registrations
from crm.services.phones import bans, publish

LOOK_SECONDS = 2.0
ENDED_SECONDS = 30.0
"""How often bans that have ended are looked for."""

_log = logging.getLogger(__name__)


async def run(crm: Crm) -> None:
    """Watches Asterisk's security events, bans and ends bans, until it is cancelled."""
    config, store = crm.config, crm.store
    failures = rules.Failures(config.bans.failures, timedelta(minutes=config.bans.within_minutes))
    watch = SecurityWatch(config.ports.ami, crm.secrets.ensure("ami_watch"))
    looked_at: datetime | None = None
    dropped: list[str] = []
    try:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = crm.now()
            try:
                guessers = _guessers(failures, await watch.attempts(), now)
                if guessers:
                    phones = await asyncio.to_thread(_registered, config)
                    guessers = [address for address in guessers if address not in phones]
                is_due = looked_at is None or (now - looked_at).total_seconds() > ENDED_SECONDS
                if not guessers and not is_due:
                    continue
                if guessers:
                    for ban in await store.run(bans.ban_guessers, config, guessers, now):
                        _log.warning("an address is banned", extra={"address": ban.network, "until": ban.until})
                wanted = await store.read(bans.addresses, config, now)
                if wanted != dropped:
                    await publish.publish(crm)
                looked_at, dropped = now, wanted
            except AsteriskUnreachable:
                continue
            except (CrmError, OSError) as error:
                _log.warning("bans are looked after later: %s", error)
    finally:
        watch.close()


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
    """Addresses from which phones are registered now; also those that registered before we were started."""
    try:
        return {one.address for one in registrations.find_all(config)}
    except registrations.UnreadableRegistrations as error:
        _log.warning("Asterisk's registrations cannot be read", extra={"error": str(error)})
        return set()
