"""Parking: the person waits with music in a slot, and whoever dials the slot's extension gets them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

from ari_app.call.answering import hang_up_of, taker_leg
from ari_app.call.call import PEER, AppContext, LiveCall, Taker
from ari_app.call.kept import PassedTo, written
from ari_app.call.legs import shown
from ari_app.call.race import end_all, race, until_done
from ari_app.edge.channel import Handle, LeftTheApp
from ari_app.edge.errors import HungUp, PhoneError
from ari_app.edge.media import play
from ari_app.flows.transfer import NotTaken, give_back, progress, return_to
from asterisk_conf.prompts.speech import SpeechError
from crm.domain.calls import CallStep, EndedBy, Parked, TransferFailed
from crm.services.phones import extensions
from crm.services.phones.spoken import spoken

log = logging.getLogger(__name__)

STAGE = "parked"


async def parked(call: LiveCall) -> CallStep | EndedBy:
    """Waits for somebody to take the person; after a while the phones of the agent who parked them ring, then the
    team's."""
    context = call.context
    slot = _slot(call)
    agent = Handle(context.client, call.peer_leg) if call.peer_leg else None
    device = call.transferrer_device
    try:
        if slot is None:
            call.emit(
                TransferFailed(
                    *call.stamp(), from_leg=call.peer_leg or "", target=call.target, why="All slots are taken."
                )
            )
            return await give_back(call, agent, NotTaken("All slots are taken.", "parking_full"))
        # Without awaiting anything in between: whoever is found in a slot is waiting there.
        call.parked_at, taken = slot, call.open_to_offers()
        call.kept = PassedTo(slot)
        telling: asyncio.Task[None] | None = None
        try:
            await call.person.set_variables(LL_STAGE=written(call.kept))
            await call.talk_bridge.start_music()
            await _lamp(context, slot, "INUSE")
            telling = asyncio.create_task(_tell(call, agent, slot)) if agent else None
            async with asyncio.timeout(context.config.parking.seconds):
                await race(until_done(taken), hang_up_of(call.person))
        except TimeoutError:
            pass
        finally:
            call.close_to_offers()
            await end_all([telling] if telling else [])
        if agent and call.peer_leg:
            # Somebody took the person before the sentence was over.
            await agent.hang_up()
            call.leg_over(agent.id, device)
        if taken.done() and not taken.cancelled():
            winner = taker_leg(call, taken.result())
            call.peer_leg = winner.channel.id
            call.keep(LL_PEER=winner.channel.name)
            return CallStep.TALK
        call.peer_leg = None
        return await return_to(call, device)
    finally:
        if agent:
            agent.release()
        call.parked_at = ""
        if slot:
            with contextlib.suppress(PhoneError):
                await asyncio.shield(_lamp(context, slot, "NOT_INUSE"))


async def _tell(call: LiveCall, agent: Handle, slot: str) -> None:
    """Tells the agent who parked the person which slot it is, and ends their part."""
    leg = call.leg_of(agent.id, call.transferrer_device)
    call.emit(Parked(*call.stamp(f"parked-{slot}-{leg}"), slot=slot, leg_id=leg))
    try:
        sound = await spoken(call.context.config, f"Parked at {' '.join(slot)}.")
        await play(agent, [sound])
        await progress(call, agent, "channel_answered")
        await agent.hang_up()
    except LeftTheApp:
        pass
    except SpeechError as error:
        log.error("a parking slot could not be told: %s", error)
        await agent.hang_up()
    except HungUp:
        pass
    call.leg_over(agent.id, call.transferrer_device)


def _slot(call: LiveCall) -> str | None:
    """The slot asked for, else the first free one; None if there is none."""
    names = call.context.config.parking.names
    used = {other.parked_at for other in call.context.calls if other is not call}
    free = [name for name in names if name not in used]
    if call.target in free:
        return call.target
    return free[0] if free else None


async def _lamp(context: AppContext, slot: str, state: str) -> None:
    """Sets the state that busy lamps show."""
    await context.client.set_device_state(f"park-{slot}", state)


async def retrieve(call: LiveCall, slot: str) -> None:
    """One of our phones dialed a slot: connects it to the person waiting there."""
    await call.context.calls.returned(CallStep.PARKED)
    found = next((one for one in call.context.calls if one.parked_at == slot), None)
    await take_over(call, found, STAGE, call.sounds("nobody_parked"))


async def take_over(call: LiveCall, other: LiveCall | None, stage: str, nobody: list[Path]) -> None:
    """Connects the phone that dialed with the person of another call, whom it shows; or plays `nobody` if there is
    none, and says so if somebody else was faster."""
    is_there = other is not None and other.is_waiting
    if other is not None and is_there:
        # Set first: an app that restarts must not take this phone for a call of its own.
        await call.channel.set_variables(**_shows(other), LL_STEP=PEER, LL_CALL=other.id, timeout="0")
    await call.channel.answer()
    async with asyncio.timeout(call.context.config.survival.store_seconds):
        owner = await call.context.store.read(extensions.owner_of, call.channel.endpoint)
    taker = Taker(call.channel, call.channel.endpoint, owner.slug if owner else "", stage)
    if other is not None and is_there and other.offer(taker):
        return
    await play(call.channel, call.sounds("already_taken") if other else nobody)
    await call.channel.hang_up()


def _shows(other: LiveCall) -> dict[str, str]:
    """What the phone that takes this call shows from its answer on: the caller, and their name or what they call about.
    Between colleagues nothing is set, as their phones show each other."""
    if other.reception is None:
        return {}
    known = other.reception
    return {"CONNECTEDLINE(all,i)": shown(known.lead_name or known.contact_name or known.property_name, other.shown)}
