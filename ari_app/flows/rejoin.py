"""The agent's browser has vanished in the talk, as when it crashes: the person hears music until it is back and rings.

If that takes too long, or nobody answers there, the person is told, and the agent's other phones ring, then the team's.
"""

from __future__ import annotations

import asyncio

from ari_app.call.available import owner_of
from ari_app.call.call import LiveCall
from ari_app.call.kept import WaitsFor
from ari_app.edge.media import tell
from ari_app.flows.transfer import is_taken_back, to_team, while_waiting
from crm.domain.calls import CallStep, EndedBy

MOST_RETURNS = 3
"""A browser that has vanished more often in a call is not waited for."""


async def rejoin(call: LiveCall) -> CallStep | EndedBy:
    """Waits until the browser is back, and rings it. Raises HungUp if the person hangs up."""
    device = call.kept.device if isinstance(call.kept, WaitsFor) else ""
    bridge = call.talk_bridge
    await bridge.make()
    await bridge.add(call.person.id)
    await bridge.start_music()
    if call.lost_devices[device] <= MOST_RETURNS and await _is_back(call, device):
        return CallStep.TALK
    return await to_others(call, device)


async def _is_back(call: LiveCall, device: str) -> bool:
    if call.adopted_legs:
        return await is_taken_back(call, device, alone=True)
    present = call.context.client.present
    until = asyncio.get_running_loop().time() + call.context.config.talk.return_seconds
    known: int | None = None
    while True:
        try:
            async with asyncio.timeout_at(until):
                await while_waiting(call, present.is_online(device, after=known))
        except TimeoutError:
            return False
        known = present.registrations(device)
        if await is_taken_back(call, device, alone=True):
            return True
        # A browser without a network seems to be there until Asterisk asks it again. It registers anew.
        if device not in call.context.deaf:
            return False


async def to_others(call: LiveCall, device: str) -> CallStep | EndedBy:
    """Tells the person that a line was lost, and rings the same agent first, then the team."""
    call.lost_agent = await owner_of(call.context, device)
    following = await to_team(call)
    if following is CallStep.RING:
        await call.take(CallStep.RING)
        await tell(call.person, call.sounds("line_lost"))
    return following
