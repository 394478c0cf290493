"""A call's way from step to step. Each step can be resumed, if the app was away in the middle of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ari_app.call import recording
from ari_app.call.call import LEG_MARK, LiveCall
from ari_app.edge.channel import hang_up
from ari_app.edge.media import stop_left_over
from ari_app.flows import colleague, outbound
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


async def follow(call: LiveCall, following: Following) -> None:
    """Takes a call through its steps to a talk, a voicemail, a link or the person's hangup.

    Raises edge.errors.HungUp if the person hangs up, and any error; the supervisor (`ari_app.app`) then hands the
    person to the dialplan's last resort.
    """
    while isinstance(following, CallStep):
        if following is not call.step:
            await call.take(following)
        following = await STEPS[following](call)
    if following is None:
        return
    call.emit(CallEnded(*call.stamp("ended"), by=following))
    await wind_up(call)


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
