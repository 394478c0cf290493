"""Stopping without losing calls: no new ones, and those in progress may end by themselves for a limited time, or are
told why they are cut off."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from urllib.parse import quote

from ari_app.call.call import AppContext, LiveCall
from ari_app.edge.channel import BUSY
from ari_app.edge.errors import AsteriskRefused, AsteriskUnreachable, ChannelGone, PhoneError
from ari_app.edge.media import sound
from crm.domain.calls import CallDirection, CallEnded, CallStep, Cut, EndedBy, StepTaken, TalkCut
from crm.services.calls import spool

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
"""Asterisk is polled, because no event reports a channel that it cannot write as JSON, nor a playback to a flow that
does not own the channel."""
TELL_SECONDS = 15.0
"""Longest time for the announcement; what is playing on a channel before it is played to the end first."""
END_SECONDS = 5.0
"""How long calls that were cut off may take to end."""
TRIES = 3


async def drain(context: AppContext) -> None:
    """Returns when no call is left, or everybody has been told that theirs ends. Emergency calls are never cut off."""
    context.stopping.set()
    loop = asyncio.get_running_loop()
    until = loop.time() + context.config.stopping.longest_seconds
    while up := await _up(context):
        if loop.time() >= until and not _emergencies(context, up):
            break
        await asyncio.sleep(LOOK_SECONDS)
    else:
        return
    calls = list(context.calls)
    log.warning("calls are cut, because Leaseline is stopped", extra={"calls": len(calls)})
    await asyncio.gather(*(_part(call) for call in calls))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            await asyncio.gather(*context.calls.tasks, return_exceptions=True)


async def turn_away(call: LiveCall) -> EndedBy:
    """Gives new callers a busy signal while Leaseline is stopping; they are called back."""
    call.arrived()
    call.emit(StepTaken(*call.stamp(), step=CallStep.TURNED_AWAY))
    await call.channel.hang_up(BUSY)
    return EndedBy.SYSTEM


async def to_asterisk(call: LiveCall) -> None:
    """Leaves new callers to Asterisk alone while Leaseline is stopping, as when the app is away."""
    await call.person.go_on_in_dialplan(call.last_resort)


async def _up(context: AppContext) -> list[str]:
    """Ids of all channels; none if Asterisk is gone."""
    for _ in range(TRIES):
        try:
            return [id for ids in (await context.client.channel_ids()).values() for id in ids]
        except (AsteriskUnreachable, AsteriskRefused) as error:
            log.warning("whether somebody is on the line is asked again: %s", error)
            await asyncio.sleep(LOOK_SECONDS)
    return []


def _emergencies(context: AppContext, up: list[str]) -> bool:
    return any(call.id in up and call.ended_at is None for call in spool.emergency_calls(context.config))


async def _part(call: LiveCall) -> None:
    """Tells whoever is on the call that it ends here, and ends it. Their flow sees an ordinary hangup."""
    try:
        async with asyncio.timeout(TELL_SECONDS):
            await _tell(call)
    except (PhoneError, TimeoutError) as error:
        log.warning("somebody is cut off without a word: %s", error)
    call.emit(TalkCut(*call.stamp("stopped"), leg_id="", by=Cut.STOPPED))
    if call.step is CallStep.TALK:
        call.emit(CallEnded(*call.stamp("ended"), by=EndedBy.SYSTEM))
    with contextlib.suppress(PhoneError):
        await call.person.hang_up()


async def _tell(call: LiveCall) -> None:
    sentence = call.sounds("stopping")
    if call.step is CallStep.TALK:
        await call.talk_bridge.play(sentence)
    elif call.step not in (CallStep.VOICEMAIL, CallStep.QUESTION) and call.direction is CallDirection.IN:
        # Voicemail is kept as far as it was spoken. The channel's events go to its flow, so the playback is polled.
        client, playback = call.context.client, f"stopping-{call.id}"
        await client.post(f"{call.person.path}/play/{playback}", media=",".join(map(sound, sentence)))
        with contextlib.suppress(ChannelGone):
            while True:
                await client.get(f"/playbacks/{quote(playback, safe='')}")
                await asyncio.sleep(LOOK_SECONDS)
