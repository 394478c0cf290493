"""A caller dialled one of our numbers. Read this page from top to bottom to follow them.

Each step can be entered again, which is what happens when the app was away in its middle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ari_app.edge.media import play, stop_left_over
from ari_app.flows.call import Call
from ari_app.flows.menu import menu, text_offer
from ari_app.flows.ring_group import ring
from ari_app.flows.talk import talk
from ari_app.flows.voicemail import voicemail
from crm.domain.calls import CallArrived, CallEnded, EndedBy, Step
from crm.services import reception


async def inbound(call: Call, step: Step = Step.ARRIVED) -> None:
    """Takes a caller through the steps, from `step` on, to a talk, a message, a link or their hangup.

    Raises edge.errors.CallEnded when the caller hangs up, and whatever goes wrong: the supervisor (`ari_app.main`)
    then gives the caller to the dialplan's last resort.
    """
    call.note(CallArrived, once="arrived", did=call.did, caller=call.caller, trunk=call.trunk)
    async with asyncio.timeout(call.office.config.survival.store_seconds):
        call.reception = await reception.receive(call.office.store, call.did, call.caller)
    if step is Step.ARRIVED:
        await call.channel.answer()
        await call.take(step)
    else:
        # Answered and in this step before the app was away. Requests would wait for what still plays or records.
        await stop_left_over(call.channel)
    following = await STEPS[step](call)
    while isinstance(following, Step):
        await call.take(following)
        following = await STEPS[following](call)
    call.note(CallEnded, once="ended", by=following)
    await call.channel.hang_up()


async def arrived(call: Call) -> Step:
    return Step.MENU if call.known.line_known else Step.UNKNOWN_LINE


async def unknown_line(call: Call) -> EndedBy:
    """Nobody is behind the number dialled: say so, twice, and end."""
    await play(call.channel, call.sounds("unknown_number", "unknown_number"))
    return EndedBy.SYSTEM


async def take_message(call: Call) -> EndedBy:
    await voicemail(call)
    return EndedBy.SYSTEM


STEPS: dict[Step, Callable[[Call], Awaitable[Step | EndedBy]]] = {
    Step.ARRIVED: arrived,
    Step.MENU: menu,
    Step.TEXT_OFFER: text_offer,
    Step.RING: ring,
    Step.TALK: talk,
    Step.VOICEMAIL: take_message,
    Step.UNKNOWN_LINE: unknown_line,
}
