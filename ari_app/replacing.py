"""A phone, or a carrier, replaces one of its channels with a new one (SIP INVITE with Replaces), as at the end of an
attended transfer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from typing import Any
from urllib.parse import quote

from ari_app import log as log_to
from ari_app import recovery
from ari_app.call.available import owner_of
from ari_app.call.call import PEER, AppContext, LiveCall
from ari_app.call.kept import VARIABLES
from ari_app.edge import events
from ari_app.edge.channel import hang_up, path_of, variables
from ari_app.edge.client import AriClient
from ari_app.edge.errors import ChannelGone

log = logging.getLogger(__name__)

CHANGE_SECONDS = 3.0
"""Two channels swap places in a bridge within milliseconds, or never. Asterisk is polled, since the events go to the
flow that owns the channels."""


def succeeds(context: AppContext, event: events.StasisStart) -> Coroutine[Any, Any, None]:
    """Gives the new channel the former one's part in its call, at once. Returns what remains to be done."""
    assert event.replace_channel is not None
    former = event.replace_channel
    call = context.calls.of_channel(former.id)
    if call is None or not recovery.may_succeed(event.channel, former):
        log.warning("a phone may not take another's place", extra={"endpoint": event.channel.endpoint})
        return _put_back(context.client, former, event.channel)
    context.client.succeeds(event)
    # At once, rather than when its flow reads the event: nothing else may take the channel for a new call.
    call.person.become(event)
    call.channel.become(event)
    if call.peer_leg == former.id:
        call.peer_leg = event.channel.id
    return _succeeded(call, former, event.channel)


async def _succeeded(call: LiveCall, former: events.Channel, channel: events.Channel) -> None:
    """Moves what is kept with a channel to the one that replaces it, in Asterisk and on record."""
    log_to.call_id.set(call.id)
    client = call.context.client
    if call.peer_leg == channel.id:
        agent = await owner_of(call.context, channel.endpoint)
        call.leg_succeeds(former.id, former.endpoint, channel.id, channel.endpoint, agent)
        await call.person.set_variables(LL_PEER=channel.name)
    if not await _has_parted(client, former):
        return  # Without a bridge, one channel has become the other, with everything that was kept.
    kept = dict.fromkeys(VARIABLES, "") | await variables(client, former.id, *VARIABLES)
    kept |= {"LL_CALL": call.id, "PJSIP_TRANSFER_HANDLING()": "ari-only"}
    if call.person.id != channel.id:
        kept["LL_STEP"] = PEER
    await client.post(f"{path_of(channel.id)}/variables", {"variables": kept})
    await hang_up(client, former.id)


async def _has_parted(client: AriClient, former: events.Channel) -> bool:
    """Waits until a channel that was replaced has left the bridge; returns False if it is gone.

    Asterisk leaves it in the app.
    """
    until = time.monotonic() + CHANGE_SECONDS
    while time.monotonic() < until:
        bridges = await client.get("/bridges")
        if not any(former.id in bridge["channels"] for bridge in bridges):
            break
        await asyncio.sleep(CHANGE_SECONDS / 60)
    return any(former.id in ids for ids in (await client.channel_ids()).values())


async def _put_back(client: AriClient, former: events.Channel, channel: events.Channel) -> None:
    """Undoes a replacement: whoever was talking continues to talk."""
    until = time.monotonic() + CHANGE_SECONDS
    while time.monotonic() < until:
        bridges = await client.get("/bridges")
        if bridge := next((one["id"] for one in bridges if channel.id in one["channels"]), None):
            with contextlib.suppress(ChannelGone):
                await client.post(f"/bridges/{quote(bridge, safe='')}/addChannel", channel=former.id)
            break
        await asyncio.sleep(CHANGE_SECONDS / 60)
    await hang_up(client, channel.id)
