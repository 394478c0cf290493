"""Transfers: the person hears music until the target takes the call, and comes back to the agent if the transfer fails.

An agent starts one with the phone's own key (SIP REFER, which Asterisk leaves to us) or a code keyed during the talk.
The target is a colleague's extension, an outside number, or the parking lot.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from ari_app.call import outside
from ari_app.call.answering import first_answer, hang_up_of, stop_other_calls
from ari_app.call.available import availability
from ari_app.call.call import LiveCall
from ari_app.call.kept import PassedTo, written
from ari_app.call.legs import REJOIN_HEADER, adopted_leg, is_outsider, ring_phones, shown
from ari_app.call.outside import NotReached
from ari_app.call.race import race
from ari_app.call.sleepers import of_colleague
from ari_app.edge import events
from ari_app.edge.channel import Handle, LeftTheApp
from ari_app.edge.errors import AsteriskRefused, ChannelGone, HungUp
from ari_app.edge.media import play, prompt
from asterisk_conf.prompts.speech import SpeechError
from crm.config import Config
from crm.domain.calls import CallDirection, CallStep, DialStatus, EndedBy, TransferFailed, Transferred
from crm.domain.dialing import DialPurpose, DialRefused
from crm.domain.errors import CrmError
from crm.services.phones import extensions
from crm.services.phones.spoken import spoken
from crm.words import phone as words

log = logging.getLogger(__name__)

T = TypeVar("T")

STAGE, RETURN = "transfer", "return"
"""Stages of legs on record: the target's, and those of the agent who transferred when the person comes back."""
STAYS_SECONDS = 1.5
"""A phone that is told that its transfer failed takes the call back, or hangs up within this time (as baresip does)."""
FIRST_DIGIT_SECONDS = 6.0
BLIND, ATTENDED = "blind", "attended"


class NotTaken(Exception):
    """Nobody took the person over. The text is for the record; `sentence` names the prompt that the agent hears."""

    def __init__(self, why: str, sentence: str = "transfer_failed", text: str = "") -> None:
        super().__init__(why)
        self.sentence = sentence
        self.text = text
        """Spoken instead of the prompt."""


async def pass_on(call: LiveCall, agent: Handle, target: str, way: str) -> CallStep:
    """Leaves the talk: the person hears music, and the agent's leg waits for the outcome. `way` is code or refer."""
    await call.talk_bridge.remove(agent.id)
    await call.talk_bridge.start_music()
    call.kept = PassedTo(target)
    call.by_refer = way == "refer"
    call.transferrer = agent.name
    step = CallStep.PARKED if call.context.config.parking.has(target) else CallStep.TRANSFER
    await call.person.set_variables(LL_STAGE=written(call.kept), LL_PEER=agent.name)
    return step


async def ask_target(call: LiveCall, agent: Handle) -> str:
    """The extension or number that the agent keys, ended by # or a pause; "" if they key none, or the code to go
    back."""
    config = call.context.config.talk
    digits = ""
    key = await prompt(agent, call.sounds("transfer_to"), FIRST_DIGIT_SECONDS)
    while key.isdigit() or key == "*":
        digits += key
        if config.back and digits.endswith(config.back):
            return ""
        pressed = await _key(agent, config.target_seconds)
        if pressed is None:
            break
        key = pressed
    return digits


async def _key(agent: Handle, seconds: float) -> str | None:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while (left := until - loop.time()) > 0:
        match await agent.next_event(left):
            case events.ChannelDtmfReceived(digit=digit):
                return digit
    return None


async def transfer(call: LiveCall) -> CallStep | EndedBy:
    """Rings the target. Raises HungUp if the person hangs up."""
    agent = Handle(call.context.client, call.peer_leg, call.transferrer) if call.peer_leg else None
    target = call.target
    device = call.transferrer_device
    try:
        async with dead_man_s_switch(call, agent):
            await call.talk_bridge.start_music()
            try:
                new = await while_waiting(call, reach(call, target))
            except NotTaken as failed:
                call.emit(TransferFailed(*call.stamp(), from_leg=_leg(call, device), target=target, why=str(failed)))
                return await give_back(call, agent, failed)
            await taken_over(call, agent, new.id, new.name, BLIND)
            return CallStep.TALK
    finally:
        if agent:
            agent.release()


async def taken_over(call: LiveCall, agent: Handle | None, channel_id: str, name: str, way: str) -> None:
    """Somebody else has the person now: records that, tells Asterisk, and the phone that asked for it."""
    device = call.transferrer_device
    new_leg = call.leg_of(channel_id, events.endpoint_of(name))
    call.emit(Transferred(*call.stamp(), from_leg=_leg(call, device), to_leg=new_leg, way=way))
    former, call.peer_leg = call.peer_leg, channel_id
    await call.person.set_variables(LL_PEER=name)
    if agent:
        await progress(call, agent, "channel_answered")
        await agent.hang_up()
    if former:
        call.leg_over(former, device)


async def give_back(call: LiveCall, agent: Handle | None, failed: NotTaken) -> CallStep | EndedBy:
    """Returns the person to whoever transferred them: on the line if they still are, else by ringing their phones, else
    the team's."""
    if agent and await agent.is_up():
        try:
            if call.by_refer:
                await progress(call, agent, "channel_unavailable")
                await while_waiting(call, _stays(agent))
            else:
                await while_waiting(call, play(agent, await _sounds(call, failed)))
        except LeftTheApp:
            raise
        except HungUp:
            if not await call.person.is_up():
                raise
        else:
            return CallStep.TALK
    if call.peer_leg:
        call.leg_over(call.peer_leg, call.transferrer_device)
    call.peer_leg = None
    return await return_to(call, call.transferrer_device)


async def return_to(call: LiveCall, device: str) -> CallStep | EndedBy:
    """Rings the phones of whoever left the person waiting; if nobody answers there, the team's."""
    return CallStep.TALK if await is_taken_back(call, device) else await to_team(call)


async def is_taken_back(call: LiveCall, device: str, *, alone: bool = False) -> bool:
    """Whether somebody answers at the phones of whoever had the person, or, `alone`, at this very phone.

    If the app was away while they rang, they go on ringing.
    """
    async with asyncio.timeout(call.context.config.survival.store_seconds):
        owner = await call.context.store.read(extensions.owner_of, device)
    agents = await availability(call.context, [owner.slug] if owner else [])
    seconds = call.context.config.ring.agent_seconds
    legs, call.adopted_legs = [adopted_leg(call, leg_id) for leg_id in call.adopted_legs], []
    name = shown(_title(call), call.shown)
    if not legs:
        phones = [phone for agent in agents for phone in agent.free_phones(call.context.now())]
        wanted = [phone for phone in phones if not alone or phone.device == device]
        again = {REJOIN_HEADER: secrets.token_urlsafe(16)} if alone else {}
        legs = await ring_phones(call, RETURN, wanted, seconds, name, variables=again) if wanted else []
    if owner and not alone:
        async with of_colleague(call, owner.slug, RETURN, seconds, name) as sleepers:
            winner = await first_answer(call, legs, seconds, sleepers=sleepers)
    else:
        winner = await first_answer(call, legs, seconds) if legs else None
    if winner is None:
        return False
    await stop_other_calls(call, winner, agents)
    call.keep(LL_PEER=winner.channel.name)
    call.peer_leg = winner.channel.id
    return True


async def to_team(call: LiveCall) -> CallStep | EndedBy:
    """Takes the person out of the talk: they hear ringing at the team's phones, and then the mailbox."""
    await call.talk_bridge.stop_music()
    await call.talk_bridge.remove(call.person.id)
    if call.direction is CallDirection.INTERNAL:
        await play(call.person, call.sounds("extension_unavailable"))
        return EndedBy.SYSTEM
    call.kept = None
    return CallStep.RING


async def reach(call: LiveCall, target: str) -> Handle:
    """The target's channel, once they answer. Raises NotTaken."""
    context = call.context
    adopted, call.adopted_legs = [adopted_leg(call, leg_id) for leg_id in call.adopted_legs], []
    async with asyncio.timeout(context.config.survival.store_seconds):
        callee = await context.store.read(extensions.agent_at, target)
    if callee is None and not adopted:
        return await _reach_outside(call, target)
    agents = await availability(context, [callee.slug] if callee else [])
    found = next(iter(agents), None)
    legs, seconds, name = adopted, context.config.ring.colleague_seconds, shown(_title(call), call.shown)
    if not legs and found:
        legs = await ring_phones(call, STAGE, found.free_phones(context.now()), seconds, name)
    if callee:
        async with of_colleague(call, callee.slug, STAGE, seconds, name) as sleepers:
            winner = await first_answer(call, legs, seconds, listen=False, sleepers=sleepers)
    else:
        winner = await first_answer(call, legs, seconds, listen=False)
    if winner is None:
        if not legs:
            raise NotTaken("The colleague is on DND, on a call, or has no reachable phone.", "transfer_unavailable")
        if any(leg.status is DialStatus.BUSY for leg in legs):
            raise NotTaken("The colleague declined.", "transfer_busy")
        raise NotTaken("The colleague did not answer.")
    if not is_outsider(winner.channel.id):
        await stop_other_calls(call, winner, agents)
    return winner.channel


async def _reach_outside(call: LiveCall, target: str) -> Handle:
    context = call.context
    device = call.transferrer_device
    if len(target) <= extensions.LONGEST:
        raise NotTaken("There is no such extension.", "transfer_unknown")
    try:
        async with asyncio.timeout(context.config.survival.store_seconds):
            owner = await context.store.read(extensions.owner_of, device)
        clearance = await outside.clear(
            context, target, DialPurpose.TRANSFER, agent=owner.slug if owner else "", call_id=call.id
        )
    except DialRefused as refused:
        raise NotTaken(str(refused), text=words.said(refused)) from refused
    except (CrmError, TimeoutError) as error:
        raise NotTaken("The number could not be checked.") from error
    try:
        found = await outside.dial(
            context,
            clearance,
            call_id=call.id,
            caller_id=clearance.caller_id,
            leg_stage=STAGE,
            variables={"LL_CALLER": call.person.name},
        )
    except NotReached as failed:
        raise NotTaken(f"Nobody was reached at the outside number ({failed.status}).") from failed
    # The talk subscribes to it by itself.
    found.release()
    return found


@contextlib.asynccontextmanager
async def dead_man_s_switch(call: LiveCall, agent: Handle | None) -> AsyncIterator[None]:
    """While an agent's leg waits, it has a dead man's switch of its own, like the person's: an agent who hears nothing
    must not wait forever.

    It is due after the person's, so that the dialplan deals with the person first. The talk that follows removes it;
    `ari_app.signs` removes one that is renewed at that very moment. A call out has none: the dialplan reconnects the
    agent with the person they called (outside-leg), and nothing may end that talk.
    """
    if agent is None or call.direction is CallDirection.OUT:
        yield
        return
    seconds = str(waiting_seconds(call.context.config))
    with contextlib.suppress(HungUp):
        await agent.set_variables(timeout=seconds)
        call.waiting = agent
    try:
        yield
    finally:
        call.waiting = None


def waiting_seconds(config: Config) -> int:
    """Length of the dead man's switch of a waiting agent's leg."""
    return round(config.survival.deadman_seconds * 1.5)


async def while_waiting(call: LiveCall, work: Coroutine[Any, Any, T]) -> T:
    """Does something while the person waits. Raises HungUp, and cancels the work, if they hang up."""
    return await race(hang_up_of(call.person), work)


async def progress(call: LiveCall, agent: Handle, state: str) -> None:
    """Tells the phone that sent a REFER how its transfer is going (a NOTIFY; for channel_answered: 200)."""
    if not call.by_refer:
        return
    with contextlib.suppress(ChannelGone, AsteriskRefused):
        await agent.client.post(f"{agent.path}/transfer_progress", states=state)


async def _stays(agent: Handle) -> None:
    """Raises HungUp if the phone does not want the call back."""
    until = asyncio.get_running_loop().time() + STAYS_SECONDS
    while (left := until - asyncio.get_running_loop().time()) > 0:
        await agent.next_event(left)


async def _sounds(call: LiveCall, failed: NotTaken) -> list[Any]:
    if failed.text:
        with contextlib.suppress(SpeechError):
            return [await spoken(call.context.config, failed.text)]
    return call.sounds(failed.sentence)


def _leg(call: LiveCall, device: str) -> str:
    return call.leg_of(call.peer_leg, device) if call.peer_leg else ""


def _title(call: LiveCall) -> str:
    return call.reception.property_name if call.reception else ""
