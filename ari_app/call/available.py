"""Which phones may ring now: duty according to the database, reachability and calls according to Asterisk."""

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
"""States of a channel to a phone that has not been answered yet."""


@dataclass(frozen=True)
class RingingPhones:
    """Slugs of devices, according to Asterisk at this moment."""

    online: set[str]
    on_call: set[str]


async def phones(context: AppContext) -> RingingPhones:
    present = await context.client.seen()
    # A ringing phone is on no call yet: two callers may ring the same team, and two agents take one each.
    talking = [channel for channel in present.channels.values() if channel.state not in RINGING]
    # An agent who has hung up is free, though Asterisk may need a moment to take the channel down.
    busy = [channel for channel in talking if channel.id not in present.ending]
    # A mobile's channel is a trunk's; the device is in the channel's id.
    return RingingPhones(
        set(present.online), {channel.endpoint for channel in busy} | {device_of(channel.id) for channel in busy}
    )


async def availability(
    context: AppContext, agents: Collection[str], known: OnRecord | None = None
) -> list[ringing.AgentAvailability]:
    """Of these agents (slugs): duty and DND according to the store, reachability and calls according to Asterisk now.

    `known` is what the store has just returned, if it was asked; if some agents are missing there, it is asked again.
    """
    if not agents:
        return []
    found = known.of(agents) if known else None
    if found is None:
        async with asyncio.timeout(context.config.survival.store_seconds):
            found = await context.store.read(reception.on_record, context.config, agents)
    seen = await phones(context)
    return found.with_phones(context.config, seen.online, seen.on_call)


async def owner_of(context: AppContext, device: str) -> str:
    """Slug of the agent who owns the phone; "" if nobody does, and while the database is away."""
    try:
        async with asyncio.timeout(context.config.survival.store_seconds):
            owner = await context.store.read(extensions.owner_of, device)
    except (CrmError, TimeoutError) as error:
        log.warning("whose phone it is could not be looked up: %s", error, extra={"device": device})
        return ""
    return owner.slug if owner else ""
