"""What a caller hears and says: prompts that a key can interrupt, and recordings."""

from __future__ import annotations

import asyncio
import logging
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from ari_app.edge import events
from ari_app.edge.channel import Handle, LeftTheApp
from ari_app.edge.errors import AsteriskRefused, ChannelGone, HungUp, MediaLost

log = logging.getLogger(__name__)

CLOSING_SECONDS = 3.0
"""After a hangup, a recording that Asterisk says nothing about for this long is no longer waited for."""
STOP_TRIES = 10
STOP_AGAIN_SECONDS = 0.05
"""Asterisk once answered 500 to the wish to stop a prompt (22.10.1, on a busy machine); no call fails over that."""
PLAYBACK_IDS = 16
"""A channel's prompts take turns with so many ids: an app that comes after a crash finds what plays by trying them all,
a millisecond each."""


class NoKey(StrEnum):
    """Why a prompt brought no key."""

    NO_INPUT = "no_input"


def sound(path: Path) -> str:
    """A sound file (named with its ending) as ARI wants it: without."""
    return f"sound:{path.with_suffix('')}"


async def prompt(channel: Handle, sounds: list[Path], first_key_seconds: float) -> str | NoKey:
    """Plays sounds in order and returns the first key pressed, during them or up to `first_key_seconds` after them.

    A key stops the playback. Raises HungUp on hangup, MediaLost when a file could not be played.
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
    """The next key, waited for in silence. Raises HungUp on hangup."""
    until = asyncio.get_running_loop().time() + seconds
    while (left := until - asyncio.get_running_loop().time()) > 0:
        match await channel.next_event(left):
            case events.ChannelDtmfReceived(digit=digit):
                return digit
    return NoKey.NO_INPUT


async def play(channel: Handle, sounds: list[Path]) -> None:
    """Plays sounds to their end; keys are not heeded."""
    playback = await _start(channel, sounds)
    while True:
        match await channel.next_event():
            case events.PlaybackFinished(playback=events.Playback(id=id, state=state)) if id == playback:
                await _check(channel, state, sounds)
                return


async def hush(channel: Handle) -> None:
    """Stops the prompt that was started last, when nobody waits for its end any more; harmless if it is over."""
    if channel.playbacks:
        await _stop(channel, _playback_id(channel, channel.playbacks - 1))


async def record(channel: Handle, name: str, *, longest_seconds: int, silence_seconds: int) -> None:
    """Records until `#`, silence, the limit, or hangup.

    After a hangup CallEnded is raised, but the file exists. Raises MediaLost when nothing could be recorded. If a
    recording with this name is already running, it is waited for, so that the step can be entered again.
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
        # 409: it runs already, since before the app was away.
    while True:
        match await channel.next_event():
            case events.RecordingFinished(recording=recording) if recording.name == name:
                return
            case events.RecordingFailed(recording=recording) if recording.name == name:
                raise MediaLost(f"Asterisk could not record: {recording.cause or 'no reason given'}")


async def is_recording(channel: Handle, name: str) -> bool:
    """Whether a recording of this name runs, from before the app was away."""
    try:
        await channel.client.get(f"/recordings/live/{quote(name, safe='')}")
    except ChannelGone:
        return False
    return True


async def recording_closed(channel: Handle, name: str) -> bool:
    """Waits after a hangup until Asterisk has written a recording to its end; it holds the last seconds back.

    False when it has not said so in time: more may come.
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
    """Returns the playback's id, which we give it."""
    playback = _playback_id(channel, channel.playbacks)
    channel.playbacks += 1
    with channel.while_ours():
        await channel.client.post(f"{channel.path}/play/{playback}", media=",".join(sound(path) for path in sounds))
    return playback


def _playback_id(channel: Handle, number: int) -> str:
    return f"p-{channel.id}-{number % PLAYBACK_IDS}"


async def stop_left_over(channel: Handle) -> None:
    """Stops what plays on a channel since before the app was away."""
    for _ in range(PLAYBACK_IDS):
        was_there = await _stop(channel, _playback_id(channel, channel.playbacks))
        # Its last event must not be mistaken for one about the next recording.
        channel.playbacks += 1
        if was_there:
            return


async def _check(channel: Handle, state: str, sounds: list[Path]) -> None:
    """A playback also fails when the caller hangs up or Asterisk takes the channel back; the file is not to blame."""
    if state == "failed":
        if await channel.is_in_app():
            raise MediaLost(f"Asterisk could not play {', '.join(path.name for path in sounds)}")
        raise LeftTheApp("Asterisk has taken the call back during the prompt")


async def _stop(channel: Handle, playback: str) -> bool:
    """False when it is not there; it may just have come to its end."""
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
