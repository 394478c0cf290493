"""A caller dialled one of our numbers; what comes after the first steps is in `ari_app.flows.steps`."""

from __future__ import annotations

import asyncio

from ari_app.edge.media import play
from ari_app.flows.call import Call
from ari_app.flows.voicemail import voicemail
from crm.domain.calls import CallArrived, EndedBy, Step
from crm.services import reception


async def inbound(call: Call) -> Step:
    """Asks the CRM who is called and who calls, and answers."""
    call.note(CallArrived, once="arrived", did=call.did, caller=call.caller, trunk=call.trunk)
    await ask(call)
    await call.channel.answer()
    await call.take(Step.ARRIVED)
    return Step.ARRIVED


async def ask(call: Call) -> None:
    async with asyncio.timeout(call.office.config.survival.store_seconds):
        call.reception = await reception.receive(call.office.store, call.did, call.caller)


async def arrived(call: Call) -> Step:
    return Step.MENU if call.known.line_known else Step.UNKNOWN_LINE


async def unknown_line(call: Call) -> EndedBy:
    """Nobody is behind the number dialled: say so, twice, and end."""
    await play(call.person, call.sounds("unknown_number", "unknown_number"))
    return EndedBy.SYSTEM


async def take_message(call: Call) -> EndedBy:
    await voicemail(call)
    return EndedBy.SYSTEM
