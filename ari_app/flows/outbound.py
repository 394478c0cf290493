"""An agent calls somebody outside: from their phone, or by an order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Iterable
from typing import Any

from ari_app.call import kept, outside
from ari_app.call.answering import hang_up_of
from ari_app.call.available import availability
from ari_app.call.call import LiveCall
from ari_app.call.legs import NotRung, new_leg, ring_phone, shown
from ari_app.call.outside import NotReached
from ari_app.call.race import end_all, first_found, race
from ari_app.call.ringing_leg import RingingLeg
from ari_app.edge.channel import BUSY, NORMAL, Handle, LeftTheApp
from ari_app.edge.errors import HungUp, PhoneError
from ari_app.edge.media import play
from asterisk_conf.prompts.speech import SpeechError
from asterisk_conf.render import RINGS_ON_SECONDS
from crm.domain.calls import CallDirection, CallPlaced, CallStep, DialStatus, EndedBy, LegEnded, LegRang
from crm.domain.dialing import Clearance, DialPurpose, DialRefused
from crm.domain.errors import CrmError, NotFound
from crm.domain.ringing import Phone
from crm.edge import numbers
from crm.services.calls import orders
from crm.services.calls.orders import OrderClaim
from crm.services.phones import extensions
from crm.services.phones.spoken import spoken
from crm.words import phone as words

log = logging.getLogger(__name__)

DESK, ORDER, OUTSIDE = "desk", "order", "outside"
"""Stages of the legs on record: the phone that dialed, the one that was rung for an order, and the person's."""


# --- from a phone ---


async def outbound(call: LiveCall, number: str) -> CallStep | None:
    """An agent dialed an outside number on their phone. If it may not be dialed, they are told why, and nothing is
    recorded."""
    context = call.context
    async with asyncio.timeout(context.config.survival.store_seconds):
        agent = await context.store.read(extensions.owner_of, call.channel.endpoint)
    try:
        clearance = await outside.clear(
            context, number, DialPurpose.DESK, agent=agent.slug if agent else "", call_id=call.id
        )
    except (DialRefused, NotFound) as refused:
        await call.channel.answer()
        await _say(call, words.said(refused))
        await call.channel.hang_up()
        return None
    await _place(call, clearance, agent.slug if agent else "", call.channel.endpoint, DESK)
    return CallStep.DIALLING


# --- by order ---


async def ordered(call: LiveCall, claim: OrderClaim) -> CallStep | None:
    """Rings the agent's phones for an order; once they answer, they hear who they are about to talk to.

    `call` has no channel yet. Until the agent answers, the order is the only record.
    """
    try:
        return await _ordered(call, claim)
    except (DialRefused, NotFound) as refused:
        await _not_placed(call, claim, str(refused), again=False)
    except NotReached as missed:
        await _not_placed(call, claim, str(missed), again=True)
    except HungUp:
        await _not_placed(call, claim, f"{claim.agent} did not answer.", again=True)
    except (PhoneError, CrmError, TimeoutError, OSError) as error:
        log.warning("an order could not be carried out", extra={"order": claim.id, "reason": str(error)})
        await _not_placed(call, claim, "The phone system could not ring the agent's phones.", again=True)
    finally:
        call.ringing.clear()
    return None


async def _ordered(call: LiveCall, claim: OrderClaim) -> CallStep:
    context = call.context
    found = next(iter(await availability(context, [claim.agent])), None)
    phones = found.free_phones(context.now()) if found else ()
    if not phones:
        raise NotReached(DialStatus.CHANUNAVAIL, f"{claim.agent} has no registered phone that is free.")
    clearance = await outside.clear(context, claim.number, DialPurpose.ORDER, agent=claim.agent, call_id=call.id)
    phone = await _first_to_answer(call, phones, claim)
    call.channel.release()
    call.channel = call.person = phone.channel
    await _place(call, clearance, claim.agent, phone.device, ORDER, order_id=claim.id)
    whom = claim.name or numbers.speak(claim.number, context.config.region)
    await _say(call, f"Calling {whom}.")
    return CallStep.DIALLING


async def _first_to_answer(call: LiveCall, phones: Iterable[Phone], claim: OrderClaim) -> RingingLeg:
    """Rings all of the agent's phones. Raises NotReached if none is answered."""
    seconds = call.context.config.dialing.agent_ring_seconds
    rung = await asyncio.gather(*(_ring(call, phone, claim, seconds) for phone in phones))
    legs = [leg for leg in rung if leg]
    winner: RingingLeg | None = None
    try:
        async with asyncio.timeout(seconds):
            winner = await first_found(_answered(leg) for leg in legs)
    except TimeoutError:
        pass
    finally:
        for leg in legs:
            if leg is not winner:
                with contextlib.suppress(PhoneError):
                    await asyncio.shield(leg.stop(NORMAL))
    if winner is None:
        raise NotReached(DialStatus.NOANSWER, f"{claim.agent} did not answer.")
    return winner


async def _answered(leg: RingingLeg) -> RingingLeg | None:
    return leg if await leg.answer is DialStatus.ANSWER else None


async def _ring(call: LiveCall, phone: Phone, claim: OrderClaim, seconds: float) -> RingingLeg | None:
    try:
        return await ring_phone(
            call.context,
            new_leg(call.id, phone.device),
            phone,
            then="order-leg",
            caller_id=shown(claim.name or "Call to", claim.number),
            seconds=seconds + RINGS_ON_SECONDS,
            variables=dict.fromkeys(kept.VARIABLES, "") | {"LL_CALL": call.id, "LL_DIALLED": claim.number},
        )
    except NotRung:
        return None


async def _not_placed(call: LiveCall, claim: OrderClaim, why: str, *, again: bool) -> None:
    # If the database is away, too, the claim expires by itself, and the order is tried again.
    with contextlib.suppress(CrmError):
        await call.context.store.run(
            orders.not_placed, call.context.config, claim, why, call.context.now(), again=again
        )


# --- dialing ---


async def dialling(call: LiveCall) -> CallStep | EndedBy:
    """Dials the person while the agent hears ringing; if resumed, takes over the leg that is ringing."""
    try:
        person = await _until_hang_up(call, _reach(call))
    except LeftTheApp:
        raise
    except HungUp:
        return EndedBy.AGENT
    except (DialRefused, NotFound) as refused:
        await call.channel.answer()
        await _say(call, words.said(refused))
        return EndedBy.SYSTEM
    except NotReached as failed:
        log.info("nobody was reached", extra={"status": failed.status.value, "reason": str(failed)})
        return await _tell_why(call, failed.status)
    try:
        await call.channel.answer()
        await call.follows(person, call.channel)
    except HungUp:
        return await over_too_soon(call, person)
    return CallStep.TALK


async def over_too_soon(call: LiveCall, person: Handle) -> EndedBy:
    """One of the two was gone at the moment when the person answered: they did not talk, and whoever remains is
    told."""
    call.person, call.peer_leg = call.channel, None
    is_agent_there = await call.channel.is_up()
    await person.hang_up()
    person.release()
    status = DialStatus.CONGESTION if is_agent_there else DialStatus.CANCEL
    call.emit(LegEnded(*call.stamp(f"leg-ended-{person.id}"), leg_id=person.id, status=status))
    if not is_agent_there:
        return EndedBy.AGENT
    log.info("whoever answered was gone before the talk began")
    return await _tell_why(call, status)


async def _reach(call: LiveCall) -> Handle:
    """The person's channel, once they have answered. Raises NotReached."""
    context = call.context
    context.calls.has_returned(call)
    adopted, call.adopted_legs = call.adopted_legs, []
    if adopted:
        return await outside.adopt(context, adopted[0], call.id)
    if call.clearance is None:
        # The app was away, and what was ringing has ended meanwhile.
        owner = await context.store.read(extensions.owner_of, call.channel.endpoint)
        call.clearance = await outside.clear(
            context, call.caller or "", DialPurpose.DESK, agent=owner.slug if owner else "", call_id=call.id
        )
    ringing = asyncio.Event()
    ringback = asyncio.create_task(_ring_back(call, ringing))
    try:
        return await outside.dial(
            context,
            call.clearance,
            call_id=call.id,
            caller_id=call.clearance.caller_id,
            leg_stage=OUTSIDE,
            variables={"LL_CALLER": call.channel.name},
            on_ringing=ringing.set,
        )
    finally:
        await end_all([ringback])


async def _ring_back(call: LiveCall, ringing: asyncio.Event) -> None:
    """Plays ringing to the agent once the person's phone rings."""
    await ringing.wait()
    with contextlib.suppress(PhoneError):
        await call.channel.start_ringback()


async def _until_hang_up(call: LiveCall, work: Coroutine[Any, Any, Handle]) -> Handle:
    """The work's result. Raises HungUp, and cancels the work, if the agent hangs up first."""
    try:
        return await race(work, hang_up_of(call.channel))
    finally:
        with contextlib.suppress(PhoneError):
            await call.channel.stop_ringback()


async def _tell_why(call: LiveCall, status: DialStatus) -> EndedBy:
    """Tells the agent why nobody was reached; a phone that has not been answered shows busy by itself."""
    if status is DialStatus.BUSY and not call.is_ordered:
        await call.channel.hang_up(BUSY)
        return EndedBy.SYSTEM
    sentence = {
        DialStatus.BUSY: "outside_busy",
        DialStatus.NOANSWER: "outside_no_answer",
        DialStatus.CHANUNAVAIL: "outside_no_such_number",
    }.get(status, "outside_failed")
    with contextlib.suppress(HungUp):
        await call.channel.answer()
        await play(call.channel, call.sounds(sentence))
    return EndedBy.SYSTEM


# --- common ---


async def _place(
    call: LiveCall, clearance: Clearance, agent: str, device: str, stage: str, order_id: int | None = None
) -> None:
    """Emits the fact that the agent calls, and enters the step of dialing."""
    call.direction, call.clearance = CallDirection.OUT, clearance
    call.did, call.caller = clearance.caller_id, clearance.number
    call.emit(
        CallPlaced(
            *call.stamp("placed"),
            direction=CallDirection.OUT,
            agent=agent,
            device=device,
            did=call.did,
            number=call.caller,
            order_id=order_id,
        )
    )
    call.emit(
        LegRang(*call.stamp(f"rang-{call.channel.id}"), leg_id=call.channel.id, device=device, agent=agent, stage=stage)
    )
    await call.take(
        CallStep.DIALLING, LL_STAGE="", LL_DIRECTION=CallDirection.OUT.value, LL_DID=call.did, LL_NUMBER=call.caller
    )


async def _say(call: LiveCall, text: str) -> None:
    """Speaks a sentence to the agent."""
    try:
        sound = await spoken(call.context.config, text)
    except SpeechError as error:
        log.error("a sentence could not be spoken: %s", error)
        return
    await play(call.channel, [sound])
