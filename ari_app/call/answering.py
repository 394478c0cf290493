"""Several phones ring: the first to take the call gets it, and the others stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import Any, NoReturn

from ari_app.call.available import RINGING, availability
from ari_app.call.call import LEG_MARK, AppContext, LiveCall, Taker
from ari_app.call.confirm import ConfirmChoice
from ari_app.call.legs import device_of
from ari_app.call.race import end_all, some_done
from ari_app.call.ringing_leg import RingingLeg
from ari_app.call.sleepers import Sleepers
from ari_app.edge.channel import ANSWERED_ELSEWHERE, BUSY, NORMAL, Handle, LeftTheApp, is_browser, path_of
from ari_app.edge.errors import ChannelGone, HungUp, MediaLost, PhoneError
from ari_app.edge.media import hush, play
from crm.domain import ringing
from crm.domain.calls import DialStatus, LegEnded, LegRang
from crm.domain.errors import CrmError

log = logging.getLogger(__name__)


async def first_answer(
    call: LiveCall,
    legs: list[RingingLeg],
    seconds: float,
    *,
    listen: bool = True,
    keep_deaf: bool = False,
    sleepers: Sleepers | None = None,
) -> RingingLeg | None:
    """Waits for the first answer; the other phones stop with "answered elsewhere".

    Raises HungUp if the person hangs up, unless something else listens to them (`listen`). A colleague who picks the
    person up (`LiveCall.offer`) takes precedence over any answer. Returns None early if only deaf browsers are left;
    with `keep_deaf`, these go on being called (`LiveCall.deaf`), and the caller of this function has to stop them.
    Pages of `sleepers` that open meanwhile ring, too, and are added to `legs`; without any phone that rings they are
    waited for.
    """
    person = call.person
    listening = asyncio.create_task(hang_up_of(person) if listen else _never())
    is_telling = False
    winner: RingingLeg | None = None
    ringing = list(legs)
    is_alone = sleepers is not None and all(leg.is_deaf for leg in legs)
    coming = asyncio.create_task(sleepers.come()) if sleepers else None
    call.deaf = []
    hearing = asyncio.create_task(_find_deaf(call, ringing))
    taken = call.open_to_offers()
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    try:
        while winner is None and not taken.done():
            awake = [leg for leg in ringing if not leg.is_deaf]
            awaits = sleepers if is_alone and coming and not coming.done() else None
            if not awake and not is_telling and not (awaits and awaits.are_awaited):
                break
            for leg in ringing:
                leg.hurry(awake)
            # A leg whose person is hearing what the call is about is still ringing: they have yet to press a key.
            is_heard = is_telling or any(leg.hears for leg in ringing)
            grace = call.context.config.ring.confirm_seconds if is_heard else 0
            if (left := until + grace - clock()) <= 0:
                break
            watched: list[asyncio.Future[Any]] = [listening, taken, *(leg.answer for leg in ringing)]
            if not hearing.done():
                watched.append(hearing)
            if sleepers and coming and not coming.done():
                watched += [coming] if sleepers.sending.done() else [coming, sleepers.sending]
                if not awake and not is_telling and sleepers.sending.done():
                    left = min(left, sleepers.until - clock())
            await some_done(watched, left)
            if sleepers and coming and coming.done() and (late := sleepers.take()):
                legs += late
                ringing += late
                hearing.cancel()
                hearing = asyncio.create_task(_find_deaf(call, ringing))
                coming = asyncio.create_task(sleepers.come())
            if listening.done():
                listening.result()
                listening, is_telling = asyncio.create_task(hang_up_of(person)), False
            for leg in [leg for leg in ringing if leg.answer.done() and not taken.done()]:
                if leg.answer.result() is DialStatus.ANSWER:
                    winner = winner or leg
                    continue
                ringing.remove(leg)
                await end(call, leg)
                if leg.choice is ConfirmChoice.LATER and not is_telling:
                    listening.cancel()
                    listening, is_telling = asyncio.create_task(_tell_of_callback(call, person)), True
    except LeftTheApp:
        # Perhaps because whoever answered one of these legs is now connected to the person without us (agent-leg).
        peer = await peer_of(person)
        ringing += await sleepers.take_all() if sleepers else []
        await stop(call, [leg for leg in ringing if not (leg.has_channel and leg.channel.name == peer)])
        raise
    except HungUp:
        ringing += await sleepers.take_all() if sleepers else []
        await stop(call, ringing, DialStatus.CANCEL, NORMAL, told="caller_hung_up")
        raise
    except BaseException:
        if sleepers:
            sleepers.leave()
        for leg in ringing:
            # Without a hangup: when the app stops, phones go on ringing for the next app.
            leg.leave()
        raise
    finally:
        listening.cancel()
        hearing.cancel()
        if coming:
            await end_all([coming])
        call.close_to_offers()
        call.ringing.clear()
    if sleepers and (late := await sleepers.take_all()):
        legs += late
        ringing += late
    if is_telling:
        await hush(person)
    if taken.done() and not taken.cancelled():
        winner = taker_leg(call, taken.result())
    losers = [leg for leg in ringing if leg is not winner]
    if winner:
        if winner in legs:
            winner.leave()
        await stop(call, losers, DialStatus.CANCEL, ANSWERED_ELSEWHERE, told="colleague_was_quicker")
    else:
        call.deaf = [leg for leg in losers if leg.is_deaf and keep_deaf]
        await stop(call, [leg for leg in losers if leg not in call.deaf], DialStatus.NOANSWER, NORMAL)
    return winner


async def _find_deaf(call: LiveCall, legs: Iterable[RingingLeg]) -> None:
    """Finds out which browsers have not said in time that they ring, and those of before that do by now.

    JsSIP says so at once; a page whose tab is frozen says nothing, until Asterisk notices at its next OPTIONS. Desk
    phones may take longer than that, so this only applies where SIP comes over a WebSocket.
    """
    context = call.context
    if not (seconds := context.config.ring.deaf_seconds):
        return
    await asyncio.sleep(seconds)
    for leg in [one for one in legs if one.has_channel and not one.answer.done()]:
        found = context.client.present.channels.get(leg.channel.id)
        if found is None or found.state != "Down":
            leg.is_deaf = False
            context.deaf.discard(leg.device)
            continue
        with contextlib.suppress(PhoneError):
            leg.is_deaf = leg.is_deaf or await is_browser(context.client, leg.channel.id)
        if leg.is_deaf:
            log.warning("a browser does not ring", extra={"device": leg.device})
            context.deaf.add(leg.device, context.now())


async def _tell_of_callback(call: LiveCall, person: Handle) -> None:
    """Tells the person that they will be called back, and then plays ringing again, since others may still answer.

    Raises HungUp if they hang up, which they now have a reason to do.
    """
    try:
        await person.stop_ringback()
        await play(person, call.sounds("callback_promised"))
        await person.start_ringback()
    except MediaLost as error:
        log.error("a promise could not be told: %s", error)


async def peer_of(person: Handle) -> str:
    """Name of the channel that the person is talking to, as the dialplan keeps it."""
    try:
        return (await person.variables("LL_PEER")).get("LL_PEER", "")
    except HungUp:
        return ""


async def _never() -> None:
    await asyncio.Event().wait()


def taker_leg(call: LiveCall, taker: Taker) -> RingingLeg:
    """The phone of whoever picked the person up, as if it had rung and been answered."""
    leg_id = call.leg_of(taker.channel.id, taker.device)
    call.emit(
        LegRang(*call.stamp(f"leg-{leg_id}"), leg_id=leg_id, device=taker.device, agent=taker.agent, stage=taker.stage)
    )
    leg = RingingLeg(taker.channel, taker.device, taker.agent)
    leg.answer.cancel()
    return leg


async def hang_up_of(channel: Handle) -> NoReturn:
    """Reads a channel's events until it raises HungUp."""
    while True:
        await channel.next_event()


async def stop(
    call: LiveCall, legs: list[RingingLeg], status: DialStatus = DialStatus.CANCEL, cause: str = NORMAL, told: str = ""
) -> None:
    """Stops phones that ring, and records the status for each; `told` is the prompt for people who were hearing
    more."""

    async def stop_one(leg: RingingLeg) -> None:
        await leg.stop(cause, told)
        if leg.has_channel:
            over(call, leg, status)

    await asyncio.gather(*(stop_one(leg) for leg in legs))


async def end(call: LiveCall, leg: RingingLeg) -> None:
    """Called when a phone has stopped ringing by itself, or whoever answered did not take the call."""
    if not leg.has_channel:
        return
    if leg.hears:
        await leg.stop(NORMAL, "callback_noted" if leg.choice is ConfirmChoice.LATER else "")
    leg.channel.release()
    over(call, leg, leg.answer.result())


def was_taken_away(call: LiveCall, leg: RingingLeg) -> bool:
    """Whether a phone stopped ringing because its owner took another call: they neither declined nor missed this
    one."""
    return leg.has_channel and leg.channel.id in call.taken_away


def has_vanished(call: LiveCall, leg: RingingLeg) -> bool:
    """Whether it was a browser that was closed or reloaded while it rang."""
    return leg.has_channel and leg.channel.id in call.vanished


def over(call: LiveCall, leg: RingingLeg, status: DialStatus) -> None:
    """Records that a phone has stopped ringing."""
    leg_id = leg.channel.id
    call.emit(LegEnded(*call.stamp(f"leg-ended-{leg_id}"), leg_id=leg_id, status=status, forwards=leg.forwards))


async def stop_other_calls(
    call: LiveCall, winner: RingingLeg, agents: Iterable[ringing.AgentAvailability] = ()
) -> None:
    """Stops the phones of whoever has just answered from ringing for other callers: nobody is rung during a talk.

    `agents` are those whose phones are known already; otherwise these are looked up, if anything is ringing at all.
    """
    client = call.context.client
    own = f"{call.id}{LEG_MARK}"
    others = [id for id in (await client.seen()).channels if LEG_MARK in id and not id.startswith(own)]
    if not others:
        return
    phones = _phones_beside(winner, agents) or await _ask_for_phones(call.context, winner)
    for channel_id in others:
        if device_of(channel_id) in phones:
            # By request rather than as a Handle: the channel belongs to the other call's flow, which gets its events.
            path = path_of(channel_id)
            with contextlib.suppress(ChannelGone):
                if (await client.get(path))["state"] in RINGING:
                    if other := call.context.calls.get(channel_id.partition(LEG_MARK)[0]):
                        other.taken_away.add(channel_id)
                    await client.delete(path, reason_code=BUSY)


def _phones_beside(winner: RingingLeg, agents: Iterable[ringing.AgentAvailability]) -> set[str]:
    """Every phone of the agent who owns this one; empty if none of these agents does."""
    owners = ({device.slug for device in agent.devices} for agent in agents)
    return next((devices for devices in owners if winner.device in devices), set())


async def _ask_for_phones(context: AppContext, winner: RingingLeg) -> set[str]:
    try:
        known = await availability(context, [winner.agent] if winner.agent else [])
    except (CrmError, TimeoutError):
        known = []
    return _phones_beside(winner, known) or {winner.device}
