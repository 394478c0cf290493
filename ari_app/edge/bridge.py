"""A mixing bridge: its channels, music for those who wait in it, and its recording.

All of these continue without the app.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

from ari_app.edge import events
from ari_app.edge.client import AriClient
from ari_app.edge.errors import ChannelGone, MediaLost
from ari_app.edge.media import end_recording, sound

PLAY_SECONDS = 60.0
CLOSING_SECONDS = 3.0
"""After a stop, a recording about which Asterisk reports nothing for this long is taken as it is."""


class MixingBridge:
    def __init__(self, client: AriClient, bridge_id: str) -> None:
        self.client = client
        self.id = bridge_id
        self.path = f"/bridges/{quote(bridge_id, safe='')}"
        self._plays = 0
        self._is_new = False
        """Whether no channel has ever been in it."""
        self._may_play = True
        """Whether there may be music in it, as from before the app was away."""

    async def make(self) -> None:
        """Creates the bridge, unless it exists since before the app was away."""
        try:
            # Without dtmf_events, keys do not reach the app if audio is passed on between the phones unread.
            await self.client.post(self.path, type="mixing,dtmf_events")
        except ChannelGone:
            return
        self._is_new, self._may_play = True, False

    async def members(self) -> list[str]:
        """Ids of the channels in it, without Asterisk's own for music and recording."""
        if self._is_new:
            return []
        try:
            return list((await self.client.get(self.path))["channels"])
        except ChannelGone:
            return []

    async def add(self, *channel_ids: str) -> None:
        """Adds the channels that are not in it yet. Raises ChannelGone or AsteriskRefused if one of them has left."""
        inside = await self.members()
        if outside := [id for id in channel_ids if id not in inside]:
            self._is_new = False
            await self.client.post(f"{self.path}/addChannel", channel=",".join(outside))

    async def remove(self, channel_id: str) -> None:
        """Removes a channel, which stays in the app."""
        with contextlib.suppress(ChannelGone):
            if channel_id in await self.members():
                await self.client.post(f"{self.path}/removeChannel", channel=channel_id)

    async def start_music(self) -> None:
        self._may_play = True
        with contextlib.suppress(ChannelGone):
            await self.client.post(f"{self.path}/moh")

    async def stop_music(self) -> None:
        if not self._may_play:
            return
        with contextlib.suppress(ChannelGone):
            await self.client.delete(f"{self.path}/moh")
        self._may_play = False

    async def play(self, sounds: list[Path]) -> None:
        """Plays to everybody in it, to the end. Raises MediaLost, and ChannelGone if the bridge is gone."""
        self._plays += 1
        playback = f"p-{self.id}-{self._plays}"
        async with self._events() as told:
            await self.client.post(f"{self.path}/play/{playback}", media=",".join(sound(path) for path in sounds))
            async with asyncio.timeout(PLAY_SECONDS):
                while True:
                    match await told.get():
                        case events.PlaybackFinished(playback=events.Playback(id=id, state=state)) if id == playback:
                            if state == "failed":
                                raise MediaLost(f"Asterisk could not play {', '.join(path.name for path in sounds)}")
                            return

    async def record(self, name: str) -> None:
        """Starts to record everybody; a recording with this name that is already running continues."""
        with contextlib.suppress(ChannelGone):
            await self.client.post(f"{self.path}/record", name=name, format="wav", ifExists="fail")

    async def stop_recording(self, name: str) -> None:
        """Ends a recording, and waits until its file is complete."""
        async with self._events() as told:
            if not await end_recording(self.client, name):
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_SECONDS):
                    while True:
                        match await told.get():
                            case events.RecordingFinished(recording=ended) | events.RecordingFailed(recording=ended):
                                if ended.name == name:
                                    return

    async def delete(self) -> None:
        with contextlib.suppress(ChannelGone):
            await self.client.delete(self.path)

    @contextlib.asynccontextmanager
    async def _events(self) -> AsyncIterator[asyncio.Queue[events.Event]]:
        # In events of a bridge's playbacks and recordings, this is the target.
        target = f"bridge:{self.id}"
        told = self.client.subscribe(target)
        try:
            yield told
        finally:
            self.client.unsubscribe(target, told)
