"""Everybody is on a call: the caller waits in line with music, is called back in turn, or leaves a voicemail.

`ari_app.workers.queue_dispatcher` gives the next free agent to the caller who has waited longest; this module is what
one caller hears and does meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from datetime import datetime
from enum import StrEnum

from ari_app.call import forward
from ari_app.call.answering import first_answer, peer_of, stop, stop_other_calls, was_taken_away
from ari_app.call.available import availability
from ari_app.call.call import LiveCall, Wait
from ari_app.call.confirm import ConfirmChoice
from ari_app.call.forward import Forwarded
from ari_app.call.kept import AwaitsCallback, InLine, written
from ari_app.call.line import position
from ari_app.call.race import end_all, race, until_done
from ari_app.call.ringing_leg import RingingLeg
from ari_app.edge.channel import ANSWERED_ELSEWHERE, NORMAL, LeftTheApp
from ari_app.edge.errors import AsteriskRefused, HungUp, MediaLost
from ari_app.edge.media import NoKey, hush, key, prompt, tell
from ari_app.flows.plan import sounds, to_carry_out
from ari_app.flows.ring_group import ring_batch
from crm.domain import ringing
from crm.domain.calls import CallbackQueued, CallStep, DialStatus, EndedBy, KeyPressed, Queued
from crm.domain.choosing import Say
from crm.domain.errors import CrmError
from crm.domain.ringing import AgentAvailability, OutsideNumber, Phone, RingStage, StageName

log = logging.getLogger(__name__)


class QueueWish(StrEnum):
    """What the caller wants instead of waiting; the values are the keys to press."""

    CALL_BACK = "1"
    VOICEMAIL = "2"


async def queue(call: LiveCall) -> CallStep | EndedBy:
    """Waits until somebody is free and answers. If resumed, the caller keeps their place in line."""
    calls = call.context.calls
    decided = await to_carry_out(call)
    if isinstance(call.kept, AwaitsCallback):
        calls.has_returned(call)
        if decided.queue:
            # The app may have died before this was on disk.
            call.emit(CallbackQueued(*call.stamp("place-kept"), agents=tuple(sorted(decided.queue))))
        return await _confirm_callback(call)
    legs = [await forward.adopt(call, leg_id) for leg_id in call.adopted_legs]
    call.adopted_legs = []
    call.ringing.update(leg.agent for leg in legs)
    if decided.queue or legs:
        call.wait = Wait(frozenset(decided.queue), await _began(call))
        for agent in call.tried:
            call.wait.spare(agent, for_good=False)
    calls.has_returned(call)
    if call.wait is None:
        return await _to_mailbox(call)
    await _keep_time(call)
    ears = asyncio.create_task(_pass_the_time(call))
    try:
        winner = await _be_served(call, ears, legs)
        if winner:
            return await _to_talk(call, ears, winner)
        wish = ears.result() if ears.done() else QueueWish.VOICEMAIL
    finally:
        call.ringing.clear()
        agents, call.wait = call.wait.agents, None
        await end_all([ears])
    if wish is QueueWish.CALL_BACK:
        call.kept = AwaitsCallback()
        await call.person.set_variables(LL_STAGE=written(call.kept))
        call.emit(CallbackQueued(*call.stamp("place-kept"), agents=tuple(sorted(agents))))
        return await _confirm_callback(call)
    return await _to_mailbox(call)


async def _keep_time(call: LiveCall) -> None:
    """Makes Asterisk keep when the wait began, for an app that starts after a crash, so that queue.longest_seconds
    counts from there."""
    if not isinstance(call.kept, InLine):
        call.kept = InLine(int(call.context.now().timestamp()))
        await call.person.set_variables(LL_STAGE=written(call.kept))


def _waited(call: LiveCall) -> float:
    """Seconds since the wait began."""
    return max(0.0, call.context.now().timestamp() - call.kept.since) if isinstance(call.kept, InLine) else 0.0


async def _began(call: LiveCall) -> datetime:
    """When the call arrived: this decides who has waited longest, also for an app that starts after a crash."""
    with call.person.while_ours():
        channel = await call.person.client.get(call.person.path)
    return datetime.fromisoformat(channel["creationtime"])


# --- what the caller hears ---


async def _pass_the_time(call: LiveCall) -> QueueWish:
    """Announces the position in line now and then, with music in between, until the caller wants something else.

    Nothing else reads the caller's keys meanwhile. Raises HungUp if they hang up.
    """
    config = call.context.config.queue
    clock = asyncio.get_running_loop().time
    until = clock() + config.longest_seconds - _waited(call)
    begins = [Say("queue_busy")]
    await call.context.calls.returned(CallStep.QUEUE)
    while True:
        await _stop_music(call)
        pressed = await _tell(call, begins)
        begins = []
        if isinstance(pressed, NoKey):
            await _start_music(call)
            pressed = await key(call.person, max(0.0, min(config.position_seconds, until - clock())))
        if not isinstance(pressed, NoKey):
            call.emit(KeyPressed(*call.stamp(), key=pressed))
            if wish := _wish(call, pressed):
                return wish
        if clock() >= until:
            return QueueWish.VOICEMAIL


async def _tell(call: LiveCall, begins: list[Say]) -> str | NoKey:
    """Tells the caller their position and what they can do; returns the key that interrupts it."""
    number = position(call)
    call.emit(Queued(*call.stamp(f"queued-{number}"), position=number))
    where = Say("queue_next") if number == 1 else Say("queue_position", name=str(number))
    offer = Say("queue_offer" if call.known.can_call_back else "queue_offer_message")
    try:
        return await prompt(call.person, await sounds(call, (*begins, where, offer)), 0)
    except MediaLost as error:
        log.error("a place in line could not be told: %s", error)
        return NoKey.NO_INPUT


def _wish(call: LiveCall, pressed: str) -> QueueWish | None:
    if pressed == QueueWish.CALL_BACK:
        return QueueWish.CALL_BACK if call.known.can_call_back else None
    return QueueWish.VOICEMAIL if pressed in (QueueWish.VOICEMAIL, "#") else None


async def _start_music(call: LiveCall) -> None:
    bridge = call.talk_bridge
    await bridge.make()
    try:
        await bridge.add(call.person.id)
    except AsteriskRefused as refused:
        # Asterisk answers 400 or 422 for a channel that has just left.
        if await call.person.is_in_app():
            raise
        raise LeftTheApp("Asterisk has taken the call back") from refused
    await bridge.start_music()


async def _stop_music(call: LiveCall) -> None:
    await call.talk_bridge.stop_music()
    await call.talk_bridge.remove(call.person.id)


# --- whose phones ring ---


async def _be_served(call: LiveCall, ears: asyncio.Task[QueueWish], legs: list[RingingLeg]) -> RingingLeg | None:
    """Rings agents who become free when it is the caller's turn; `legs` are ringing already.

    Returns None if the caller wants something else, or nobody is left to wait for. Raises HungUp if they hang up.
    """
    while legs or (legs := await _in_turn(call, ears)):
        if winner := await _answered(call, ears, legs):
            return winner
        if ears.done():
            break
        assert call.wait is not None
        for leg in legs:
            if not was_taken_away(call, leg):
                call.wait.spare(leg.agent, for_good=leg.choice is ConfirmChoice.PASS)
        legs = []
    if ears.done():
        ears.result()
    return None


async def _in_turn(call: LiveCall, ears: asyncio.Task[QueueWish]) -> list[RingingLeg]:
    """The phones that ring once it is the caller's turn; none if the caller no longer waits, or nobody is left to wait
    for."""
    assert call.wait is not None
    context = call.context
    while True:
        given = await race(call.wait.turn.get(), until_done(ears))
        if ears.done() or isinstance(given, asyncio.Future) or not given:
            return []
        # Some may have declined since the dispatcher chose them.
        agents = tuple(agent for agent in given if agent not in call.wait.spared_now)
        stage = RingStage(StageName.QUEUE, agents, context.config.ring.subteam_seconds)
        batches = ringing.whose_turn(stage, await _availability(call, agents), context.now(), call.caller)
        batch = [ref for one in batches for ref in one]
        if batch and (legs := await ring_batch(call, stage, batch, _seconds(call, batch))):
            return legs
        # They are no longer free, or their phones cannot be rung.
        for ref in batch:
            call.wait.spare(ref.agent, for_good=False)
        call.ringing.clear()


async def _availability(call: LiveCall, agents: Collection[str]) -> list[AgentAvailability]:
    """The agents' availability; none while the database does not answer, so that the caller does not lose their
    place."""
    try:
        return await availability(call.context, agents)
    except (CrmError, TimeoutError) as error:
        log.warning("who could be rung for a caller in line is not known: %s", error)
        return []


def _seconds(call: LiveCall, batch: Iterable[Phone | OutsideNumber]) -> float:
    """How long to ring, as for any call."""
    config = call.context.config.ring
    return ringing.ringing_seconds(batch, config.subteam_seconds, config.mobile_seconds)


async def _answered(call: LiveCall, ears: asyncio.Task[QueueWish], legs: list[RingingLeg]) -> RingingLeg | None:
    """The first leg to answer, unless the caller wants something else before that."""
    numbers = [leg.to for leg in legs if isinstance(leg, Forwarded)]
    # If the app stops, phones go on ringing for the next one.
    answered = await race(first_answer(call, legs, _seconds(call, numbers), listen=False), until_done(ears))
    if not isinstance(answered, asyncio.Future):
        return answered
    await _stop(call, ears, legs)
    return None


async def _stop(call: LiveCall, ears: asyncio.Task[QueueWish], legs: list[RingingLeg]) -> None:
    error = ears.exception()
    if isinstance(error, LeftTheApp):
        # Perhaps because whoever answered one of these legs is now connected to the caller without us (agent-leg).
        peer = await peer_of(call.person)
        legs = [leg for leg in legs if not (leg.has_channel and leg.channel.name == peer)]
    cause = NORMAL if isinstance(error, HungUp) else ANSWERED_ELSEWHERE
    await stop(call, legs, DialStatus.CANCEL, cause, told="caller_hung_up")


# --- what comes next ---


async def _to_talk(call: LiveCall, ears: asyncio.Task[QueueWish], winner: RingingLeg) -> CallStep:
    await end_all([ears])
    # Asterisk sets variables only once nothing is playing.
    await hush(call.person)
    call.keep(LL_PEER=winner.channel.name)
    call.peer_leg = winner.channel.id
    await stop_other_calls(call, winner)
    return CallStep.TALK


async def _to_mailbox(call: LiveCall) -> CallStep:
    # The next step is announced to Asterisk by setting variables, which would wait for the end of the prompt.
    await hush(call.person)
    await _stop_music(call)
    return CallStep.VOICEMAIL


async def _confirm_callback(call: LiveCall) -> EndedBy:
    await _stop_music(call)
    try:
        await tell(call.person, call.sounds("place_kept"))
    except MediaLost as error:
        log.error("the callback could not be confirmed: %s", error)
    return EndedBy.SYSTEM
