"""Colleagues call each other by extension."""

from __future__ import annotations

import asyncio

from ari_app.call.answering import first_answer, stop_other_calls
from ari_app.call.available import availability
from ari_app.call.call import LiveCall
from ari_app.call.kept import ToColleague, written
from ari_app.call.legs import adopted_leg, ring_phones, shown
from ari_app.call.sleepers import of_colleague
from ari_app.call.waking import CallSign
from ari_app.edge.channel import BUSY
from ari_app.edge.media import play
from ari_app.flows.voicemail import voicemail
from crm.domain.calls import CallDirection, CallPlaced, CallStep, DialStatus, EndedBy
from crm.domain.mailboxes import BoxKind, box
from crm.services.phones import extensions
from crm.services.phones.extensions import Colleague

STAGE = "colleague"
"""Stage of the phones that ring, as recorded."""


async def colleague(call: LiveCall, caller: Colleague | None, extension: str) -> CallStep:
    """An agent dialed a colleague's extension."""
    place(call, caller, extension)
    await call.take(CallStep.DIALLING, LL_STAGE=written(call.kept), LL_DIRECTION=CallDirection.INTERNAL.value)
    return CallStep.DIALLING


def place(call: LiveCall, caller: Colleague | None, extension: str) -> None:
    """Emits the fact that an agent calls a colleague."""
    call.direction = CallDirection.INTERNAL
    call.emit(
        CallPlaced(
            *call.stamp("placed"),
            direction=CallDirection.INTERNAL,
            agent=caller.slug if caller else "",
            device=call.channel.endpoint,
            extension=extension,
        )
    )
    call.kept = ToColleague(extension)


async def dialling(call: LiveCall) -> CallStep | EndedBy:
    """Rings the colleague's phones; if resumed, takes over those that are ringing."""
    context = call.context
    async with asyncio.timeout(context.config.survival.store_seconds):
        callee = await context.store.read(extensions.agent_at, call.extension)
        caller = await context.store.read(extensions.owner_of, call.channel.endpoint)
    adopted = [adopted_leg(call, leg_id) for leg_id in call.adopted_legs]
    call.adopted_legs = []
    agents = await availability(context, [callee.slug] if callee else [])
    found = next(iter(agents), None)
    legs, winner, seconds = adopted, None, context.config.ring.colleague_seconds
    name = shown(caller.name, caller.extension) if caller else shown("", None)
    if not adopted and found:
        await call.channel.start_ringback()
        legs = await ring_phones(call, STAGE, found.free_phones(context.now()), seconds, name)
    if callee:
        sign = CallSign(call.id, caller.name if caller else "", (caller.extension or "") if caller else "")
        async with of_colleague(call, callee.slug, STAGE, seconds, name, sign=sign) as sleepers:
            winner = await first_answer(call, legs, seconds, sleepers=sleepers)
    elif legs:
        winner = await first_answer(call, legs, seconds)
    if winner:
        await stop_other_calls(call, winner, agents)
        call.keep(LL_PEER=winner.channel.name)
        await call.channel.answer()
        call.peer_leg = winner.channel.id
        return CallStep.TALK
    if any(leg.status is DialStatus.BUSY for leg in legs):
        await call.channel.hang_up(BUSY)
        return EndedBy.AGENT
    await call.channel.answer()
    if callee:
        return CallStep.VOICEMAIL
    # Nobody has this extension any more.
    await play(call.channel, call.sounds("extension_unavailable"))
    return EndedBy.SYSTEM


async def take_voicemail(call: LiveCall) -> EndedBy:
    """Records a voicemail for a colleague who does not answer, is on DND or on a call, or was not to be rung at all."""
    context = call.context
    async with asyncio.timeout(context.config.survival.store_seconds):
        callee = await context.store.read(extensions.agent_at, call.extension)
    await voicemail(call, box(BoxKind.AGENT, callee.slug) if callee else "")
    return EndedBy.SYSTEM
