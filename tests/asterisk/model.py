"""The state of an Asterisk: channels, bridges, playbacks and recordings, and the events that report changes."""

from __future__ import annotations

import asyncio
import contextlib
import wave
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from asterisk_conf.render import STASIS_APP
from tests.asterisk import documents
from tests.asterisk.clock import JumpingLoop

if TYPE_CHECKING:
    from tests.asterisk.phone import Phone

RATE = 8000
SIGNAL_SECONDS = 0.005
"""How long a SIP message takes to arrive."""
CAUSES = {0: "Unknown", 16: "Normal Clearing", 17: "User busy", 19: "User alerting, no answer", 21: "Call Rejected"}
SIP_CAUSES = {486: 17, 600: 17, 603: 21, 403: 21, 404: 1, 480: 19, 487: 16, 503: 34, 500: 38, 408: 18, 302: 17}
"""Q.850 causes that Asterisk maps SIP responses to (res/res_pjsip.c, `ast_sip_hangup_sip2cause`)."""

Dialplan = Callable[["Channel"], Awaitable[None]]


class Left(Exception):
    """The app sent the channel on in the dialplan, or the channel hung up."""


@dataclass
class Playback:
    id: str
    target: Channel | Bridge
    media: list[str]
    state: str = "queued"
    position: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def json(self) -> dict[str, Any]:
        shown = {"media_uri": self.media[min(self.position, len(self.media) - 1)]}
        if self.position + 1 < len(self.media):
            shown["next_media_uri"] = self.media[self.position + 1]
        return {"id": self.id, "target_uri": self.target.uri, "language": "en", "state": self.state, **shown}


@dataclass
class Recording:
    name: str
    target: Channel | Bridge
    began: float
    file: Path
    terminate_on: str = "none"
    longest_seconds: float = 0
    silence_seconds: float = 0
    words: list[tuple[float, float]] = field(default_factory=list)
    """When somebody begins to speak and for how long, in seconds from the start of the recording."""
    timers: list[asyncio.TimerHandle] = field(default_factory=list)
    over: dict[str, int] = field(default_factory=dict)
    state: str = "recording"

    @property
    def json(self) -> dict[str, Any]:
        return {"name": self.name, "format": "wav", "state": self.state, "target_uri": self.target.uri, **self.over}


@dataclass
class Bridge:
    id: str
    created: datetime
    channels: list[Channel] = field(default_factory=list)
    has_music: bool = False
    playbacks: list[Playback] = field(default_factory=list)
    playing: asyncio.TimerHandle | None = None

    @property
    def uri(self) -> str:
        return f"bridge:{self.id}"

    @property
    def listeners(self) -> list[Channel]:
        return list(self.channels)

    @property
    def json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "technology": "simple_bridge" if len(self.channels) < 3 else "softmix",
            "bridge_type": "mixing",
            "bridge_class": "stasis",
            "creator": "Stasis",
            "name": "",
            "channels": [channel.id for channel in self.channels],
            "creationtime": written(self.created),
            "video_mode": "none",
        }


@dataclass
class Channel:
    id: str
    name: str
    created: datetime
    phone: Phone | None = None
    """The phone at the other end."""
    state: str = "Down"
    caller_name: str = ""
    caller_number: str = ""
    context: str = ""
    exten: str = "s"
    app_name: str = ""
    app_data: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    bridge: Bridge | None = None
    playbacks: list[Playback] = field(default_factory=list)
    playing: asyncio.TimerHandle | None = None
    limit: asyncio.TimerHandle | None = None
    """TIMEOUT(absolute)."""
    dialplan: asyncio.Task[None] | None = None
    on_hold: bool = False
    silent_since: float | None = None
    """On the loop's clock: nothing has come from its phone since then."""
    is_dialled: bool = False
    """Whether we call the other end."""
    is_ringing: bool = False
    """Whether the other end hears ringback."""
    has_spoken: bool = False
    """Whether the far end has responded to an INVITE in any way."""
    progress: list[str] = field(default_factory=list)
    """Progress reported for a transfer that its phone requested."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Future[None] | None = None
    """Set while the channel is in the app."""
    read: asyncio.Future[str] | None = None
    """Set while the dialplan reads a key."""
    snooped_by: list[Channel] = field(default_factory=list)
    """Channels with the sound of this one, both ways."""
    heard: list[Sound] = field(default_factory=list)
    """Files that were played to it."""

    @property
    def endpoint(self) -> str:
        return self.name.partition("/")[2].rpartition("-")[0]

    @property
    def is_in_app(self) -> bool:
        return self.left is not None

    @property
    def uri(self) -> str:
        return f"channel:{self.id}"

    @property
    def listeners(self) -> list[Channel]:
        return [self]

    @property
    def json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "protocol_id": f"call-{self.id}",
            "caller": {"name": self.caller_name, "number": self.caller_number},
            "connected": {"name": "", "number": ""},
            "accountcode": "",
            "dialplan": {
                "context": self.context,
                "exten": self.exten,
                "priority": 1,
                "app_name": self.app_name,
                "app_data": self.app_data,
            },
            "creationtime": written(self.created),
            "language": "en",
        }


@dataclass
class Sound:
    """A file that somebody hears, or music."""

    path: Path | None
    """None for music."""
    content: bytes
    """Identifies copies of the file."""
    at: float
    seconds: float = 0.0
    share: float = 0.0


class Asterisk:
    """A running Asterisk. `on_change` is called whenever anything has happened."""

    def __init__(self, folder: Path, on_change: Callable[[], None]) -> None:
        self.folder = folder
        """Folder for its recordings."""
        self.loop = cast(JumpingLoop, asyncio.get_running_loop())
        self.started = self.loop.now()
        self.on_change = on_change
        self.dialplan: dict[str, Dialplan] = {}
        """By context."""
        self.endpoints: set[str] = set()
        """Names in pjsip.conf."""
        self.registered: dict[str, Phone] = {}
        """Reachable phones, by endpoint; for a trunk, whoever is behind it."""
        self.channels: dict[str, Channel] = {}
        self.bridges: dict[str, Bridge] = {}
        self.playbacks: dict[str, Playback] = {}
        self.recordings: dict[str, Recording] = {}
        self.globals: dict[str, str] = {}
        self.device_states: dict[str, str] = {}
        self.lamps: dict[str, tuple[int, int]] = {}
        """Numbers of new and old voicemails, by agent."""
        self.asked: list[str] = []
        """Method and path of each ARI request."""
        self.taken_back: list[Channel] = []
        """Channels that reached the dialplan's last resort."""
        self.send: Callable[[dict[str, Any]], None] = lambda event: None
        self._numbers = 0

    # --- events ---

    def tell(self, kind: str, **fields: Any) -> None:
        event = {"type": kind, "timestamp": written(self.loop.now()), "application": STASIS_APP, **fields}
        documents.check(kind, event)
        self.send(event)
        self.on_change()

    # --- channels ---

    def next_name(self, endpoint: str) -> str:
        self._numbers += 1
        return f"PJSIP/{endpoint}-{self._numbers:08x}"

    def next_id(self) -> str:
        self._numbers += 1
        return f"leaseline-{int(self.loop.now().timestamp())}.{self._numbers}"

    def add(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        self.tell("ChannelCreated", channel=channel.json)
        return channel

    def register(self, endpoint: str, phone: Phone | None) -> None:
        """Makes this phone, or none, answer at an endpoint from now on."""
        was_online = endpoint in self.registered
        if phone:
            self.registered[endpoint] = phone
        else:
            self.registered.pop(endpoint, None)
        if was_online != bool(phone):
            status = "Reachable" if phone else "Unreachable"
            self.tell("PeerStatusChange", endpoint=self.endpoint_json(endpoint), peer={"peer_status": status})

    def vanish(self, phone: Phone) -> None:
        """A browser is gone, and with it its connection: no word, and no sound from it any more."""
        self.register(phone.endpoint, None)
        for channel in self.of_endpoint(phone.endpoint):
            channel.silent_since = self.loop.time()
        self.removed(phone)

    def lose_network(self, phone: Phone) -> None:
        """Nothing comes from a browser any more, which nobody says: its contact is still there."""
        for channel in self.of_endpoint(phone.endpoint):
            channel.silent_since = self.loop.time()
        phone.says = 0

    def removed(self, phone: Phone) -> None:
        """The connection of a browser has closed."""
        self.tell_contact(phone, "Removed")

    def tell_contact(self, phone: Phone, status: str) -> None:
        uri = f"sip:{phone.endpoint}@127.0.0.1:50000;transport=ws"
        info = {"uri": uri, "contact_status": status, "aor": phone.endpoint, "roundtrip_usec": "0"}
        self.tell("ContactStatusChange", endpoint=self.endpoint_json(phone.endpoint), contact_info=info)

    def endpoint_json(self, name: str) -> dict[str, Any]:
        ids = [channel.id for channel in self.of_endpoint(name)]
        state = "online" if name in self.registered else "offline"
        return {"technology": "PJSIP", "resource": name, "state": state, "channel_ids": ids}

    def of_endpoint(self, endpoint: str) -> list[Channel]:
        return [channel for channel in self.channels.values() if channel.endpoint == endpoint]

    def by_name(self, name: str) -> Channel | None:
        return next((channel for channel in self.channels.values() if channel.name == name), None)

    def change_state(self, channel: Channel, state: str) -> None:
        if channel.gone.is_set() or channel.state == state:
            return
        channel.state = state
        self.tell("ChannelStateChange", channel=channel.json)

    def answer(self, channel: Channel) -> None:
        """Asterisk answers an incoming call."""
        if channel.state == "Up":
            return
        self.change_state(channel, "Up")
        if channel.phone:
            channel.phone.is_answered(channel)

    def is_answered(self, channel: Channel) -> None:
        """A phone that was called has answered."""
        channel.has_spoken = True
        self.change_state(channel, "Up")
        channel.answered.set()

    def enter(self, channel: Channel, context: str, exten: str = "s") -> None:
        """Sends a channel elsewhere in the dialplan, whatever it does now."""
        if channel.gone.is_set():
            return
        former, channel.dialplan = channel.dialplan, None
        self._leave_app(channel)
        if former and former is not asyncio.current_task():
            former.cancel()
        channel.context, channel.exten, channel.app_name, channel.app_data = context, exten, "", ""
        channel.dialplan = self.loop.create_task(self._run(channel))

    async def _run(self, channel: Channel) -> None:
        try:
            await self.dialplan[channel.context](channel)
        except Left:
            return
        if channel.dialplan is asyncio.current_task():
            self.hang_up(channel, 16)

    async def stasis(self, channel: Channel, *args: str) -> None:
        """The dialplan's application Stasis(). Raises Left once the app sends the channel elsewhere, or it hangs up."""
        channel.app_name, channel.app_data = "Stasis", ",".join([STASIS_APP, *args])
        channel.left = self.loop.create_future()
        self.tell("StasisStart", args=list(args), channel=channel.json)
        await channel.left
        raise Left

    def _leave_app(self, channel: Channel) -> None:
        if channel.left is None:
            return
        left, channel.left = channel.left, None
        self._leave_bridge(channel)
        self.stop_playing(channel)
        self.tell("StasisEnd", channel=channel.json)
        if not left.done():
            left.set_result(None)

    def limit(self, channel: Channel, seconds: float) -> None:
        """Sets TIMEOUT(absolute); 0 for none."""
        if channel.limit:
            channel.limit.cancel()
        channel.limit = self.loop.call_later(seconds, self._limit_is_over, channel) if seconds else None

    def _limit_is_over(self, channel: Channel) -> None:
        if channel.context in ("ringing", ""):
            self.hang_up(channel, 19)
        else:
            channel.variables["LL_TAKEN_FROM"] = channel.context
            self.enter(channel, "taken-back")

    def set_variable(self, channel: Channel, name: str, value: str) -> None:
        if name == "TIMEOUT(absolute)":
            self.limit(channel, float(value or 0))
        else:
            channel.variables[name] = value

    def hang_up(self, channel: Channel, cause: int, sip_status: int = 0) -> None:
        """Ends a channel, from either side."""
        if channel.gone.is_set():
            return
        channel.gone.set()
        del self.channels[channel.id]
        for snooping in channel.snooped_by:
            self.hang_up(snooping, 16)
        technical = {"tech_cause": sip_status} if sip_status else {}
        self.tell("ChannelHangupRequest", channel=channel.json, cause=cause, **technical)
        for recording in [one for one in self.recordings.values() if one.target is channel]:
            self.end_recording(recording)
        self._leave_app(channel)
        self._leave_bridge(channel)
        self.stop_playing(channel)
        if channel.limit:
            channel.limit.cancel()
        if channel.dialplan and channel.dialplan is not asyncio.current_task():
            channel.dialplan.cancel()
        self.tell("ChannelDestroyed", channel=channel.json, cause=cause, cause_txt=CAUSES.get(cause, "Unknown"))
        if channel.phone:
            channel.phone.is_closed(channel, cause)

    def press(self, channel: Channel, digit: str) -> None:
        if channel.gone.is_set():
            return
        self.tell("ChannelDtmfReceived", channel=channel.json, digit=digit, duration_ms=100)
        if channel.read and not channel.read.done():
            channel.read.set_result(digit)
        for recording in [one for one in self.recordings.values() if one.target is channel]:
            if digit in recording.terminate_on:
                self.end_recording(recording)

    def hold(self, channel: Channel, *, on: bool) -> None:
        channel.on_hold = on
        self.tell("ChannelHold" if on else "ChannelUnhold", channel=channel.json)

    def refer(self, channel: Channel, target: str) -> None:
        requested = {"requested_destination": {"destination": target}}
        self.tell("ChannelTransfer", refer_to=requested, referred_by={"source_channel": channel.json})

    # --- incoming calls, and phones that ring ---

    def arrives(self, phone: Phone, endpoint: str, context: str, exten: str) -> Channel:
        """Starts a call to us, which enters the dialplan at once."""
        channel = Channel(self.next_id(), self.next_name(endpoint), self.loop.now(), phone, "Ring")
        channel.caller_number = phone.shown_number
        self.add(channel)
        self.loop.call_later(SIGNAL_SECONDS, self.enter, channel, context, exten)
        return channel

    def create(self, channel_id: str, endpoint: str, variables: dict[str, str], args: str) -> Channel | None:
        """Creates a channel to an endpoint that is dialed later; None if nothing can be sent to it."""
        name, _, uri = endpoint.removeprefix("PJSIP/").partition("/")
        if name not in self.endpoints or (name not in self.registered and not uri):
            return None
        channel = Channel(channel_id, self.next_name(name), self.loop.now())
        channel.phone = self.registered.get(name)
        channel.is_dialled = True
        for variable, value in variables.items():
            self.set_variable(channel, variable, value)
        self.add(channel)
        channel.dialplan = self.loop.create_task(self._created(channel, args))
        return channel

    def external_media(self, channel_id: str) -> Channel:
        """Creates a channel whose audio another process connects to."""
        self._numbers += 1
        channel = Channel(channel_id, f"WebSocket/INCOMING/{self._numbers}-0x7f", self.loop.now())
        channel.variables["MEDIA_WEBSOCKET_CONNECTION_ID"] = f"media-{self._numbers}"
        self.add(channel)
        channel.dialplan = self.loop.create_task(self._created(channel, ""))
        return channel

    def snoop(self, spied: Channel, channel_id: str, args: str) -> Channel:
        """Creates a channel with the sound of another one, with which it ends."""
        self._numbers += 1
        channel = Channel(channel_id, f"Snoop/{spied.id}-{self._numbers:08x}", self.loop.now(), state="Up")
        self.add(channel)
        spied.snooped_by.append(channel)
        channel.dialplan = self.loop.create_task(self._created(channel, args))
        return channel

    async def _created(self, channel: Channel, args: str) -> None:
        with contextlib.suppress(Left):
            await self.stasis(channel, *args.split(","))

    def dial(self, channel: Channel) -> None:
        self._dialled(channel, "")
        if channel.phone:
            self.loop.call_later(SIGNAL_SECONDS, channel.phone.is_called, channel)

    def rings(self, channel: Channel) -> None:
        """Reports that the phone rings."""
        if channel.gone.is_set():
            return
        channel.has_spoken = True
        self.change_state(channel, "Ringing")
        self._dialled(channel, "RINGING")

    def declines(self, channel: Channel, sip_status: int) -> None:
        """Ends a channel whose phone declines the call."""
        self._dialled(channel, {17: "BUSY", 21: "BUSY", 1: "CHANUNAVAIL"}.get(SIP_CAUSES[sip_status], "CONGESTION"))
        self.hang_up(channel, SIP_CAUSES[sip_status], sip_status)

    def _dialled(self, channel: Channel, status: str) -> None:
        self.tell("Dial", peer=channel.json, dialstring=channel.endpoint, dialstatus=status)

    # --- playbacks ---

    def play(self, target: Channel | Bridge, playback_id: str, media: list[str]) -> Playback:
        playback = Playback(playback_id, target, media)
        self.playbacks[playback_id] = playback
        target.playbacks.append(playback)
        if len(target.playbacks) == 1:
            self._play_next(target)
        return playback

    def _play_next(self, target: Channel | Bridge) -> None:
        """Plays the next file of the target's first playback."""
        playback = target.playbacks[0]
        path = Path(playback.media[playback.position].removeprefix("sound:") + ".wav")
        seconds = length(path)
        if seconds is None:
            self.end_playback(playback, "failed")
            return
        playback.state = "playing"
        if playback.position == 0:
            self.tell("PlaybackStarted", playback=playback.json)
        else:
            self.tell("PlaybackContinuing", playback=playback.json)
        sounds = [self.hears(channel, path) for channel in target.listeners]
        target.playing = self.loop.call_later(seconds, self._file_is_over, playback, sounds)

    def _file_is_over(self, playback: Playback, sounds: list[Sound]) -> None:
        for sound in sounds:
            sound.seconds, sound.share = self.loop.time() - sound.at, 1.0
        playback.position += 1
        if playback.position == len(playback.media):
            self.end_playback(playback, "done")
        else:
            self._play_next(playback.target)

    def end_playback(self, playback: Playback, state: str) -> None:
        target = playback.target
        is_first = target.playbacks[0] is playback
        target.playbacks.remove(playback)
        del self.playbacks[playback.id]
        playback.state = state
        playback.over.set()
        if is_first and target.playing:
            target.playing.cancel()
            target.playing = None
            for channel in target.listeners:
                self._broken_off(channel)
        self.tell("PlaybackFinished", playback=playback.json)
        if is_first and target.playbacks:
            self._play_next(target)

    def stop_playing(self, channel: Channel) -> None:
        """Ends the playbacks of a channel that leaves."""
        for playback in list(channel.playbacks):
            self.end_playback(playback, "failed")

    def hears(self, channel: Channel, path: Path) -> Sound:
        sound = Sound(path, path.read_bytes(), self.loop.time())
        channel.heard.append(sound)
        return sound

    def _broken_off(self, channel: Channel) -> None:
        for sound in channel.heard:
            whole = length(sound.path) if sound.path else None
            if whole and not sound.seconds:
                sound.seconds = max(self.loop.time() - sound.at, 1e-6)
                sound.share = min(sound.seconds / whole, 0.99) if sound.share < 1 else 1.0

    def speaks(self, channel: Channel, path: Path) -> None:
        """Says a sentence into a phone: everybody in the talk hears it, and it is recorded."""
        seconds = length(path)
        assert seconds is not None, path
        now = self.loop.time()
        for recording in self.recordings.values():
            if recording.target in (channel, channel.bridge):
                recording.words.append((now - recording.began, seconds))
                self._await_silence(recording, now + seconds)
        others = [one for one in channel.bridge.channels if one is not channel] if channel.bridge else []
        snooping = [snoop for one in (channel, *others) for snoop in one.snooped_by if snoop.bridge]
        for snoop in snooping:
            assert snoop.bridge
            for listener in [one for one in snoop.bridge.channels if one is not snoop]:
                self.loop.call_later(seconds, self._is_said, snoop, listener, self.hears(listener, path))
        for other in others:
            sound = self.hears(other, path)
            self.loop.call_later(seconds, self._is_said, channel, other, sound)

    def _is_said(self, speaker: Channel, other: Channel, sound: Sound) -> None:
        if speaker.bridge is not None and speaker.bridge is other.bridge:
            sound.seconds, sound.share = self.loop.time() - sound.at, 1.0
            self.on_change()

    # --- bridges ---

    def join(self, bridge: Bridge, channel: Channel) -> None:
        self._leave_bridge(channel)
        bridge.channels.append(channel)
        channel.bridge = bridge
        self.tell("ChannelEnteredBridge", bridge=bridge.json, channel=channel.json)
        self._music(bridge)

    def _leave_bridge(self, channel: Channel) -> None:
        if (bridge := channel.bridge) is not None:
            bridge.channels.remove(channel)
            channel.bridge = None
            self.tell("ChannelLeftBridge", bridge=bridge.json, channel=channel.json)

    leave = _leave_bridge

    def music(self, bridge: Bridge, *, on: bool) -> None:
        bridge.has_music = on
        self._music(bridge)

    def _music(self, bridge: Bridge) -> None:
        for channel in bridge.channels if bridge.has_music else ():
            channel.heard.append(Sound(None, b"", self.loop.time(), 2.0, 1.0))
        self.on_change()

    def delete_bridge(self, bridge: Bridge) -> None:
        for channel in list(bridge.channels):
            self._leave_bridge(channel)
        for recording in [one for one in self.recordings.values() if one.target is bridge]:
            self.end_recording(recording)
        for playback in list(bridge.playbacks):
            self.end_playback(playback, "failed")
        del self.bridges[bridge.id]

    # --- recordings ---

    def record(
        self, target: Channel | Bridge, name: str, terminate_on: str = "none", longest: float = 0, silence: float = 0
    ) -> Recording:
        file = self.folder / f"{name}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
        recording = Recording(name, target, self.loop.time(), file, terminate_on, longest, silence)
        self.recordings[name] = recording
        self.tell("RecordingStarted", recording=recording.json)
        if longest:
            recording.timers.append(self.loop.call_later(longest, self.end_recording, recording))
        self._await_silence(recording, self.loop.time())
        return recording

    def _await_silence(self, recording: Recording, since: float) -> None:
        if recording.silence_seconds:
            at = since + recording.silence_seconds
            recording.timers.append(self.loop.call_at(at, self._is_silent, recording, since))

    def _is_silent(self, recording: Recording, since: float) -> None:
        latest = max((recording.began + at + seconds for at, seconds in recording.words), default=recording.began)
        if latest <= since:
            self.end_recording(recording)

    def end_recording(self, recording: Recording) -> None:
        if self.recordings.pop(recording.name, None) is None:
            return
        for timer in recording.timers:
            timer.cancel()
        seconds = self.loop.time() - recording.began
        words = [(at, min(length, seconds - at)) for at, length in recording.words]
        _write(recording.file, seconds, words)
        talking = round(sum(length for _, length in words))
        recording.state = "done"
        recording.over = {"duration": round(seconds), "talking_duration": talking}
        self.tell("RecordingFinished", recording=recording.json)

    # --- the end ---

    async def stop(self) -> None:
        for channel in list(self.channels.values()):
            self.hang_up(channel, 16)
        await asyncio.sleep(0)


def length(path: Path) -> float | None:
    """Returns the length of a WAV file in seconds; None if it does not exist or is not one."""
    try:
        with wave.open(str(path)) as file:
            return file.getnframes() / file.getframerate()
    except (OSError, EOFError, wave.Error):
        return None


def _write(path: Path, seconds: float, words: list[tuple[float, float]]) -> None:
    """Writes silence, with noise that rises and falls like speech where somebody spoke."""
    samples = np.zeros(int(max(seconds, 0.1) * RATE), dtype="<i2")
    noise = np.random.default_rng(1)
    for at, lasting in words:
        spoken = np.arange(int(lasting * RATE)) / RATE
        sound = 0.1 * noise.normal(size=len(spoken)) * np.sin(2 * np.pi * spoken) ** 2
        first = int(at * RATE)
        samples[first : first + len(sound)] = (sound * 32767).astype("<i2")[: len(samples) - first]
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(samples.tobytes())


def written(at: datetime) -> str:
    """Formats a time as Asterisk does."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
