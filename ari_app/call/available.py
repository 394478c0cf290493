"""Which phones may ring now: duty as the database has it, reachability and calls as Asterisk sees them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass

from ari_app.call.call import AppContext
from ari_app.call.legs import device_of
from crm.domain import ringing
from crm.domain.errors import CrmError
from crm.services.phones import extensions
from crm.services.routing import reception
from crm.services.routing.reception import OnRecord

log = logging.getLogger(__name__)

RINGING = ("Down", "Ringing")
"""States of a channel on its way to a phone that nobody has answered yet."""


@dataclass(frozen=True)
class RingingPhones:
    """Slugs of devices, as Asterisk sees them in this moment."""

    online: set[str]
    on_call: set[str]


async def phones(office: AppContext) -> RingingPhones:
    present = await office.client.seen()
    # A phone that rings is on no call yet: two callers may ring the same team, and two agents take one each.
    busy = [channel for channel in present.channels.values() if channel.state not in RINGING]
    # A mobile's channel is a trunk's; whose it is stands in its id.
    return RingingPhones(
        set(present.online), {channel.endpoint for channel in busy} | {device_of(channel.id) for channel in busy}
    )


async def availability(
    office: AppContext, agents: Collection[str], known: OnRecord | None = None
) -> list[ringing.AgentAvailability]:
    """Of agents by slug: duty and DND as the store has them, reachability and calls as Asterisk sees them now.

    `known` is what the store has just said, if it was asked; where it says nothing of some of them, it is asked again.
    """
    if not agents:
        return []
    found = known.of(agents) if known else None
    if found is None:
        async with asyncio.timeout(office.config.survival.store_seconds):
            found = await office.store.read(reception.on_record, office.config, agents)
    seen = await phones(office)
    return found.with_phones(office.config, seen.online, seen.on_call)


async def owner_of(office: AppContext, device: str) -> str:
    """Slug of the agent who owns the phone; empty if nobody does, and while the database is away."""
    try:
        async with asyncio.timeout(office.config.survival.store_seconds):
            owner = await office.store.read(extensions.owner_of, device)
    except (CrmError, TimeoutError) as error:
        log.warning("whose phone it is could not be looked up: %s", error, extra={"device": device})
        return ""
    return owner.slug if owner else ""
