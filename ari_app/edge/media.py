"""What callers hear and say: prompts that a key can interrupt, and recordings."""

from __future__ import annotations

import asyncio
import logging
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from ari_app.edge import events
from ari_app.edge.channel import Handle, LeftTheApp
from ari_app.edge.client import AriClient
from ari_app.edge.errors import AsteriskRefused, ChannelGone, HungUp, MediaLost

log = logging.getLogger(__name__)

CLOSING_SECONDS = 3.0
"""After a hangup, this is how long to wait for Asterisk to report the end of a recording."""
STOP_TRIES = 10
STOP_AGAIN_SECONDS = 0.05
"""Asterisk once answered 500 when asked to stop a prompt (22.10.1, on a busy machine); that must not fail a call."""
PLAYBACK_IDS = 16
"""A channel's prompts rotate through this many ids: an app that starts after a crash finds what is playing by trying
them all, which takes a millisecond each."""


class NoKey(StrEnum):
    """Why a prompt returned no key."""

    NO_INPUT = "no_input"


def sound(path: Path) -> str:
    """A sound file as ARI names it: without its extension."""
    return f"sound:{path.with_suffix('')}"


async def prompt(channel: Handle, sounds: list[Path], first_key_seconds: float) -> str | NoKey:
    """Plays sounds in order, and returns the first key pressed during them or within `first_key_seconds` after them.

    A key stops the playback. Raises HungUp on hangup, MediaLost if a file could not be played.
    """
    playback = await _start(channel, sounds)
    seconds: float | None = None
    while True:
        match await channel.next_event(seconds):
            case events.ChannelDtmfReceived(digit=digit):
                if seconds is None:
                    await _stop(channel, playback)
                return digit
            case events.PlaybackFinished(playback=events.Playback(id=id, state=state)) if id == playback:
                await _check(channel, state, sounds)
                if first_key_seconds <= 0:
                    return NoKey.NO_INPUT
                seconds = first_key_seconds
            case None:
                return NoKey.NO_INPUT


async def key(channel: Handle, seconds: float) -> str | NoKey:
    """Waits for the next key in silence. Raises HungUp on hangup."""
    until = asyncio.get_running_loop().time() + seconds
    while (left := until - asyncio.get_running_loop().time()) > 0:
        match await channel.next_event(left):
            case events.ChannelDtmfReceived(digit=digit):
                return digit
    return NoKey.NO_INPUT


async def play(channel: Handle, sounds: list[Path]) -> None:
    """Plays sounds to their end, ignoring keys."""
    playback = await _start(channel, sounds)
    while True:
        match await channel.next_event():
            case events.PlaybackFinished(playback=events.Playback(id=id, state=state)) if id == playback:
                await _check(channel, state, sounds)
                return


async def tell(channel: Handle, sounds: list[Path]) -> None:
    """Plays sounds that nothing depends on: whoever cannot be told goes on without. What can be played of them is."""
    try:
        await play(channel, sounds)
    except MediaLost as error:
        log.error("somebody could not be told: %s", error)
        if len(sounds) > 1:
            for one in sounds:
                await tell(channel, [one])


async def hush(channel: Handle) -> None:
    """Stops the prompt that was started last, if its end is no longer of interest; harmless if it is over."""
    if channel.playbacks:
        await _stop(channel, _playback_id(channel, channel.playbacks - 1))


async def record(channel: Handle, name: str, *, longest_seconds: int, silence_seconds: int) -> None:
    """Records until `#`, silence, the limit, or hangup.

    Raises HungUp after a hangup, but the file then exists; MediaLost if nothing could be recorded. If a recording with
    this name is already running, it is waited for, so that the step can be resumed.
    """
    try:
        await channel.client.post(
            f"{channel.path}/record",
            name=name,
            format="wav",
            terminateOn="#",
            ifExists="overwrite",
            maxDurationSeconds=str(longest_seconds),
            maxSilenceSeconds=str(silence_seconds),
        )
    except ChannelGone as gone:
        if gone.status == 404:
            raise HungUp("the caller hung up before the message") from gone
        # 409: it has been running since before the app was away.
    while True:
        match await channel.next_event():
            case events.RecordingFinished(recording=recording) if recording.name == name:
                return
            case events.RecordingFailed(recording=recording) if recording.name == name:
                raise MediaLost(f"Asterisk could not record: {recording.cause or 'no reason given'}")


async def stop_recording(channel: Handle, name: str) -> bool:
    """Ends a recording. Returns whether there was one, and all of it is written."""
    return await end_recording(channel.client, name) and await recording_closed(channel, name)


async def end_recording(client: AriClient, name: str) -> bool:
    """Asks Asterisk to end a recording, which it does in a moment. Returns whether there was one."""
    try:
        await client.post(f"/recordings/live/{quote(name, safe='')}/stop")
    except ChannelGone:
        return False
    return True


async def is_recording(channel: Handle, name: str) -> bool:
    """Whether a recording with this name has been running since before the app was away."""
    try:
        await channel.client.get(f"/recordings/live/{quote(name, safe='')}")
    except ChannelGone:
        return False
    return True


async def recording_closed(channel: Handle, name: str) -> bool:
    """Waits after a hangup until Asterisk has written all of a recording; it holds the last seconds back.

    Returns False if Asterisk has not reported that in time, and more may be written.
    """
    event: events.Event | None = None
    while not (isinstance(event, events.RecordingFinished | events.RecordingFailed) and event.recording.name == name):
        try:
            event = await channel.next_event(CLOSING_SECONDS)
        except HungUp:
            continue
        if event is None:
            return False
    return True


async def _start(channel: Handle, sounds: list[Path]) -> str:
    """Starts a playback, and returns its id, which we choose."""
    playback = _playback_id(channel, channel.playbacks)
    channel.playbacks += 1
    with channel.while_ours():
        await channel.client.post(f"{channel.path}/play/{playback}", media=",".join(sound(path) for path in sounds))
    return playback


def _playback_id(channel: Handle, number: int) -> str:
    return f"p-{channel.id}-{number % PLAYBACK_IDS}"


async def stop_left_over(channel: Handle) -> None:
    """Stops what has been playing on a channel since before the app was away."""
    for _ in range(PLAYBACK_IDS):
        was_there = await _stop(channel, _playback_id(channel, channel.playbacks))
        # Its last event must not be taken for one about the next playback.
        channel.playbacks += 1
        if was_there:
            return


async def _check(channel: Handle, state: str, sounds: list[Path]) -> None:
    """Raises MediaLost for a playback that failed, unless it did because the channel left; then the file is not to
    blame."""
    if state == "failed":
        if await channel.is_in_app():
            raise MediaLost(f"Asterisk could not play {', '.join(path.name for path in sounds)}")
        raise LeftTheApp("Asterisk has taken the call back during the prompt")


async def _stop(channel: Handle, playback: str) -> bool:
    """Stops a playback. Returns False if there is none; it may just have ended."""
    for _ in range(STOP_TRIES):
        try:
            await channel.client.delete(f"/playbacks/{quote(playback, safe='')}")
        except ChannelGone:
            return False
        except AsteriskRefused as refused:
            log.info("a prompt could not be stopped yet: %s", refused)
            await asyncio.sleep(STOP_AGAIN_SECONDS)
        else:
            return True
    log.warning("a prompt goes on to its end")
    return True
