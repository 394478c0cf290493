"""Recording of talks: off, announced, or when the agent asks for it, depending on the property.

Nothing is recorded until everybody in the talk has heard the whole announcement. The recording belongs to the call: it
continues while the person is on hold or being transferred, and anybody who joins hears the announcement first.
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from ari_app.call.call import LiveCall
from ari_app.edge.bridge import MixingBridge
from ari_app.edge.channel import Handle
from ari_app.edge.errors import ChannelGone, HungUp
from ari_app.edge.media import hush, play
from crm.domain.calls import RecordingAnnounced, RecordingEnded, RecordingStarted
from crm.services.voicemail import recordings

ANNOUNCED, DEMAND = "announced", "demand"


async def announce(call: LiveCall, agent: Handle) -> None:
    """Tells both, before they are connected, that the talk is or will be recorded. Raises HungUp."""
    await _find(call)
    if not call.recording and call.recording_mode != ANNOUNCED:
        return
    who = [agent] if call.recording else [call.person, agent]
    telling = [asyncio.create_task(_tell(call, channel)) for channel in who]
    try:
        await asyncio.gather(*telling)
    except HungUp:
        # Whoever stays must not keep hearing it, and their keys must not have two readers.
        for task in telling:
            task.cancel()
        await asyncio.gather(*telling, return_exceptions=True)
        for channel in who:
            await hush(channel)
        raise


async def _tell(call: LiveCall, channel: Handle) -> None:
    await play(channel, call.sounds("recording_announcement"))
    _heard(call, channel)


def _heard(call: LiveCall, channel: Handle) -> None:
    leg = call.leg_of(channel.id, channel.endpoint)
    call.emit(RecordingAnnounced(*call.stamp(f"announced-{leg}"), leg_id=leg))


async def go_on(call: LiveCall, bridge: MixingBridge) -> None:
    """Starts an announced recording once both are connected; one that is already running continues."""
    await _find(call)
    if call.recording is None and call.recording_mode == ANNOUNCED:
        await _start(call, bridge, ANNOUNCED)


async def switch(call: LiveCall, agent: Handle, bridge: MixingBridge) -> None:
    """Starts or stops the recording when the agent keys the code for it."""
    if call.recording:
        if call.recording_mode == DEMAND:
            await finish(call)
            await bridge.play(call.sounds("recording_stopped"))
        return
    if call.recording_mode != DEMAND:
        return
    await bridge.play(call.sounds("recording_announcement"))
    for channel in (call.person, agent):
        _heard(call, channel)
    await _start(call, bridge, DEMAND)


async def finish(call: LiveCall) -> None:
    """Ends the recording, and stores it with the call."""
    name = call.recording
    if name is None:
        return
    await call.talk_bridge.stop_recording(name)
    call.recording = None
    seconds = await asyncio.to_thread(recordings.keep, call.context.config, name)
    call.emit(RecordingEnded(*call.stamp(f"{name}-ended"), recording_id=name, seconds=round(seconds)))


async def _start(call: LiveCall, bridge: MixingBridge, mode: str) -> None:
    name = await asyncio.to_thread(recordings.next_name, call.context.config, call.id)
    await bridge.record(name)
    call.recording = name
    file = recordings.file_name(name)
    call.emit(RecordingStarted(*call.stamp(f"{name}-started"), recording_id=name, mode=mode, file=file))


async def _find(call: LiveCall) -> None:
    """Finds the recording that has been running since before the app was away, if any."""
    # The two who wait to be connected wait for this as well, so it is not looked for in vain.
    if call.recording is None and call.is_resumed:
        call.recording = await _live(call)


async def _live(call: LiveCall) -> str | None:
    for name in await asyncio.to_thread(recordings.in_spool, call.context.config, call.id):
        try:
            await call.context.client.get(f"/recordings/live/{quote(name, safe='')}")
        except ChannelGone:
            continue
        return name
    return None
