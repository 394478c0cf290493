"""The first steps of a call to one of our numbers; the steps that follow are in `ari_app.flows.steps`."""

from __future__ import annotations

import asyncio

from ari_app.call.call import LiveCall
from ari_app.edge.channel import REJECTED
from ari_app.edge.media import tell
from ari_app.flows.plan import moment, plan
from ari_app.flows.voicemail import voicemail
from crm.domain.calls import (
    CallDirection,
    CallerBlocked,
    CallerSpared,
    CallStep,
    EmergencyCalledBack,
    EndedBy,
    QuestionAsked,
)
from crm.domain.routing import Path as Way
from crm.services.routing.arrivals import Arrival
from crm.services.routing.welcome import Welcome, welcome


async def inbound(call: LiveCall) -> CallStep:
    """Emits that somebody is calling, and asks the CRM who it is and on which line."""
    call.arrived()
    call.first_decision = (await ask(call)).first
    return CallStep.ARRIVED


async def ask(call: LiveCall) -> Welcome:
    """Asks the CRM about line and caller. Raises Unavailable, TimeoutError."""
    context = call.context
    arrival = Arrival(call.dialled, call.did, call.caller, call.is_withheld, call.attestation, call.caller_digits)
    async with asyncio.timeout(context.config.survival.store_seconds):
        found = await context.store.read(welcome, context.config, arrival, call.trunk, await moment(call), call.back_to)
    call.reception, call.verdict, call.emergency = found.reception, found.verdict, found.emergency
    if call.emergency and not call.emergency.rings_through:
        # From the next step on, the last resort treats them as any other caller, too.
        call.back_to = ""
        call.keep(LL_BACK_TO="")
    call.did = found.reception.did
    call.language = call.language or found.reception.language
    return found


async def arrived(call: LiveCall) -> CallStep | EndedBy:
    """Turns an unwanted caller away, or answers. All other steps are for callers who are answered and wanted."""
    decision = call.verdict
    # Recorded before anything is done.
    if decision.is_blocked:
        call.emit(CallerBlocked(*call.stamp("blocked"), entry=decision.entry))
    elif decision.entry:
        call.emit(CallerSpared(*call.stamp("spared"), entry=decision.entry, why=decision.spared))
    if decision.is_blocked and decision.is_silent:
        await call.channel.hang_up(REJECTED)
        return EndedBy.SYSTEM
    await call.channel.answer()
    if decision.is_blocked:
        return CallStep.BLOCKED
    if call.emergency and call.emergency.rings_through:
        call.emit(EmergencyCalledBack(*call.stamp("called-back"), device=call.emergency.device))
        return CallStep.RING
    if not call.known.line_known:
        return CallStep.UNKNOWN_LINE
    first = call.first_decision.plan.path if call.first_decision else None
    return CallStep.VOICE_AGENT if first is Way.VOICE_AGENT else CallStep.MENU


async def blocked(call: LiveCall) -> EndedBy:
    """Tells an unwanted caller that their calls are not accepted."""
    await tell(call.person, call.sounds("blocked"))
    return EndedBy.SYSTEM


async def unknown_line(call: LiveCall) -> EndedBy:
    """Tells a caller twice that the number is not in use, and ends the call."""
    await tell(call.person, call.sounds("unknown_number", "unknown_number"))
    return EndedBy.SYSTEM


async def question(call: LiveCall) -> EndedBy:
    """Records what a caller wants about an unknown property; somebody calls back soon."""
    call.emit(QuestionAsked(*call.stamp("question")))
    await voicemail(call)
    return EndedBy.SYSTEM


async def take_voicemail(call: LiveCall) -> EndedBy:
    if call.decided is None and call.direction is CallDirection.IN and call.answers:
        await plan(call)  # The app was away, so whose voicemail it is has to be decided again.
    await voicemail(call, call.decided.mailbox if call.decided else "")
    return EndedBy.SYSTEM
