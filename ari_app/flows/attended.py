"""Attended transfer: the agent talks to the target while the person hears music.

The agent starts it by keying a code and the target during the talk, or with the phone's own keys: then the agent makes
a second call, and asks for its other end and the person to be connected (REFER with Replaces).
"""

from __future__ import annotations

import asyncio
import contextlib

from ari_app.call.call import PEER, Handover, LiveCall
from ari_app.call.codes import Keys
from ari_app.call.race import race
from ari_app.edge import events
from ari_app.edge.bridge import MixingBridge
from ari_app.edge.channel import Handle, LeftTheApp, hang_up
from ari_app.edge.errors import AsteriskRefused, ChannelGone, HungUp
from ari_app.flows.transfer import (
    ATTENDED,
    NotTaken,
    dead_man_s_switch,
    give_back,
    pass_on,
    progress,
    reach,
    taken_over,
    while_waiting,
)
from crm.domain.calls import CallStep, DialStatus, EndedBy, LegEnded, TransferFailed

HANDOVER_SECONDS = 3.0


# --- by code ---


async def consult_with(call: LiveCall, agent: Handle, target: str) -> CallStep:
    """Leaves the talk: the person hears music, and the agent hears the target's phones ring."""
    await pass_on(call, agent, target, way="code")
    return CallStep.CONSULT


async def consult(call: LiveCall) -> CallStep | EndedBy:
    """The agent waits for the target, then talks to them; the transfer is completed when the agent hangs up."""
    if call.peer_leg is None:
        # The agent hung up while the app was away: then it is a blind transfer.
        return CallStep.TRANSFER
    agent = Handle(call.context.client, call.peer_leg)
    target = call.target
    try:
        try:
            await agent.look()
        except HungUp:
            return CallStep.TRANSFER
        bridge, call.has_consulted = consult_bridge(call), True
        # If the step is resumed, the two may be talking, and no time limit may end that.
        is_talking = agent.id in await bridge.members()
        try:
            async with dead_man_s_switch(call, None if is_talking else agent):
                try:
                    colleague = await while_waiting(call, _called(call, agent, target))
                except NotTaken as failed:
                    leg = call.leg_of(agent.id, agent.endpoint)
                    call.emit(TransferFailed(*call.stamp(), from_leg=leg, target=target, why=str(failed)))
                    return await give_back(call, agent, failed)
        except _AgentLeft:
            # The agent hung up before the target answered: it keeps ringing as in a blind transfer.
            return CallStep.TRANSFER
        # Not in a finally: when the app stops, the two continue to talk in it.
        took_it = await while_waiting(call, _talk(call, agent, colleague, bridge))
        await bridge.delete()
        if took_it:
            await taken_over(call, None, colleague.id, colleague.name, ATTENDED)
            return CallStep.TALK
        await colleague.hang_up()
        call.emit(LegEnded(*call.stamp(f"leg-ended-{colleague.id}"), leg_id=colleague.id, status=DialStatus.ANSWER))
        return CallStep.TALK
    finally:
        agent.release()


def consult_bridge(call: LiveCall) -> MixingBridge:
    """The bridge in which the agent and the target talk."""
    return MixingBridge(call.context.client, f"consult-{call.id}")


class _AgentLeft(Exception):
    pass


async def _called(call: LiveCall, agent: Handle, target: str) -> Handle:
    if not call.adopted_legs:
        await agent.start_ringback()
    try:
        try:
            found = await race(reach(call, target), _left(agent))
        except NotTaken:
            await agent.stop_ringback()
            raise
        if found is None:
            raise _AgentLeft
        await agent.stop_ringback()
        return found
    except HungUp as ended:
        raise _AgentLeft from ended


async def _left(agent: Handle) -> None:
    with contextlib.suppress(HungUp):
        while True:
            await agent.next_event()


async def _talk(call: LiveCall, agent: Handle, found: Handle, bridge: MixingBridge) -> bool:
    """Connects the agent and the target. True if the agent hangs up, which completes the transfer; False to go back to
    the person."""
    colleague = Handle(call.context.client, found.id, found.name)
    keys = Keys(call.context.config.talk)
    await colleague.set_variables(timeout="0")
    with contextlib.suppress(HungUp):
        await agent.set_variables(timeout="0")
    await bridge.make()
    try:
        await bridge.add(agent.id, colleague.id)
    except (ChannelGone, AsteriskRefused):
        return not await agent.is_up() and await colleague.is_up()
    try:
        hung_up = await race(_left(colleague), _hung_up_or_back(agent, keys, call.context.config.talk.back))
        return hung_up is True
    finally:
        colleague.release()


async def _hung_up_or_back(agent: Handle, keys: Keys, back: str) -> bool:
    try:
        while True:
            match await agent.next_event():
                case events.ChannelDtmfReceived(digit=digit):
                    if keys.press(digit, asyncio.get_running_loop().time()) == back:
                        return False
    except LeftTheApp:
        raise
    except HungUp:
        return True


# --- by the phone's keys ---


async def join(call: LiveCall, agent: Handle, bridge: MixingBridge, wish: events.ChannelTransfer) -> CallStep:
    """Connects the person to the other end of the agent's second call."""
    call.by_refer = True
    call.transferrer = agent.name
    second = wish.refer_to.destination_channel
    other = call.context.calls.of_channel(second.id) if second else None
    if second is None or other is None or other is call:
        await progress(call, agent, "channel_unavailable")
        call.emit(
            TransferFailed(
                *call.stamp(), from_leg=call.leg_of(agent.id, agent.endpoint), target="", why="The other call is gone."
            )
        )
        return CallStep.TALK
    if other.step is CallStep.DIALLING:
        # The target has not answered yet: transferred while it rings.
        await hang_up(call.context.client, second.id)
        return await pass_on(call, agent, other.extension, way="refer")
    asked = Handover(second.id, asyncio.get_running_loop().create_future())
    other.handovers.put_nowait(asked)
    try:
        async with asyncio.timeout(HANDOVER_SECONDS):
            far = await asked.far
    except TimeoutError:
        await progress(call, agent, "channel_unavailable")
        return CallStep.TALK
    call.joining.add(far.id)
    try:
        await far.look()
        await far.set_variables(LL_CALL=call.id, LL_STEP=PEER, timeout="0")
    except HungUp:
        await progress(call, agent, "channel_unavailable")
        return CallStep.TALK
    await bridge.remove(agent.id)
    await taken_over(call, agent, far.id, far.name, ATTENDED)
    await hang_up(call.context.client, second.id)
    return CallStep.TALK
