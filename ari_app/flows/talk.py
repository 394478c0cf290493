"""Caller and agent talk, until either hangs up."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import quote

from ari_app.edge.channel import Handle, LeftTheApp
from ari_app.edge.errors import AsteriskRefused, CallEnded, ChannelGone
from ari_app.flows.call import Call
from crm.domain.calls import DialStatus, EndedBy, LegEnded, TalkEnded, TalkStarted

BRIDGE_MARK = "talk-"
"""In front of the call's id in its bridge's id."""


async def talk(call: Call) -> EndedBy:
    """Connects the two and waits; returns who hung up first. Entered again, it finds them connected and waits on.

    Neither leg may be cut by the dead man's switch: the agent's is taken off, and the caller's leads into a bridge that
    needs no app (asterisk_conf/templates/extensions.conf.j2, arrival, T).
    """
    if call.peer_leg is None:
        return EndedBy.AGENT  # They hung up while the app was away.
    agent = Handle(call.office.client, call.peer_leg)
    try:
        if not await _connect(call, agent):
            # The agent hung up while the app was away, or in the moment they answered.
            return EndedBy.AGENT
        call.note(TalkStarted, once=f"talk-{agent.id}", leg_id=agent.id)
        # Whatever else ends the waiting leaves the two talking: the app stops, or Asterisk has taken the call back.
        ended_by = await _wait(call, agent)
        call.note(TalkEnded, once=f"talk-ended-{agent.id}", leg_id=agent.id)
        call.note(LegEnded, once=f"leg-ended-{agent.id}", leg_id=agent.id, status=DialStatus.ANSWER)
        await agent.hang_up()
        await _end_bridge(call)
        return ended_by
    finally:
        agent.release()


async def _connect(call: Call, agent: Handle) -> bool:
    try:
        await agent.set_variables(timeout="0")
    except CallEnded:
        return False
    client, bridge = call.office.client, f"/bridges/{quote(_bridge_id(call), safe='')}"
    with contextlib.suppress(ChannelGone):  # 409: it is there since before the app was away.
        await client.post(bridge, type="mixing")
    try:
        inside = (await client.get(bridge))["channels"]
        if outside := [id for id in (call.person.id, agent.id) if id not in inside]:
            await client.post(f"{bridge}/addChannel", channel=",".join(outside))
    except (ChannelGone, AsteriskRefused):
        # One of the two left in this moment; whoever it was, their events say so.
        if not await agent.is_up():
            return False
    return True


async def _wait(call: Call, agent: Handle) -> EndedBy:
    watches = {
        asyncio.create_task(_ended(call.person)): EndedBy.CALLER,
        asyncio.create_task(_ended(agent)): EndedBy.AGENT,
    }
    try:
        done, _ = await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
        first = next(iter(done))
        first.result()
        return watches[first]
    finally:
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)


async def _ended(channel: Handle) -> None:
    """Returns when the channel hangs up; LeftTheApp passes."""
    try:
        while True:
            await channel.next_event()
    except LeftTheApp:
        raise
    except CallEnded:
        return


async def _end_bridge(call: Call) -> None:
    with contextlib.suppress(ChannelGone):
        await call.office.client.delete(f"/bridges/{quote(_bridge_id(call), safe='')}")


def _bridge_id(call: Call) -> str:
    return f"{BRIDGE_MARK}{call.id}"
