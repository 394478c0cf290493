"""Rings an endpoint so that no address in its answer is ever dialed.

Asterisk's originate (`POST /channels`) follows redirections (SIP 3xx): it dials what the Contact says, through
`Local/...@context` or even `PJSIP/...@trunk`, and no setting prevents that (main/dial.c, `handle_call_forward`). A
channel that is created and then dialed (`POST /channels/create`, `.../dial`) is not forwarded: it ends with the answer
it got. A test ensures that nothing dials in any other way.

Such a channel is in the app, so an answer would be lost while the app is away. So as soon as it has been dialed, it
moves to the dialplan (context `ringing`), which takes over when it is answered, with or without the app. It is sent
there by AMI, because ARI refuses that before the channel has been answered (412).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

import msgspec

from ari_app.edge import events
from ari_app.edge.ami import AmiConnection
from ari_app.edge.channel import Handle
from ari_app.edge.errors import AsteriskUnreachable, ChannelGone, PhoneError
from ari_app.edge.events import Channel, Event

RINGING = "ringing"
"""The dialplan context in which our channels ring. A channel's first StasisStart names it, too, and is not an
answer."""
START_SECONDS = 5.0
"""Limit for each of Asterisk's steps until the channel is in the dialplan, which take a millisecond or two. If the app
dies in between, the channel ends after this long."""


async def dial(
    channel: Handle,
    ami: AmiConnection,
    endpoint: str,
    *,
    then: str,
    seconds: int,
    caller_id: str,
    variables: Mapping[str, str],
    originator: str = "",
) -> str:
    """Rings `endpoint` on `channel`, and returns its state as soon as it has been dialed: Down, Ringing or Up.

    Once answered, it enters the dialplan context `then`. Asterisk ends the ringing after `seconds`, if nothing else
    has. `caller_id` is what is shown, as `"name" <number>`. `originator` is the id of the channel whose call it joins.
    Raises AsteriskRefused if the endpoint cannot be dialed, and HungUp if it ended at once; in both cases, and when
    cancelled, nothing rings.
    """
    client = channel.client
    shown = {"CALLERID(all)": caller_id, "CONNECTEDLINE(all,i)": caller_id}
    kept = {"LL_THEN": then, "LL_SECONDS": str(seconds), "TIMEOUT(absolute)": f"{START_SECONDS:g}"}
    query = {"endpoint": endpoint, "app": client.app, "appArgs": RINGING, "channelId": channel.id}
    if originator:
        query["originator"] = originator
    try:
        made = await client.post("/channels/create", {"variables": {**shown, **variables, **kept}}, **query)
        channel.name = made["name"]
        client.present.made(msgspec.convert(made, Channel))
        await _until(channel, events.StasisStart)
        with channel.while_ours():
            await client.post(f"{channel.path}/dial")
        # Only after it has been dialed: before that, sending it on would give it another id.
        state = await _until(channel, events.Dial)
        await _send_on(channel, ami, then)
        return state
    except BaseException:
        # Even if the task is being cancelled: otherwise the channel would stay in the app and ring for nobody.
        with contextlib.suppress(PhoneError):
            await asyncio.shield(channel.hang_up())
        raise


async def _until(channel: Handle, kind: type[Event]) -> str:
    """Waits for an event, and returns the channel's latest state. Raises HungUp."""
    state = "Down"
    while event := await channel.next_event(START_SECONDS):
        if isinstance(event, kind):
            return state
        if isinstance(event, events.ChannelStateChange):
            state = event.channel.state
    raise AsteriskUnreachable(f"no {kind.__name__} came for a channel that was created")


async def _send_on(channel: Handle, ami: AmiConnection, then: str) -> None:
    channel.is_leaving = True
    with contextlib.suppress(ChannelGone):  # Its last event says why.
        await ami.redirect(channel.name, RINGING, then)


async def is_answered(channel: Handle, ami: AmiConnection) -> bool:
    """Whether a channel that was dialed before the app was away has been answered, and is in the app. Raises HungUp if
    it is gone. One that had not been sent on yet is sent on now, or ended if it may not even have been dialed."""
    with channel.while_ours():
        found = await channel.client.get(channel.path)
    channel.name = found["name"]
    where = found["dialplan"]
    if where.get("app_name") != "Stasis" or not where.get("app_data", "").endswith(f",{RINGING}"):
        return bool(where.get("app_name") == "Stasis")
    if found["state"] == "Down":
        await channel.hang_up()
    else:
        await _send_on(channel, ami, (await channel.variables("LL_THEN")).get("LL_THEN", "agent-leg"))
    return False
