"""A call's way from step to step. Each step can be resumed, if the app was away in the middle of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ari_app.call import recording
from ari_app.call.answering import taker_leg
from ari_app.call.call import LEG_MARK, LiveCall
from ari_app.call.race import end_all, some_done
from ari_app.edge.channel import hang_up
from ari_app.edge.media import hush, stop_left_over
from ari_app.flows import colleague, outbound
from ari_app.flows import voice_agent as agent
from ari_app.flows import voicemail as message
from ari_app.flows.attended import consult, consult_bridge
from ari_app.flows.inbound import arrived, ask, blocked, question, take_voicemail, unknown_line
from ari_app.flows.menu import menu, text_offer
from ari_app.flows.parking import parked
from ari_app.flows.plan import plan
from ari_app.flows.queue import queue
from ari_app.flows.rejoin import rejoin
from ari_app.flows.ring_group import ring
from ari_app.flows.talk import talk
from ari_app.flows.tour_offer import tour_offer
from ari_app.flows.transfer import transfer
from ari_app.flows.voice_agent import recall, voice_agent
from crm.domain.calls import CallDirection, CallEnded, CallStep, EndedBy

Following = CallStep | EndedBy | None
"""The next step, or who ended the call; None if it is no longer a call of its own, and leaves no record."""
Flow = Callable[[LiveCall], Awaitable[Following]]


ANSWERED = frozenset({CallStep.TEXT_OFFER, CallStep.QUESTION, CallStep.VOICEMAIL})
"""Steps that depend on the caller's answers, but do not ask for a decision themselves."""


TAKEABLE = frozenset({CallStep.MENU, CallStep.VOICE_AGENT, CallStep.TEXT_OFFER, CallStep.QUESTION, CallStep.VOICEMAIL})
"""Steps in which no phone rings yet, or none any more, and a colleague may have the caller all the same. Not while a
tour is offered, which may be booked at any moment."""
LEAVE: dict[CallStep, Callable[[LiveCall], Awaitable[object]]] = {
    CallStep.VOICE_AGENT: agent.leave,
    CallStep.QUESTION: message.cut_short,
    CallStep.VOICEMAIL: message.cut_short,
}
"""What a step that a colleague has ended leaves to be done."""


async def follow(call: LiveCall, following: Following) -> None:
    """Takes a call through its steps to a talk, a voicemail, a link or the person's hangup.

    Raises edge.errors.HungUp if the person hangs up, and any error; the supervisor (`ari_app.app`) then hands the
    person to the dialplan's last resort.
    """
    while isinstance(following, CallStep):
        if following is not call.step:
            await call.take(following)
        following = await (_unless_taken if _is_takeable(call, following) else _do)(call, following)
    if following is None:
        return
    call.emit(CallEnded(*call.stamp("ended"), by=following))
    await wind_up(call)


def _is_takeable(call: LiveCall, step: CallStep) -> bool:
    return step in TAKEABLE and call.direction is CallDirection.IN


async def _do(call: LiveCall, step: CallStep) -> Following:
    return await STEPS[step](call)


async def _unless_taken(call: LiveCall, step: CallStep) -> Following:
    """Takes the step; if meanwhile a colleague answers who wants the caller, they talk instead. The caller notices
    nothing until then: if nobody answers, they are where they were."""
    taken = call.open_to_offers()
    doing = asyncio.ensure_future(STEPS[step](call))
    try:
        await some_done([doing, taken])
        if not call.was_taken:
            return doing.result()
        # What it has done so far counts.
        await end_all([doing])
        await hush(call.person)
        if step in LEAVE:
            await LEAVE[step](call)
        winner = taker_leg(call, taken.result())
    except BaseException:
        await end_all([doing])
        if call.was_taken:
            await hang_up(call.context.client, taken.result().channel.id)
        raise
    finally:
        call.close_to_offers()
    call.peer_leg = winner.channel.id
    # As soon as the step is the talk, the dead man's switch needs the peer.
    call.keep(LL_PEER=winner.channel.name)
    return CallStep.TALK


async def wind_up(call: LiveCall) -> None:
    """Ends what is left of a call that is over: its recording, its bridges, and all channels."""
    if call.has_talked:
        await recording.finish(call)
    await call.person.hang_up()
    await call.channel.hang_up()
    if not call.has_talked:
        return
    for channel_id in {*await legs_of(call), *([call.peer_leg] if call.peer_leg else [])}:
        await hang_up(call.context.client, channel_id)
    if call.has_consulted:
        await consult_bridge(call).delete()
    await call.talk_bridge.delete()


async def legs_of(call: LiveCall) -> list[str]:
    """Ids of the channels that were dialed for a call and still exist."""
    present = await call.context.client.seen()
    return [id for id in present.channels if id.startswith(f"{call.id}{LEG_MARK}")]


async def begin_late(call: LiveCall, flow: Callable[[LiveCall], Awaitable[Following]]) -> Following:
    """Begins a call that arrived while the app was away, or about which the previous app had kept nothing yet."""
    await stop_left_over(call.person)
    return await flow(call)


async def resume(call: LiveCall, step: CallStep) -> CallStep:
    """Prepares a call to continue in the step it was in before the app was away."""
    if call.direction is CallDirection.IN:
        # The app may have died before this was on disk.
        call.arrived()
    await ask(call)
    if call.direction is CallDirection.IN and call.answers and step in ANSWERED:
        # Applies what the caller chose by key: property, language.
        await plan(call)
        await recall(call)
    call.step = step
    # Requests would wait for what is still playing or being recorded.
    await stop_left_over(call.person)
    return step


async def dialling(call: LiveCall) -> Following:
    """One of our phones calls a colleague, or somebody outside."""
    if call.direction is CallDirection.OUT:
        return await outbound.dialling(call)
    return await colleague.dialling(call)


async def voicemail(call: LiveCall) -> EndedBy:
    """Takes a voicemail for the line that was called, or for a colleague."""
    return await (colleague.take_voicemail if call.direction is CallDirection.INTERNAL else take_voicemail)(call)


STEPS: dict[CallStep, Callable[[LiveCall], Awaitable[Following]]] = {
    CallStep.ARRIVED: arrived,
    CallStep.MENU: menu,
    CallStep.VOICE_AGENT: voice_agent,
    CallStep.TEXT_OFFER: text_offer,
    CallStep.TOUR_OFFER: tour_offer,
    CallStep.RING: ring,
    CallStep.DIALLING: dialling,
    CallStep.TALK: talk,
    CallStep.TRANSFER: transfer,
    CallStep.CONSULT: consult,
    CallStep.PARKED: parked,
    CallStep.REJOIN: rejoin,
    CallStep.QUEUE: queue,
    CallStep.VOICEMAIL: voicemail,
    CallStep.QUESTION: question,
    CallStep.UNKNOWN_LINE: unknown_line,
    CallStep.BLOCKED: blocked,
}
